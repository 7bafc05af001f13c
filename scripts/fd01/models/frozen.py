"""Passes of a frozen model, pre-trained or untrained, one for each of its seeds."""

import logging
from functools import partial
from pathlib import Path

import pandas as pd

from fd01.models.weights import open_weights
from fd01.workflow.errors import NotRun


def open_models(arm, seeds, manifest, load, load_untrained, untrained):
    """The weights of an arm, as their manifest or in words, and pairs of a seed and a function that loads its model.

    Parameters
    ----------
    arm : `pretrained` or `untrained`
    manifest : path of the manifest of the pre-trained weights
    load : function of the folder of the weights
    load_untrained : function of a seed
    untrained : what random weights are called

    Raises as `fd01.models.weights.open_weights` does.
    """
    if arm == "untrained":
        return untrained, [(seed, partial(load_untrained, seed)) for seed in seeds]
    return open_weights(manifest), [(None, partial(load, Path(manifest).parent))]


def run_frozen(find_models, run, describe, columns, threads):
    """The rows of every seed of a model, and what their provenance says of it.

    Parameters
    ----------
    find_models : function
        Returns what `open_models` returns; raises `NotRun` without weights.
    run : function of a model
        Returns a DataFrame; raises `NotRun` where the model cannot run.
    describe : function of a model, returns a dict for the provenance
    columns : list of str, of the empty table of a model that has not run
    threads : int, of torch

    Returns
    -------
    frame : DataFrame with a column `seed`
    about : dict with `weights` ("missing" without them), what `describe` gives, and `not_run`, the reason, if any
    """
    about, frames = {"weights": "missing", "device": None}, []
    try:
        about["weights"], models = find_models()
        import torch

        torch.set_num_threads(threads)
        for seed, load_model in models:
            model = load_model()
            about |= describe(model)
            frame = run(model)
            frames.append(frame.assign(seed=pd.array([seed] * len(frame), dtype="Int64")))
            del model  # before the next one is loaded
    except NotRun as reason:
        logging.warning("not run: %s", reason)
        return pd.DataFrame(columns=columns), about | {"not_run": str(reason)}
    return pd.concat(frames), about
