"""Prices: one canonical table from every way of writing dates, and a stop on everything that is no price."""

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import make_prices

from fd01.data.indicators import INDICATORS
from fd01.data.prices import OHLCV, build_dataset, download_yahoo, load_packaged
from fd01.workflow.errors import UserError
from fd01.workflow.parquet import read_frame

ROW = 300  # a Friday of the fixture, 2016-02-26


@pytest.fixture
def prices():
    """600 days of made-up prices."""
    return make_prices()


def zoned(dates, zone="America/New_York", hours=0):
    return dates.dt.tz_localize(zone) + pd.Timedelta(hours=hours)


DATE_FORMS = {
    "index": lambda prices: prices.set_index("Date"),
    "unnamed index": lambda prices: prices.set_index("Date").rename_axis(None),
    "strings": lambda prices: prices.assign(Date=prices["Date"].dt.strftime("%Y-%m-%d")),
    "index of strings": lambda prices: prices.set_index(prices.pop("Date").dt.strftime("%Y-%m-%d")),
    "date objects": lambda prices: prices.assign(Date=prices["Date"].dt.date),
    "midnight in New York": lambda prices: prices.assign(Date=zoned(prices["Date"])),
    "evening in New York, the next day in UTC": lambda prices: prices.assign(Date=zoned(prices["Date"], hours=20)),
    "midnight in Tokyo, the day before in UTC": lambda prices: prices.assign(Date=zoned(prices["Date"], "Asia/Tokyo")),
    "index in New York": lambda prices: prices.set_index(zoned(prices.pop("Date"))),
    "strings with changing offsets": lambda prices: prices.assign(Date=zoned(prices["Date"]).astype(str)),
    "rows numbered backwards": lambda prices: prices.set_index(prices.index[::-1]),
    "rows numbered from 100": lambda prices: prices.set_index(prices.index + 100),
    "rows numbered alike": lambda prices: prices.set_index(np.zeros(len(prices), dtype=int)),
    "other columns and order": lambda prices: prices.assign(Dividends=0.0).iloc[:, ::-1],
}


def canonical(prices):
    return build_dataset(prices.copy())


@pytest.mark.parametrize("form", DATE_FORMS.values(), ids=DATE_FORMS)
def test_dates_in_every_form_give_the_same_dataset(prices, form):
    pd.testing.assert_frame_equal(build_dataset(form(prices.copy())), canonical(prices), check_exact=True)


def test_dataset_has_dates_prices_and_indicators(prices):
    dataset = canonical(prices)
    assert list(dataset) == ["Date", *OHLCV, *INDICATORS]
    assert list(dataset.index) == list(range(len(dataset)))
    assert dataset["Date"].dtype == "datetime64[us]"
    assert dataset.notna().all(axis=None)
    kept = prices[prices["Date"] >= dataset["Date"].iloc[0]].reset_index(drop=True)
    pd.testing.assert_frame_equal(dataset[["Date", *OHLCV]], kept, check_dtype=False, check_exact=True)


def test_only_the_warm_up_is_dropped(prices):
    assert len(canonical(prices)) == len(prices) - 199  # sma_200


def test_given_indicators_are_kept(prices):
    dataset = canonical(prices)
    dataset["sma_12"] = -1.0
    pd.testing.assert_frame_equal(build_dataset(dataset), dataset, check_exact=True)


def test_input_is_left_alone(prices):
    before = prices.copy()
    build_dataset(prices, start="2016-06-01")
    pd.testing.assert_frame_equal(prices, before)


def test_start_and_end_are_included_and_cut_after_the_indicators(prices):
    whole = canonical(prices)
    start, end = whole["Date"].iloc[50], whole["Date"].iloc[80]
    cut = build_dataset(prices, start=f"{start:%Y-%m-%d}", end=f"{end:%Y-%m-%d}")
    pd.testing.assert_frame_equal(cut, whole.iloc[50:81].reset_index(drop=True), check_exact=True)


def set_cells(prices, row=ROW, **values):
    for name, value in values.items():
        prices[name] = prices[name].astype(float)
        prices.loc[row, name] = value
    return prices


def body(prices):
    return prices.loc[ROW, ["Open", "Close"]]


ROW_STOPS = {
    "NaN": (lambda p: set_cells(p, Open=np.nan), "missing or infinite values"),
    "NaN volume": (lambda p: set_cells(p, Volume=np.nan), "missing or infinite values"),
    "infinite": (lambda p: set_cells(p, High=np.inf), "missing or infinite values"),
    "zero price": (lambda p: set_cells(p, Low=0.0), "prices that are not positive"),
    "negative price": (lambda p: set_cells(p, Close=-1.0), "prices that are not positive"),
    "negative volume": (lambda p: set_cells(p, Volume=-1.0), "negative volume"),
    "High below Close": (lambda p: set_cells(p, High=p["Close"][ROW] * 0.99), "High below Low, Open or Close"),
    "Low above Open": (
        lambda p: set_cells(p, Low=p["Open"][ROW] * 1.001, High=p["Open"][ROW] * 1.1),
        "Low above High, Open or Close",
    ),
    "beyond rounding": (lambda p: set_cells(p, Low=body(p).min() * (1 + 2e-5)), "Low above High, Open or Close"),
}


@pytest.mark.parametrize(("damage", "what"), ROW_STOPS.values(), ids=ROW_STOPS)
def test_bad_row_stops_with_its_number_and_date(prices, damage, what):
    with pytest.raises(UserError) as caught:
        build_dataset(damage(prices))
    assert str(caught.value) == f"{what}: row 300 (2016-02-26)"


def test_violation_of_rounding_size_is_accepted(prices):
    low, high = body(prices).min() * (1 + 5e-6), body(prices).max() * (1 - 5e-6)
    dataset = build_dataset(set_cells(prices, Low=low, High=high))
    assert dataset.set_index("Date").loc["2016-02-26", ["Low", "High"]].tolist() == [low, high]


def test_volume_may_be_zero(prices):
    assert len(build_dataset(set_cells(prices, Volume=0))) == 401


def test_many_bad_rows_are_counted(prices):
    prices.loc[10:17, "Close"] = -1.0
    with pytest.raises(UserError, match=r"row 10 \(2015-01-16\); .*; row 14 \(2015-01-22\); and 3 more$"):
        build_dataset(prices)


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([*range(301), *range(300, 600)], r"a date that occurs more than once: row 300 \(2016-02-26\); row 301 \("),
        ([*range(300), 301, 300, *range(302, 600)], r"dates out of order: row 301 \(2016-02-26\)$"),
        (range(599, -1, -1), r"dates out of order: row 1 \(2017-04-19\); .* and 594 more$"),
    ],
)
def test_repeated_or_unsorted_dates_stop(prices, rows, what):
    with pytest.raises(UserError, match=what):
        build_dataset(prices.iloc[list(rows)])


def test_two_bars_of_one_day_are_a_repeated_date(prices):
    prices.loc[ROW, "Date"] = prices.loc[ROW - 1, "Date"] + pd.Timedelta(hours=16)
    with pytest.raises(UserError, match=r"more than once: row 299 \(2016-02-25\); row 300 \(2016-02-25\)"):
        build_dataset(prices)


@pytest.mark.parametrize(("absent", "accepted"), [(range(301, 306), True), (range(301, 307), False)])
def test_gap_of_ten_days_is_the_longest(prices, absent, accepted):
    prices = prices.drop(index=list(absent))
    if accepted:
        assert len(build_dataset(prices)) == len(prices) - 199
    else:
        with pytest.raises(UserError, match=r"a gap of more than 10 days just before: row 301 \(2016-03-08\)$"):
            build_dataset(prices)


@pytest.mark.parametrize("start", [None, "2016-01-01"])
def test_missing_indicator_stops_with_the_row_of_the_file(prices, start):
    dataset = canonical(prices)
    dataset.loc[200, "rsi_daily"] = np.nan
    with pytest.raises(
        UserError, match=rf"^missing or infinite indicators: row 200 \({dataset['Date'][200]:%Y-%m-%d}\)$"
    ):
        build_dataset(dataset, start=start)


COLUMN_STOPS = {
    "missing": (lambda p: p.drop(columns=["High", "Volume"]), "missing columns: High, Volume. Needed: Date, Open,"),
    "misnamed": (lambda p: p.rename(columns={"Close": "close"}), "missing columns: Close (there is 'close'). Needed"),
    "some indicators": (lambda p: p.assign(sma_12=1.0, RSI_daily=1.0), "rsi_daily (there is 'RSI_daily')"),
    "repeated": (lambda p: pd.concat([p, p[["Close"]]], axis=1), "repeated columns: Close"),
    "repeated Date": (lambda p: pd.concat([p, p[["Date"]]], axis=1), "repeated columns: Date"),
    "text prices": (lambda p: p.assign(Close=p["Close"].astype(str)), "columns that do not hold numbers: Close"),
    "numeric Date": (lambda p: p.assign(Date=range(20150101, 20150701)), "Date holds numbers; it must hold dates"),
    "misnamed Date": (
        lambda p: p.rename(columns={"Date": "date"}),
        "no Date, neither as a column nor as the index; there are: date, Open,",
    ),
    "misnamed index": (lambda p: p.set_index(p.pop("Date").rename("day")), "nor as the index; there are: day, Open,"),
    "no dates at all": (
        lambda p: p.drop(columns="Date"),
        "neither as a column nor as the index; there are: Open,",
    ),
    "two levels": (lambda p: pd.concat({"SPY": p.set_index("Date")}, axis=1), "the columns have more than one level"),
    "a day that is no date": (
        lambda p: p.assign(Date=p["Date"].astype(str).where(p.index != 5, "soon")),
        "row 5 is 'soon'",
    ),
    "a day without a date": (lambda p: p.assign(Date=p["Date"].where(p.index != 5)), "row 5 is NaT"),
}


@pytest.mark.parametrize(("damage", "what"), COLUMN_STOPS.values(), ids=COLUMN_STOPS)
def test_wrong_columns_stop(prices, damage, what):
    with pytest.raises(UserError) as caught:
        build_dataset(damage(prices))
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "start", "end", "what"),
    [
        (600, "2030-01-01", None, "no day with all indicators is left from 2030-01-01 to the last: check"),
        (600, None, "2015-03-01", "no day with all indicators is left from the first to 2015-03-01: check"),
        (150, None, None, "no day with all indicators is left from the first to the last: check"),
        (0, None, None, "no day with all indicators is left from the first to the last: check"),
    ],
)
def test_empty_dataset_stops(prices, rows, start, end, what):
    with pytest.raises(UserError, match=what):
        build_dataset(prices.iloc[:rows], start=start, end=end)


def test_packaged_prices_make_a_dataset():
    raw = load_packaged()
    assert len(raw) == 5031
    dataset = build_dataset(raw)
    assert dataset["Date"].iloc[-1] == raw["Date"].iloc[-1] == pd.Timestamp("2018-12-31")


def test_dataset_of_the_original_study_passes_unchanged(spy_parquet):
    raw = read_frame(spy_parquet)
    pd.testing.assert_frame_equal(
        build_dataset(raw), raw[["Date", *OHLCV, *INDICATORS]], check_dtype=False, check_exact=True
    )


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
    pd.testing.assert_frame_equal(build_dataset(frame), canonical(prices), check_names=False, check_exact=True)
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


def test_twenty_days_without_volume_stop():
    prices = make_prices(days=400)
    prices.loc[100:118, "Volume"] = 0
    build_dataset(prices)
    prices.loc[119, "Volume"] = 0
    with pytest.raises(UserError, match=rf"^no volume for 20 days: row 119 \({prices['Date'][119]:%Y-%m-%d}\)$"):
        build_dataset(prices)
