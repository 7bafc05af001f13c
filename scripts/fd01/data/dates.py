"""Dates of daily bars, in every way in which people write them into a file."""

import datetime
import re
from collections.abc import Hashable
from textwrap import shorten

import pandas as pd

from fd01.workflow.errors import UserError

# The year stands first, so that day and month cannot be mistaken for each other; an hour and a time zone may follow.
WRITTEN = re.compile(r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|(\d{2})(\d{2}))(?=$|[T ]\d)")


def with_date_column(raw):
    """`raw` with its dates, a column or a level of the index, as the column Date: midnights without a time zone.

    Other levels of the index that have a name become columns too. Raises `UserError` when there are no dates, or when
    one cannot be read.
    """
    # A parquet file keeps two levels of columns as the text of their tuples.
    if raw.columns.nlevels > 1 or any(str(name).startswith("('") for name in raw.columns):
        raise UserError("the columns have more than one level; with yfinance, set multi_level_index=False")
    if list(raw.columns).count("Date") > 1:
        raise UserError("repeated columns: Date")
    names = list(raw.index.names)
    if "Date" not in raw and names == [None] and not pd.api.types.is_numeric_dtype(raw.index):
        raw = raw.rename_axis("Date")
        names = ["Date"]
    levels = [level for level, name in enumerate(names) if name is not None and name not in raw]
    frame = (raw.reset_index(level=levels) if levels else raw).reset_index(drop=True)
    if "Date" not in frame:
        present = ", ".join(map(str, frame.columns))
        raise UserError(f"no Date, neither as a column nor as the index; there are: {present}")
    if pd.api.types.is_numeric_dtype(frame["Date"]):
        raise UserError("Date holds numbers; it must hold dates, for instance 2024-12-31")
    dates = frame["Date"]
    missing = dates.isna().to_numpy()
    if missing.any():
        row = int(missing.argmax())
        raise UserError(f"Date cannot be read as a date: row {row} is {dates.iloc[row]!r}")
    # A bar belongs to the calendar date at its exchange, so time zone and hour are dropped without a conversion.
    if pd.api.types.is_datetime64_any_dtype(dates):
        days = dates.dt.tz_localize(None).dt.normalize()
    else:
        try:
            codes, values = pd.factorize(dates)  # many series repeat their dates, so each is read once
        except TypeError:
            row = next(row for row, value in enumerate(dates) if not isinstance(value, Hashable))
            raise UserError(
                f"Date cannot be read as a date: row {row} is {shorten(repr(dates.iloc[row]), 60)}"
            ) from None
        known = [_calendar_date(value, lambda code=code: (codes == code).argmax()) for code, value in enumerate(values)]
        days = pd.Series(known, dtype="datetime64[us]").take(codes).set_axis(frame.index)
    return frame.assign(Date=days.astype("datetime64[us]"))


def _calendar_date(value, row):
    """The day of a date; `row` is a function that gives the row of the first such value, for the message."""
    try:
        if isinstance(value, str):
            found = WRITTEN.match(value)
            if not found:
                raise UserError(
                    f"Date holds text that is not written as 2024-12-31, the year first: row {row()} is {value!r}. In "
                    "such text, days and months can be mistaken for each other: write dates as YYYY-MM-DD, or as dates"
                )
            return datetime.datetime(*(int(part) for part in found.groups() if part))
        stamp = pd.Timestamp(value).tz_localize(None).normalize()
    except (ValueError, TypeError):
        stamp = pd.NaT
    if pd.isna(stamp):
        raise UserError(f"Date cannot be read as a date: row {row()} is {value!r}")
    return stamp
