"""Downloads from Yahoo Finance, with a stand-in for yfinance."""

import logging

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
    line = r"Yahoo Finance returned no prices for 'SPY' \(yfinance gives no reason\)\. Is there a network"
    with pytest.raises(UserError, match=line):
        download_yahoo("SPY")


def test_incomplete_last_bar_is_left_out_and_said(prices, yahoo, caplog):
    yahoo.frame.iloc[-1, 0] = None
    assert len(download_yahoo("SPY")) == len(prices) - 1
    assert caplog.messages == [f"SPY: the last bar, of {prices['Date'].iloc[-1]:%Y-%m-%d}, is incomplete and left out"]


class Downloads(Download):
    """Answers by ticker: prices, or the reason why there are none, or an exception."""

    def __init__(self, frame):
        self.frame, self.unknown, self.asked = frame, {}, []

    def __call__(self, ticker, **options):
        self.asked.append(ticker)
        reason = self.unknown.get(ticker)
        if reason is None:
            return self.frame
        if isinstance(reason, Exception):
            raise reason
        logging.getLogger("yfinance").error("\n1 Failed download:")
        logging.getLogger("yfinance").error(f"['{ticker}']: {reason}")
        return self.frame.iloc[:0]


@pytest.fixture
def tickers(yahoo, monkeypatch):
    """yfinance with prices of every ticker but those that a test puts into `unknown`."""
    downloads = Downloads(yahoo.frame)
    monkeypatch.setattr("yfinance.download", downloads)
    return downloads


DAYS = {"start": "2015-01-02", "end": "2016-12-30"}
DELISTED = "YFPricesMissingError('possibly delisted; no price data found')"


def test_tickers_are_series(prices, tickers, tmp_path):
    frame = download_all(["SPY", "QQQ"], tmp_path)
    assert list(frame) == ["series", "Date", *OHLCV] and list(frame.index) == list(range(2 * len(prices)))
    assert frame["series"].value_counts().to_dict() == {"SPY": len(prices), "QQQ": len(prices)}
    own = frame[frame["series"] == "QQQ"].drop(columns="series").reset_index(drop=True)
    pd.testing.assert_frame_equal(own, download_yahoo("QQQ"), check_exact=True, check_names=False)


def test_tickers_without_prices_are_named_with_their_reasons(tickers, tmp_path):
    tickers.unknown = {"AAA": DELISTED, "BBB": ConnectionError("refused"), "CCC": DELISTED}
    with pytest.raises(UserError) as caught:
        download_all(["AAA", "SPY", "BBB", "CCC"], tmp_path, **DAYS)
    assert str(caught.value) == (
        f"Yahoo Finance returned no prices for 3 of 4 tickers: AAA, CCC ({DELISTED}); BBB (ConnectionError: refused). "
        f"Do they exist? The prices of the other 1 are kept in {tmp_path}/2015-01-02-2016-12-31. "
        "Run again to try once more, or delete those that do not exist from the source's ticker"
    )


@pytest.mark.parametrize("remedy", ["again", "drop"])
def test_what_was_fetched_is_not_fetched_again(tickers, tmp_path, remedy):
    tickers.unknown = {"A/B": DELISTED}
    wanted = ["^GSPC", "A/B", "EURUSD=X", "SPY"]
    with pytest.raises(UserError, match="for 1 of 4 tickers: A/B "):
        download_all(wanted, tmp_path, **DAYS)
    tickers.asked, tickers.unknown = [], {}
    again = wanted if remedy == "again" else [ticker for ticker in wanted if ticker != "A/B"]
    frame = download_all(again, tmp_path, **DAYS)
    assert tickers.asked == (["A/B"] if remedy == "again" else [])
    assert list(frame["series"].unique()) == again
    pd.testing.assert_frame_equal(frame, download_all(again, tmp_path / "new", **DAYS))


@pytest.mark.parametrize("other", [{"start": "2015-01-05"}, {"end": "2016-12-29"}])
def test_other_dates_are_fetched_anew(tickers, tmp_path, other):
    download_all(["SPY"], tmp_path, **DAYS)
    download_all(["SPY"], tmp_path, **DAYS | other)
    assert tickers.asked == ["SPY", "SPY"]


def test_without_an_end_what_was_fetched_holds_for_the_day(tickers, tmp_path, monkeypatch):
    for now, asked in (("2017-05-02 03:00", 1), ("2017-05-02 23:00", 1), ("2017-05-03 01:00", 2)):
        monkeypatch.setattr("fd01.data.downloads._now", lambda now=now: pd.Timestamp(now))
        download_all(["SPY"], tmp_path)
        assert len(tickers.asked) == asked


def test_without_a_network_not_every_ticker_is_tried(tickers, tmp_path):
    wanted = [f"T{i}" for i in range(500)]
    tickers.unknown = dict.fromkeys(wanted, DELISTED)
    with pytest.raises(UserError, match=r"for 10 of 500 tickers: T0, .* The other 490 were not tried: is there a netw"):
        download_all(wanted, tmp_path, **DAYS)
    del tickers.unknown["T0"]
    with pytest.raises(UserError, match=r"for 499 of 500 tickers: T1, .* The prices of the other 1 are kept"):
        download_all(wanted, tmp_path, **DAYS)
