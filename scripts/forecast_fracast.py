"""Forecast the High of the day after every evaluation day with Fracast-0, and store the deciles.

The pre-trained weights are part of the package `fracast`.
"""

import json
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from fd01.data.inputs import first_inputs, input_series, windows
from fd01.data.origins import EVALUATION
from fd01.models.forecasts import LEVELS, quantile_frame
from fd01.workflow.files import sha256
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, write_table
from fd01.workflow.provenance import describe_job, describe_network

BATCH = 4  # windows; on a CPU 16 of them take a fifth longer
# What the provenance says of random weights.
UNTRAINED = "none: random (the package's initialisation, no layer starts at zero)"


def forecast_rows(model, dataset, rows, context):
    """Median and nine deciles of the next High, array of shape (n, 1, 10), in units of the price.

    `rows` are int, shape (n,), each with at least `context` days of its series.
    """
    from tqdm import tqdm

    first = first_inputs(dataset, "high-price")[rows]
    inputs = np.stack(windows(input_series(dataset, "high-price"), rows, context, first))
    starts = tqdm(range(0, len(rows), BATCH), unit="batch", mininterval=5)
    deciles = np.concatenate([model.forecast(inputs[start : start + BATCH], horizon=1) for start in starts])
    return np.concatenate([deciles[..., 4:5], deciles], axis=-1)


def published_folder():
    """The folder of the published weights, in the package."""
    import fracast

    return Path(fracast.__file__).parent / "weights"


def describe_published():
    """The manifest of the published weights."""
    path = published_folder() / "model.safetensors"
    return {
        "model": "fracast",
        "revision": f"package fracast {version('fracast')}",
        "license": "Apache-2.0",
        "trained_until": "unknown",
        "released": "2026-09",  # date of the files in the package
        "files": {path.name: {"sha256": sha256(path), "bytes": path.stat().st_size}},
    }


def load():
    """The model with the published weights."""
    import fracast

    model = fracast.FracastModel.from_pretrained(weights="fp32")
    assert np.allclose(model.quantiles, LEVELS)
    return model


def load_untrained(seed):
    """The same architecture with random weights, which depend on `seed` alone.

    The package initialises them; its norm scales are 1. It starts two layers at zero, so that training begins without
    the blocks behind them. Here they have PyTorch's default initialisation, so that every block does something.
    """
    import fracast
    import torch
    from fracast._core.model import build_from_cfg

    config = json.loads((published_folder() / "config.json").read_text(encoding="utf-8"))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        core, head = build_from_cfg(config)
        for layer in (core.scale.to_gb, head.future_conv.out_proj):
            layer.reset_parameters()
    return fracast.FracastModel(core, head, config)


def open_fracast(weights, seeds):
    """The weights of an experiment: pre-trained ones, or random ones for each seed.

    Parameters
    ----------
    weights : `pretrained` or `untrained`
    seeds : list of int, for random weights

    Returns
    -------
    description : dict or str, for the provenance
    models : list of pairs
        A seed (None for pre-trained weights), and a function without arguments that loads the model.
    """
    if weights == "untrained":
        return UNTRAINED, [(seed, partial(load_untrained, seed)) for seed in seeds]
    return describe_published(), [(None, load)]


def describe_model(model):
    """`fd01.workflow.provenance.describe_network` of a loaded model."""
    import torch

    return describe_network(torch.nn.ModuleList([model.core, model.head]))


if __name__ == "__main__":
    configure_logging(snakemake)
    import torch

    torch.set_num_threads(snakemake.threads)
    params, settings = snakemake.params, snakemake.params.settings
    start = time.perf_counter()
    dataset, origins = (read_frame(path) for path in (snakemake.input.dataset, snakemake.input.origins))
    rows = np.unique(origins.loc[origins["role"] == EVALUATION, "row"])
    weights, models = open_fracast(settings["weights"], params.seeds)
    frames = []
    for seed, load_model in models:
        model = load_model()
        frames.append(quantile_frame(rows, forecast_rows(model, dataset, rows, settings["context"]), seed))
    provenance = {
        "weights": weights,
        **describe_model(model),
        "model": "Fracast-0",
        "fitted_on": "nothing: zero-shot",
        "optimistic": False,
        "dtype": "float32",
        "seconds": time.perf_counter() - start,
        **describe_job(params, "numpy", "torch", "fracast"),
    }
    write_table(snakemake.output[0], pd.concat(frames), provenance)
