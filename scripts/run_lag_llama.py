"""One frozen pass of Lag-Llama over all origins: its predictive distributions and hidden states."""

import time
from functools import partial

import numpy as np
import pandas as pd

from fd01.data.series import percent_series
from fd01.models.forecasts import PARAMETERS, STATES
from fd01.models.frozen import run_frozen
from fd01.models.lag_llama import history, models_of, run, time_features
from fd01.workflow.environment import versions
from fd01.workflow.errors import NotRun
from fd01.workflow.files import digest
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, write_table
from fd01.workflow.provenance import describe_network, git_commit


def run_rows(network, dataset, rows, name):
    """Distributions and states of those `rows` that have enough history, as rows of the file."""
    series = percent_series(dataset, name)
    needed = history(network) + 1  # the series begins on the second day
    if rows.max() + 1 < needed:
        raise NotRun(f"it needs {needed} days of history, and the last day has {rows.max() + 1}")
    rows = rows[rows + 1 >= needed]
    parameters, states = run(network, series, time_features(dataset["Date"]), rows)
    frame = pd.DataFrame(states, columns=STATES)
    return pd.concat([pd.DataFrame({"row": rows}), pd.DataFrame(parameters, columns=PARAMETERS), frame], axis=1)


if __name__ == "__main__":
    configure_logging(snakemake)
    params, wildcards = snakemake.params, snakemake.wildcards
    settings = {"weights": wildcards.weights, "input": wildcards.input, "context": int(wildcards.context)}
    start = time.perf_counter()
    about = {
        "model": "Lag-Llama",
        "optimistic": False,
        "dtype": "float32",
        **versions("numpy", "torch", "gluonts", "sktime", "safetensors"),
        "git_commit": git_commit(),
        "config_sha256": digest(dict(params)),
    }
    dataset, origins = (read_frame(path) for path in (snakemake.input.dataset, snakemake.input.origins))
    rows = np.unique(origins["row"])
    frame, ran = run_frozen(
        partial(models_of, settings, params.seeds, snakemake.input.manifest),
        lambda network: run_rows(network, dataset, rows, wildcards.input),
        lambda network: describe_network(network) | {"needed": history(network) + 1},
        ["row", "seed", *PARAMETERS, *STATES],
        snakemake.threads,
    )
    write_table(snakemake.output[0], frame, about | ran | {"seconds": time.perf_counter() - start})
