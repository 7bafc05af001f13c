"""Give out the outcomes that experiments are judged by; those of sealed folds only under the plan that was fixed."""

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
        logging.warning("%s: %d of %d days are closed: %s", fold, count["days"], count["of"], seal["reason"])
