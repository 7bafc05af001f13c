"""Measure every experiment on every fold, target and seed (metrics.csv), and describe each (experiments.csv)."""

from pathlib import Path

import pandas as pd

from fd01.evaluation.metrics import MEASURES
from fd01.evaluation.metrics_table import BLOCK, describe_experiment, measure_experiment, not_run_rows
from fd01.scoring.predictions import read_experiment
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_table

COLUMNS = ["experiment", "status", "reason", *BLOCK, "seed", "seeds", "is_probability", "calibration_auc", *MEASURES]

if __name__ == "__main__":
    configure_logging(snakemake)
    outcomes, seal = read_table(snakemake.input.outcomes)
    sealed = dict.fromkeys(seal["sealed"], seal["reason"])
    metrics, experiments = [], []
    for path in snakemake.input.predictions:
        name = {"experiment": Path(path).name}
        scores, metadata = read_experiment(path)
        not_run = list(not_run_rows(metadata))
        metrics += [name | row for row in (*measure_experiment(scores, outcomes, sealed), *not_run)]
        status = "ok" if not not_run else "not run" if scores.empty else "partly"
        reason = "; ".join(sorted({row["reason"] for row in not_run}))
        about = describe_experiment(metadata, snakemake.params.systems[name["experiment"]])
        experiments.append(name | about | {"status": status, "reason": reason})
    for experiment, reason in snakemake.params.off.items():
        experiments.append({"experiment": experiment, "status": "not run", "reason": reason})
    for output, table in (
        (snakemake.output.metrics, pd.DataFrame(metrics, columns=COLUMNS)),
        (snakemake.output.experiments, pd.DataFrame(experiments)),
    ):
        with replacing(output) as temporary:
            table.to_csv(temporary, index=False)
