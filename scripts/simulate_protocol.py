"""Simulate how often the study's rule errs on blocks as long as these."""

import pandas as pd

from fd01.evaluation.metrics_table import best_baseline, compared_rows
from fd01.evaluation.power import measured_aucs, persistence
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.study.folds import is_walk_forward
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

COLUMNS = ["fold", "n", "positives", "true_auc", "days", "persistence", "mean", "above", "below"]


def error_rates(y, score, decision, statistics):
    """Two rows for a block with outcomes `y`: independent days, and days as persistent as `score`, which may be None.

    `above` and `below` are the shares of blocks of its size, with as many events, on which a model of the true AUC
    `protocol_true_auc` comes above `investigate_above` and below `finetune_from`; `mean` is its mean AUC.
    """
    n, positives, auc = len(y), int(y.sum()), statistics["protocol_true_auc"]
    for days, phi in (("independent", 0.0), ("persistent", float("nan") if score is None else persistence(score))):
        row = {"n": n, "positives": positives, "true_auc": auc, "days": days, "persistence": phi}
        if 0 < positives < n and 0 <= phi < 1:
            aucs = measured_aucs(n, positives, auc, phi, statistics["resamples"], statistics["seed"])
            row |= {"mean": aucs.mean(), "above": (aucs > decision["investigate_above"]).mean()}
            row["below"] = (aucs < decision["finetune_from"]).mean()
        yield row


if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    metrics = pd.read_csv(files.metrics)
    rows = []
    for fold, panel in read_score_matrices(files.predictions, read_frame(files.outcomes), params.target).items():
        if not is_walk_forward(fold):
            chosen = best_baseline(compared_rows(metrics, fold, **params.target), params.systems)
            score = None if chosen is None else panel.scores[chosen["experiment"]]
            rows += [{"fold": fold} | row for row in error_rates(panel.y, score, params.decision, params.statistics)]
    with replacing(snakemake.output[0]) as path:
        pd.DataFrame(rows, columns=COLUMNS).to_csv(path, index=False)
