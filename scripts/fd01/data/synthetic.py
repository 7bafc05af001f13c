"""Made-up prices of which the truth is known: the volatility alone tells one day from the next.

The log price of a day is a Brownian motion that starts at the Close before; its variance follows a GARCH(1,1)
(Bollerslev, J. Econometrics 1986), v_{t+1} = (1 - alpha - beta) v + alpha r_t^2 + beta v_t, which is known after the
close of t. So the best possible ranking of days is that by volatility, and no ranking tells their direction.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm

from fd01.data.targets import TARGETS


def simulate(start, days, seed, volatility, alpha, beta):
    """Daily bars, and the variance that the next day will have.

    Parameters
    ----------
    start : str, first date; business days follow
    days : int
    seed : int
    volatility : float
        Square root of the mean variance of a day, in log returns.
    alpha, beta : float, of the GARCH(1,1), with alpha + beta < 1

    Returns
    -------
    DataFrame, shape (days, 7): Date, OHLCV, and next_variance, squared log returns.

    Notes
    -----
    Given the day's return r and variance v, the highest point of the path has the exact distribution
    (r + sqrt(r^2 - 2 v log U)) / 2 with U uniform (Brownian bridge; Karatzas and Shreve 1991, problem 2.8.3), and the
    lowest likewise. Each is exact; that they are drawn apart from each other matters to no target here.
    """
    random = np.random.default_rng(seed)
    shocks, highs, lows = random.standard_normal(days), *np.log(random.uniform(size=(2, days)))
    mean = volatility**2
    variance = np.empty(days + 1)
    variance[0] = mean
    for t in range(days):
        squared = variance[t] * shocks[t] ** 2
        variance[t + 1] = (1 - alpha - beta) * mean + alpha * squared + beta * variance[t]
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
    """Probability of a target of the next day, by the reflection principle; shape (n,).

    `threshold` is the simple return that decides the target, as `fd01.data.targets.threshold_return` gives it.

    >>> true_probability(np.array([0.01**2]), "up", np.expm1(0.01)).round(4)
    array([0.3173])
    """
    beyond = norm.sf(np.abs(np.log1p(threshold)) / np.sqrt(next_variance))
    return 2 * beyond if TARGETS[target].touches else beyond


def expected_auc(probability, score):
    """AUC that a score can expect on days with known probabilities of the event, and its standard error.

    The ratio of the expected numbers of pairs that are ranked rightly and of all pairs; the error is that of its
    Hajek projection, outcomes being independent given the probabilities. Both are within 1/n of the exact ones.

    Parameters
    ----------
    probability, score : arrays, shape (n,)

    Returns
    -------
    auc, standard error : float

    >>> expected_auc(np.array([0.2, 0.5, 0.8]), np.array([1.0, 1.0, 1.0]))[0]
    0.5
    """
    p, q = probability, 1 - probability
    _, group = np.unique(score, return_inverse=True)

    def below(weight):
        """Weight of the days ranked below each day, and half of that of the days beside it."""
        total = np.bincount(group, weight)
        return (np.cumsum(total) - total)[group] + (total[group] - weight) / 2

    positives, negatives = p.sum() - p, q.sum() - q  # among the other days
    pairs = (p * negatives).sum()
    auc = (p * below(q)).sum() / pairs
    # What turning a day from 0 to 1 changes: pairs won less pairs lost, beyond those expected.
    effect = below(q) - (positives - below(p)) - auc * (negatives - positives)
    return float(auc), float(np.sqrt((p * q * effect**2).sum()) / pairs)
