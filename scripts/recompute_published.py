"""Recompute, without any model, the figures that the original study published for Lag-Llama and TimesFM."""

import logging

from fd01.evaluation.erratum import scaler_figures, stored_forecasts
from fd01.workflow.errors import NotRun
from fd01.workflow.files import write_json
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

if __name__ == "__main__":
    configure_logging(snakemake)
    dataset = read_frame(snakemake.input.dataset)
    try:
        erratum = {"status": "ok", "reason": None, "lag_llama": scaler_figures(dataset), "timesfm": []}
        if snakemake.input.study_predictions:
            erratum["timesfm"] = stored_forecasts(dataset, snakemake.input.study_predictions)
    except NotRun as reason:
        logging.info("not applicable: %s", reason)
        erratum = {"status": "not applicable", "reason": str(reason), "lag_llama": None, "timesfm": []}
    write_json(snakemake.output[0], erratum)
