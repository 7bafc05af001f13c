"""Scores from forecasts that are given as nine deciles, as `fd01.models.forecasts` stores them."""

import numpy as np
from scipy.stats import norm

from fd01.data.series import HIGH_SERIES, PRICES
from fd01.data.targets import TARGETS, require_forecast_of, threshold_return
from fd01.models.forecasts import DECILES, LEVELS
from fd01.workflow.errors import NotRun

PROBITS = norm.ppf(LEVELS)


def return_deciles(frame, name, close, horizon):
    """Deciles of the simple return from today's Close that the input series `name` speaks of.

    Of the Close after `horizon` days for `close` and `return`; of the High of the next day for the other two.
    Daily returns are summed as if independent: medians add, deviations from the median add in
    quadrature (exact for normal distributions).

    Parameters
    ----------
    frame : DataFrame
        One seed of the file described above, steps 1 .. horizon or more.
    close : array, shape (days,), the Close of the dataset

    Returns
    -------
    rows, deciles : arrays of shape (n,) and (n, 9), deciles ascending (a model's may cross)
    """
    if name in HIGH_SERIES and horizon > 1:
        raise NotRun("a forecast of the High is one of the next day")
    if horizon > frame["step"].max():
        raise NotRun(f"with covariates the forecast reaches 1 day, not {horizon}: those of later days are not known")
    frame = frame[frame["step"] <= horizon].sort_values(["row", "step"])
    rows = frame["row"].to_numpy()[horizon - 1 :: horizon]
    deciles = np.sort(frame[DECILES].to_numpy(float).reshape(len(rows), horizon, 9), axis=2)
    if name in PRICES:
        return rows, deciles[:, -1] / close[rows, None] - 1
    medians = deciles[:, :, 4:5]
    spread = np.sqrt(((deciles - medians) ** 2).sum(axis=1)) * np.sign(PROBITS)
    return rows, np.expm1(medians.sum(axis=1) + spread)


def exceedance(deciles, threshold):
    """Probability that a variable with these deciles exceeds a threshold.

    Between deciles, and beyond them by going on with the last segment, the normal score of the level is
    linear in the value (exact for a normal distribution); so no two thresholds share a clamped probability.

    Parameters
    ----------
    deciles : array, shape (n, 9), ascending
    threshold : array, shape (n,), in the same units

    Returns
    -------
    array, shape (n,)

    >>> normal = norm.ppf(LEVELS)[None]
    >>> exceedance(normal, np.array([2.0])).round(4)
    array([0.0228])
    """
    segment = np.clip((deciles <= threshold[:, None]).sum(axis=1), 1, 8)[:, None]
    left, right = (np.take_along_axis(deciles, segment - shift, axis=1)[:, 0] for shift in (1, 0))
    slope = (PROBITS[segment] - PROBITS[segment - 1])[:, 0] / np.maximum(right - left, np.finfo(float).tiny)
    return norm.sf(PROBITS[segment - 1][:, 0] + (threshold - left) * slope)


def touch(end_beyond):
    """Probability that a path touches a threshold, from that of ending beyond it.

    Twice that for rare events (reflection principle), as 1 - (1 - p)^2: below 1, so that the order of days stays.
    """
    return 1 - (1 - end_beyond) ** 2


def scores(frame, target, name, dataset, labels):
    """The three scores of every row, from one seed of a quantile file.

    Parameters
    ----------
    target : dict with `target` and `horizon`
    frame, name : as in `return_deciles`
    labels : the `labels` of the configuration

    Returns
    -------
    rows : int array, shape (n,)
    scores : dict of arrays, shape (n,)
        study: median as a simple return (its negative for `down`), the study's own score;
        exceedance: probability of the target; width: 90 % less 10 % quantile of the return.

    Raises
    ------
    NotRun
        When the series says nothing of the target.
    """
    event = TARGETS[target["target"]]
    rows, deciles = return_deciles(frame, name, dataset["Close"].to_numpy(float), target["horizon"])
    require_forecast_of(target["target"], name)
    probability = exceedance(deciles, threshold_return(dataset, target["target"], labels)[rows])
    if event.falls:
        probability = 1 - probability
    if event.touches and name not in HIGH_SERIES:
        probability = touch(probability)
    return rows, {
        "study": -deciles[:, 4] if event.falls else deciles[:, 4],
        "exceedance": probability,
        "width": deciles[:, 8] - deciles[:, 0],
    }
