"""Run TimesFM, pre-trained or untrained, on every origin, and store its hidden states for a probe."""

import time
from functools import partial

import numpy as np
import pandas as pd

from fd01.models.forecasts import rounded
from fd01.models.frozen import run_frozen
from fd01.models.timesfm import describe_model, encode, inputs_of, open_timesfm
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, write_table
from fd01.workflow.provenance import describe_job


def encode_rows(model, dataset, rows, settings):
    """Hidden states of every row, float32 array of shape (rows, 1280)."""
    inputs, _ = inputs_of(dataset, rows, settings)
    return encode(model, inputs, settings)


def state_frame(rows, states):
    """A table of hidden states: `row` and one column per unit."""
    frame = pd.DataFrame(rounded(states)).add_prefix("state_")
    frame.insert(0, "row", rows)
    return frame


if __name__ == "__main__":
    configure_logging(snakemake)
    params = snakemake.params
    start = time.perf_counter()
    provenance = {
        "model": "TimesFM 2.5",
        "optimistic": False,
        "dtype": params.settings["dtype"],
        **describe_job(params, "numpy", "torch", "timesfm", "safetensors"),
    }
    dataset, origins = (read_frame(path) for path in (snakemake.input.dataset, snakemake.input.origins))
    rows = np.unique(origins["row"])
    frame, of_model = run_frozen(
        partial(open_timesfm, params.settings, params.seeds, snakemake.input.manifest),
        lambda model: state_frame(rows, encode_rows(model, dataset, rows, params.settings)),
        describe_model,
        ["row", "seed"],
        snakemake.threads,
        snakemake.input.manifest,
    )
    provenance |= of_model | {"seconds": time.perf_counter() - start}
    write_table(snakemake.output[0], frame, provenance, vectors=["state"])
