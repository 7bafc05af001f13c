"""List the origins of every fold with their targets."""

import logging

from fd01.files import replacing
from fd01.logs import configure_logging
from fd01.origins import EVALUATION, build_origins, target_column
from fd01.tables import read_frame

if __name__ == "__main__":
    configure_logging(snakemake)
    settings = snakemake.params
    origins = build_origins(read_frame(snakemake.input.dataset), settings.folds, settings.labels, **settings.origins)
    with replacing(snakemake.output[0]) as path:
        origins.to_parquet(path, index=False)
    primary = target_column(**settings.primary)
    for fold, block in origins[origins["role"] == EVALUATION].groupby("fold", sort=False):
        logging.info("%s: %d origins, %d with %s", fold, len(block), block[primary].sum(), primary)
