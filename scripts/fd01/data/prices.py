"""Daily prices: how they are read or downloaded, the checks that they must pass, and the one form of the dataset."""

import logging

import numpy as np
import pandas as pd

from fd01.data.indicators import INDICATORS, a20
from fd01.workflow.errors import UserError
from fd01.workflow.parquet import read_frame

OHLC = ["Open", "High", "Low", "Close"]
OHLCV = [*OHLC, "Volume"]

MAX_GAP_DAYS = 10
ROUNDING = 1e-5  # relative; vendors round adjusted prices to a few decimals


def read_prices(path=None):
    """The prices in the parquet file `path`, unchecked, or, without a path, the packaged prices; DataFrame.

    Raises `UserError` when `path` cannot be read as a parquet file.
    """
    if path is None:
        return load_packaged()
    try:
        return read_frame(path)
    except Exception as error:  # pyarrow raises many types, depending on the damage
        raise UserError(f"{path} cannot be read as a parquet file: {error}") from error


def load_packaged():
    """S&P 500 index, daily, 1999-2018, from the package `arch`; DataFrame with Date and OHLCV."""
    from arch.data import sp500

    return sp500.load().reset_index()[["Date", *OHLCV]]


def download_yahoo(ticker, start=None, end=None):
    """Daily prices of `ticker` from Yahoo Finance, adjusted for dividends and splits, by yfinance.

    Parameters
    ----------
    ticker : str
    start, end : str, optional
        First and last date, both included.

    Returns
    -------
    DataFrame, shape (days, 6): Date and OHLCV

    Raises
    ------
    UserError
        When no prices come back. Without a network yfinance itself raises nothing.
    """
    import yfinance

    # Our `end` is included, but yfinance excludes its own. Today's bar is left out, since the day may not be over.
    today = pd.Timestamp.now(tz="UTC").tz_localize(None).normalize()
    until = min(pd.Timestamp(end) + pd.Timedelta(days=1), today) if end else today
    options = dict(auto_adjust=True, progress=False, multi_level_index=False)
    frame = yfinance.download(ticker, start=start, end=f"{until:%Y-%m-%d}", **options)
    if frame is None or frame.empty:
        raise UserError(
            f"Yahoo Finance returned no prices for {ticker!r}. Is there a network, and does the ticker exist? "
            "Without a network, set `dataset: sp500`, or use a file: a source of the kind `parquet`."
        )
    return frame.reset_index()[["Date", *OHLCV]]


def build_dataset(raw, start=None, end=None):
    """The dataset in its one form: ascending dates, OHLCV and the 20 indicators, no missing value.

    Parameters
    ----------
    raw : DataFrame
        Date as a column or as the index (datetimes, with or without a time zone, or strings), OHLCV, and either all
        20 indicators, which are then kept, or none, and then they are computed.
    start, end : str, optional
        First and last date to keep, both included. Indicators are computed before the other days are dropped.

    Returns
    -------
    DataFrame, shape (days, 26): Date (midnight, without a time zone), OHLCV in the units of `raw`, `INDICATORS`. The
    first days, on which an indicator that is computed here has no value yet, are dropped.

    Raises
    ------
    UserError
        When a column is missing, or a value cannot be a date or a price. The message names the columns or the rows.
    """
    frame = with_date_column(raw)
    present = [name for name in INDICATORS if name in frame]
    expected = ["Date", *OHLCV] + (INDICATORS if present else [])
    _check_columns(frame, expected)
    frame = frame[expected]
    _check_prices(frame)
    if not present:
        indicators = a20(frame.set_index("Date")).reset_index(drop=True)
        complete = indicators.notna().all(axis=1).to_numpy()
        warm_up = int(complete.argmax()) if complete.any() else len(frame)
        logging.info("computed %d indicators; they need the first %d days to warm up", len(INDICATORS), warm_up)
        frame = pd.concat([frame, indicators], axis=1).iloc[warm_up:]
    within = frame["Date"].between(pd.Timestamp(start or "1700-01-01"), pd.Timestamp(end or "2200-01-01"))
    frame = frame[within]
    if frame.empty:
        raise UserError(
            f"no day with all indicators is left from {start or 'the first'} to {end or 'the last'}: check start and "
            "end of the source; where indicators are computed, they are missing on the first 199 days of the prices"
        )
    _refuse_rows(frame, ~np.isfinite(frame[INDICATORS]).all(axis=1), "missing or infinite indicators")
    return frame.reset_index(drop=True)


def with_date_column(raw):
    """`raw` with its dates, a column or the index, as the column Date: midnights without a time zone.

    Raises `UserError` when there are no dates, or when one cannot be read.
    """
    if raw.columns.nlevels > 1:
        raise UserError("the columns have more than one level; with yfinance, set multi_level_index=False")
    if list(raw.columns).count("Date") > 1:
        raise UserError("repeated columns: Date")
    names = list(raw.index.names)
    if "Date" in raw:
        frame = raw.reset_index(drop=True)
    elif names == ["Date"] or (names == [None] and not pd.api.types.is_numeric_dtype(raw.index)):
        frame = raw.rename_axis("Date").reset_index()
    else:
        present = ", ".join(str(name) for name in [*names, *raw.columns] if name is not None)
        raise UserError(f"no Date, neither as a column nor as the index; there are: {present}")
    if pd.api.types.is_numeric_dtype(frame["Date"]):
        raise UserError("Date holds numbers; it must hold dates, for instance 2024-12-31")
    dates = [_calendar_date(row, date) for row, date in enumerate(frame["Date"])]
    return frame.assign(Date=pd.Series(dates, index=frame.index, dtype="datetime64[us]"))


def _calendar_date(row, date):
    try:
        stamp = pd.Timestamp(date)
    except (ValueError, TypeError):
        stamp = pd.NaT
    if pd.isna(stamp):
        raise UserError(f"Date cannot be read as a date: row {row} is {date!r}")
    # A daily bar belongs to the calendar date at its exchange, so time zone and hour are dropped without a conversion.
    return stamp.tz_localize(None).normalize()


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


def _check_prices(frame):
    dates = frame["Date"]
    _refuse_rows(frame, dates.duplicated(keep=False), "a date that occurs more than once")
    _refuse_rows(frame, dates < dates.cummax(), "dates out of order")
    _refuse_rows(frame, ~np.isfinite(frame[OHLCV].astype(float)).all(axis=1), "missing or infinite values")
    _refuse_rows(frame, (frame[OHLC] <= 0).any(axis=1), "prices that are not positive")
    _refuse_rows(frame, frame["Volume"] < 0, "negative volume")
    _refuse_rows(frame, frame["Volume"].rolling(20).max() == 0, "no volume for 20 days")
    highest = frame[["Open", "Low", "Close"]].max(axis=1)
    lowest = frame[["Open", "High", "Close"]].min(axis=1)
    _refuse_rows(frame, frame["High"] < highest * (1 - ROUNDING), "High below Low, Open or Close")
    _refuse_rows(frame, frame["Low"] > lowest * (1 + ROUNDING), "Low above High, Open or Close")
    _refuse_rows(frame, dates.diff().dt.days > MAX_GAP_DAYS, f"a gap of more than {MAX_GAP_DAYS} days just before")


def _refuse_rows(frame, wrong, problem):
    """Raise `UserError` with the `problem` and the first rows where `wrong`, bool of shape (days,), is True."""
    rows = np.flatnonzero(wrong)
    if len(rows):
        shown = "; ".join(f"row {frame.index[row]} ({frame['Date'].iloc[row]:%Y-%m-%d})" for row in rows[:5])
        more = f"; and {len(rows) - 5} more" if len(rows) > 5 else ""
        raise UserError(f"{problem}: {shown}{more}")
