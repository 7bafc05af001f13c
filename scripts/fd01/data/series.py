"""Input series: the series that a model gets, and the windows that are cut from it."""

import numpy as np

PRICES = {"close": "Close", "high-price": "High"}  # series that are a price column
SIMPLE_RETURN = "simple-return"
HIGH_SERIES = ("high", "high-price")  # a forecast of one of these is a forecast of the High


def input_series(dataset, name):
    """The input series with this name, float64 array of shape (days,).

    `close`: the Close; `high-price`: the High; `simple-return`: Close_t / Close_{t-1} - 1; `return`:
    log(Close_t / Close_{t-1}); `high`: log(High_t / Close_{t-1}). The first value of the last three is NaN.
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


def first_row(name):
    """Row of the first value that is not NaN in the input series with this name."""
    return 0 if name in PRICES else 1


def windows(values, rows, context, first=0):
    """One window per row: the `context` values up to and including the row, or fewer where the series begins later.

    Parameters
    ----------
    values : array, shape (days, ...)
    rows : int array, shape (n,)
    first : int
        Row of the first value to use.

    Returns
    -------
    list of n arrays, shape (up to context, ...)

    Raises
    ------
    ValueError
        When a window has a value that is not finite. TimesFM would fill the gap in silence.
    """
    cut = [values[max(first, row + 1 - context) : row + 1] for row in rows]
    for row, window in zip(rows, cut):
        if not np.isfinite(window).all():
            raise ValueError(f"the window that ends on row {row} has values that are not finite")
    return cut
