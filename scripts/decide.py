"""Answer the question of the study from the metrics: verdict.json."""

from pathlib import Path

import pandas as pd

from fd01.evaluation.outcomes import mean_scores
from fd01.evaluation.verdict import decide
from fd01.scoring.predictions import read_experiment
from fd01.study.folds import is_walk_forward
from fd01.workflow.files import write_json
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_table

if __name__ == "__main__":
    configure_logging(snakemake)
    outcomes, seal = read_table(snakemake.input.outcomes)
    paths = {Path(path).name: path for path in snakemake.input.predictions}

    def scores(experiment, fold):
        frame, _ = read_experiment(paths[experiment])
        rows = mean_scores(frame[frame["fold"] == fold], outcomes, "up", 1)
        return rows["y"].to_numpy(), rows["score"].to_numpy()

    params = snakemake.params
    verdict = decide(
        snakemake.wildcards.dataset,
        params.experiments,
        params.decision,
        params.target,
        pd.read_csv(snakemake.input.metrics),
        pd.read_csv(snakemake.input.experiments),
        pd.read_csv(snakemake.input.comparisons),
        [fold for fold in outcomes["fold"].unique() if not is_walk_forward(fold)],
        scores,
        seal,
    )
    write_json(snakemake.output[0], verdict)
