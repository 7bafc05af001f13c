"""Run Lag-Llama, pre-trained or untrained, on every origin; store its distributions and, for probes, its states."""

import time
from functools import partial

import numpy as np
import pandas as pd

from fd01.data.inputs import percent_series
from fd01.data.series import first_rows
from fd01.models.forecasts import LAYERS, PARAMETERS, STATE_COLUMNS, rounded
from fd01.models.frozen import run_frozen
from fd01.models.lag_llama import history_length, open_lag_llama, run_network, time_features
from fd01.workflow.errors import NotRun
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, write_table
from fd01.workflow.provenance import describe_job, describe_network


def run_rows(network, dataset, rows, name, states):
    """Distributions of the `rows` that have enough history, in a table as in `fd01.models.forecasts`.

    `name` is the input series, and `states` says whether hidden states are wanted too. Raises `NotRun` if no row has
    enough history.
    """
    series = percent_series(dataset, name)
    needed = history_length(network) + 1  # days: the series begins on the second day
    history = rows - first_rows(dataset)[rows] + 1
    if history.max() < needed:
        raise NotRun(f"it needs {needed} days of history, and no day has more than {history.max()}")
    rows = rows[history >= needed]
    parameters, hidden = run_network(network, series, time_features(dataset["Date"]), rows)
    frames = [pd.DataFrame({"row": rows}), pd.DataFrame(parameters, columns=PARAMETERS)]
    if states:
        frames.append(pd.DataFrame(rounded(hidden), columns=STATE_COLUMNS))
    return pd.concat(frames, axis=1)


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
        lambda network: run_rows(network, dataset, rows, wildcards.input, params.states),
        lambda network: describe_network(network) | {"needed": history_length(network) + 1},
        ["row", "seed", *PARAMETERS, *(STATE_COLUMNS if params.states else [])],
        snakemake.threads,
        snakemake.input.manifest,
    )
    provenance |= of_model | {"seconds": time.perf_counter() - start}
    write_table(snakemake.output[0], frame, provenance, vectors=LAYERS)
