"""Inputs: what a model is given of a series, such as its returns, and the windows that are cut from it."""

import numpy as np

from fd01.data.series import each_series, first_rows

PRICES = {"close": "Close", "high-price": "High"}  # inputs that are a price column
SIMPLE_RETURN = "simple-return"
HIGH_SERIES = ("high", "high-price")  # a forecast of one of these is a forecast of the High


@each_series
def input_series(dataset, name):
    """The input series with this name, float64 array of shape (days,).

    `close`: the Close; `high-price`: the High; `simple-return`: Close_t / Close_{t-1} - 1; `return`:
    log(Close_t / Close_{t-1}); `high`: log(High_t / Close_{t-1}). The last three are NaN on the first day of a series.
    """
    if name in PRICES:
        return dataset[PRICES[name]].to_numpy(float)
    if name == SIMPLE_RETURN:
        return (dataset["Close"] / dataset["Close"].shift() - 1).to_numpy(float)
    column = {"return": "Close", "high": "High"}[name]
    return np.log(dataset[column] / dataset["Close"].shift()).to_numpy(float)


def percent_series(dataset, name):
    """`input_series` of `return` or `high`, in percent."""
    return 100 * input_series(dataset, name)


def first_inputs(dataset, name):
    """For every row, the first row of its series whose value of this input series is not NaN; int array, (days,)."""
    return first_rows(dataset) + (name not in PRICES)


def windows(values, rows, context, first=0):
    """One window per row: the `context` values up to and including the row, or fewer where its series begins later.

    Parameters
    ----------
    values : array, shape (days, ...)
    rows : int array, shape (n,)
    first : int, or int array of shape (n,)
        The first row whose value may be used, for all windows or for each.

    Returns
    -------
    list of n arrays, shape (up to context, ...)

    Raises
    ------
    ValueError
        When a window has a value that is not finite. TimesFM would fill the gap in silence.
    """
    cut = [values[begin : row + 1] for begin, row in zip(np.maximum(first, rows + 1 - context), rows)]
    for row, window in zip(rows, cut):
        if not np.isfinite(window).all():
            raise ValueError(f"the window that ends on row {row} has values that are not finite")
    return cut
