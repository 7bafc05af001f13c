"""Downloads from Yahoo Finance, with a stand-in for yfinance."""

import pandas as pd
import pytest
from helpers.made_up_data import make_prices

from fd01.data.downloads import download_all, download_yahoo
from fd01.data.price_checks import OHLCV
from fd01.data.prices import build_dataset
from fd01.workflow.errors import UserError


@pytest.fixture
def prices():
    """600 days of made-up prices."""
    return make_prices()


class Download:
    """Stands in for `yfinance.download`, which needs the network."""

    def __init__(self, frame):
        self.frame = frame

    def __call__(self, ticker, **options):
        self.ticker, self.options = ticker, options
        return self.frame


@pytest.fixture
def yahoo(prices, monkeypatch):
    """yfinance's answer: columns by alphabet, the date as the index."""
    frame = prices.set_index("Date")[["Close", "High", "Low", "Open", "Volume"]].rename_axis(columns="Price")
    download = Download(frame)
    monkeypatch.setattr("yfinance.download", download)
    return download


def test_download_gives_dates_and_prices(prices, yahoo):
    frame = download_yahoo("SPY", start="2015-01-02")
    assert list(frame) == ["Date", *OHLCV]
    pd.testing.assert_frame_equal(build_dataset(frame), build_dataset(prices), check_names=False, check_exact=True)
    assert yahoo.ticker == "SPY"
    assert yahoo.options["auto_adjust"] is True


@pytest.mark.parametrize(("end", "excluded"), [("2024-12-31", "2025-01-01"), ("2024-02-28", "2024-02-29")])
def test_download_includes_its_end(yahoo, end, excluded):
    download_yahoo("SPY", start="1993-01-29", end=end)
    assert (yahoo.options["start"], yahoo.options["end"]) == ("1993-01-29", excluded)


@pytest.mark.parametrize("end", [None, "2200-01-01"])
def test_download_leaves_out_the_running_day(yahoo, end):
    today = f"{pd.Timestamp.now(tz='UTC'):%Y-%m-%d}"
    download_yahoo("SPY", end=end)
    assert yahoo.options["end"] in (today, f"{pd.Timestamp.now(tz='UTC'):%Y-%m-%d}")


@pytest.mark.parametrize("answer", [pd.DataFrame(), pd.DataFrame(columns=OHLCV), None])
def test_empty_download_stops(yahoo, answer):
    yahoo.frame = answer
    with pytest.raises(UserError, match=r"Yahoo Finance returned no prices for 'SPY'\. Is there a network"):
        download_yahoo("SPY")


def test_incomplete_last_bar_is_left_out_and_said(prices, yahoo, caplog):
    yahoo.frame.iloc[-1, 0] = None
    assert len(download_yahoo("SPY")) == len(prices) - 1
    assert caplog.messages == [f"SPY: the last bar, of {prices['Date'].iloc[-1]:%Y-%m-%d}, is incomplete and left out"]


def test_tickers_are_series(prices, yahoo):
    frame = download_all(["SPY", "QQQ"])
    assert list(frame) == ["series", "Date", *OHLCV] and list(frame.index) == list(range(2 * len(prices)))
    assert frame["series"].value_counts().to_dict() == {"SPY": len(prices), "QQQ": len(prices)}


def test_tickers_without_prices_are_named(yahoo, monkeypatch):
    def download(ticker, **options):
        return yahoo.frame if ticker == "SPY" else None

    monkeypatch.setattr("yfinance.download", download)
    with pytest.raises(UserError, match=r"^no prices of AAA, BBB, 2 of 3 tickers: Yahoo Finance returned"):
        download_all(["AAA", "SPY", "BBB"])
