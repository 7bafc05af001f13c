"""Daily prices from Yahoo Finance, by the package yfinance."""

import logging
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from fd01.data.price_checks import OHLCV
from fd01.workflow.errors import UserError
from fd01.workflow.files import replacing
from fd01.workflow.parquet import read_frame

FIRST_FAILURES = 10  # if so many tickers have no prices and none has, the others are not tried: it is the network


class NoPrices(Exception):
    """Yahoo Finance gives no prices of a ticker. The message is the reason."""


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
        When no prices come back.
    """
    try:
        return _fetch(ticker, start, _day_after(end))
    except NoPrices as reason:
        raise UserError(
            f"Yahoo Finance returned no prices for {ticker!r} ({reason}). Is there a network, and does the ticker "
            "exist? Without a network, set `dataset: sp500`, or use a file: a source of the kind `parquet`."
        ) from None


def download_all(tickers, folder, start=None, end=None):
    """Daily prices of several tickers, one download each; the table of `download_yahoo` with the column `series`.

    The prices of each ticker are kept in `folder`. Another call with the same dates fetches only what is not there; so
    without an `end`, a call on another day fetches all, since series would end on different days.

    Raises `UserError` that names every ticker without prices, with the reason.
    """
    until, frames, reasons = _day_after(end), {}, {}
    kept = Path(folder, f"{start or 'first'}-{until}")
    kept.mkdir(parents=True, exist_ok=True)
    for ticker in tickers:
        path = kept / f"{quote(ticker, safe='')}.parquet"
        try:
            if not path.exists():
                frame = _fetch(ticker, start, until)
                with replacing(path) as temporary:
                    frame.to_parquet(temporary, index=False)
            frames[ticker] = read_frame(path)
        except NoPrices as reason:
            reasons[ticker] = str(reason)
        if len(reasons) == FIRST_FAILURES and not frames:
            break
    if reasons:
        raise UserError(_what_failed(reasons, tickers, frames, kept))
    return pd.concat(frames, names=["series", None]).reset_index("series").reset_index(drop=True)


def _what_failed(reasons, tickers, frames, kept):
    """The message on tickers without prices; `reasons` by ticker, `frames` those that are kept in the folder `kept`."""
    by_reason = {}
    for ticker, reason in reasons.items():
        by_reason.setdefault(reason, []).append(ticker)
    named = "; ".join(f"{', '.join(names)} ({reason})" for reason, names in by_reason.items())
    untried = len(tickers) - len(frames) - len(reasons)
    cause = "Do they exist?" if frames else "Is there a network?"
    cause = f"The other {untried} were not tried: is there a network?" if untried else cause
    others = f" The prices of the other {len(frames)} are kept in {kept}." if frames else ""
    return (
        f"Yahoo Finance returned no prices for {len(reasons)} of {len(tickers)} tickers: {named}. {cause}{others} "
        "Run again to try once more, or delete those that do not exist from the source's ticker"
    )


def _day_after(end):
    """The day after `end`, as a str, or today, whose bar may not be complete, if that is earlier."""
    today = _now().normalize()
    until = min(pd.Timestamp(end) + pd.Timedelta(days=1), today) if end else today
    return f"{until:%Y-%m-%d}"


def _now():
    return pd.Timestamp.now(tz="UTC").tz_localize(None)


def _fetch(ticker, start, until):
    """The prices of one ticker from `start` to the day before `until`; raises `NoPrices`."""
    import yfinance

    options = dict(auto_adjust=True, progress=False, multi_level_index=False)
    with _errors_of("yfinance") as said:
        try:
            frame = yfinance.download(ticker, start=start, end=until, **options)
        except Exception as error:  # of many types, by the network and by what comes back
            raise NoPrices(f"{type(error).__name__}: {error}") from error
    if frame is None or frame.empty:
        raise NoPrices(said[-1] if said else "yfinance gives no reason")
    frame = frame.reset_index()[["Date", *OHLCV]]
    if frame.iloc[-1].isna().any():
        logging.warning(
            "%s: the last bar, of %s, is incomplete and left out", ticker, f"{frame['Date'].iloc[-1]:%Y-%m-%d}"
        )
        frame = frame.iloc[:-1]
    return frame


@contextmanager
def _errors_of(name):
    """Yield a list of the reasons that the logger `name` gives in the block, in lines such as `['SPY']: reason`."""
    said = []

    class Listener(logging.Handler):
        def emit(self, record):
            _, bracket, reason = record.getMessage().partition("]: ")
            if bracket:
                said.append(" ".join(reason.split()))

    logger, listener = logging.getLogger(name), Listener(logging.ERROR)
    logger.addHandler(listener)
    try:
        yield said
    finally:
        logger.removeHandler(listener)
