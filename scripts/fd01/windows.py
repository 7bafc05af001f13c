"""Windows of a series."""

import numpy as np


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
