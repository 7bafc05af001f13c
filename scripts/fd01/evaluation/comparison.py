"""DeLong's covariance of AUCs, and the verdict on the difference between two experiments."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri, stdtr, stdtrit

BETTER, EQUIVALENT, WORSE, INCONCLUSIVE = VERDICTS = ("better", "equivalent", "worse", "inconclusive")
NO_VERDICT = "no verdict"  # what reports say of a pair that cannot be judged


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
    ranks = midranks(scores)
    placements = np.empty((n, k))
    placements[positive] = (ranks[positive] - midranks(scores[positive])) / counts[False]
    placements[~positive] = 1 - (ranks[~positive] - midranks(scores[~positive])) / counts[True]
    aucs = placements[positive].mean(axis=0)
    centred, covariance = placements - aucs, np.zeros((k, k))
    for is_positive, count in counts.items():
        part = centred[positive == is_positive]
        covariance += part.T @ part / (count * (count - 1)) if count > 1 else np.nan
    return DeLong(aucs, covariance, centred * (n / np.where(positive, counts[True], counts[False]))[:, None])


def midranks(scores):
    """Ranks in every column, from 1 up; equal values have the mean of their ranks. Both shape (n, k)."""
    return pd.DataFrame(scores).rank().to_numpy()


def two_sided(difference, se, df=np.inf):
    """z and the two-sided p-value of a difference with standard error `se`.

    By Student's t distribution with `df` degrees of freedom; without a limit it is the normal distribution. A
    difference of exactly 0 has p = 1, whatever `se` is.

    >>> z, p = two_sided(0.05, 0.025)
    >>> print(round(z, 3), round(p, 4))
    2.0 0.0455
    """
    if difference == 0:
        return 0.0, 1.0
    z = float(np.divide(difference, se)) if se else np.copysign(np.inf, difference)
    return z, float(2 * stdtr(df, -abs(z)))


def equivalence_p(difference, se, margin, df=np.inf):
    """p-value of the hypothesis that the true difference is at least `margin` in size.

    Two one-sided tests (Schuirmann, J. Pharmacokinetics and Biopharmaceutics 1987): the larger of the p-values of
    "at most -margin" and "at least margin". Arguments as for `two_sided`; `margin` has the unit of the difference.

    >>> print(round(equivalence_p(0.0, 0.01, margin=0.02), 4))
    0.0228
    """
    if not se:
        return float(abs(difference) >= margin)
    return float(stdtr(df, (abs(difference) - margin) / se))


def equivalence_power(se, alpha, margin):
    """Probability that two one-sided tests of level `alpha` show equivalence when the true difference is 0.

    2 Phi(margin / se - z_{1-alpha}) - 1, at least 0, by the normal distribution.

    >>> print(round(equivalence_power(0.005, alpha=0.05, margin=0.02), 3), equivalence_power(0.02, 0.05, 0.02))
    0.981 0.0
    """
    with np.errstate(divide="ignore"):
        power = 2 * ndtr(np.divide(margin, se) - ndtri(1 - alpha)) - 1
    return float(np.maximum(power, 0))


def detectable(se, alpha, power):
    """Smallest true difference that a two-sided test of level `alpha` detects with probability `power`.

    (z_{1-alpha/2} + z_power) se, by the normal distribution. `se` is the standard error of the difference; the result
    has its unit and shape.

    >>> print(round(detectable(0.016, alpha=0.05, power=0.8), 4))
    0.0448
    """
    return (ndtri(1 - alpha / 2) + ndtri(power)) * se


def holm(p):
    """p-values, shape (m,), adjusted for the m tests of a family (Holm, Scand. J. Statistics 1979).

    NaN counts as no test and stays NaN. As `statsmodels.stats.multitest.multipletests`, which collects all garbage of
    the process at each call: of a hundred small families that was most of the time.

    >>> holm([0.01, 0.04, float("nan"), 0.03])
    array([0.03, 0.06,  nan, 0.06])
    """
    adjusted = np.array(p, float)
    order = np.argsort(adjusted)[: np.count_nonzero(~np.isnan(adjusted))]  # NaN is sorted to the end
    steps = adjusted[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def adjusted_interval(difference, se, df, p, p_holm, tested, alpha):
    """The interval of a difference that agrees with its p-value after Holm's correction.

    Its level is 1 - alpha p / p_holm, so it excludes 0 exactly if `p_holm` is below `alpha`. Holm's method multiplies p
    by at least 1 and at most the number of tests; where p is too small for a number, by the latter.

    Parameters
    ----------
    difference, se, df, p, p_holm : arrays, shape (m,), or floats
        By `two_sided` and `holm`.
    tested : array, shape (m,), or int
        Number of tests of the family.
    alpha : float

    Returns
    -------
    tuple of two arrays, shape (m,), or floats
        In the unit of the difference; NaN where `p` is.

    >>> low, high = adjusted_interval(0.06, 0.02, np.inf, 0.0027, 0.0108, tested=4, alpha=0.05)
    >>> print(round(low, 4), round(high, 4))
    0.01 0.11
    """
    p, p_holm = np.asarray(p, float), np.asarray(p_holm, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(p_holm == 0, 1 / np.asarray(tested), p / p_holm)
    half_width = stdtrit(df, 1 - alpha * share / 2) * se
    return difference - half_width, difference + half_width


def paired_verdict(difference, p, p_equivalence, alpha):
    """Better, equivalent, worse or inconclusive.

    Equivalence comes first: a difference that is shown to be smaller than the margin is too small to matter, even where
    it is larger than chance explains. NaN decides nothing.

    Parameters
    ----------
    difference : float
        AUC of the experiment less the AUC of its opponent.
    p, p_equivalence : float
        By `two_sided` and `equivalence_p`, each adjusted for its family. `p_equivalence` is NaN where equivalence may
        not be claimed.
    alpha : float

    >>> paired_verdict(0.05, 0.01, 0.9, alpha=0.05)
    'better'
    >>> paired_verdict(0.01, 0.01, 0.02, alpha=0.05)
    'equivalent'
    """
    if p_equivalence < alpha:
        return EQUIVALENT
    if p < alpha:
        return BETTER if difference > 0 else WORSE
    return INCONCLUSIVE
