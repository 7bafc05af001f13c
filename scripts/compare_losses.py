"""Compare the daily losses of all probabilities: model confidence set, SPA and StepM."""

import pandas as pd

from fd01.evaluation.blocks import POOLED
from fd01.evaluation.losses import compare_losses, daily_losses, mean_losses
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.study.folds import is_walk_forward
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

COLUMNS = ["fold", "loss", "experiment", "n", "optimistic", "mean", "mcs_p", "in_mcs", "beats_reference"]
COLUMNS += ["spa_lower", "spa_consistent", "spa_upper", "block_length", "lacking"]

if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    experiments = pd.read_csv(files.experiments)
    optimistic = set(experiments.loc[experiments["optimistic"].eq(True), "experiment"])
    matrices = read_score_matrices(files.predictions, read_frame(files.outcomes), params.target)
    losses = {fold: daily_losses(matrix) for fold, matrix in matrices.items()}
    walk_forward = [by_loss for fold, by_loss in losses.items() if is_walk_forward(fold)]
    if walk_forward:  # the days of all blocks in a row, of the experiments that have every block
        losses[POOLED] = {
            loss: pd.concat([by_loss[loss] for by_loss in walk_forward], join="inner") for loss in walk_forward[0]
        }
    tables = [
        compare_losses(frame, params.reference, optimistic, params.statistics).assign(fold=fold, loss=loss)
        for fold, by_loss in losses.items()
        for loss, frame in by_loss.items()
    ]
    # An experiment that lacks days stands apart: in the tests, all must have the same days.
    tables += [
        mean_losses(own.only({name})).assign(fold=fold, lacking=len(matrix.days) - len(own.days))
        for fold, matrix in matrices.items()
        for name, own in matrix.pairable()
    ]
    table = pd.concat(tables) if tables else pd.DataFrame()
    with replacing(snakemake.output[0]) as path:
        table.reindex(columns=COLUMNS).to_csv(path, index=False)
