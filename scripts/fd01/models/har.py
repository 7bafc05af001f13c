"""Forecasts by HAR, a classical model of volatility: the reference for what the models under study know beyond it."""

import numpy as np

from fd01.data.features import har
from fd01.data.inputs import PRICES, input_series


def har_volatility(dataset, train):
    """Forecast by HAR of the volatility of the next day, shape (days,); NaN on the first days.

    Least squares, on the rows `train`, of tomorrow's log variance (Parkinson) on the logs of its averages over 1, 5
    and 22 days (Corsi, J. Financial Econometrics 2009, eq. 8). The volatility is the square root of the exponential
    of the fit, in units of the daily range, without a correction of the mean: a ranking of days needs none.
    """
    terms = har(dataset).to_numpy()
    design = np.column_stack([np.ones(len(terms)), terms])
    coefficients, *_ = np.linalg.lstsq(design[train], terms[train + 1, 0])
    return np.exp(design @ coefficients / 2)


def har_distribution(dataset, train, name):
    """Forecast by HAR of the distribution of the next value of an input series.

    Filtered historical simulation (Barone-Adesi, Giannopoulos and Vosper, J. Futures Markets 1999) with HAR as the
    filter: each value of the training period is divided by its forecast volatility, and the quantiles of these ratios
    are multiplied by the volatility that HAR forecasts.

    Parameters
    ----------
    train : int array, rows to fit on
    name : str, input series, see `fd01.data.inputs.input_series`

    Returns
    -------
    median, width : arrays, shape (days,)
        In units of the series; the width is the 90 % less the 10 % quantile. The next price is distributed as
        today's Close times the exponential of the log return.
    """
    volatility = har_volatility(dataset, train)
    returns = input_series(dataset, {"close": "return", "high-price": "high"}.get(name, name))
    low, median, high = np.quantile(returns[train + 1] / volatility[train], [0.1, 0.5, 0.9])
    if name not in PRICES:
        return median * volatility, (high - low) * volatility
    close = dataset["Close"].to_numpy(float)
    low, median, high = (close * np.exp(level * volatility) for level in (low, median, high))
    return median, high - low
