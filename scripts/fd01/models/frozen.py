"""Frozen networks, pre-trained or untrained: open their weights, and run them seed by seed without any training."""

import logging
from functools import partial
from pathlib import Path

import pandas as pd

from fd01.models.known_answers import DECISIVE
from fd01.models.weights import open_weights, require_weights, unopened
from fd01.workflow.errors import NotRun


def open_models(weights, seeds, manifest, load, load_untrained, random_weights, dtype=DECISIVE):
    """Open the weights of an experiment: pre-trained ones, or random ones for each seed.

    Parameters
    ----------
    weights : `pretrained` or `untrained`
    seeds : list of int, for random weights
    manifest : path, the manifest of the pre-trained weights
    load : function of the folder of the weights, returns the model
    load_untrained : function of a seed, returns the model
    random_weights : str, what the provenance says of random weights
    dtype : number format of the experiment, as for `fd01.models.weights.open_weights`

    Returns
    -------
    description : dict or str
        The manifest, or `random_weights`.
    models : list of pairs
        A seed (None for pre-trained weights), and a function without arguments that loads the model.

    Raises
    ------
    NotRun, UserError
        As `fd01.models.weights.open_weights`.
    """
    if weights == "untrained":
        return random_weights, [(seed, partial(load_untrained, seed)) for seed in seeds]
    return open_weights(manifest, dtype), [(None, partial(load, Path(manifest).parent))]


def run_frozen(get_models, run, describe, columns, threads, manifest=None):
    """Run the model of every seed.

    Parameters
    ----------
    get_models : function without arguments
        Returns what `open_models` returns; raises `NotRun` without weights.
    run : function of a model
        Returns a DataFrame; raises `NotRun` where the model cannot run.
    describe : function of a model, returns a dict for the provenance
    columns : list of str, columns of the empty table if the model does not run
    threads : int, of torch
    manifest : path, optional
        The manifest of the pre-trained weights without which nothing is run.

    Returns
    -------
    frame : DataFrame, the rows of all seeds with a column `seed`
    provenance : dict
        `weights` ("missing", or "refused" by their answers, if they are not opened), what `describe` returns, and, if
        the model does not run, `not_run`, the reason.
    """
    provenance, frames = {"weights": unopened(manifest), "device": None}, []
    try:
        provenance["weights"], models = get_models()
        require_weights(manifest)
        import torch

        torch.set_num_threads(threads)
        for seed, load_model in models:
            model = load_model()
            provenance |= describe(model)
            frame = run(model)
            frames.append(frame.assign(seed=pd.array([seed] * len(frame), dtype="Int64")))
            del model  # free its memory before the next one is loaded
    except NotRun as reason:
        logging.info("not run: %s", reason)
        return pd.DataFrame(columns=columns), provenance | {"not_run": str(reason)}
    return pd.concat(frames), provenance
