"""Answer the question of FD-01 from the metrics and comparisons: verdict.json."""

from pathlib import Path

import pandas as pd

from fd01.data.origins import EVALUATION
from fd01.evaluation.outcomes import mean_scores
from fd01.evaluation.protocol import ORIGINAL_TARGET
from fd01.evaluation.verdict import Results, Study, decide
from fd01.scoring.predictions import read_experiment
from fd01.study.folds import is_walk_forward
from fd01.workflow.files import write_json
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_table

if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    outcomes, seal = read_table(files.outcomes)
    paths = {Path(path).name: path for path in files.predictions}

    def read_scores(experiment, fold):
        """Outcomes and mean scores of an experiment on a fold, for the target of the original study."""
        scores, _ = read_experiment(paths[experiment], role=[EVALUATION])
        rows = mean_scores(scores[scores["fold"] == fold], outcomes, **ORIGINAL_TARGET)
        return rows["y"].to_numpy(), rows["score"].to_numpy()

    study = Study(snakemake.wildcards.dataset, params.experiments, params.decision, params.target)
    results = Results(
        metrics=pd.read_csv(files.metrics),
        experiments=pd.read_csv(files.experiments),
        comparisons=pd.read_csv(files.comparisons),
        folds=[fold for fold in outcomes["fold"].unique() if not is_walk_forward(fold)],
        seal=seal,
        read_scores=read_scores,
    )
    write_json(snakemake.output[0], decide(study, results))
