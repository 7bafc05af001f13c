"""Write the origins of every fold with their targets."""

import logging

from fd01.data.origins import EVALUATION, build_origins
from fd01.data.targets import target_column
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

if __name__ == "__main__":
    configure_logging(snakemake)
    settings = snakemake.params
    origins = build_origins(read_frame(snakemake.input.dataset), settings.folds, settings.labels, **settings.origins)
    with replacing(snakemake.output[0]) as path:
        origins.to_parquet(path, index=False)
    primary = target_column(**settings.primary)
    for fold, block in origins[origins["role"] == EVALUATION].groupby("fold", sort=False):
        logging.info("%s: %d origins, %d with %s", fold, len(block), block[primary].sum(), primary)
