"""Hidden states of TimesFM, pre-trained or untrained, for every origin."""

import time
from functools import partial

import numpy as np
import pandas as pd

from fd01.models.frozen import run_frozen
from fd01.models.timesfm import about_model, encode, inputs_of, models_of
from fd01.workflow.environment import versions
from fd01.workflow.files import digest
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, write_table
from fd01.workflow.provenance import git_commit


def encode_rows(model, dataset, rows, settings):
    """Hidden states of every row, float32 array of shape (rows, 1280)."""
    inputs, _ = inputs_of(dataset, rows, settings)
    return encode(model, inputs, settings)


def state_frame(rows, states):
    """The states with their rows, one column per hidden unit."""
    frame = pd.DataFrame(states).add_prefix("state_")
    frame.insert(0, "row", rows)
    return frame


if __name__ == "__main__":
    configure_logging(snakemake)
    params = snakemake.params
    start = time.perf_counter()
    about = {
        "model": "TimesFM 2.5",
        "optimistic": False,
        "dtype": params.settings["dtype"],
        **versions("numpy", "torch", "timesfm", "safetensors"),
        "git_commit": git_commit(),
        "config_sha256": digest(dict(params)),
    }
    dataset, origins = (read_frame(path) for path in (snakemake.input.dataset, snakemake.input.origins))
    rows = np.unique(origins["row"])
    frame, ran = run_frozen(
        partial(models_of, params.settings, params.seeds, snakemake.input.manifest),
        lambda model: state_frame(rows, encode_rows(model, dataset, rows, params.settings)),
        about_model,
        ["row", "seed"],
        snakemake.threads,
    )
    write_table(snakemake.output[0], frame, about | ran | {"seconds": time.perf_counter() - start})
