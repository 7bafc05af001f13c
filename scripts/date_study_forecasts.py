"""Give the original study's stored TimesFM forecasts their dates, if the labels stored with them fit these prices."""

import logging

from fd01.data.origins import sealed_days
from fd01.evaluation.erratum import dated_forecasts
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, read_table, write_table

if __name__ == "__main__":
    configure_logging(snakemake)
    files = snakemake.input
    dataset, (_, seal) = read_frame(files.dataset), read_table(files.outcomes)
    sealed = sealed_days(dataset["Date"], seal["blocks"])
    table, about = dated_forecasts(dataset, sealed, files.study_predictions or None)
    for text in about.values():
        logging.warning(text)
    write_table(snakemake.output[0], table, about)
