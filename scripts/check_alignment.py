"""Check whether the forecasts of every experiment lie on the right day."""

import logging
from pathlib import Path

from fd01.data.origins import EVALUATION, sealed_days
from fd01.evaluation.alignment import alignment_table, daily_news, forecasts_of, is_accusation
from fd01.scoring.predictions import read_experiment
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, read_table

if __name__ == "__main__":
    configure_logging(snakemake)
    files, target = snakemake.input, snakemake.params.target
    dataset, (_, seal) = read_frame(files.dataset), read_table(files.outcomes)
    kept = {"role": [EVALUATION], **{name: [value] for name, value in target.items()}}
    forecasts = {Path(path).name: forecasts_of(*read_experiment(path, **kept), target) for path in files.predictions}
    table = alignment_table(forecasts, daily_news(dataset, sealed_days(dataset["Date"], seal["blocks"])))
    for row in table.itertuples():
        if is_accusation(row.verdict):
            logging.warning("%s, %s: %s", row.experiment, row.what, row.verdict)
    with replacing(snakemake.output[0]) as path:
        table.to_csv(path, index=False)
