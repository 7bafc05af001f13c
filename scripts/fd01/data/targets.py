"""The targets: one table with the event, the threshold and the wording of each.

A new target is one entry of `TARGETS`, its name in `schemas/config.schema.yaml`, and a row in
`docs/reference/targets.md`; then call `python docs/generate.py`. Every part of the project takes an event for one price
against one threshold: an event of another kind needs changes wherever `TARGETS` is used.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fd01.data.inputs import HIGH_SERIES
from fd01.data.series import each_series
from fd01.workflow.errors import NotRun


def trailing_std(prices, window):
    """Standard deviation of the last `window` daily log returns, today's included; shape (days,)."""
    return np.log(prices["Close"]).diff().rolling(window).std()


# Functions for `Target.threshold`.
def _rise(prices, labels):
    return np.full(len(prices), labels["threshold"])


def _fall(prices, labels):
    return np.full(len(prices), -labels["threshold"])


def _zero(prices, labels):
    return np.zeros(len(prices))


def _scaled_rise(prices, labels):
    scaled = labels["scaled"]
    return (scaled["k"] * trailing_std(prices, scaled["window"])).to_numpy()


@dataclass(frozen=True)
class Target:
    """An event on the days t+1 .. t+h, defined by the prices up to the Close of day t.

    Attributes
    ----------
    price : str
        The price that decides: `High` (the highest High of these days), `Low` (the lowest Low), or `Close` (the last
        Close).
    threshold : function of the prices and of the section `labels` of the configuration
        It returns, in an array of shape (days,), the simple return from the Close of day t which that price must reach
        (`High`, `Low`) or exceed (`Close`).
    wording : str
        The event in words, a clause with the placeholders {days}, {closes}, {percent} and {deviations}.
    takes_threshold : bool
        Whether the event depends on `labels/threshold`.
    """

    price: str
    threshold: Callable
    wording: str
    takes_threshold: bool = False

    @property
    def touches(self):
        """Whether the event can happen at any moment of these days, and not only at the last Close."""
        return self.price != "Close"

    @property
    def falls(self):
        """Whether the event is a fall of the price."""
        return self.price == "Low"

    def happens(self, prices, horizon, threshold):
        """Whether the event happens after each day, False where a price is NaN; Series of bool, shape (days,).

        `prices` is one series with High, Low and Close; `horizon` is h, in trading days; `threshold` is an array of
        shape (days,).
        """
        level = prices["Close"] * (1 + threshold)
        match self.price:
            case "High":
                return prices["High"].rolling(horizon).max().shift(-horizon) >= level
            case "Low":
                return prices["Low"].rolling(horizon).min().shift(-horizon) <= level
            case "Close":
                return prices["Close"].shift(-horizon) > level


TARGETS = {
    "up": Target(
        "High", _rise, "on {days}, the price rises at some time by at least {percent} above today's close", True
    ),
    "down": Target(
        "Low", _fall, "on {days}, the price falls at some time by at least {percent} below today's close", True
    ),
    "direction": Target("Close", _zero, "the close after {closes} is above today's close"),
    "scaled": Target(
        "High", _scaled_rise, "on {days}, the price rises at some time by at least {deviations} above today's close"
    ),
}


def target_column(target, horizon):
    """Name of the column of `target` at `horizon`, for instance `up_1`."""
    return f"{target}_{horizon}"


@each_series
def threshold_return(prices, target, labels):
    """`Target.threshold` of the target with this name, array of shape (days,); NaN on days where it is not known."""
    return TARGETS[target].threshold(prices, labels)


@each_series
def target_values(prices, horizons, threshold, scaled, names=tuple(TARGETS)):
    """Targets on every day.

    Parameters
    ----------
    prices : DataFrame, shape (days, ...) with High, Low and Close
    horizons : list of int, trading days
    threshold : float
        c of `up` and `down`, a simple return.
    scaled : dict
        `k` and `window`: the target `scaled` is `up` with c = k x `trailing_std` over `window` days.
    names : iterable of str, which targets

    Returns
    -------
    DataFrame, shape (days, targets x horizons), columns as `target_column` names them: 1.0, 0.0, or NaN where the data
    end before the horizon or the threshold is not known.
    """
    labels = {"threshold": threshold, "scaled": scaled}
    columns = {}
    for h in horizons:
        for name in names:
            target = TARGETS[name]
            level = target.threshold(prices, labels)
            known = prices["Close"].shift(-h).notna() & ~np.isnan(level)
            columns[target_column(name, h)] = target.happens(prices, h, level).astype(float).where(known)
    return pd.DataFrame(columns)


def describe(target, horizon, labels):
    """The event in words, a clause to put after "the event: ".

    `labels` is the section of the configuration.

    >>> labels = {"threshold": 0.01, "scaled": {"k": 1.0, "window": 20}}
    >>> describe("direction", 1, labels)
    "the close after 1 trading day is above today's close"
    """
    plural = "s" if horizon > 1 else ""
    return TARGETS[target].wording.format(
        days=f"the next {horizon} trading days" if horizon > 1 else "the next trading day",
        closes=f"{horizon} trading day{plural}",
        percent=f"{100 * labels['threshold']:g} %",
        deviations="{k:g} standard deviation{s} (of {window} daily returns)".format(
            **labels["scaled"], s="" if labels["scaled"]["k"] == 1 else "s"
        ),
    )


def require_forecast_of(target, series):
    """Raise `NotRun` when a forecast of the input series named `series` cannot be turned into a score for `target`."""
    if series in HIGH_SERIES and TARGETS[target].price != "High":
        raise NotRun(f"a forecast of the High says nothing of the target {target}")
