"""The series that a model is shown, and windows cut from it."""

import numpy as np

PRICES = {"close": "Close", "high-price": "High"}
OF_THE_HIGH = ("high", "high-price")


def input_series(dataset, name):
    """What a model is shown, float64 array of shape (days,).

    `close`: the Close; `high-price`: the High; `return`: log(Close_t / Close_{t-1}); `high`: log(High_t / Close_{t-1}).
    The first day of the latter two is NaN.
    """
    if name in PRICES:
        return dataset[PRICES[name]].to_numpy(float)
    column = {"return": "Close", "high": "High"}[name]
    return np.log(dataset[column] / dataset["Close"].shift()).to_numpy(float)


def percent_series(dataset, name):
    """`input_series` of `return` or `high`, in percent."""
    return 100 * input_series(dataset, name)


def first_row(name):
    """Row of the first value of an input series."""
    return 0 if name in PRICES else 1


def windows(values, rows, context, first=0):
    """The `context` values up to and including each row, fewer where the series begins later.

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
        When a window has a value that is not finite: the package would fill it in silence.
    """
    cut = [values[max(first, row + 1 - context) : row + 1] for row in rows]
    for row, window in zip(rows, cut):
        if not np.isfinite(window).all():
            raise ValueError(f"the window that ends on row {row} has values that are not finite")
    return cut
