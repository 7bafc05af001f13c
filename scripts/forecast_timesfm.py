"""Forecast every origin with TimesFM, pre-trained or untrained, and store the quantiles."""

import logging
import time

import numpy as np
import pandas as pd

from fd01.covariates import residual_windows
from fd01.errors import NotRun
from fd01.files import digest
from fd01.logs import configure_logging
from fd01.origins import EVALUATION
from fd01.provenance import git_commit, packages
from fd01.quantiles import COLUMNS, first_row, input_series, quantile_frame
from fd01.tables import write_table
from fd01.timesfm import about_model, forecast, models_of
from fd01.windows import windows


def rows_to_forecast(origins, which):
    """Rows of all origins, or of the evaluation blocks alone, each once."""
    return np.unique(origins["row"] if which == "all" else origins.loc[origins["role"] == EVALUATION, "row"])


def forecast_rows(model, dataset, rows, horizon, settings):
    """Quantiles of every row, array of shape (rows, horizon, 10), in units of the input series."""
    values = input_series(dataset, settings["input"])
    covariates = settings.get("covariates")
    if covariates is None:
        inputs = windows(values, rows, settings["context"], first_row(settings["input"]))
        return forecast(model, inputs, horizon, settings)
    residuals, fits = residual_windows(dataset, values, rows, settings)
    next_fit, location, scale = fits.T[:, :, None, None]
    return location + scale * (next_fit + forecast(model, residuals, 1, settings))


if __name__ == "__main__":
    configure_logging(snakemake)
    params = snakemake.params
    settings = params.settings
    start = time.perf_counter()
    about = {
        "model": "TimesFM 2.5",
        "fitted_on": "nothing: zero-shot",
        "optimistic": False,
        "dtype": settings["dtype"],
        "packages": packages("numpy", "torch", "timesfm", "safetensors"),
        "git_commit": git_commit(),
        "config_sha256": digest(dict(params)),
    }
    frames = []
    try:
        about["weights"], models = models_of(settings, params.seeds, snakemake.input.manifest)
        import torch

        torch.set_num_threads(snakemake.threads)
        dataset, origins = (pd.read_parquet(path) for path in (snakemake.input.dataset, snakemake.input.origins))
        rows = rows_to_forecast(origins, settings["origins"])
        for seed, load_model in models:
            model = load_model()
            about |= about_model(model)
            frames.append(quantile_frame(rows, forecast_rows(model, dataset, rows, params.horizon, settings), seed))
            del model  # before the next one is loaded
    except NotRun as reason:
        logging.warning("not run: %s", reason)
        about |= {"weights": "missing", "not_run": str(reason), "device": None}
    frame = pd.concat(frames) if frames else pd.DataFrame(columns=COLUMNS)
    write_table(snakemake.output[0], frame, about | {"seconds": time.perf_counter() - start})
