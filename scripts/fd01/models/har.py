"""A forecast of volatility that owes nothing to the models under study: HAR."""

import numpy as np

from fd01.data.features import har
from fd01.data.series import PRICES, input_series


def har_volatility(dataset, train):
    """Forecast of the next day's volatility by HAR, shape (days,); NaN on the first days.

    Least squares of tomorrow's log Parkinson variance on the logs of its averages over 1, 5 and 22 days
    (Corsi, J. Financial Econometrics 2009, eq. 8), on the rows `train`; the square root of its exponential. In units
    of the range, which is all that a ranking needs.
    """
    terms = har(dataset).to_numpy()
    design = np.column_stack([np.ones(len(terms)), terms])
    coefficients, *_ = np.linalg.lstsq(design[train], terms[train + 1, 0])
    return np.exp(design @ coefficients / 2)


def har_distribution(dataset, train, name):
    """Median and width (90 % less 10 % quantile) of the next value of an input series, two arrays of shape (days,).

    HAR's volatility times the quantiles of the training period's values, each divided by its day's volatility:
    the filtered historical simulation of Barone-Adesi, Giannopoulos and Vosper (J. Futures Markets 1999), with HAR as
    the filter. A price series has the distribution of its log return from today's Close.
    """
    volatility = har_volatility(dataset, train)
    returns = input_series(dataset, {"close": "return", "high-price": "high"}.get(name, name))
    low, median, high = np.quantile(returns[train + 1] / volatility[train], [0.1, 0.5, 0.9])
    if name not in PRICES:
        return median * volatility, (high - low) * volatility
    close = dataset["Close"].to_numpy(float)
    low, median, high = (close * np.exp(level * volatility) for level in (low, median, high))
    return median, high - low
