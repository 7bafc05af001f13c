"""Hidden states of TimesFM, pre-trained or untrained, for every origin."""

import logging
import time

import numpy as np
import pandas as pd

from fd01.errors import NotRun
from fd01.files import digest
from fd01.logs import configure_logging
from fd01.provenance import git_commit, packages
from fd01.quantiles import first_row, input_series
from fd01.tables import write_table
from fd01.timesfm import about_model, encode, models_of
from fd01.windows import windows


def encode_rows(model, dataset, rows, settings):
    """Hidden states of every row, float32 array of shape (rows, 1280)."""
    values = input_series(dataset, settings["input"])
    return encode(model, windows(values, rows, settings["context"], first_row(settings["input"])), settings)


if __name__ == "__main__":
    configure_logging(snakemake)
    params = snakemake.params
    start = time.perf_counter()
    about = {
        "model": "TimesFM 2.5",
        "optimistic": False,
        "dtype": params.settings["dtype"],
        "packages": packages("numpy", "torch", "timesfm", "safetensors"),
        "git_commit": git_commit(),
        "config_sha256": digest(dict(params)),
    }
    frames = []
    try:
        about["weights"], models = models_of(params.settings, params.seeds, snakemake.input.manifest)
        import torch

        torch.set_num_threads(snakemake.threads)
        dataset, origins = (pd.read_parquet(path) for path in (snakemake.input.dataset, snakemake.input.origins))
        rows = np.unique(origins["row"])
        for seed, load_model in models:
            model = load_model()
            about |= about_model(model)
            states = pd.DataFrame(encode_rows(model, dataset, rows, params.settings)).add_prefix("state_")
            states.insert(0, "row", rows)
            states.insert(1, "seed", pd.array([seed] * len(rows), dtype="Int64"))
            frames.append(states)
            del model  # before the next one is loaded
    except NotRun as reason:
        logging.warning("not run: %s", reason)
        about |= {"weights": "missing", "not_run": str(reason), "device": None}
    frame = pd.concat(frames) if frames else pd.DataFrame(columns=["row", "seed"])
    write_table(snakemake.output[0], frame, about | {"seconds": time.perf_counter() - start})
