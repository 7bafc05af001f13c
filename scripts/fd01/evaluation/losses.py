"""Comparing the daily losses of all probabilities at once: model confidence set, SPA and StepM."""

import numpy as np
import pandas as pd

from fd01.evaluation.bootstrap import block_length, mean_variance, variance_of_mean
from fd01.evaluation.calibration import log_losses


def daily_losses(matrix):
    """Brier loss (p - y)^2 and log-loss -log P(y), in nats, of every probability of a `ScoreMatrix`.

    The loss of a date is the mean over the series that have it. So the tests take dates, and not the rows of one date,
    for observations: they know nothing of how the series depend on each other, and need not.

    Returns
    -------
    dict of loss to DataFrame, shape (dates, k), in the order of time
    """
    p = matrix.scores.loc[:, matrix.is_probability.astype(bool)]
    y = matrix.y.to_numpy()[:, None]
    losses = {"brier": (p - y) ** 2, "log-loss": log_losses(y, p)}
    if matrix.days.is_unique:
        return losses
    return {loss: frame.groupby(level=0).mean() for loss, frame in losses.items()}


def mean_losses(matrix):
    """Mean of `daily_losses` of every probability of a `ScoreMatrix`, without any test; a row per loss and experiment.

    The rows have columns of `losses.csv`.
    """
    rows = [
        {"loss": loss, "experiment": name, "n": len(frame), "optimistic": False, "mean": frame[name].mean()}
        for loss, frame in daily_losses(matrix).items()
        for name in frame
    ]
    return pd.DataFrame(rows)


def compare_losses(losses, reference, optimistic, statistics):
    """`multiple_comparison` of all experiments but the `optimistic` ones, and the mean loss of all.

    A model that was stopped early on these very days could push others out of the confidence set.

    Parameters
    ----------
    losses : DataFrame, shape (n, k), of `daily_losses`
    reference : str
    optimistic : set of str
    statistics : dict, that section of the configuration

    Returns
    -------
    DataFrame, a row per experiment
    """
    tested = losses.drop(columns=[name for name in losses if name in optimistic])
    table = multiple_comparison(
        tested, reference, statistics["alpha"], statistics["resamples"], statistics["seed"]
    ).reindex(losses.columns)
    table = table.assign(mean=losses.mean(), n=len(losses), optimistic=losses.columns.isin(optimistic))
    return table.rename_axis("experiment").reset_index()


def multiple_comparison(losses, reference, alpha, resamples, seed):
    """Which experiments may be the best, and which beat the reference; DataFrame by experiment.

    Parameters
    ----------
    losses : DataFrame, shape (n, k)
        Loss of each day, a column per experiment.
    reference : str
        Without it, or without another column, the columns of SPA and StepM are missing.
    alpha : float
        Level of the tests.
    resamples, seed : int
        Of the stationary bootstrap.

    Returns
    -------
    DataFrame
        `mcs_p` and `in_mcs`: the model confidence set, which holds the best experiment with probability 1 - alpha
        (Hansen, Lunde and Nason, Econometrica 2011, range statistic). `spa_lower`, `spa_consistent`, `spa_upper`:
        p-values of "no experiment has a smaller expected loss than the reference", the same for all rows (Hansen,
        J. Business & Economic Statistics 2005). `beats_reference`: StepM (Romano and Wolf, Econometrica 2005); NaN for
        an experiment that is not tested. All by `arch.bootstrap`, the last two on `studentised` differentials.

    Notes
    -----
    Experiments with equal losses on every day enter the tests as one, since the tests divide by the standard deviation
    of their difference. For the same reason SPA and StepM leave out an experiment whose loss differs from the
    reference by the same amount on every day.
    """
    from arch.bootstrap import MCS, SPA

    group = losses.T.groupby(losses.T.apply(tuple, axis=1), sort=False).ngroup()  # equal losses, equal number
    first = group.drop_duplicates().index  # one experiment of each group
    length = block_length((losses - losses.mean()).to_numpy())
    settings = {"reps": resamples, "block_size": round(length), "seed": seed}
    table = pd.DataFrame({"block_length": length}, index=losses.columns)
    if len(first) < 2:
        return table
    distinct = losses[first].set_axis(group[first], axis=1)
    mcs = MCS(distinct, size=alpha, **settings)
    mcs.compute()
    table["mcs_p"] = group.map(mcs.pvalues["Pvalue"])
    table["in_mcs"] = group.isin(mcs.included)
    if reference in losses:
        benchmark = distinct[group[reference]]
        differentials = studentised(distinct.rsub(benchmark, axis=0), round(length), benchmark.abs().max())
        if not differentials.empty:
            spa = SPA(np.zeros(len(differentials)), -differentials, **settings)
            spa.compute()
            for kind, p in spa.pvalues.items():
                table[f"spa_{kind}"] = p
            better = group.isin(differentials.columns[superior_models(spa, alpha)])
            tested = group.isin([*differentials.columns, group[reference]])
            table["beats_reference"] = better.where(tested, np.nan)
    return table


def studentised(differentials, length, scale):
    """Loss differentials in units of the standard deviation of sqrt(n) times their mean, as Hansen's test wants them.

    `arch.bootstrap.SPA` compares the means as they are (in version 8.0.0 its argument `studentize` has no effect), so
    that the experiment with the noisiest losses would decide alone. Let w^2 = c_0 + 2 sum_i (1 - i/n) (1 - 1/length)^i
    c_i be the variance under the stationary bootstrap, where c_i is the circular autocovariance at lag i (Politis and
    Romano, JASA 1994; the estimator of Hansen 2005). The deviations from the mean are divided by w: the resampled
    means, which the test compares the mean with, have a standard deviation of 1. The mean is divided by the larger
    of two: the standard deviation by `variance_of_mean` with blocks of 2 n^(1/2) days, and the one of independent days.
    With the block length of the resamples in place of 2 n^(1/2), the test rejects too often where losses persist for a
    month (docs/explanation/comparisons.md has the simulation).

    Parameters
    ----------
    differentials : DataFrame, shape (n, k)
        Loss of the reference minus loss of the experiment.
    length : float
        Mean block length in days.
    scale : float
        Size of the losses. A differential that varies by less than 1e-9 of it is constant, and left out.

    Returns
    -------
    DataFrame, shape (n, at most k)
    """
    varying = differentials.loc[:, np.ptp(differentials, axis=0) > 1e-9 * scale]
    n, mean = len(varying), varying.mean()
    deviations = varying - mean
    larger = np.maximum(n * variance_of_mean(deviations, min(2 * n**0.5, n)), deviations.var())
    return deviations / np.sqrt(mean_variance(deviations, length)) + mean / np.sqrt(larger)


def superior_models(spa, alpha):
    """Which of the k models of an `arch.bootstrap.SPA` beat its benchmark by StepM; bool array, shape (k,).

    SPA is repeated without the models that it finds better, until it finds no more. This is the loop of
    `arch.bootstrap.StepM`, which fails when the last of all models is found in a later round.
    """
    left = np.ones(spa.k, bool)
    while left.any():
        spa.subset(left.copy())
        spa.compute()
        better = spa.better_models(alpha)
        if not len(better):
            break
        left[better] = False
    return ~left
