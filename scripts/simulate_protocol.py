"""Simulate how often the original study's protocol errs on blocks as long as these."""

import pandas as pd

from fd01.evaluation.metrics_table import best_baseline, compared_rows
from fd01.evaluation.protocol import ORIGINAL_TARGET
from fd01.evaluation.protocol_errors import error_rates
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.study.folds import is_walk_forward
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

COLUMNS = ["fold", "n", "positives", "true_auc", "days", "persistence", "mean", "above", "below"]

if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    metrics = pd.read_csv(files.metrics)
    rows = []
    for fold, matrix in read_score_matrices(files.predictions, read_frame(files.outcomes), params.target).items():
        # The protocol is about no other event, and about one series.
        if params.target == ORIGINAL_TARGET and not is_walk_forward(fold) and len(set(matrix.series)) == 1:
            baseline = best_baseline(compared_rows(metrics, fold, **params.target), params.systems)
            score = None if baseline is None else matrix.scores[baseline["experiment"]]
            rows += [{"fold": fold} | row for row in error_rates(matrix.y, score, params.decision, params.statistics)]
    with replacing(snakemake.output[0]) as path:
        pd.DataFrame(rows, columns=COLUMNS).to_csv(path, index=False)
