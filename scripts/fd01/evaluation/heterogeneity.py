"""How the difference between two experiments varies from series to series, and what more series would show."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fd01.evaluation.bootstrap import variance_of_mean
from fd01.evaluation.comparison import delong, detectable
from fd01.evaluation.panel import Panel

NUMBERS = (1, 2, 4, 30, 100, 1000)  # of series, for which the smallest detectable difference is shown


@dataclass(frozen=True)
class Differences:
    """The AUC differences of a pair of experiments, one for each of the S series with both classes.

    Attributes
    ----------
    series : array of str, shape (S,)
    n, positives : int arrays, shape (S,)
        Days, and those with the event.
    auc, other_auc : arrays, shape (S,)
    covariance : array, shape (S, S)
        Of the differences, shrunken.
    correlation : float
        Mean correlation of two series; NaN of one series.
    shrinkage : float
        How far the correlations were drawn to that mean, from 0 to 1.
    """

    series: np.ndarray
    n: np.ndarray
    positives: np.ndarray
    auc: np.ndarray
    other_auc: np.ndarray
    covariance: np.ndarray
    correlation: float
    shrinkage: float

    @property
    def difference(self):
        """AUC less that of the opponent, shape (S,)."""
        return self.auc - self.other_auc

    @property
    def se(self):
        """Standard errors of the differences, shape (S,)."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def pairs(self):
        """Pairs of a day with the event and one without, shape (S,)."""
        return self.positives * (self.n - self.positives)


def series_differences(matrix, experiment, others, length):
    """The difference in AUC on every series, and the joint covariance of the differences.

    The standard error of a series is the larger of two, as in the paired test: DeLong's, and the one of the stationary
    bootstrap, in closed form. The correlation of two series is that of their influence on common dates, see
    `shrunken_correlation`; without a common date it is 0 before it is shrunken. A covariance is the product of both.

    Parameters
    ----------
    matrix : ScoreMatrix
    experiment : str, one of `matrix.scores`
    others : DataFrame, shape (n, m)
        Scores of the opponent, a column of `matrix.scores` or its `seed_scores`: of several, the mean AUC is compared.
    length : float
        Mean length of the blocks of the bootstrap in dates, `Block.length`.

    Returns
    -------
    Differences
        A series with one class only is left out. The error of a series with a single day of a class is NaN.
    """
    panel, y = Panel.of(matrix.series, matrix.days), matrix.y.to_numpy()
    scores = np.column_stack([matrix.scores[experiment], others])
    contrast = np.append(1.0, np.full(scores.shape[1] - 1, -1 / (scores.shape[1] - 1)))
    positives, negatives = panel.class_sizes(y)
    kept = np.flatnonzero(positives * negatives)
    aucs, variances, influence = [], [], np.zeros((len(panel.dates), len(kept)))
    for column, s in enumerate(kept):
        rows = panel.rows[s]
        found = delong(y[rows], scores[rows])
        own = found.influence @ contrast
        serial = variance_of_mean(own, min(length, len(rows)))
        aucs.append((found.aucs[0], found.aucs[1:].mean()))
        variances.append(np.maximum(contrast @ found.covariance @ contrast, serial))
        influence[panel.position[rows], column] = own
    correlation, mean, shrinkage = shrunken_correlation(influence)
    se = np.sqrt(np.array(variances, float))
    auc, other_auc = np.array(aucs, float).reshape(-1, 2).T
    days = (positives + negatives)[kept]
    return Differences(
        panel.series[kept], days, positives[kept], auc, other_auc, correlation * np.outer(se, se), mean, shrinkage
    )


def series_aucs(matrix, length):
    """The AUC of every experiment on one series, and its standard error, by the rule of `series_differences`.

    Parameters
    ----------
    matrix : ScoreMatrix
        Of the days of one series, with both classes.
    length : float
        Mean length of the blocks of the bootstrap in dates, `Block.length`.

    Returns
    -------
    DataFrame with `auc` and `se`, by experiment
    """
    found, n = delong(matrix.y.to_numpy(), matrix.scores.to_numpy()), len(matrix.days)
    serial = variance_of_mean(found.influence, min(length, n))
    se = np.sqrt(np.maximum(np.diag(found.covariance), serial))
    return pd.DataFrame({"auc": found.aucs, "se": se}, index=matrix.scores.columns)


def shrunken_correlation(influence):
    """The correlation of S series over D dates, drawn towards the same correlation for all pairs.

    With r_ij the correlations about 0 and r their mean, the result is r_ij + h (r - r_ij). h is the sum of the
    variances of the r_ij divided by the sum of (r_ij - r)^2, at most 1: it minimises the expected squared error. This
    target keeps the mean correlation, on which the error of every mean over series depends. Drawing towards 0, as
    scikit-learn does, would make that error too small.

    Parameters
    ----------
    influence : array, shape (D, S)
        Each column has the mean 0; 0 where a series lacks a date. A column of zeros correlates with none.

    Returns
    -------
    correlation : array, shape (S, S)
    mean : float, r; NaN of one series
    shrinkage : float, h; 0 of one series

    References
    ----------
    Ledoit and Wolf, J. Portfolio Management 2004; Schaefer and Strimmer, Stat. Appl. Genetics Mol. Biol. 2005.
    """
    dates, count = influence.shape
    norms = np.sqrt((influence**2).mean(axis=0))
    standard = influence / np.where(norms > 0, norms, 1)
    correlation = standard.T @ standard / dates
    np.fill_diagonal(correlation, 1)
    if count < 2:
        return correlation, np.nan, 0.0
    number, squares = count * (count - 1), standard**2
    mean = (correlation.sum() - count) / number
    products = (squares.sum(axis=1) ** 2 - (squares**2).sum(axis=1)).mean()  # sum over pairs of the mean of z_i^2 z_j^2
    noise = (products - (correlation**2).sum() + count) / dates
    spread = ((correlation - mean) ** 2).sum() - count * (1 - mean) ** 2
    shrinkage = float(np.clip(noise / spread, 0, 1)) if spread > 1e-12 * number else 1.0
    correlation += shrinkage * (mean - correlation)
    np.fill_diagonal(correlation, 1)
    return correlation, float(mean), shrinkage


def random_effects(differences, alpha):
    """The mean of the true differences of the series, how much these vary, and an estimate of each.

    The true difference of a series is the mean plus a deviation with variance tau^2. The errors of the estimates are
    correlated with covariance C over series. With a_s = 1 / C_ss, A = diag(a), M = A - a a' / sum(a) and Q = d' M d,
    tau^2 = (Q - tr(M C)) / tr(M), at least 0: the estimate of DerSimonian and Laird, whose expectation takes the
    correlations into account. The mean has the weights 1 / (C_ss + tau^2), and its error the whole of C + tau^2 I. The
    single estimates are drawn to the mean: mean + tau^2 (C + tau^2 I)^-1 (d - mean).

    Parameters
    ----------
    differences : Differences
    alpha : float
        The intervals have the level 1 - alpha, by Student's t distribution with one degree of freedom less than series.

    Returns
    -------
    summary : dict
        `mean`, `se`, `low`, `high`, `tau`, and `series`, the number of series with an error: those without one, because
        a class has a single day or both scores rank alike, are left out. `low` and `high` are NaN of one series.
    shrunken, shrunken_se : arrays, shape (S,)
        The single estimates and their errors, the chance in the mean included; NaN for series without an error.

    References
    ----------
    DerSimonian and Laird, Controlled Clinical Trials 1986; Jackson and White, Biometrical J. 2018, for t.
    """
    from scipy.special import stdtrit

    kept = np.flatnonzero(differences.se > 0)
    shrunken, shrunken_se = np.full((2, len(differences.series)), np.nan)
    if not len(kept):
        return dict.fromkeys(("mean", "se", "low", "high", "tau"), np.nan) | {"series": 0}, shrunken, shrunken_se
    d, c = differences.difference[kept], differences.covariance[np.ix_(kept, kept)]
    a = 1 / np.diag(c)
    q = a @ (d - a @ d / a.sum()) ** 2
    expected = len(kept) - a @ c @ a / a.sum()
    size = a.sum() - (a**2).sum() / a.sum()
    tau2 = max((q - expected) / size, 0.0) if len(kept) > 1 else 0.0
    total = c + tau2 * np.eye(len(kept))
    weights = 1 / np.diag(total)
    weights /= weights.sum()
    mean, variance = weights @ d, weights @ total @ weights
    drawn = tau2 * np.linalg.solve(total, np.eye(len(kept)))
    shrunken[kept] = mean + drawn @ (d - mean)
    rest = 1 - drawn.sum(axis=1)  # how much of the mean is in each estimate
    shrunken_se[kept] = np.sqrt(np.maximum(tau2 - tau2 * np.diag(drawn), 0) + rest**2 * variance)
    half_width = stdtrit(len(kept) - 1, 1 - alpha / 2) * np.sqrt(variance) if len(kept) > 1 else np.nan
    summary = {"mean": mean, "se": np.sqrt(variance), "low": mean - half_width, "high": mean + half_width}
    return summary | {"tau": np.sqrt(tau2), "series": len(kept)}, shrunken, shrunken_se


def series_table(differences, alpha):
    """A row per series: its AUCs, their difference with its error, the shrunken one, and the pool without the series.

    `without` is the pooled difference of the other series, weighted by pairs of days; NaN of one series.
    """
    _, shrunken, shrunken_se = random_effects(differences, alpha)
    pairs, difference = differences.pairs, differences.difference
    with np.errstate(invalid="ignore"):
        without = (pairs @ difference - pairs * difference) / (pairs.sum() - pairs)
    columns = {
        name: getattr(differences, name)
        for name in ("series", "n", "positives", "auc", "other_auc", "difference", "se")
    }
    columns |= {"shrunken": shrunken, "shrunken_se": shrunken_se, "weight": pairs / pairs.sum(), "without": without}
    return pd.DataFrame(columns)


def summarise(differences, alpha):
    """What `series_table` says in one row, a dict.

    `random_effects` with names that begin with `random_`; `series`, the number with both classes; `above`, of how many
    the difference is above 0; `pooled`, weighted by pairs of days; `without_low` and `without_high`, the range of the
    pooled difference if one series is left out; `correlation` and `shrinkage` of `Differences`.
    """
    summary, *_ = random_effects(differences, alpha)
    table = series_table(differences, alpha)
    return {
        "series": len(table),
        "above": int((table["difference"] > 0).sum()),
        "pooled": float(table["weight"] @ table["difference"]) if len(table) else np.nan,
        "without_low": table["without"].min(),
        "without_high": table["without"].max(),
        "correlation": differences.correlation,
        "shrinkage": differences.shrinkage,
    } | {f"random_{name}": value for name, value in summary.items()}


def detectable_by_number(differences, statistics, numbers=NUMBERS):
    """The smallest difference that m series like these can detect, weighted equally; a row per m.

    With v the mean variance of the differences and c their mean covariance, the error of the mean of m series is
    sqrt(v / m + (1 - 1/m) c); for as many series as there are it is that of their own mean. c counts as 0 if it is
    below: many series cannot all move against each other. It speaks of these series, and tau^2 is no part of it. Of one
    series nothing is known about more.

    Parameters
    ----------
    differences : Differences
    statistics : dict, that section of the configuration
    numbers : sequence of int, the m

    Returns
    -------
    DataFrame with `number`, `se` and `detectable`, both in units of AUC
    """
    known = np.isfinite(differences.se)
    covariance = differences.covariance[np.ix_(known, known)]
    count, numbers = len(covariance), np.array(numbers)
    variance = np.trace(covariance) / count if count else np.nan
    pairs = count * (count - 1)
    shared = max((covariance.sum() - np.trace(covariance)) / pairs, 0.0) if pairs else np.nan
    se = np.sqrt(variance / numbers + np.where(numbers > 1, (1 - 1 / numbers) * shared, 0.0))
    return pd.DataFrame(
        {"number": numbers, "se": se, "detectable": detectable(se, statistics["alpha"], statistics["power"])}
    )
