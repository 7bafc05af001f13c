"""Several series together: days are ranked within their series alone, and all rows of a date are one cluster."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fd01.data.series import rows_of_each
from fd01.evaluation.bootstrap import precision_influence, resampled_brier, resampled_ranking
from fd01.evaluation.comparison import DeLong, delong

PAIRS, EQUAL = "pairs", "equal"  # the weight of a series: its pairs of days, one of each class, or the same for all
MOST_EXACT = 50_000_000  # rows x resamples up to which each series is ranked again: seconds for 25 experiments


@dataclass(frozen=True)
class Panel:
    """Which of n rows are of which of S series, and of which of D dates.

    Attributes
    ----------
    series : array of str, shape (S,)
    dates : Index, shape (D,), ascending
    rows : list of S int arrays, the rows of each series
    position : int array, shape (n,)
        Where the date of each row is among `dates`.
    """

    series: np.ndarray
    dates: pd.Index
    rows: list
    position: np.ndarray

    @classmethod
    def of(cls, series, days):
        """The panel of rows with these series and days, both of shape (n,); a series has a day at most once."""
        position, dates = pd.factorize(pd.Index(days), sort=True)
        return cls(pd.unique(np.asarray(series)), dates, rows_of_each(series), position)

    def class_sizes(self, y):
        """Positive and negative days of each series; two int arrays of shape (S,)."""
        positives = np.array([int(y[rows].sum()) for rows in self.rows])
        return positives, np.array([len(rows) for rows in self.rows]) - positives

    def class_counts(self, y):
        """How many series have the event on each date, and how many have not, of those that have both classes.

        Returns an int array of shape (2, D).
        """
        positives, negatives = self.class_sizes(y)
        ranked = [rows for rows, pairs in zip(self.rows, positives * negatives) if pairs]
        rows = np.concatenate([np.array([], int), *ranked])
        of_class = [self.position[rows[y[rows] == outcome]] for outcome in (1, 0)]
        return np.array([np.bincount(dates, minlength=len(self.dates)) for dates in of_class])


def too_few_events(counts, fewest, several):
    """Why days say nothing, or None: they count as fewer than `fewest` dates with the event, or without it.

    Dates on which m_d series have the event count as (sum_d m_d)^2 / sum_d m_d^2 dates. Of one series, and of series
    that move as one, this is the number of dates with the event; of independent series, it is close to all dates.

    Parameters
    ----------
    counts : int array, shape (2, D), from `Panel.class_counts`
    fewest : int
    several : bool, whether there are several series

    References
    ----------
    Kish, Survey Sampling, 1965, section 11.7; for clusters, Carter, Schnepel and Steigerwald, Review of Economics and
    Statistics 2017.
    """
    totals, squares = counts.sum(axis=1), (counts**2).sum(axis=1)
    if (totals**2 >= fewest * np.maximum(squares, 1)).all():
        return None
    of_several = f"days with the event, or without, that count as fewer than {fewest} dates"
    return of_several if several else f"fewer than {fewest} days with the event, or without"


@dataclass(frozen=True)
class PanelRanking(DeLong):
    """What `rank_panel` returns for k scores: as `DeLong`, with dates in the place of days, so `influence` is (D, k).

    Attributes
    ----------
    of_series : array, shape (S, k)
        The AUC of each series; NaN where it has one class only.
    """

    of_series: np.ndarray


def rank_panel(y, scores, panel, weights=PAIRS):
    """AUCs of k scores over all series, and the covariance between them.

    With P_s and N_s the positive and negative days of series s, and A_s its AUC, the AUC is sum_s w_s A_s. By `PAIRS`
    w_s is proportional to P_s N_s: it is the share of correctly ranked pairs among all pairs of days of one series. By
    `EQUAL` every series has the same weight. A series without both classes has the weight 0.

    Let V_i and W_j be the placements of `delong` and T the number of pairs. By `PAIRS` a positive day adds
    N_s (V_i - AUC) / T and a negative one P_s (W_j - AUC) / T, so that the chance in the weights is a part of the
    error; by `EQUAL` they add w_s (V_i - A_s) / P_s and w_s (W_j - A_s) / N_s. What the rows of a date add is summed to
    u_d, and cov = D / (D - 1) sum_d u_d u_d'. For one series it is the covariance of `delong`.

    Parameters
    ----------
    y : array, shape (n,), 0 or 1
    scores : array, shape (n, k)
    panel : Panel
    weights : `PAIRS` or `EQUAL`

    Returns
    -------
    PanelRanking
        Everything is NaN if no series has both classes; with a single date, the covariance is.

    References
    ----------
    Obuchowski, Biometrics 1997, for clusters; Cameron and Miller, J. Human Resources 2015, for D / (D - 1).
    """
    found = [delong(y[rows], scores[rows]) for rows in panel.rows]
    of_series, dates = np.array([one.aucs for one in found]), len(panel.dates)
    if len(found) == 1:
        return PanelRanking(found[0].aucs, found[0].covariance, found[0].influence, of_series)
    positives, negatives = panel.class_sizes(y)
    shares = _shares(positives * negatives, weights)
    ranked = np.flatnonzero(positives * negatives)
    aucs = shares[ranked] @ of_series[ranked] if len(ranked) else np.full(scores.shape[1], np.nan)
    influence = np.full((dates, scores.shape[1]), 0.0 if len(ranked) else np.nan)
    for s in ranked:
        rows = panel.rows[s]
        added = found[s].influence * (shares[s] / len(rows))
        if weights == PAIRS:
            partners = np.where(y[rows] == 1, negatives[s], positives[s]) / (positives * negatives).sum()
            added += partners[:, None] * (of_series[s] - aucs)
        influence[panel.position[rows]] += dates * added
    covariance = influence.T @ influence / dates**2 * (dates / (dates - 1) if dates > 1 else np.nan)
    return PanelRanking(aucs, covariance, influence, of_series)


def _shares(pairs, weights):
    """The weights of the series, along the first axis, of which the sum is 1; NaN if none has a pair."""
    with np.errstate(invalid="ignore"):
        sizes = pairs if weights == PAIRS else pairs > 0
        return sizes / sizes.sum(axis=0)


def exact_resamples(y, scores, probabilities, panel, counts, weights=PAIRS):
    """AUC, average precision and Brier score on every resample of dates: each series is ranked again.

    Parameters
    ----------
    y : array, shape (n,), 0 or 1
    scores : array, shape (n, k)
    probabilities : array, shape (n, k)
        The scores, with NaN for those that are no probabilities.
    panel : Panel
    counts : int array, shape (resamples, D)
        How often each date occurs, from `fd01.evaluation.bootstrap.resample_counts`.
    weights : `PAIRS` or `EQUAL`, of the AUCs of the series
        Average precision is always weighted by positive days, and the Brier score by days.

    Returns
    -------
    auc, average_precision, brier : arrays, shape (resamples, k)
        The first two are NaN where no series has both classes.
    """
    days, positives = (
        np.array([counts[:, panel.position[rows[y[rows] >= lowest]]].sum(axis=1) for rows in panel.rows])
        for lowest in (0, 1)
    )
    pairs = positives * (days - positives)
    shares = _shares(pairs, weights), _shares(np.where(pairs > 0, positives, 0), PAIRS), _shares(days, PAIRS)
    totals = np.zeros((3, len(counts), scores.shape[1]))
    for s, rows in enumerate(panel.rows):
        own = counts[:, panel.position[rows]]
        ranking = resampled_ranking(y[rows], scores[rows], own)
        measured = *ranking, resampled_brier(y[rows], probabilities[rows], own)
        for total, share, values in zip(totals, shares, measured):
            weight = share[s][:, None]
            total += np.where(weight == 0, 0.0, weight * values)
    return tuple(totals)


def linear_resamples(y, scores, probabilities, panel, ranking):
    """The same as `exact_resamples` to first order, for many series: nothing is sorted again.

    A measure m of a resample is m + (1/D) sum_d c_d u_d, with c_d how often the date d is drawn, and u_d its influence.

    Parameters
    ----------
    y, scores, probabilities, panel
        As for `exact_resamples`.
    ranking : PanelRanking

    Returns
    -------
    function of counts
        It returns what `exact_resamples` does.
    """
    measured = (
        (ranking.aucs, ranking.influence),
        _average_precision(y, scores, panel),
        _brier(y, probabilities, panel),
    )
    dates = len(panel.dates)
    return lambda counts: tuple(estimate + counts @ influence / dates for estimate, influence in measured)


def _average_precision(y, scores, panel):
    """Average precision over all series, shape (k,), and what each date adds to it, times D; shape (D, k)."""
    positives, negatives = panel.class_sizes(y)
    ranked = np.flatnonzero(positives * negatives)
    influence, mean = np.zeros((len(panel.dates), scores.shape[1])), np.zeros(scores.shape[1])
    with np.errstate(invalid="ignore"):
        shares = positives / positives[ranked].sum()
    of_series = [precision_influence(y[panel.rows[s]], scores[panel.rows[s]]) for s in ranked]
    for s, (precision, _) in zip(ranked, of_series):
        mean += shares[s] * precision
    for s, (precision, added) in zip(ranked, of_series):
        rows = panel.rows[s]
        of_weight = (y[rows] == 1)[:, None] * (precision - mean) / positives[s]
        influence[panel.position[rows]] += len(panel.dates) * shares[s] * (added / len(rows) + of_weight)
    return (mean, influence) if len(ranked) else (mean * np.nan, influence * np.nan)


def _brier(y, probabilities, panel):
    """Brier score over all rows, shape (k,), and what each date adds to it, times D; shape (D, k)."""
    squares = (probabilities - y[:, None]) ** 2
    mean, influence = squares.mean(axis=0), np.zeros((len(panel.dates), squares.shape[1]))
    for rows in panel.rows:
        influence[panel.position[rows]] += (squares[rows] - mean) * (len(panel.dates) / len(y))
    return mean, influence


def resampler(y, scores, probabilities, panel, ranking, resamples, weights=PAIRS):
    """The function of counts that measures resamples: `exact_resamples` of one series or few rows, else to first order.

    `MOST_EXACT` is the limit. Arguments as for `exact_resamples` and `linear_resamples`; `resamples` is their number.
    """
    if len(panel.rows) == 1 or len(y) * resamples <= MOST_EXACT:
        return lambda counts: exact_resamples(y, scores, probabilities, panel, counts, weights)
    return linear_resamples(y, scores, probabilities, panel, ranking)
