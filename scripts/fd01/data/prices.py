"""Daily prices: three sources, one canonical table, and the checks that it must pass."""

import logging

import numpy as np
import pandas as pd

from fd01.data.indicators import INDICATORS, a20
from fd01.workflow.errors import UserError
from fd01.workflow.parquet import read_frame

OHLC = ["Open", "High", "Low", "Close"]
OHLCV = [*OHLC, "Volume"]

MAX_GAP_DAYS = 10
ROUNDING = 1e-5  # relative; vendors publish adjusted prices to a few decimals


def read_prices(path=None):
    """The raw table of a price file, or, without one, that of the packaged prices.

    Raises `UserError` when `path` is not a parquet file.
    """
    if path is None:
        return load_packaged()
    try:
        return read_frame(path)
    except Exception as error:  # pyarrow raises a type of its own per kind of damage
        raise UserError(f"{path} cannot be read as a parquet file: {error}") from error


def load_packaged():
    """S&P 500 index, daily, 1999-2018, from the `arch` package; DataFrame of Date and OHLCV."""
    from arch.data import sp500

    return sp500.load().reset_index()[["Date", *OHLCV]]


def download_yahoo(ticker, start=None, end=None):
    """Dividend- and split-adjusted daily prices of `ticker` from Yahoo Finance, by yfinance.

    Raises `UserError` when nothing comes back: yfinance itself stays silent without a network.
    """
    import yfinance

    # yfinance excludes its `end`, ours is included; today's bar is left out, as it may still be running.
    today = pd.Timestamp.now(tz="UTC").tz_localize(None).normalize()
    until = f"{min(pd.Timestamp(end) + pd.Timedelta(days=1), today) if end else today:%Y-%m-%d}"
    frame = yfinance.download(ticker, start=start, end=until, auto_adjust=True, progress=False, multi_level_index=False)
    if frame is None or frame.empty:
        raise UserError(
            f"Yahoo Finance returned no prices for {ticker!r}. Is there a network, and does the ticker exist? "
            "Without a network, set `dataset: sp500`, or give a file as a `parquet` source."
        )
    return frame.reset_index()[["Date", *OHLCV]]


def build_dataset(raw, start=None, end=None):
    """Canonical dataset: dates ascending, OHLCV and the 20 indicators, no missing value.

    Parameters
    ----------
    raw : DataFrame
        Date as a column or the index (datetimes, with or without a time zone, or strings), OHLCV, and
        either all 20 indicators, which are kept, or none, and they are computed.
    start, end : str, optional
        First and last date to keep, both included; indicators are computed before the cut.

    Returns
    -------
    DataFrame, shape (days, 26): Date (naive midnight), OHLCV in price units, `INDICATORS`. Days
    before the slowest indicator is defined are dropped.

    Raises
    ------
    UserError
        On anything that a model could silently mistake for a price; names the rows.
    """
    frame = with_date_column(raw)
    present = [name for name in INDICATORS if name in frame]
    expected = ["Date", *OHLCV] + (INDICATORS if present else [])
    _check_columns(frame, expected)
    frame = frame[expected]
    _check_prices(frame)
    if not present:
        indicators = a20(frame.set_index("Date")).reset_index(drop=True)
        warm = indicators.notna().all(axis=1).to_numpy()
        warm_up = int(warm.argmax()) if warm.any() else len(frame)
        logging.info("computed %d indicators; the first %d days are their warm-up", len(INDICATORS), warm_up)
        frame = pd.concat([frame, indicators], axis=1).iloc[warm_up:]
    within = frame["Date"].between(pd.Timestamp(start or "1700-01-01"), pd.Timestamp(end or "2200-01-01"))
    frame = frame[within]
    if frame.empty:
        raise UserError(f"no day is left between {start or 'the first'} and {end or 'the last'} with all indicators")
    _stop_on_rows(frame, ~np.isfinite(frame[INDICATORS]).all(axis=1), "missing or infinite indicators")
    return frame.reset_index(drop=True)


def with_date_column(raw):
    """`raw` with its dates, column or index, as a column Date of naive midnights; raises `UserError` without any."""
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
        found = ", ".join(str(name) for name in [*names, *raw.columns] if name is not None)
        raise UserError(f"no Date, neither as a column nor as the index; found {found}")
    if pd.api.types.is_numeric_dtype(frame["Date"]):
        raise UserError("Date holds numbers; dates are wanted, for instance 2024-12-31")
    dates = [_calendar_date(row, date) for row, date in enumerate(frame["Date"])]
    return frame.assign(Date=pd.Series(dates, index=frame.index, dtype="datetime64[us]"))


def _calendar_date(row, date):
    try:
        stamp = pd.Timestamp(date)
    except (ValueError, TypeError):
        stamp = pd.NaT
    if pd.isna(stamp):
        raise UserError(f"Date cannot be read as a date: row {row} is {date!r}")
    # A daily bar belongs to the calendar date of its exchange: keep it, drop zone and hour.
    return stamp.tz_localize(None).normalize()


def _check_columns(frame, expected):
    missing = [name for name in expected if name not in frame]
    if missing:
        found = {str(name).lower(): name for name in frame.columns}
        renamed = [f"{name} (is {found[name.lower()]!r} meant?)" if name.lower() in found else name for name in missing]
        raise UserError(
            f"missing columns: {', '.join(renamed)}. Wanted: Date, {', '.join(OHLCV)}, "
            "and the 20 indicators of docs/data.md or none of them"
        )
    repeated = [name for name in expected if list(frame.columns).count(name) > 1]
    if repeated:
        raise UserError(f"repeated columns: {', '.join(repeated)}")
    text = [name for name in expected[1:] if not pd.api.types.is_numeric_dtype(frame[name])]
    if text:
        raise UserError(f"columns that hold no numbers: {', '.join(text)}")


def _check_prices(frame):
    dates = frame["Date"]
    _stop_on_rows(frame, dates.duplicated(keep=False), "a date that occurs more than once")
    _stop_on_rows(frame, dates < dates.cummax(), "dates out of order")
    _stop_on_rows(frame, ~np.isfinite(frame[OHLCV].astype(float)).all(axis=1), "missing or infinite values")
    _stop_on_rows(frame, (frame[OHLC] <= 0).any(axis=1), "prices that are not positive")
    _stop_on_rows(frame, frame["Volume"] < 0, "negative volume")
    _stop_on_rows(frame, frame["Volume"].rolling(20).max() == 0, "no volume for 20 days")
    highest = frame[["Open", "Low", "Close"]].max(axis=1)
    lowest = frame[["Open", "High", "Close"]].min(axis=1)
    _stop_on_rows(frame, frame["High"] < highest * (1 - ROUNDING), "High below Low, Open or Close")
    _stop_on_rows(frame, frame["Low"] > lowest * (1 + ROUNDING), "Low above High, Open or Close")
    _stop_on_rows(frame, dates.diff().dt.days > MAX_GAP_DAYS, f"a gap of more than {MAX_GAP_DAYS} days just before")


def _stop_on_rows(frame, bad, what):
    bad = np.asarray(bad)
    if not bad.any():
        return
    rows = np.flatnonzero(bad)
    shown = "; ".join(f"row {frame.index[row]} ({frame['Date'].iloc[row]:%Y-%m-%d})" for row in rows[:5])
    more = f"; and {len(rows) - 5} more" if len(rows) > 5 else ""
    raise UserError(f"{what}: {shown}{more}")
