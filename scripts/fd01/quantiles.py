"""Scores from forecasts that are given as nine deciles.

`forecasts/{experiment}/quantiles.parquet` has one row per dataset row, seed and step: row, seed (null for a
deterministic model), step (1 is the next day), mean, q10 .. q90, in units of the input series.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm

from fd01.errors import NotRun
from fd01.origins import threshold_return

LEVELS = np.arange(1, 10) / 10
DECILES = [f"q{level:.0f}" for level in 100 * LEVELS]
COLUMNS = ["row", "seed", "step", "mean", *DECILES]
PRICES = {"close": "Close", "high-price": "High"}
OF_THE_HIGH = ("high", "high-price")
PROBITS = norm.ppf(LEVELS)


def input_series(dataset, name):
    """What a model is shown, float64 array of shape (days,).

    `close`: the Close; `high-price`: the High; `return`: log(Close_t / Close_{t-1}); `high`: log(High_t / Close_{t-1}).
    The first day of the latter two is NaN.
    """
    if name in PRICES:
        return dataset[PRICES[name]].to_numpy(float)
    of = {"return": "Close", "high": "High"}[name]
    return np.log(dataset[of] / dataset["Close"].shift()).to_numpy(float)


def first_row(name):
    """Row of the first value of an input series."""
    return 0 if name in PRICES else 1


def quantile_frame(rows, quantiles, seed=None):
    """A model's output as rows of the file: `quantiles` has shape (rows, steps, 10), the mean first."""
    n, steps, _ = quantiles.shape
    frame = pd.DataFrame(quantiles.reshape(n * steps, -1), columns=["mean", *DECILES])
    frame.insert(0, "row", np.repeat(rows, steps))
    frame.insert(1, "seed", pd.array([seed] * (n * steps), dtype="Int64"))
    frame.insert(2, "step", np.tile(np.arange(1, steps + 1), n))
    return frame


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
    if name in OF_THE_HIGH and horizon > 1:
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
    what = target["target"]
    rows, deciles = return_deciles(frame, name, dataset["Close"].to_numpy(float), target["horizon"])
    if name in OF_THE_HIGH and what not in ("up", "scaled"):
        raise NotRun(f"a forecast of the High says nothing of the target {what}")
    probability = exceedance(deciles, threshold_return(dataset, what, labels)[rows])
    if what == "down":
        probability = 1 - probability
    if what != "direction" and name not in OF_THE_HIGH:
        probability = touch(probability)
    return rows, {
        "study": -deciles[:, 4] if what == "down" else deciles[:, 4],
        "exceedance": probability,
        "width": deciles[:, 8] - deciles[:, 0],
    }
