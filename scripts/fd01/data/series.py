"""Several series in one table: where each begins, and functions of the days of one series applied to all.

The dataset is one table in the long format, sorted by its column `series`, then by date. A `row` is a position in it. A
table without that column is one series. Nothing that is computed for a day may use a day of another series.
"""

from functools import wraps
from itertools import pairwise

import numpy as np
import pandas as pd


def slices_of(table):
    """One slice of rows per series, in the order of the table; `table` is sorted by `series`."""
    edges = [0, len(table)]
    if "series" in table and len(table):
        codes = table["series"].astype("category").cat.codes.to_numpy()
        edges[1:1] = np.flatnonzero(np.diff(codes)) + 1
    return [slice(start, end) for start, end in pairwise(edges)]


def rows_of_each(groups):
    """The rows of each of `groups`, shape (n,), in the order in which they first appear; list of int arrays."""
    codes, names = pd.factorize(np.asarray(groups))
    ends = np.cumsum(np.bincount(codes, minlength=len(names)))
    return np.split(np.argsort(codes, kind="stable"), ends[:-1])


def first_rows(table):
    """For every row, the first row of its series; int array, shape (days,)."""
    slices = slices_of(table)
    return np.repeat([rows.start for rows in slices], [rows.stop - rows.start for rows in slices])


def names_of_series(table):
    """The names of the series, in the order of the table; `[""]` for a table without the column."""
    return [str(table["series"].iloc[rows.start]) if "series" in table else "" for rows in slices_of(table)]


def each_series(function):
    """Make a function of the days of one series a function of a table of several.

    `function` takes a table of days first, and returns a Series, a DataFrame or an array with a row per day.
    """

    @wraps(function)
    def of_all(table, *args, **options):
        slices = slices_of(table)
        if len(slices) == 1:
            return function(table, *args, **options)
        results = [function(table.iloc[rows], *args, **options) for rows in slices]
        return np.concatenate(results) if isinstance(results[0], np.ndarray) else pd.concat(results)

    return of_all
