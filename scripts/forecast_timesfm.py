"""Run TimesFM, pre-trained or untrained, on every origin, and store its forecasts as deciles."""

import time
from functools import partial

import numpy as np

from fd01.data.origins import EVALUATION
from fd01.models.forecasts import COLUMNS, quantile_frame
from fd01.models.frozen import run_frozen
from fd01.models.timesfm import describe_model, forecast_rows, open_timesfm
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, write_table
from fd01.workflow.provenance import describe_job


def rows_to_forecast(origins, which):
    """Rows of all origins (`which` is `all`) or of the evaluation blocks alone (`evaluation`), each once."""
    return np.unique(origins["row"] if which == "all" else origins.loc[origins["role"] == EVALUATION, "row"])


if __name__ == "__main__":
    configure_logging(snakemake)
    params = snakemake.params
    settings = params.settings
    start = time.perf_counter()
    provenance = {
        "model": "TimesFM 2.5",
        "fitted_on": "nothing: zero-shot",
        "optimistic": False,
        "dtype": settings["dtype"],
        **describe_job(params, "numpy", "torch", "timesfm", "safetensors"),
    }
    dataset, origins = (read_frame(path) for path in (snakemake.input.dataset, snakemake.input.origins))
    rows = rows_to_forecast(origins, settings["origins"])
    frame, of_model = run_frozen(
        partial(open_timesfm, settings, params.seeds, snakemake.input.manifest),
        lambda model: quantile_frame(rows, forecast_rows(model, dataset, rows, params.horizon, settings)),
        describe_model,
        COLUMNS,
        snakemake.threads,
        snakemake.input.manifest,
    )
    write_table(snakemake.output[0], frame, provenance | of_model | {"seconds": time.perf_counter() - start})
