"""Forecast every origin with TimesFM, pre-trained or untrained, and store the quantiles."""

import time
from functools import partial

import numpy as np

from fd01.data.origins import EVALUATION
from fd01.models.forecasts import COLUMNS, quantile_frame
from fd01.models.frozen import run_frozen
from fd01.models.timesfm import about_model, forecast_rows, models_of
from fd01.workflow.environment import versions
from fd01.workflow.files import digest
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, write_table
from fd01.workflow.provenance import git_commit


def rows_to_forecast(origins, which):
    """Rows of all origins, or of the evaluation blocks alone, each once."""
    return np.unique(origins["row"] if which == "all" else origins.loc[origins["role"] == EVALUATION, "row"])


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
        **versions("numpy", "torch", "timesfm", "safetensors"),
        "git_commit": git_commit(),
        "config_sha256": digest(dict(params)),
    }
    dataset, origins = (read_frame(path) for path in (snakemake.input.dataset, snakemake.input.origins))
    rows = rows_to_forecast(origins, settings["origins"])
    frame, ran = run_frozen(
        partial(models_of, settings, params.seeds, snakemake.input.manifest),
        lambda model: quantile_frame(rows, forecast_rows(model, dataset, rows, params.horizon, settings)),
        about_model,
        COLUMNS,
        snakemake.threads,
    )
    write_table(snakemake.output[0], frame, about | ran | {"seconds": time.perf_counter() - start})
