"""Daily prices from Yahoo Finance, by the package yfinance."""

import logging

import pandas as pd

from fd01.data.price_checks import OHLCV
from fd01.workflow.errors import UserError


def download_yahoo(ticker, start=None, end=None):
    """Daily prices of `ticker` from Yahoo Finance, adjusted for dividends and splits, by yfinance.

    The last bar is left out if it is incomplete, as Yahoo may give it before the day is over.

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
    frame = frame.reset_index()[["Date", *OHLCV]]
    if frame.iloc[-1].isna().any():
        logging.warning(
            "%s: the last bar, of %s, is incomplete and left out", ticker, f"{frame['Date'].iloc[-1]:%Y-%m-%d}"
        )
        frame = frame.iloc[:-1]
    return frame


def download_all(tickers, start=None, end=None):
    """Daily prices of several tickers, one download each; the table of `download_yahoo` with the column `series`.

    Raises `UserError` that names every ticker without prices, with the reason of the first.
    """
    frames, failed = {}, {}
    for ticker in tickers:
        try:
            frames[ticker] = download_yahoo(ticker, start, end)
        except UserError as error:
            failed[ticker] = str(error)
    if failed:
        raise UserError(
            f"no prices of {', '.join(failed)}, {len(failed)} of {len(tickers)} tickers: {next(iter(failed.values()))}"
        )
    return pd.concat(frames, names=["series", None]).reset_index("series").reset_index(drop=True)
