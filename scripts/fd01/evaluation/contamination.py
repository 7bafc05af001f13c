"""Scores before and after the end of the data that pre-trained weights were trained on.

A model may have seen every day of a block that lies before that end: a good score there proves nothing.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm

from fd01.evaluation.comparison import delong

MIN_DAYS = 10  # with the event, and without: a slice with fewer has no AUC
BEFORE, AFTER, RELEASED = "before cut-off", "after cut-off", "after release"


def last_day(month):
    """The end of a month such as "2023-11"; NaT if it is "unknown"."""
    try:
        return pd.Period(month, "M").end_time
    except ValueError:
        return pd.NaT


def slices(days, trained_until, released):
    """The slices of a block: pairs of a name and a mask of `days`, both of shape (n,).

    The cut-off is the end of the month `trained_until`. The days after the release of the weights are a part of the
    days after the cut-off: before the release, the authors may have chosen among models by their results on these days.
    """
    cut_off, release = last_day(trained_until), last_day(released)
    if pd.isna(cut_off):
        yield "cut-off unknown", np.full(len(days), True)
    else:
        yield BEFORE, days <= cut_off
        yield AFTER, days > cut_off
    if not pd.isna(release):
        yield RELEASED, days > release


def measure_slice(y, score, reference, alpha):
    """AUC of a score and of the reference on the days of one slice, or the reason why there is none.

    Parameters
    ----------
    y, score : Series by day, shape (n,)
    reference : Series by day, shape (n,), or None if the reference has no score
    alpha : float

    Returns
    -------
    dict
        `n`, `positives`, `first` and `last` day, `auc`, `reference_auc`, their `difference`, its interval of level
        1 - `alpha` by DeLong, `low` and `high`, and `reason`; what does not exist is missing.
    """
    events = int(y.sum())
    row = {"n": len(y), "positives": events}
    if len(y) == 0:
        return row | {"reason": "no day of the block"}
    row |= {"first": y.index[0].date(), "last": y.index[-1].date()}
    if min(events, len(y) - events) < MIN_DAYS:
        return row | {"reason": f"fewer than {MIN_DAYS} days with the event, or without"}
    if reference is None:
        return row | {"auc": delong(y, score.to_numpy()[:, None]).aucs[0], "reason": "the reference has no score here"}
    both = delong(y, np.column_stack([score, reference]))
    contrast = np.array([1, -1])
    difference = both.aucs @ contrast
    half_width = norm.ppf(1 - alpha / 2) * np.sqrt(contrast @ both.covariance @ contrast)
    row |= dict(zip(("auc", "reference_auc"), both.aucs))
    return row | {"difference": difference, "low": difference - half_width, "high": difference + half_width}
