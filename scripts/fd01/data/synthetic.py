"""Simulated prices with a known truth, and what a score can achieve on them.

Within a day, the log price is a Brownian motion that starts at the Close of the day before. Its variance follows a
GARCH(1,1) (Bollerslev, J. Econometrics 1986): v_{t+1} = (1 - alpha - beta) v + alpha r_t^2 + beta v_t, where v is the
mean variance. So v_{t+1} is known after the close of day t. Days differ in their volatility alone: to rank them by it
is the best possible ranking for `up` and `down`, and no score can rank them by direction.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

from fd01.data.series import rows_of_each
from fd01.data.targets import TARGETS

FACTOR = 10_000  # seeds the common factor, as the numbers 1, 2, ... seed the series after the first


def simulate(start, days, seed, volatility, alpha, beta, series=1, correlation=0.0):
    """Daily prices of one or more series, and the variance that the next day will have.

    Parameters
    ----------
    start : str, first date
        The rows are the business days from this date on.
    days : int
    seed : int
    volatility : float
        Square root of the mean daily variance, in log returns.
    alpha, beta : float, parameters of the GARCH(1,1), with alpha + beta < 1
    series : int
        Number of series. The first one is the same whatever the number.
    correlation : float
        Correlation of the shocks of a day between any two series.

    Returns
    -------
    DataFrame, shape (days x series, 7): Date, OHLCV, and next_variance, in squared log returns. With several series,
    they stand below each other, and the column `series` has their names, S0001 and so on.

    Notes
    -----
    Given the return r and the variance v of a day, the highest point of its path is distributed as
    (r + sqrt(r^2 - 2 v log U)) / 2 with U uniform (Brownian bridge; Karatzas and Shreve 1991, problem 2.8.3), and the
    lowest point likewise. Each of the two distributions is exact. High and Low are drawn independently of each other;
    no target depends on both.

    The shock of a series is sqrt(correlation) times that of a common factor plus sqrt(1 - correlation) times one of its
    own. The shocks of the first series are drawn first, and the factor given them.
    """
    source = dict(start=start, days=days, volatility=volatility, alpha=alpha, beta=beta)
    random = np.random.default_rng(seed)
    own = random.standard_normal(days)
    first = _simulate_one(random, own, **source)
    if series == 1:
        return first
    share, rest = np.sqrt(correlation), np.sqrt(1 - correlation)
    factor = share * own + rest * np.random.default_rng([seed, FACTOR]).standard_normal(days)
    frames = [first]
    for i in range(1, series):
        random = np.random.default_rng([seed, i])
        frames.append(_simulate_one(random, share * factor + rest * random.standard_normal(days), **source))
    names = pd.Categorical.from_codes(np.repeat(range(series), days), [f"S{i:04}" for i in range(1, series + 1)])
    frame = pd.concat(frames, ignore_index=True)
    frame.insert(0, "series", names)
    return frame


def _simulate_one(random, shocks, start, days, volatility, alpha, beta):
    """One series with these `shocks`; the generator `random` gives the rest of each day."""
    highs, lows = np.log(random.uniform(size=(2, days)))
    mean = volatility**2
    variances = [mean]
    for shock in shocks.tolist():  # Python's own numbers are ten times faster here
        squared = variances[-1] * shock**2
        variances.append((1 - alpha - beta) * mean + alpha * squared + beta * variances[-1])
    variance = np.array(variances)
    v = variance[:-1]
    r = np.sqrt(v) * shocks
    close = 100 * np.exp(np.cumsum(r))
    before = close / np.exp(r)
    return pd.DataFrame(
        {
            "Date": pd.bdate_range(start, periods=days),
            "Open": before,
            "High": before * np.exp((r + np.sqrt(r**2 - 2 * v * highs)) / 2),
            "Low": before * np.exp((r - np.sqrt(r**2 - 2 * v * lows)) / 2),
            "Close": close,
            "Volume": np.round(1e6 * random.lognormal(sigma=0.3, size=days)),
            "next_variance": variance[1:],
        }
    )


def true_probability(next_variance, target, threshold):
    """True probability of a target of horizon 1, by the reflection principle; array of shape (n,).

    Parameters
    ----------
    next_variance : array, shape (n,), as `simulate` returns it
    target : str, a name in `fd01.data.targets.TARGETS`
    threshold : float or array of shape (n,)
        The simple return that decides the target, as `fd01.data.targets.threshold_return` gives it.

    >>> true_probability(np.array([0.01**2]), "up", np.expm1(0.01)).round(4)
    array([0.3173])
    """
    beyond = ndtr(-np.abs(np.log1p(threshold)) / np.sqrt(next_variance))
    return 2 * beyond if TARGETS[target].touches else beyond


def expected_auc(probability, score):
    """Expected AUC of a score on days of one series with known probabilities of the event, and its standard error.

    A pair is a day with the event and a day without it. The AUC is the expected number of correctly ranked pairs
    divided by the expected number of pairs. The standard error comes from the Hajek projection of the AUC, with
    outcomes that are independent given the probabilities. Both are exact up to a relative error of the order 1/n.

    Parameters
    ----------
    probability, score : arrays, shape (n,)

    Returns
    -------
    auc, standard_error : float

    >>> expected_auc(np.array([0.2, 0.5, 0.8]), np.array([1.0, 1.0, 1.0]))[0]
    0.5
    """
    ranking = _expected_ranking(probability, score)
    auc = ranking.correct / ranking.pairs
    variance = (probability * (1 - probability) * ranking.effect(auc) ** 2).sum()
    return float(auc), float(np.sqrt(variance) / ranking.pairs)


def expected_auc_within(probability, score, y, series, days):
    """`expected_auc` over several series: only days of one series are ranked against each other.

    Correctly ranked pairs, and pairs, are summed over series. Outcomes of one date depend on each other in an unknown
    way, so the standard error rests on what happened: on the sum over dates of the square of what the outcomes of a
    date, less their probabilities, change. Given the past, the expectation of this square is the variance. Outcomes of
    one series are independent of each other, given their probabilities, so its error is the exact one.

    Parameters
    ----------
    probability, score, y, series, days : arrays, shape (n,)
        `y` holds the outcomes, 0 or 1.

    Returns
    -------
    auc, standard_error : float
    """
    groups = rows_of_each(series)
    if len(groups) == 1:
        return expected_auc(probability, score)
    rankings = [_expected_ranking(probability[rows], score[rows]) for rows in groups]
    pairs = sum(ranking.pairs for ranking in rankings)
    auc = sum(ranking.correct for ranking in rankings) / pairs
    changes = np.empty(len(y))
    for rows, ranking in zip(groups, rankings):
        changes[rows] = ranking.effect(auc) * (y - probability)[rows]
    date, _ = pd.factorize(days)
    return float(auc), float(np.sqrt((np.bincount(date, changes) ** 2).sum()) / pairs)


@dataclass(frozen=True)
class ExpectedRanking:
    """What a score can expect on the days of one series: the numbers of pairs, of those that it ranks correctly, and
    what an outcome of 1 instead of 0 adds to both, arrays of shape (n,)."""

    pairs: float
    correct: float
    more_pairs: np.ndarray
    more_correct: np.ndarray

    def effect(self, auc):
        """How an outcome of 1 instead of 0 on a day changes the correctly ranked pairs, less the change expected."""
        return self.more_correct - auc * self.more_pairs


def _expected_ranking(probability, score):
    p, q = probability, 1 - probability
    _, group = np.unique(score, return_inverse=True)

    def below(weight):
        """For each day, the total weight of the days with a lower score, plus half the weight of its ties."""
        total = np.bincount(group, weight)
        return (np.cumsum(total) - total)[group] + (total[group] - weight) / 2

    positives, negatives = p.sum() - p, q.sum() - q  # among the other days
    return ExpectedRanking(
        pairs=(p * negatives).sum(),
        correct=(p * below(q)).sum(),
        more_pairs=negatives - positives,
        more_correct=below(q) - (positives - below(p)),
    )
