"""Write the origins of every fold with their targets."""

import logging

from fd01.data.origins import EVALUATION, build_origins
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

if __name__ == "__main__":
    configure_logging(snakemake)
    settings = snakemake.params
    origins = build_origins(read_frame(snakemake.input.dataset), settings.folds, settings.labels, **settings.origins)
    with replacing(snakemake.output[0]) as path:
        origins.to_parquet(path, index=False)
    # Not how many of them have the event: they may be sealed.
    for fold, days in origins.loc[origins["role"] == EVALUATION, "fold"].value_counts(sort=False).items():
        logging.info("%s: %d evaluation days", fold, days)
