"""Write the outcomes by which experiments are evaluated, without those of sealed days."""

import logging

from fd01.data.origins import hide_outcomes, sealed_days
from fd01.study.seal import LEFT_OUT
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, write_table

if __name__ == "__main__":
    configure_logging(snakemake)
    seal = snakemake.params.seal
    origins, dataset = read_frame(snakemake.input.origins), read_frame(snakemake.input.dataset)
    outcomes, sealed = hide_outcomes(origins, sealed_days(dataset["Date"], seal["blocks"]))
    write_table(snakemake.output[0], outcomes, seal | {"sealed": sealed})
    for fold, count in sealed.items():
        logging.warning("%s: %d of %d days are %s", fold, count["days"], count["of"], seal["reason"])
    for fold in seal["left_out"]:
        logging.warning("%s: %s", fold, LEFT_OUT)
