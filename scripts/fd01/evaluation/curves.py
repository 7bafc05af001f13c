"""Curves of several series, of which only days of one series are ranked against each other."""

import numpy as np
import pandas as pd

MOST_POINTS = 2000  # of a curve: more than a figure can show
DIGITS = 3  # of ranks within a series


def ranks_within(score, series):
    """The share of the days of its own series that each score is above, ties as halves, to `DIGITS`; shape (n,).

    It lies between 0 and 1, with the mean 0.5 in every series.
    """
    groups = pd.Series(np.asarray(score)).groupby(np.asarray(series))
    return ((groups.rank() - 0.5) / groups.transform("size")).round(DIGITS).to_numpy()


def mean_roc_curve(y, score, series):
    """The mean of the ROC curves of the series, weighted by their pairs of a day with the event and one without.

    At each false positive rate it is the mean of the true positive rates. So the area under it is the pooled AUC
    (`fd01.evaluation.metrics.auc_within`). Series with one outcome only have no curve.

    Parameters
    ----------
    y, score, series : arrays, shape (n,)

    Returns
    -------
    false_positive_rate, true_positive_rate : arrays
        Both ascend from 0 to 1, in at most about `MOST_POINTS` points.
    """
    steps = _steps(y, score, series)
    # A tie of days of one series lifts the curve by its share of the events, along its share of the other days.
    starts, ends = steps["false"] - steps["of_false"], steps["false"]
    heights = steps["of_true"] * _shares(steps, "pairs")
    upright = starts.to_numpy() == ends.to_numpy()
    slopes = np.where(upright, 0, heights / (ends - starts).where(~upright, 1))
    changes = pd.DataFrame(
        {
            "at": np.r_[starts, ends],
            "jump": np.r_[np.where(upright, heights, 0), np.zeros(len(steps))],
            "slope": np.r_[slopes, -slopes],
        }
    )
    changes = changes.assign(at=changes["at"].round(12)).groupby("at").sum()
    x, jumps, slopes = changes.index.to_numpy(), *changes.to_numpy().T
    ramps = np.r_[0, np.cumsum(np.cumsum(slopes)[:-1] * np.diff(x))]
    above = ramps + np.cumsum(jumps)
    # A point before each jump and one after.
    return _thinned(np.repeat(x, 2), np.column_stack([above - jumps, above]).ravel().clip(0, 1))


def mean_precision_recall_curve(y, score, series):
    """The mean of the precision-recall curves of the series, weighted by their days with the event.

    At each recall it is the mean of the precisions. So the sum of its steps is the average precision over all series as
    `fd01.evaluation.panel` weights it. Series with one outcome only have no curve.

    Parameters
    ----------
    y, score, series : arrays, shape (n,)

    Returns
    -------
    recall, precision : arrays
        The recall descends from 1, as scikit-learn has it, in at most about `MOST_POINTS` points.
    prevalence : float
        The mean share of days with the event: the precision of guessing.
    """
    steps = _steps(y, score, series)
    steps = steps[steps["of_true"] > 0]
    shares = _shares(steps, "positives")
    weighted = steps["precision"] * shares
    changes = weighted - weighted.groupby(steps["series"]).shift(fill_value=0.0)
    starts = (steps["true"] - steps["of_true"]).round(12)
    changes = changes.groupby(starts).sum()
    # From each start to the next one, the precision stays; a point stands at the end of its step.
    recall, precision = np.r_[changes.index[1:], 1.0], np.cumsum(changes.to_numpy())
    recall, precision = _thinned(recall, precision)
    of_series = steps.drop_duplicates("series")
    prevalence = np.average(of_series["positives"] / of_series["days"], weights=of_series["positives"])
    return recall[::-1], precision[::-1], float(prevalence)


def _steps(y, score, series):
    """A row per series with both outcomes and distinct score, from the highest score on.

    `of_true` and `of_false` are the shares of the series' days with and without the event that have this score; `true`
    and `false` those with at least this score; `precision` the share of events among the latter days.
    """
    days = pd.DataFrame({"series": pd.factorize(series)[0], "score": -np.asarray(score, float), "y": np.asarray(y)})
    sizes = days.groupby(["series", "score"])["y"].agg(["sum", "size"]).reset_index()
    of_series = sizes.groupby("series")
    positives, all_days = (of_series[name].transform("sum") for name in ("sum", "size"))
    hits, called = (of_series[name].cumsum() for name in ("sum", "size"))
    negatives = all_days - positives
    with np.errstate(invalid="ignore", divide="ignore"):
        steps = pd.DataFrame(
            {
                "series": sizes["series"],
                "positives": positives,
                "days": all_days,
                "pairs": positives * negatives,
                "of_true": sizes["sum"] / positives,
                "of_false": (sizes["size"] - sizes["sum"]) / negatives,
                "true": hits / positives,
                "false": (called - hits) / negatives,
                "precision": hits / called,
            }
        )
    return steps[steps["pairs"] > 0]


def _shares(steps, size):
    """The weight of the series of each step: its share of the sum of `size` over series."""
    return steps[size] / steps.drop_duplicates("series")[size].sum()


def _thinned(x, y):
    """At most about `MOST_POINTS` of the points of a curve with x ascending, evenly spread along it; with its ends."""
    if len(x) <= MOST_POINTS:
        return x, y
    along = np.r_[0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))]
    kept = np.unique(np.searchsorted(along, np.linspace(0, along[-1], MOST_POINTS)).clip(max=len(x) - 1))
    return x[kept], y[kept]
