"""DeLong's covariance of AUCs, and the verdict on the difference between two experiments."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

BETTER, EQUIVALENT, WORSE, INCONCLUSIVE = VERDICTS = ("better", "equivalent", "worse", "inconclusive")


@dataclass(frozen=True)
class DeLong:
    """AUCs (k,) of k scores on the same n days, their covariance (k, k) and the influence of each day (n, k)."""

    aucs: np.ndarray
    covariance: np.ndarray
    influence: np.ndarray


def delong(y, scores):
    """AUCs of k scores of the same days and the covariance between them.

    The placement of a positive day i is the share of the N negatives that it is ranked above, V_i = (1/N) sum_j psi_ij,
    that of a negative day j the share of the P positives ranked above it, W_j = (1/P) sum_i psi_ij; psi is 1, 1/2 or 0
    as score i is above, equal to or below score j. AUC = mean(V) = mean(W), and cov = cov(V) / P + cov(W) / N.
    Placements are differences of midranks, so that the cost is that of sorting.

    Parameters
    ----------
    y : array, shape (n,), 0 or 1
    scores : array, shape (n, k)

    Returns
    -------
    DeLong
        `influence` has mean 0 and is what each day adds to an AUC to first order: (V_i - AUC) n/P and (W_j - AUC) n/N.
        All is NaN with one class only; the covariance is with fewer than two days of a class.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson, Biometrics 1988; Sun and Xu, IEEE Signal Processing Letters 2014.

    >>> found = delong([1, 1, 0, 0, 0], [[3, 1], [2, 3], [2, 2], [1, 1], [0, 0]])
    >>> found.aucs.round(4)
    array([0.9167, 0.75  ])
    >>> found.covariance.round(4)
    array([[ 0.0139, -0.0104],
           [-0.0104,  0.0833]])
    """
    positive, scores = np.asarray(y) == 1, np.asarray(scores, float)
    n, k = scores.shape
    days = {True: int(positive.sum()), False: int((~positive).sum())}
    if not all(days.values()):
        return DeLong(np.full(k, np.nan), np.full((k, k), np.nan), np.full((n, k), np.nan))
    ranks = rankdata(scores, axis=0)
    placements = np.empty((n, k))
    placements[positive] = (ranks[positive] - rankdata(scores[positive], axis=0)) / days[False]
    placements[~positive] = 1 - (ranks[~positive] - rankdata(scores[~positive], axis=0)) / days[True]
    aucs = placements[positive].mean(axis=0)
    centred, covariance = placements - aucs, np.zeros((k, k))
    for which, count in days.items():
        part = centred[positive == which]
        covariance += part.T @ part / (count * (count - 1)) if count > 1 else np.nan
    return DeLong(aucs, covariance, centred * (n / np.where(positive, days[True], days[False]))[:, None])


def two_sided(difference, se):
    """z and two-sided p-value of a difference, by the normal distribution; p is 1 where nothing differs.

    >>> z, p = two_sided(0.05, 0.025)
    >>> print(round(z, 3), round(p, 4))
    2.0 0.0455
    """
    if difference == 0:
        return 0.0, 1.0
    z = float(np.divide(difference, se)) if se else np.copysign(np.inf, difference)
    return z, float(2 * norm.sf(abs(z)))


def detectable(se, alpha, power):
    """Smallest true difference that a two-sided test of level `alpha` finds with probability `power`.

    (z_{1-alpha/2} + z_power) se, with the standard error of the difference, by the normal distribution;
    units and shape of `se`.

    >>> print(round(detectable(0.016, alpha=0.05, power=0.8), 4))
    0.0448
    """
    return (norm.ppf(1 - alpha / 2) + norm.ppf(power)) * se


def holm(p):
    """p-values (m,) adjusted for the m tests of a family (Holm, Scand. J. Statistics 1979); NaN is no test.

    By `statsmodels.stats.multitest.multipletests`.

    >>> holm([0.01, 0.04, float("nan"), 0.03])
    array([0.03, 0.06,  nan, 0.06])
    """
    from statsmodels.stats.multitest import multipletests

    adjusted = np.array(p, float)
    tested = ~np.isnan(adjusted)
    if tested.any():
        adjusted[tested] = multipletests(adjusted[tested], method="holm")[1]
    return adjusted


def verdict(difference, p, intervals, *, margin, alpha, pooled):
    """Better, equivalent, worse or inconclusive.

    Parameters
    ----------
    difference : float, AUC less that of the other
    p : float, two-sided, adjusted for its family
    intervals : pairs (low, high) of level 1 - alpha, one by DeLong and one by the bootstrap
    margin : float
        AUCs that differ by less are as good as equal.
    alpha : float
    pooled : bool, whether the difference is that of the pooled walk-forward blocks

    Notes
    -----
    A difference whose interval lies inside the margin is too small to matter, even where it is significant; so this
    comes first. Both intervals must, as each errs in places where the other does not, and they are wider than the 1 - 2
    alpha of two one-sided tests (Schuirmann, J. Pharmacokinetics and Biopharmaceutics 1987). That a difference is small
    everywhere is claimed for the pooled blocks alone: within one block of two years the interval is hardly ever narrow
    enough, and where it is, days of one regime have no say on others. NaN is inconclusive.

    >>> verdict(0.05, 0.01, [(0.02, 0.08), (0.01, 0.09)], margin=0.02, alpha=0.05, pooled=False)
    'better'
    >>> verdict(0.01, 0.01, [(0.004, 0.016), (0.003, 0.017)], margin=0.02, alpha=0.05, pooled=True)
    'equivalent'
    """
    if all(-margin < low and high < margin for low, high in intervals):
        return EQUIVALENT if pooled else INCONCLUSIVE
    if p < alpha:
        return BETTER if difference > 0 else WORSE
    return INCONCLUSIVE
