"""Make the forecasts that the original study stored again, with the published weights of TimesFM."""

import logging

from fd01.data.origins import sealed_days
from fd01.evaluation.reproduction import SETTINGS, reproduce
from fd01.models.timesfm import open_timesfm
from fd01.workflow.errors import NotRun
from fd01.workflow.files import write_json
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, read_table

if __name__ == "__main__":
    configure_logging(snakemake)
    files = snakemake.input
    dataset, (_, seal) = read_frame(files.dataset), read_table(files.outcomes)
    try:
        manifest, ((_, load_model),) = open_timesfm({"weights": "pretrained"}, [], files.manifest)
        import torch

        torch.set_num_threads(snakemake.threads)
        sealed = sealed_days(dataset["Date"], seal["blocks"])
        found = reproduce(load_model(), dataset, sealed, files.study_predictions)
        found["weights"] = manifest["known_answers"]["status"]
    except NotRun as reason:
        logging.info("not run, because %s", reason)
        found = {"status": "not run", "reason": str(reason)}
    write_json(snakemake.output[0], found | {"context": SETTINGS["context"]})
