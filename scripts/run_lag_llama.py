"""Run Lag-Llama, pre-trained or untrained, on every origin, and store its distributions and its hidden states."""

import time
from functools import partial

import numpy as np
import pandas as pd

from fd01.data.series import percent_series
from fd01.models.forecasts import PARAMETERS, STATE_COLUMNS
from fd01.models.frozen import run_frozen
from fd01.models.lag_llama import history_length, open_lag_llama, run_network, time_features
from fd01.workflow.errors import NotRun
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, write_table
from fd01.workflow.provenance import describe_job, describe_network


def run_rows(network, dataset, rows, name):
    """Distributions and states of the `rows` that have enough history, in a table as in `fd01.models.forecasts`.

    `name` is the input series. Raises `NotRun` if no row has enough history.
    """
    series = percent_series(dataset, name)
    needed = history_length(network) + 1  # days: the series begins on the second day
    if rows.max() + 1 < needed:
        raise NotRun(f"it needs {needed} days of history, and the last day has {rows.max() + 1}")
    rows = rows[rows + 1 >= needed]
    parameters, states = run_network(network, series, time_features(dataset["Date"]), rows)
    frame = pd.DataFrame(states, columns=STATE_COLUMNS)
    return pd.concat([pd.DataFrame({"row": rows}), pd.DataFrame(parameters, columns=PARAMETERS), frame], axis=1)


if __name__ == "__main__":
    configure_logging(snakemake)
    params, wildcards = snakemake.params, snakemake.wildcards
    settings = {"weights": wildcards.weights, "input": wildcards.input, "context": int(wildcards.context)}
    start = time.perf_counter()
    provenance = {
        "model": "Lag-Llama",
        "optimistic": False,
        "dtype": "float32",
        **describe_job(params, "numpy", "torch", "gluonts", "sktime", "safetensors"),
    }
    dataset, origins = (read_frame(path) for path in (snakemake.input.dataset, snakemake.input.origins))
    rows = np.unique(origins["row"])
    frame, of_model = run_frozen(
        partial(open_lag_llama, settings, params.seeds, snakemake.input.manifest),
        lambda network: run_rows(network, dataset, rows, wildcards.input),
        lambda network: describe_network(network) | {"needed": history_length(network) + 1},
        ["row", "seed", *PARAMETERS, *STATE_COLUMNS],
        snakemake.threads,
        snakemake.input.manifest,
    )
    write_table(snakemake.output[0], frame, provenance | of_model | {"seconds": time.perf_counter() - start})
