"""The 20 indicators: equal to those of the original study, to their definitions, and blind to the future."""

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import make_prices

from fd01.data.indicators import INDICATORS, a20
from fd01.data.prices import build_dataset
from fd01.workflow.parquet import read_frame

WEEKLY = ["rsi_weekly", "stochrsi_weekly"]
MONDAY, WEDNESDAY, FRIDAY = 0, 2, 4


@pytest.fixture(scope="module")
def long_prices():
    return make_prices(days=2500).set_index("Date")


@pytest.fixture(scope="module")
def long_a20(long_prices):
    return a20(long_prices)


def test_real_prices_give_the_indicators_of_the_original_study(spy_ohlcv, spy_parquet):
    study = read_frame(spy_parquet).sort_values("Date").reset_index(drop=True)
    dataset = build_dataset(spy_ohlcv)
    assert len(dataset) == 8100
    assert (dataset["Date"] == study["Date"]).all()
    pd.testing.assert_frame_equal(dataset[INDICATORS], study[INDICATORS], check_exact=True)


def wilder(values, n):
    """Wilder's average: the mean of the first n values, then (n - 1) parts old and one part new."""
    averages = np.full(len(values), np.nan)
    averages[n - 1] = values[:n].mean()
    for t in range(n, len(values)):
        averages[t] = (averages[t - 1] * (n - 1) + values[t]) / n
    return averages


def rsi(close, n=14):
    change = close.diff().to_numpy()[1:]
    up, down = wilder(change.clip(min=0), n), wilder((-change).clip(min=0), n)
    return pd.Series([np.nan, *(100 * up / (up + down))], index=close.index)


def stochrsi(close):
    values = rsi(close)
    lowest, highest = values.rolling(5).min(), values.rolling(5).max()
    return 100 * (values - lowest) / (highest - lowest)


def ema(values, n):
    return values.ewm(span=n, adjust=False).mean()


def dema(close, n):
    return 2 * ema(close, n) - ema(ema(close, n), n)


def adosc(p):
    flow = ((p["Close"] - p["Low"]) - (p["High"] - p["Close"])) / (p["High"] - p["Low"]) * p["Volume"]
    line = flow.cumsum()
    return ema(line, 3) - ema(line, 10)


def atr(p, n=14):
    before = p["Close"].shift()
    ranges = pd.concat([p["High"] - p["Low"], (p["High"] - before).abs(), (p["Low"] - before).abs()], axis=1)
    return pd.Series([np.nan, *wilder(ranges.max(axis=1).to_numpy()[1:], n)], index=p.index)


def bb_percent_b(close):
    middle, spread = close.rolling(20).mean(), 2 * close.rolling(20).std(ddof=0)
    return (close - (middle - spread)) / (2 * spread)


def last_complete_week(indicator):
    """Of each day, the indicator at the last close of the week before."""

    def of_days(close):
        monday = close.index - pd.to_timedelta(close.index.weekday, unit="D")
        weeks = indicator(close.groupby(monday).last())
        before = weeks.shift().to_dict()
        return pd.Series([before[day] for day in monday], index=close.index)

    return of_days


DEFINITIONS = {
    **{f"sma_{n}": lambda p, n=n: p["Close"].rolling(n).mean() for n in (12, 50, 100, 200)},
    **{f"dema_{n}": lambda p, n=n: dema(p["Close"], n) for n in (9, 10, 20, 25, 90)},
    "rsi_daily": lambda p: rsi(p["Close"]),
    "rsi_weekly": lambda p: last_complete_week(rsi)(p["Close"]),
    "stochrsi_daily": lambda p: stochrsi(p["Close"]),
    "stochrsi_weekly": lambda p: last_complete_week(stochrsi)(p["Close"]),
    "macd_line": lambda p: ema(p["Close"], 12) - ema(p["Close"], 26),
    "obv": lambda p: p["Volume"].iloc[0] + (np.sign(p["Close"].diff()) * p["Volume"]).fillna(0).cumsum(),
    "adosc": adosc,
    "atr_14": atr,
    "bb_percent_b": lambda p: bb_percent_b(p["Close"]),
    "vwap_20": lambda p: (p["Close"] * p["Volume"]).rolling(20).sum() / p["Volume"].rolling(20).sum(),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_indicator_follows_its_definition(long_prices, long_a20, name):
    # Exponential averages start differently in TA-Lib: a long way on, the start is forgotten.
    wanted = DEFINITIONS[name](long_prices).iloc[2000:]
    np.testing.assert_allclose(long_a20[name].iloc[2000:], wanted, rtol=1e-8, atol=1e-8)


def test_all_indicators_are_known_from_the_200th_day_on(long_a20):
    assert long_a20.notna().all(axis=1).to_numpy().argmax() == 199
    assert long_a20["sma_200"].first_valid_index() == long_a20.index[199]


def scrambled(prices, rows, seed=1):
    """The prices with those of `rows` replaced by others of another level."""
    other = make_prices(days=len(prices), seed=seed).set_index("Date") * 3
    changed = prices.astype(float)
    changed.iloc[rows] = other.iloc[rows]
    return changed


@pytest.mark.parametrize("year", [2016, 2019, 2023])
@pytest.mark.parametrize("weekday", [MONDAY, WEDNESDAY, FRIDAY])
def test_the_past_does_not_know_the_future(long_prices, long_a20, weekday, year):
    days = long_prices.index
    t = np.flatnonzero((days.weekday == weekday) & (days.year == year))[20]
    changed = a20(scrambled(long_prices, slice(t + 1, None)))
    pd.testing.assert_frame_equal(changed.iloc[: t + 1], long_a20.iloc[: t + 1], check_exact=True)
    assert (changed.iloc[t + 1] != long_a20.iloc[t + 1])[["sma_12", "atr_14", "obv"]].all()


@pytest.mark.parametrize("monday", pd.to_datetime(["2016-05-16", "2020-03-09"]))
def test_weekly_values_come_from_the_week_before(long_prices, long_a20, monday):
    days = long_prices.index
    rows = np.flatnonzero((days >= monday) & (days < monday + pd.Timedelta(days=7)))
    changed = a20(scrambled(long_prices, rows))[WEEKLY]
    pd.testing.assert_frame_equal(changed.iloc[: rows[-1] + 1], long_a20[WEEKLY].iloc[: rows[-1] + 1], check_exact=True)
    assert (changed.iloc[rows[-1] + 1] != long_a20[WEEKLY].iloc[rows[-1] + 1]).all()
    assert (long_a20[WEEKLY].iloc[rows].nunique() == 1).all()


def test_week_without_its_monday_keeps_the_values_of_the_week_before(long_prices):
    monday = pd.Timestamp("2020-03-09")
    weekly = a20(long_prices.drop(index=monday))[WEEKLY]
    week_before, week, week_after = (weekly.loc[monday + pd.Timedelta(days=days)] for days in (-7, 1, 7))
    assert week.equals(week_before)
    assert not week.equals(week_after)


def test_week_without_trading_is_left_out(long_prices):
    closed = pd.bdate_range("2020-03-09", periods=5)
    prices = long_prices.drop(index=closed)
    weekly = a20(prices)[WEEKLY]
    assert weekly.loc["2016-01-01":].notna().all(axis=None)
    # The same weeks one week earlier are the same weeks.
    earlier = prices.set_index(prices.index.where(prices.index > closed[0], prices.index + pd.Timedelta(days=7)))
    np.testing.assert_array_equal(a20(earlier)[WEEKLY], weekly)
