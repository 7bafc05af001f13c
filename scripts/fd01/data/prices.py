"""The dataset in its one form: the checked prices of one or more series, and their indicators."""

import logging
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd

from fd01.data.calendars import NO_CALENDAR, Sessions
from fd01.data.dates import with_date_column
from fd01.data.indicators import INDICATORS, a20
from fd01.data.price_checks import LARGEST_MOVE, OHLC, OHLCV, after_pauses, check_prices, refuse_rows
from fd01.data.price_files import PACKAGED, series_of_files, series_of_table
from fd01.workflow.errors import UserError

COLUMNS = ["Date", *OHLCV, *INDICATORS]
SAME_CLOSE = 1e-4  # relative; below it, Adj Close is the Close, rounded
STOP, SPLIT = "stop", "split"  # what happens at a pause of a series


def load_packaged(index="sp500"):
    """S&P 500 (`sp500`) or NASDAQ (`nasdaq`) index, daily, 1999-2018, from the package `arch`; Date and OHLCV."""
    from importlib import import_module

    return import_module(f"arch.data.{index}").load().reset_index()[["Date", *OHLCV]]


def _packaged_series(index):
    return with_date_column(load_packaged(index))


def read_prices(paths, name, *, source="sp500", series=None, layout=None, pauses=STOP):
    """The series of a dataset, unchecked.

    Parameters
    ----------
    paths : list of path
        The price files; without any, the prices come from the package `arch`.
    name : str
        The name of the dataset, and of its only series if the prices name none.
    source : str
        Which packaged prices, a name in `fd01.data.price_files.PACKAGED`.
    series : str, optional
        The name of the only series, whatever the prices say.
    layout : str, optional
        As `fd01.data.price_files.series_of_files` takes it.
    pauses : {"stop", "split"}
        Whether a series that pauses is left as it is, so that the checks stop on it, or becomes several by
        `split_at_pauses`.

    Returns
    -------
    dict of str to function
        For the name of each series, sorted, the function that reads it as a DataFrame with a column Date.

    Raises
    ------
    UserError
        When a file cannot be read, or when `series` is given and there are several.
    """
    if paths:
        found = series_of_files(paths, name, layout)
    else:
        indices = PACKAGED[source]
        names = indices if len(indices) > 1 else [name]
        found = {name: partial(_packaged_series, index) for name, index in zip(names, indices)}
    if series is not None:
        if len(found) > 1:
            raise UserError(
                f"the dataset's key series names the only series, but there are {len(found)}: delete the key"
            )
        found = dict(zip([series], found.values()))
    return split_at_pauses(found) if pauses == SPLIT else found


def split_at_pauses(series):
    """The same series, each ending at a pause, after which another one begins: nothing can reach across a pause.

    The first part keeps the name of the series, a later one is named `XYZ since 2012-03-01`. `series` is a dict of
    functions as `read_prices` returns it, and so is the result. Dates that are not ascending are left to the checks.
    """
    parts = {}
    for name, read in series.items():
        dates = read()["Date"]
        edges = [0, *(after_pauses(dates) if dates.is_monotonic_increasing else []), len(dates)]
        for start, end in pairwise(edges):
            part = f"{name} since {dates.iloc[start]:%Y-%m-%d}" if start else name
            parts[part] = partial(_rows_of, read, slice(start, end))
            if start:
                logging.info("%s pauses after %s: %s is a series", name, f"{dates.iloc[start - 1]:%Y-%m-%d}", part)
    return dict(sorted(parts.items()))


def _rows_of(read, rows):
    return read().iloc[rows]


class NoDays(UserError):
    """A series has no day that a dataset can hold."""


def build_dataset(raw, start=None, end=None, name="prices", **options):
    """The dataset of the table `raw`: all series, sorted by name, each as `build_series` makes it.

    Parameters
    ----------
    raw : DataFrame
        As `build_series` takes it, with a column that names the series if there are several.
    start, end : str, optional
    name : str
        The name of a series that has none in `raw`.
    options
        Further arguments of `build_series`.

    Returns
    -------
    DataFrame, shape (days of all series, 27): `series` (Categorical), then the columns of `build_series`.
    """
    parts = build_all(series_of_table(raw, name), start=start, end=end, **options)
    return pd.concat(parts, ignore_index=True)


def build_all(series, calendar=NO_CALENDAR, **options):
    """Yield the dataset series by series, each with the column `series`; if there are several, an error names its own.

    Of several series, one without a day is left out with a warning.

    Parameters
    ----------
    series : dict of str to function, as `read_prices` returns it
    calendar : str
        The name of the trading calendar, or none.
    options
        Further arguments of `build_series`.
    """
    sessions = None if calendar == NO_CALENDAR else Sessions(calendar)
    empty = []
    for i, (name, read) in enumerate(series.items()):
        whose = f"series {name}: " if len(series) > 1 else ""
        try:
            frame = build_series(read(), sessions=sessions, whose=whose, **options)
        except NoDays as error:
            empty.append(name)
            if len(empty) == len(series):
                raise UserError(f"{whose}{error}") from None
            logging.warning("%sleft out: %s", whose, error)
            continue
        except UserError as error:
            raise UserError(f"{whose}{error}") from None
        names = pd.Categorical.from_codes(np.full(len(frame), i), categories=list(series))
        frame.insert(0, "series", names)
        yield frame


def adjusted(raw):
    """The raw prices of one series, multiplied by Adj Close / Close, without Adj Close; Volume stays.

    Raises `UserError` when there is no usable Adj Close, or when there are indicators, which are of other prices.
    """
    column = _adjusted_close(raw)
    if column is None:
        raise UserError("the dataset's key adjust is true, but there is no column Adj Close")
    if any(name in raw for name in INDICATORS):
        raise UserError("the dataset's key adjust is true, but the file has indicators of other prices: delete them")
    ratio = raw[column].astype(float) / raw["Close"].astype(float)
    refuse_rows(raw, ~np.isfinite(ratio) | (ratio <= 0), "Adj Close or Close that is missing, infinite or not positive")
    return raw.assign(**{name: raw[name] * ratio for name in OHLC}).drop(columns=column)


def build_series(raw, start=None, end=None, *, sessions=None, largest_move=LARGEST_MOVE, adjust=False, whose=""):
    """The days of one series: ascending dates, OHLCV and the 20 indicators, no missing value.

    Parameters
    ----------
    raw : DataFrame
        Date (midnights), OHLCV, perhaps `Adj Close`, and either all 20 indicators, which are then kept, or none, and
        then they are computed.
    start, end : str, optional
        First and last date to keep, both included. Indicators are computed before the other days are dropped.
    sessions, largest_move
        As `fd01.data.price_checks.check_prices` takes them.
    adjust : bool
        Whether to make the prices `adjusted`.
    whose : str
        What warnings begin with.

    Returns
    -------
    DataFrame, shape (days, 26): `COLUMNS`, in the units of `raw`. The first days, on which an indicator that is
    computed here has no value yet, are dropped.

    Raises
    ------
    UserError
        When a column is missing, or a value cannot be a date or a price. The message names the columns or the rows.
    """
    present = [name for name in INDICATORS if name in raw]
    expected = ["Date", *OHLCV] + (INDICATORS if present else [])
    _check_columns(raw, expected)
    frame = (adjusted(raw) if adjust else raw)[expected]
    check_prices(frame, sessions, largest_move, "" if adjust else _warn_of_unadjusted(raw, whose))
    if not present:
        indicators = a20(frame.set_index("Date")).set_axis(frame.index)
        complete = indicators.notna().all(axis=1).to_numpy()
        warm_up = int(complete.argmax()) if complete.any() else len(frame)
        logging.info("%scomputed %d indicators; they warm up for %d days", whose, len(INDICATORS), warm_up)
        frame = pd.concat([frame, indicators], axis=1).iloc[warm_up:]
    within = frame["Date"].between(pd.Timestamp(start or "1700-01-01"), pd.Timestamp(end or "2200-01-01"))
    frame = frame[within]
    if frame.empty:
        raise NoDays(
            f"no day with all indicators is left from {start or 'the first'} to {end or 'the last'}: check start and "
            "end of the source; where indicators are computed, they are missing on the first 199 days of the prices"
        )
    refuse_rows(frame, ~np.isfinite(frame[INDICATORS]).all(axis=1), "missing or infinite indicators")
    return frame.astype(dict.fromkeys(COLUMNS[1:], float)).reset_index(drop=True)


def _check_columns(frame, expected):
    missing = [name for name in expected if name not in frame]
    if missing:
        present = {str(name).lower(): name for name in frame.columns}
        hints = {name: f" (there is {present[name.lower()]!r})" for name in missing if name.lower() in present}
        raise UserError(
            f"missing columns: {', '.join(name + hints.get(name, '') for name in missing)}. Needed: Date, "
            f"{', '.join(OHLCV)}, and either all of the 20 indicators ({INDICATORS[0]}, ..., {INDICATORS[-1]}) or none"
        )
    repeated = [name for name in expected if list(frame.columns).count(name) > 1]
    if repeated:
        raise UserError(f"repeated columns: {', '.join(repeated)}")
    not_numeric = [name for name in expected[1:] if not pd.api.types.is_numeric_dtype(frame[name])]
    if not_numeric:
        raise UserError(f"columns that do not hold numbers: {', '.join(not_numeric)}")


def _warn_of_unadjusted(raw, whose):
    """Say that Adj Close differs from Close, if it does; what a message about a large move says of it."""
    column = _adjusted_close(raw)
    if column is None:
        return ""
    difference = (raw[column].astype(float) / raw["Close"].astype(float) - 1).abs()
    differs = int((difference > SAME_CLOSE).sum())
    if not differs:
        return ""
    logging.warning(
        "%sAdj Close differs from Close on %d of %d days, by up to %.3g %%: these prices are not adjusted for "
        "dividends and splits; the dataset's key `adjust: true` adjusts them",
        *(whose, differs, len(raw), 100 * difference.max()),
    )
    return "There is a column Adj Close: `adjust: true` uses it. "


def _adjusted_close(raw):
    """The name of the column Adj Close, however it is written; None if there is none."""
    return next((name for name in raw if str(name).lower().replace(" ", "").replace("_", "") == "adjclose"), None)
