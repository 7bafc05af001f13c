"""List the origins of every fold with their targets."""

import logging

import pandas as pd

from fd01.files import replacing
from fd01.logs import configure_logging
from fd01.origins import EVALUATION, build_origins, target_column

if __name__ == "__main__":
    configure_logging(snakemake)
    settings = snakemake.params
    origins = build_origins(
        pd.read_parquet(snakemake.input.dataset), settings.folds, settings.labels, **settings.origins
    )
    with replacing(snakemake.output[0]) as path:
        origins.to_parquet(path, index=False)
    primary = target_column(**settings.primary)
    for fold, block in origins[origins["role"] == EVALUATION].groupby("fold", sort=False):
        logging.info("%s: %d origins, %d with %s", fold, len(block), block[primary].sum(), primary)
