"""DeLong's covariance of AUCs, and the verdict on the difference between two experiments."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

BETTER, EQUIVALENT, WORSE, INCONCLUSIVE = VERDICTS = ("better", "equivalent", "worse", "inconclusive")


@dataclass(frozen=True)
class DeLong:
    """What `delong` returns for k scores of the same n days.

    Attributes
    ----------
    aucs : array, shape (k,)
    covariance : array, shape (k, k)
        Of the AUCs.
    influence : array, shape (n, k)
        What each day adds to each AUC, to first order; the mean over days is 0.
    """

    aucs: np.ndarray
    covariance: np.ndarray
    influence: np.ndarray


def delong(y, scores):
    """AUCs of k scores of the same days and the covariance between them.

    The placement of a positive day i is the share of the N negative days that it is ranked above,
    V_i = (1/N) sum_j psi_ij; the placement of a negative day j is the share of the P positive days that are ranked
    above it, W_j = (1/P) sum_i psi_ij. psi is 1, 1/2 or 0 as score i is above, equal to or below score j. Then
    AUC = mean(V) = mean(W), and cov = cov(V) / P + cov(W) / N. Placements are computed as differences of midranks,
    which costs no more than sorting.

    Parameters
    ----------
    y : array, shape (n,), 0 or 1
    scores : array, shape (n, k)

    Returns
    -------
    DeLong
        The influence of a positive day is (V_i - AUC) n/P, of a negative day (W_j - AUC) n/N. With one class only,
        everything is NaN; with a single day of a class, the covariance is.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson, Biometrics 1988; Sun and Xu, IEEE Signal Processing Letters 2014.

    >>> result = delong([1, 1, 0, 0, 0], [[3, 1], [2, 3], [2, 2], [1, 1], [0, 0]])
    >>> result.aucs.round(4)
    array([0.9167, 0.75  ])
    >>> result.covariance.round(4)
    array([[ 0.0139, -0.0104],
           [-0.0104,  0.0833]])
    """
    positive, scores = np.asarray(y) == 1, np.asarray(scores, float)
    n, k = scores.shape
    counts = {True: int(positive.sum()), False: int((~positive).sum())}  # days by class
    if not all(counts.values()):
        return DeLong(np.full(k, np.nan), np.full((k, k), np.nan), np.full((n, k), np.nan))
    ranks = rankdata(scores, axis=0)
    placements = np.empty((n, k))
    placements[positive] = (ranks[positive] - rankdata(scores[positive], axis=0)) / counts[False]
    placements[~positive] = 1 - (ranks[~positive] - rankdata(scores[~positive], axis=0)) / counts[True]
    aucs = placements[positive].mean(axis=0)
    centred, covariance = placements - aucs, np.zeros((k, k))
    for is_positive, count in counts.items():
        part = centred[positive == is_positive]
        covariance += part.T @ part / (count * (count - 1)) if count > 1 else np.nan
    return DeLong(aucs, covariance, centred * (n / np.where(positive, counts[True], counts[False]))[:, None])


def two_sided(difference, se):
    """z and the two-sided p-value of a difference with standard error `se`, by the normal distribution.

    A difference of exactly 0 has p = 1, whatever `se` is.

    >>> z, p = two_sided(0.05, 0.025)
    >>> print(round(z, 3), round(p, 4))
    2.0 0.0455
    """
    if difference == 0:
        return 0.0, 1.0
    z = float(np.divide(difference, se)) if se else np.copysign(np.inf, difference)
    return z, float(2 * norm.sf(abs(z)))


def detectable(se, alpha, power):
    """Smallest true difference that a two-sided test of level `alpha` detects with probability `power`.

    (z_{1-alpha/2} + z_power) se, by the normal distribution. `se` is the standard error of the difference; the result
    has its unit and shape.

    >>> print(round(detectable(0.016, alpha=0.05, power=0.8), 4))
    0.0448
    """
    return (norm.ppf(1 - alpha / 2) + norm.ppf(power)) * se


def holm(p):
    """p-values, shape (m,), adjusted for the m tests of a family (Holm, Scand. J. Statistics 1979).

    NaN counts as no test and stays NaN. By `statsmodels.stats.multitest.multipletests`.

    >>> holm([0.01, 0.04, float("nan"), 0.03])
    array([0.03, 0.06,  nan, 0.06])
    """
    from statsmodels.stats.multitest import multipletests

    adjusted = np.array(p, float)
    tested = ~np.isnan(adjusted)
    if tested.any():
        adjusted[tested] = multipletests(adjusted[tested], method="holm")[1]
    return adjusted


def paired_verdict(difference, p, intervals, *, margin, alpha, pooled):
    """Better, equivalent, worse or inconclusive.

    Parameters
    ----------
    difference : float
        AUC of the experiment minus AUC of its opponent.
    p : float
        Two-sided, adjusted for its family.
    intervals : pairs (low, high) of the difference
        One by DeLong and one by the bootstrap, of level 1 - alpha.
    margin : float
        Two AUCs that differ by less than this are equivalent.
    alpha : float
    pooled : bool
        Whether the difference is measured on the pooled walk-forward blocks.

    Notes
    -----
    Equivalence is examined first: a difference whose intervals lie inside the margin is too small to matter, even where
    it is significant. Both intervals must lie inside, since each is wrong in places where the other is right. They are
    wider than the level 1 - 2 alpha of two one-sided tests (Schuirmann, J. Pharmacokinetics and Biopharmaceutics 1987).

    Equivalence is claimed on the pooled blocks alone. On one block of two years the intervals are hardly ever narrow
    enough; where they are, the days of one market regime say nothing about other regimes. NaN is inconclusive.

    >>> paired_verdict(0.05, 0.01, [(0.02, 0.08), (0.01, 0.09)], margin=0.02, alpha=0.05, pooled=False)
    'better'
    >>> paired_verdict(0.01, 0.01, [(0.004, 0.016), (0.003, 0.017)], margin=0.02, alpha=0.05, pooled=True)
    'equivalent'
    """
    if all(-margin < low and high < margin for low, high in intervals):
        return EQUIVALENT if pooled else INCONCLUSIVE
    if p < alpha:
        return BETTER if difference > 0 else WORSE
    return INCONCLUSIVE
