"""Forecast the High of the day after every evaluation day with Fracast-0, and store the deciles.

The weights are part of the package `fracast`.
"""

import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from fd01.data.origins import EVALUATION
from fd01.data.series import input_series, windows
from fd01.models.forecasts import LEVELS, quantile_frame
from fd01.workflow.files import sha256
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, write_table
from fd01.workflow.provenance import describe_job, describe_network

BATCH = 16  # windows; larger ones are slower


def forecast_rows(model, dataset, rows, context):
    """Median and nine deciles of the next High, array of shape (n, 1, 10), in units of the price.

    `rows` are int, shape (n,), each at least context - 1.
    """
    from tqdm import tqdm

    inputs = np.stack(windows(input_series(dataset, "high-price"), rows, context))
    starts = tqdm(range(0, len(rows), BATCH), unit="batch", mininterval=5)
    deciles = np.concatenate([model.forecast(inputs[start : start + BATCH], horizon=1) for start in starts])
    return np.concatenate([deciles[..., 4:5], deciles], axis=-1)


def load():
    """The model, and a dict for the provenance that describes it and its weights."""
    import fracast
    import torch

    model = fracast.FracastModel.from_pretrained(weights="fp32")
    assert np.allclose(model.quantiles, LEVELS)
    path = Path(fracast.__file__).parent / "weights" / "model.safetensors"
    weights = {
        "model": "fracast",
        "revision": f"package fracast {version('fracast')}",
        "license": "Apache-2.0",
        "trained_until": "unknown",
        "released": "2026-09",  # date of the files in the package
        "files": {path.name: {"sha256": sha256(path), "bytes": path.stat().st_size}},
    }
    return model, {"weights": weights, **describe_network(torch.nn.ModuleList([model.core, model.head]))}


if __name__ == "__main__":
    configure_logging(snakemake)
    import torch

    torch.set_num_threads(snakemake.threads)
    params = snakemake.params
    start = time.perf_counter()
    dataset, origins = (read_frame(path) for path in (snakemake.input.dataset, snakemake.input.origins))
    rows = np.unique(origins.loc[origins["role"] == EVALUATION, "row"])
    model, of_model = load()
    frame = quantile_frame(rows, forecast_rows(model, dataset, rows, params.settings["context"]))
    provenance = {
        **of_model,
        "model": "Fracast-0",
        "fitted_on": "nothing: zero-shot",
        "optimistic": False,
        "dtype": "float32",
        "seconds": time.perf_counter() - start,
        **describe_job(params, "numpy", "torch", "fracast"),
    }
    write_table(snakemake.output[0], frame, provenance)
