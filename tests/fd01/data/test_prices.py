"""The dataset: one form, whatever the prices looked like, and one table for any number of series."""

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import make_prices

from fd01.data.indicators import INDICATORS
from fd01.data.price_checks import OHLC, OHLCV
from fd01.data.prices import build_all, build_dataset, load_packaged, read_prices
from fd01.workflow.errors import UserError
from fd01.workflow.parquet import read_frame

ROW = 300  # a Friday of the fixture, 2016-02-26


@pytest.fixture
def prices():
    """600 days of made-up prices."""
    return make_prices()


def canonical(prices):
    return build_dataset(prices.copy())


def test_dataset_has_dates_prices_and_indicators(prices):
    dataset = canonical(prices)
    assert list(dataset) == ["series", "Date", *OHLCV, *INDICATORS]
    assert dataset["series"].unique().tolist() == ["prices"] and dataset["series"].dtype == "category"
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
    "text prices": (lambda p: p.assign(Close=p["Close"].astype(str)), "columns that do not hold numbers: Close"),
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


def assert_same_days(part, alone):
    """Two datasets of one series are the same to the bit; the first may be a part of a larger one."""
    of_text = {"series": str}
    pd.testing.assert_frame_equal(part.astype(of_text), alone.astype(of_text), check_exact=True)


@pytest.mark.parametrize("index", ["sp500", "nasdaq"])
def test_packaged_prices_make_a_dataset(index):
    raw = load_packaged(index)
    assert len(raw) == 5031
    dataset = build_dataset(raw, calendar="XNYS")
    assert dataset["Date"].iloc[-1] == raw["Date"].iloc[-1] == pd.Timestamp("2018-12-31")


def test_packaged_indices_are_two_series_and_sp500_one_that_is_named_by_its_dataset():
    one, two = (read_prices([], "mine", source=source) for source in ("sp500", "indices"))
    assert list(one) == ["mine"] and list(two) == ["nasdaq", "sp500"]
    dataset = pd.concat(build_all(two, calendar="XNYS"))
    alone = build_dataset(load_packaged(), name="sp500")
    of_both = dataset[dataset["series"] == "sp500"].reset_index(drop=True)
    assert_same_days(of_both, alone)
    assert len(dataset) == 2 * len(alone)


def of_other(prices):
    """Prices of another series, which begins later, ends earlier and pauses for a week."""
    return make_prices(seed=1).iloc[20:580].drop(index=range(300, 305))


@pytest.mark.parametrize("order", [["series", "Date"], ["Date", "series"]])
def test_series_are_those_that_each_would_be_alone(prices, order):
    long = pd.concat({"b": prices, "a": of_other(prices)}, names=["series", None]).reset_index("series")
    dataset = build_dataset(long.sort_values(order))
    assert list(dataset.index) == list(range(len(dataset)))
    for name, raw in {"a": of_other(prices), "b": prices}.items():
        part = dataset[dataset["series"] == name].reset_index(drop=True)
        alone = build_dataset(raw, name=name)
        assert_same_days(part, alone)
    assert dataset["series"].tolist() == sorted(dataset["series"])


def test_error_names_the_series_if_there_are_several(prices):
    other = of_other(prices)
    other.loc[100, "Close"] = -1.0
    long = pd.concat({"b": prices, "a": other}, names=["series", None]).reset_index("series")
    with pytest.raises(UserError, match=r"^series a: prices that are not positive: row 680 \(2015-05-22\)$"):
        build_dataset(long)
    with pytest.raises(UserError, match=r"^prices that are not positive: row 80 \(2015-05-22\)$"):
        build_dataset(other)


def test_same_date_of_a_series_twice_stops(prices):
    long = pd.concat([prices.assign(series="b"), prices.assign(series="a"), prices.iloc[:1].assign(series="a")])
    what = r"^series a: a date that occurs more than once: row 600 \(2015-01-02\); row 1200 \(2015-01-02\)\. A table of"
    with pytest.raises(UserError, match=what):
        build_dataset(long)


def test_name_of_the_only_series(prices, tmp_path):
    named = tmp_path / "named.parquet"
    prices.assign(Ticker="SPY").to_parquet(named)
    assert list(read_prices([named], "mine")) == ["SPY"]
    assert list(read_prices([named], "mine", series="X")) == ["X"]
    assert list(read_prices([], "mine", series="X")) == ["X"]
    with pytest.raises(UserError, match="key series names the only series, but there are 2: delete the key"):
        read_prices([], "mine", source="indices", series="X")


def raw_and_adjusted(prices, column="Adj Close"):
    """Prices before a split of 2:1 in the row `ROW`, with the column that adjusts them, and adjusted."""
    factor = np.where(np.arange(len(prices)) < ROW, 0.5, 1.0)
    raw = prices.assign(**{name: prices[name] / factor for name in OHLC}, **{column: prices["Close"]})
    return raw, prices


@pytest.mark.parametrize("column", ["Adj Close", "adj_close", "AdjClose"])
def test_adjusts_by_adj_close_if_asked(prices, column):
    raw, expected = raw_and_adjusted(prices, column)
    pd.testing.assert_frame_equal(build_dataset(raw, adjust=True), build_dataset(expected), rtol=1e-12)


def test_adj_close_that_differs_is_said_with_its_size(prices, caplog):
    build_dataset(prices.assign(**{"Adj Close": prices["Close"] * 0.97}))
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert line.startswith("Adj Close differs from Close on 600 of 600 days, by up to 3 %") and "adjust: true" in line
    caplog.clear()
    build_dataset(prices.assign(**{"Adj Close": prices["Close"].round(3)}))
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_split_beside_adj_close_names_the_key_that_adjusts(prices):
    with pytest.raises(UserError, match=r"after a split 2:1 .*\. There is a column Adj Close: `adjust: true` uses it"):
        build_dataset(raw_and_adjusted(prices)[0])


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda p: p, "there is no column Adj Close"),
        (lambda p: canonical(p).assign(**{"Adj Close": 1.0}), "the file has indicators of other prices: delete them"),
        (lambda p: p.assign(**{"Adj Close": 0.0}), r"missing, infinite or not positive: row 0 \(2015-01-02\)"),
    ],
)
def test_adjustment_that_is_impossible_stops(prices, damage, what):
    with pytest.raises(UserError, match=what):
        build_dataset(damage(prices), adjust=True)


def test_dataset_of_the_original_study_passes_unchanged(spy_parquet):
    raw = read_frame(spy_parquet)
    dataset = build_dataset(raw, calendar="XNYS").drop(columns="series")
    pd.testing.assert_frame_equal(dataset, raw[["Date", *OHLCV, *INDICATORS]], check_dtype=False, check_exact=True)
