"""Scores from predictive distributions that are given as nine deciles, as `fd01.models.forecasts` stores them."""

import numpy as np
from scipy.special import ndtr, ndtri

from fd01.data.inputs import HIGH_SERIES, PRICES, SIMPLE_RETURN
from fd01.data.targets import TARGETS, require_forecast_of, threshold_return
from fd01.data.touch import CLOSE_EXCEEDANCE, needs_touch
from fd01.models.forecasts import DECILE_COLUMNS, LEVELS
from fd01.workflow.errors import NotRun

PROBITS = ndtri(LEVELS)  # normal scores of the deciles
LOWEST_RETURN = -0.9999  # a forecast below it, which no price can follow, counts as this simple return
PART = 50_000  # forecasts at a time, which bounds the memory


def return_deciles(frame, name, close, horizon):
    """Deciles of the simple return from today's Close that the forecasts are about.

    For the input series `high` and `high-price` it is the return to the High of the next day, for the others the return
    to the Close after `horizon` days. Daily log returns are summed as if they were independent: medians add, and
    deviations from the median add in quadrature, which is exact for normal distributions.

    Parameters
    ----------
    frame : DataFrame
        Forecasts of one seed, see `fd01.models.forecasts`; at least the steps 1 .. horizon of each row.
    name : str, input series, see `fd01.data.inputs.input_series`
    close : array, shape (days,), the Close of the dataset
    horizon : int, trading days

    Returns
    -------
    rows : int array, shape (n,), rows of the dataset
    deciles : array, shape (n, 9), ascending, although the deciles of a model may cross

    Raises
    ------
    NotRun
        If the forecasts do not reach `horizon`.
    """
    if name in HIGH_SERIES and horizon > 1:
        raise NotRun("a forecast of the High is one of the next day")
    longest = frame["step"].max()
    if horizon > longest:
        raise NotRun(f"with covariates the forecast reaches 1 day, not {horizon}: those of later days are not known")
    if horizon < longest:
        frame = frame[frame["step"] <= horizon]
    order = frame["row"].to_numpy() * (horizon + 1) + frame["step"].to_numpy()
    if (np.diff(order) < 0).any():  # of many series, sorting would take longer than all the rest
        frame = frame.sort_values(["row", "step"])
    rows = frame["row"].to_numpy()[horizon - 1 :: horizon].copy()  # or it would keep the whole frame in memory
    values = frame[DECILE_COLUMNS].to_numpy().reshape(len(rows), horizon, 9)
    if name in PRICES:
        return rows, np.sort(values[:, -1].astype(float)) / close[rows, None] - 1
    returns = np.empty((len(rows), 9))
    for part in (slice(start, start + PART) for start in range(0, len(rows), PART)):
        returns[part] = _compounded(np.sort(values[part].astype(float)), name == SIMPLE_RETURN)
    return rows, returns


def _compounded(deciles, simple):
    """Deciles of the simple return over all days from those of each day's return; shape (n, days, 9) to (n, 9)."""
    if simple:
        if deciles.shape[1] == 1:
            return deciles[:, 0]
        deciles = np.log1p(np.maximum(deciles, LOWEST_RETURN))
    medians = deciles[:, :, 4:5]
    deviations = np.sqrt(((deciles - medians) ** 2).sum(axis=1)) * np.sign(PROBITS)
    return np.expm1(medians.sum(axis=1) + deviations)


def exceedance(quantiles, threshold, levels=LEVELS):
    """Probability that a variable with these quantiles exceeds a threshold.

    The normal score of the level is interpolated linearly between the quantiles, and extrapolated along the last
    segment beyond them. This is exact for a normal distribution, and two different thresholds never have the same
    probability.

    Parameters
    ----------
    quantiles : array, shape (n, k), ascending
    threshold : array, shape (n,), in the same units
    levels : array, shape (k,), ascending, between 0 and 1
        The deciles unless given; at least two.

    Returns
    -------
    array, shape (n,)

    >>> normal = ndtri(LEVELS)[None]
    >>> exceedance(normal, np.array([2.0])).round(4)
    array([0.0228])
    """
    probits = ndtri(levels)
    segment = np.clip((quantiles <= threshold[:, None]).sum(axis=1), 1, len(probits) - 1)[:, None]
    left, right = (np.take_along_axis(quantiles, segment - shift, axis=1)[:, 0] for shift in (1, 0))
    # Of equal quantiles the slope is steep but finite, also between levels that lie far apart.
    width = np.maximum(right - left, 8 * np.finfo(float).tiny)
    slope = (probits[segment] - probits[segment - 1])[:, 0] / width
    return ndtr(-(probits[segment - 1][:, 0] + (threshold - left) * slope))


def scores(frame, target, name, dataset, labels):
    """The three scores of every row.

    Parameters
    ----------
    frame, name : as for `return_deciles`
    target : dict with `target` and `horizon`
    dataset : DataFrame of all days
    labels : section `labels` of the configuration

    Returns
    -------
    rows : int array, shape (n,)
    scores : dict of arrays, shape (n,), by kind of score
        study: the median as a simple return (its negative for `down`), the score of the original study; exceedance:
        the probability of the target, or, in its place, close-exceedance: the probability that the Close ends beyond
        the threshold, from a forecast of the Close for a target that asks for a touch (`fd01.data.touch`); width: 90 %
        less 10 % quantile of the return.

    Raises
    ------
    NotRun
        If the forecasts say nothing about the target.
    """
    rows, deciles = return_deciles(frame, name, dataset["Close"].to_numpy(float), target["horizon"])
    return rows, scores_of_returns(rows, deciles, target, name, dataset, labels)


def scores_of_returns(rows, deciles, target, name, dataset, labels):
    """The three scores of `scores`, from what `return_deciles` gives; a dict of arrays, shape (n,)."""
    event = TARGETS[target["target"]]
    require_forecast_of(target["target"], name)
    probability = exceedance(deciles, threshold_return(dataset, target["target"], labels)[rows])
    if event.falls:
        probability = 1 - probability
    return {
        "study": -deciles[:, 4] if event.falls else deciles[:, 4],
        CLOSE_EXCEEDANCE if needs_touch(target, name) else "exceedance": probability,
        "width": deciles[:, 8] - deciles[:, 0],
    }
