"""The targets: of each its event, its threshold, its wording, and which forecasts say something about it.

A new target is one entry of `TARGETS`, its name in `schemas/config.schema.yaml`, and a line in
`docs/reference/targets.md`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fd01.data.series import OF_THE_HIGH
from fd01.workflow.errors import NotRun


def trailing_std(close, window):
    """Standard deviation of the last `window` daily log returns, today's included; shape (days,)."""
    return np.log(close).diff().rolling(window).std()


def _rise(prices, labels):
    return np.full(len(prices), labels["threshold"])


def _fall(prices, labels):
    return np.full(len(prices), -labels["threshold"])


def _none(prices, labels):
    return np.zeros(len(prices))


def _scaled_rise(prices, labels):
    scaled = labels["scaled"]
    return (scaled["k"] * trailing_std(prices["Close"], scaled["window"])).to_numpy()


@dataclass(frozen=True)
class Target:
    """An event of the days t+1 .. t+h, as seen at the Close of day t.

    Attributes
    ----------
    price : str
        The price that decides: `High` (the highest of these days), `Low` (the lowest), or `Close` (the last).
    threshold : function of the prices and of the section `labels` of the configuration
        The simple return from today's Close that this price must reach (`High`, `Low`) or exceed (`Close`),
        shape (days,).
    wording : str
        The event in words, a clause. It may use {days}, {closes}, {percent} and {deviations}.
    takes_threshold : bool
        Whether `labels/threshold` matters to it.
    """

    price: str
    threshold: Callable
    wording: str
    takes_threshold: bool = False

    @property
    def touches(self):
        """Whether any moment of the days can bring the event about, not only the last Close."""
        return self.price != "Close"

    @property
    def falls(self):
        """Whether the event is that the price is low."""
        return self.price == "Low"

    def happens(self, prices, horizon, threshold):
        """Whether the event happens after each day, with NaN compared as False; Series of bool, shape (days,)."""
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
    "direction": Target("Close", _none, "the close after {closes} is above today's close"),
    "scaled": Target(
        "High", _scaled_rise, "on {days}, the price rises at some time by at least {deviations} above today's close"
    ),
}


def target_column(target, horizon):
    """Name of the column that holds `target` at `horizon`, for instance `up_1`."""
    return f"{target}_{horizon}"


def threshold_return(prices, target, labels):
    """`Target.threshold` of the target with this name, shape (days,); NaN while it is not known."""
    return TARGETS[target].threshold(prices, labels)


def target_values(prices, horizons, threshold, scaled):
    """Every target of every day.

    Parameters
    ----------
    prices : DataFrame, shape (days, ...) with High, Low and Close
    horizons : list of int, trading days
    threshold : float
        c of `up` and `down`, a simple return.
    scaled : dict
        `k` and `window`: the target `scaled` is `up` with c = k x `trailing_std` over `window` days.

    Returns
    -------
    DataFrame, shape (days, targets x horizons), columns as `target_column` names them: 1.0, 0.0, or NaN where a day of
    the horizon or the threshold is missing.
    """
    labels = {"threshold": threshold, "scaled": scaled}
    columns = {}
    for h in horizons:
        for name, target in TARGETS.items():
            level = target.threshold(prices, labels)
            known = prices["Close"].shift(-h).notna() & ~np.isnan(level)
            columns[target_column(name, h)] = target.happens(prices, h, level).astype(float).where(known)
    return pd.DataFrame(columns)


def describe(target, horizon, labels):
    """The event in words, as a clause that follows "the event: ".

    >>> labels = {"threshold": 0.01, "scaled": {"k": 1.0, "window": 20}}
    >>> describe("direction", 1, labels)
    "the close after 1 trading day is above today's close"
    """
    plural = "s" if horizon > 1 else ""
    return TARGETS[target].wording.format(
        days=f"the next {horizon} trading days" if horizon > 1 else "the next trading day",
        closes=f"{horizon} trading day{plural}",
        percent=f"{100 * labels['threshold']:g} %",
        deviations="{k:g} standard deviations (of {window} daily returns)".format(**labels["scaled"]),
    )


def require_forecast_of(target, series):
    """Raise `NotRun` unless a forecast of the input `series` says something about the target with this name."""
    if series in OF_THE_HIGH and TARGETS[target].price != "High":
        raise NotRun(f"a forecast of the High says nothing of the target {target}")
