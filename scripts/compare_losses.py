"""Compare the daily losses of all probabilities: model confidence set, SPA and StepM."""

import numpy as np
import pandas as pd

from fd01.evaluation.blocks import POOLED
from fd01.evaluation.bootstrap import block_length
from fd01.evaluation.calibration import log_losses
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.study.folds import is_walk_forward
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

COLUMNS = ["fold", "loss", "experiment", "n", "optimistic", "mean", "mcs_p", "in_mcs", "beats_reference"]
COLUMNS += ["spa_lower", "spa_consistent", "spa_upper", "block_length"]


def daily_losses(panel):
    """Brier loss (p - y)^2 and log-loss -log P(y), in nats, of every probability; DataFrames, shape (n, k)."""
    p = panel.scores.loc[:, panel.is_probability.astype(bool)]
    y = panel.y.to_numpy()[:, None]
    return {"brier": (p - y) ** 2, "log-loss": log_losses(y, p)}


def compare(losses, reference, alpha, resamples, seed):
    """Model confidence set of all columns, and whether any beats the reference; DataFrame by experiment.

    Parameters
    ----------
    losses : DataFrame, shape (n, k)
    reference : str
        Without it, or without another column, the columns of SPA and StepM are NaN.
    alpha : float, size of the tests
    resamples, seed : int, of the stationary bootstrap

    Returns
    -------
    DataFrame with `mcs_p`, `in_mcs` (the set that has the best experiment with probability 1 - alpha; Hansen, Lunde and
    Nason, Econometrica 2011, range statistic), `spa_lower`, `spa_consistent`, `spa_upper` (p-values of "no experiment
    has a smaller expected loss than the reference"; Hansen, J. Business & Economic Statistics 2005; one value for all),
    and `beats_reference` (StepM; Romano and Wolf, Econometrica 2005). All from `arch.bootstrap`.

    Notes
    -----
    Experiments with equal losses on every day are one to the tests, which divide by the deviation of their difference.
    `arch` compares mean differences in SPA and StepM as they are; it divides by their deviation in the set alone.
    """
    from arch.bootstrap import MCS, SPA

    same = losses.T.groupby(losses.T.apply(tuple, axis=1), sort=False).ngroup()
    first = same.drop_duplicates().index  # one of each
    length = block_length((losses - losses.mean()).to_numpy())
    settings = {"reps": resamples, "block_size": round(length), "seed": seed}
    table = pd.DataFrame({"block_length": length}, index=losses.columns)
    if len(first) < 2:
        return table
    distinct = losses[first].set_axis(same[first], axis=1)
    mcs = MCS(distinct, size=alpha, **settings)
    mcs.compute()
    table["mcs_p"] = same.map(mcs.pvalues["Pvalue"])
    table["in_mcs"] = same.isin(mcs.included)
    if reference in losses:
        benchmark, others = distinct[same[reference]], distinct.drop(columns=same[reference])
        spa = SPA(benchmark, others, **settings)
        spa.compute()
        for kind, p in spa.pvalues.items():
            table[f"spa_{kind}"] = p
        table["beats_reference"] = same.isin(others.columns[superior(spa, alpha)])
    return table


def superior(spa, size):
    """Models that beat the benchmark by StepM, shape (k,): those that SPA finds, and again without them.

    It is the loop of `arch.bootstrap.StepM`, which fails when the last model of all is found in a later round.
    """
    left = np.ones(spa.k, bool)
    while left.any():
        spa.subset(left.copy())
        spa.compute()
        found = spa.better_models(size)
        if not len(found):
            break
        left[found] = False
    return ~left


def judge(losses, reference, optimistic, statistics):
    """`compare`, and the mean loss of the experiments in `optimistic`, which are left out of the tests.

    A model that was stopped on the very days would put honest ones out of the set.
    """
    honest = losses.drop(columns=[name for name in losses if name in optimistic])
    table = compare(honest, reference, statistics["alpha"], statistics["resamples"], statistics["seed"])
    about = {"mean": losses.mean(), "n": len(losses), "optimistic": losses.columns.isin(optimistic)}
    return table.reindex(losses.columns).assign(**about).rename_axis("experiment").reset_index()


if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    experiments = pd.read_csv(files.experiments)
    optimistic = set(experiments.loc[experiments["optimistic"].eq(True), "experiment"])
    panels = read_score_matrices(files.predictions, read_frame(files.outcomes), params.target)
    losses = {fold: daily_losses(panel) for fold, panel in panels.items()}
    forward = [of_block for fold, of_block in losses.items() if is_walk_forward(fold)]
    if forward:  # block after block, of the experiments that have them all
        losses[POOLED] = {loss: pd.concat([block[loss] for block in forward], join="inner") for loss in forward[0]}
    tables = [
        judge(frame, params.reference, optimistic, params.statistics).assign(fold=fold, loss=loss)
        for fold, of_block in losses.items()
        for loss, frame in of_block.items()
    ]
    table = pd.concat(tables) if tables else pd.DataFrame()
    with replacing(snakemake.output[0]) as path:
        table.reindex(columns=COLUMNS).to_csv(path, index=False)
