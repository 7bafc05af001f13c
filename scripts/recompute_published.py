"""Recompute, without any model, the figures that the original study published for Lag-Llama and TimesFM."""

import logging

from fd01.data.origins import sealed_days
from fd01.evaluation.erratum import recompute
from fd01.workflow.files import write_json
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, read_table

if __name__ == "__main__":
    configure_logging(snakemake)
    files, original = snakemake.input, snakemake.params.original
    if snakemake.wildcards.dataset == original:
        dataset, (_, seal) = read_frame(files.dataset), read_table(files.outcomes)
        parts = recompute(dataset, sealed_days(dataset["Date"], seal["blocks"]), files.study_predictions or None)
        erratum = {"status": "ok", "reason": None} | parts
        for part in (parts["lag_llama"] | {"block": "Lag-Llama"}, *parts["timesfm"]):
            if part["reason"]:
                logging.warning("%s: not run, because %s", part["block"], part["reason"])
    else:
        reason = f"the figures that the original study published belong to the dataset {original}"
        erratum = {"status": "not applicable", "reason": reason, "lag_llama": None, "timesfm": []}
    write_json(snakemake.output[0], erratum)
