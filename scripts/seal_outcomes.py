"""Write the outcomes by which experiments are evaluated, without the outcomes of sealed folds."""

import logging

from fd01.data.origins import hide_outcomes
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, write_table

if __name__ == "__main__":
    configure_logging(snakemake)
    seal = snakemake.params.seal
    outcomes, sealed = hide_outcomes(read_frame(snakemake.input.origins), seal["folds"])
    write_table(snakemake.output[0], outcomes, {"sealed": sealed, "reason": seal["reason"]})
    for fold, count in sealed.items():
        days, of = count["days"], count["of"]
        logging.warning("%s: the outcomes of %d of %d days are hidden; %s", fold, days, of, seal["reason"])
