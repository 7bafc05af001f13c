"""Scores from Student-t predictive distributions of the return of the next day, in percent.

Closed forms in float64: no sampling, whose standard error at 100 samples is up to 0.05.
"""

import numpy as np
from scipy.stats import t as student_t

from fd01.errors import NotRun
from fd01.origins import threshold_return
from fd01.quantiles import input_series, touch

PARAMETERS = ["df", "loc", "scale"]


def percent_series(dataset, name):
    """The input series `return` or `high` of `fd01.quantiles.input_series`, in percent."""
    return 100 * input_series(dataset, name)


def scores(frame, target, name, dataset, labels):
    """The three scores of every row, from one seed.

    Parameters
    ----------
    frame : DataFrame with row, df, loc and scale, the latter two in percent
    target : dict with `target` and `horizon`
    name : `return` or `high`
    labels : the `labels` of the configuration

    Returns
    -------
    rows, dict of arrays: as `fd01.quantiles.scores`

    Raises
    ------
    NotRun
        When the distribution says nothing of the target.
    """
    what = target["target"]
    if target["horizon"] > 1:
        raise NotRun("the predictive distribution is that of the next day")
    if name == "high" and what not in ("up", "scaled"):
        raise NotRun(f"a forecast of the High says nothing of the target {what}")
    rows = frame["row"].to_numpy()
    df, loc, scale = (frame[column].to_numpy(float) for column in ("df", "loc", "scale"))
    threshold = 100 * np.log1p(threshold_return(dataset, what, labels)[rows])
    tail = student_t.cdf if what == "down" else student_t.sf
    probability = tail(threshold, df, loc, scale)
    if what != "direction" and name != "high":
        probability = touch(probability)
    low, median, high = (np.expm1(student_t.ppf(level, df, loc, scale) / 100) for level in (0.1, 0.5, 0.9))
    return rows, {"study": -median if what == "down" else median, "exceedance": probability, "width": high - low}
