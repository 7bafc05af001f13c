"""A stop on everything that is no daily price, with the rows and the likely cause."""

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import make_prices

from fd01.data.calendars import Sessions
from fd01.data.price_checks import OHLC, check_prices
from fd01.data.prices import build_dataset
from fd01.workflow.errors import UserError

ROW = 300  # a Friday of the fixture, 2016-02-26


@pytest.fixture
def prices():
    """600 days of made-up prices."""
    return make_prices()


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
        pause = r"^a pause of more than 10 days: 2016-02-26 to 2016-03-08, row 301\. .* key pauses: split "
        with pytest.raises(UserError, match=pause):
            build_dataset(prices)


def test_every_pause_is_named_before_the_sessions_that_it_lacks(in_new_york):
    paused = in_new_york.drop(index=[*range(100, 120), *range(300, 400)])
    first, second = ((f"{in_new_york['Date'][row]:%Y-%m-%d}" for row in rows) for rows in ((99, 120), (299, 400)))
    shown = f": {' to '.join(first)}, row 100; {' to '.join(second)}, row 280. If there was no trade"
    assert shown in stop_of(paused)


def test_twenty_days_without_volume_stop():
    prices = make_prices(days=400)
    prices.loc[100:118, "Volume"] = 0
    build_dataset(prices)
    prices.loc[119, "Volume"] = 0
    with pytest.raises(UserError, match=rf"^no volume for 20 days: row 119 \({prices['Date'][119]:%Y-%m-%d}\)$"):
        build_dataset(prices)


def test_incomplete_last_bar_says_to_fetch_again(prices):
    with pytest.raises(UserError, match=r"row 599 \(2017-04-20\)\. The last bar was not complete when it was fetched"):
        build_dataset(set_cells(prices, row=599, Close=np.nan))
    with pytest.raises(UserError, match=r"row 598 \(2017-04-19\); row 599 \(2017-04-20\)$"):
        build_dataset(set_cells(prices, row=598, Close=np.nan))


@pytest.fixture
def in_new_york():
    """600 sessions of New York with made-up prices."""
    days = Sessions("XNYS").between(pd.Timestamp("2015-01-02"), pd.Timestamp("2018-12-31"))[:600]
    return make_prices().assign(Date=days)


def stop_of(prices, calendar="XNYS", **options):
    with pytest.raises(UserError) as caught:
        build_dataset(prices, calendar=calendar, **options)
    return str(caught.value)


def padded(prices, freq):
    return prices.set_index("Date").asfreq(freq).ffill().reset_index()


def flat(prices):
    """Holidays with the Close before and without volume."""
    table = prices.set_index("Date").asfreq("B")
    table["Volume"] = table["Volume"].fillna(0)
    return table.assign(**{name: table[name].fillna(table["Close"].ffill()) for name in OHLC}).reset_index()


PADDED = {
    "weekends": (lambda p: padded(p, "D"), "row 1 (2015-01-03); row 2 (2015-01-04)"),
    "holidays": (lambda p: padded(p, "B"), "row 11 (2015-01-19); row 31 (2015-02-16)"),
    "flat holidays": (flat, "row 11 (2015-01-19); row 31 (2015-02-16)"),
}


@pytest.mark.parametrize(("pad", "rows"), PADDED.values(), ids=PADDED)
def test_padded_rows_stop_with_a_calendar_and_without_one(in_new_york, pad, rows):
    other = pad(in_new_york)
    assert stop_of(other).startswith(f"dates that are no sessions of the calendar XNYS: {rows}")
    assert stop_of(other, "none").startswith(f"bars that repeat the bar before: {rows}")


def test_few_repeated_bars_are_accepted(prices):
    for row in (100, 200, 300, 400, 500):
        prices.loc[row, prices.columns[1:]] = prices.loc[row - 1, prices.columns[1:]]
    assert len(build_dataset(prices)) == 401
    prices.loc[550, prices.columns[1:]] = prices.loc[549, prices.columns[1:]]
    assert stop_of(prices, "none").endswith(
        "row 500 (2016-12-02); and 1 more. Delete these padded rows; at most 5 are accepted"
    )


def test_sessions_match_the_calendar(in_new_york):
    build_dataset(in_new_york, calendar="XNYS")
    few = in_new_york.drop(index=range(7, 607 - 60, 50))  # 11 of 600
    build_dataset(few, calendar="XNYS")
    many = in_new_york.drop(index=range(7, 590, 45))  # 13 of 600
    assert stop_of(many).startswith("13 of 600 sessions of the calendar XNYS are missing, 2015-01-13, ")
    assert "set the dataset's key calendar" in stop_of(many)


def test_calendar_covers_more_than_twenty_years():
    days = Sessions("XNYS").between(pd.Timestamp("1962-01-02"), pd.Timestamp("2024-12-31"))
    assert (days[0], days[-1]) == (pd.Timestamp("1962-01-02"), pd.Timestamp("2024-12-31"))
    # A Wednesday on which the exchange worked off its paper, the day after an attack, and a funeral.
    assert not days.isin(["1968-06-12", "2001-09-12", "2004-06-11"]).any()


def test_sessions_are_the_same_whatever_was_asked_before():
    sessions, span = Sessions("XNYS"), (pd.Timestamp("2010-03-01"), pd.Timestamp("2012-04-30"))
    first = sessions.between(*span)
    wider = sessions.between(pd.Timestamp("2009-01-01"), pd.Timestamp("2015-01-01"))
    assert len(wider) > len(first)
    assert sessions.between(*span).equals(first)


def test_unknown_calendar_is_named(in_new_york):
    assert stop_of(in_new_york, "XNYX").startswith("exchange_calendars has no calendar 'XNYX' (did you mean XNYS?)")


STEPS = {
    "weekly": ("W-MON", "these bars are weekly: the usual step is 7 days"),
    "monthly": ("BMS", "these bars are monthly: the usual step is 31 days"),
    "every other day": ("2D", "these bars are not daily: the usual step is 2 days"),
    "hourly": ("h", "most rows have the date of the row before: a day must be one bar"),
}


@pytest.mark.parametrize("calendar", ["XNYS", "none"])
@pytest.mark.parametrize(("freq", "what"), STEPS.values(), ids=STEPS)
def test_bars_that_are_not_daily_stop(prices, freq, what, calendar):
    other = prices.assign(Date=pd.date_range("2015-01-02 09:00", periods=600, freq=freq))
    assert stop_of(other, calendar).startswith(what)


def scaled(prices, rows, factor):
    prices.loc[rows, OHLC] *= factor
    return prices


MOVES = {
    "split": (lambda p: scaled(p, slice(0, ROW - 1), 4.0), "4:1 without adjusted prices"),
    "split 3:2": (lambda p: scaled(p, slice(0, ROW - 1), 1.5), "3:2 without adjusted prices"),
    "reverse split": (lambda p: scaled(p, slice(0, ROW - 1), 0.1), "1:10 without adjusted prices"),
    "one day times 100": (
        lambda p: scaled(p, ROW, 100.0),
        "as with a wrong decimal point, or with prices in another unit",
    ),
    "one day divided by 10": (lambda p: scaled(p, ROW, 0.1), "as with a wrong decimal point"),
    "from pence to pounds": (lambda p: scaled(p, slice(0, ROW - 1), 100.0), "prices in another unit, such as cents"),
}


@pytest.mark.parametrize(("damage", "cause"), MOVES.values(), ids=MOVES)
def test_move_beyond_the_limit_stops_with_its_day_and_likely_cause(prices, damage, cause):
    found = stop_of(damage(prices), "none")
    assert found.startswith(
        "prices further from the Close before than the dataset's largest_move, 0.25: row 300 (2016-02-26)"
    )
    assert "On 2016-02-26, the Close is " in found and cause in found


def test_wrong_high_alone_is_a_move_too(prices):
    found = stop_of(scaled(prices.astype({"Volume": float}), [], 1).pipe(set_cells, High=500.0), "none")
    assert "On 2016-02-26, the High is " in found


def test_real_move_passes_with_the_documented_key(prices):
    scaled(prices, slice(ROW, None), 1.35)
    found = stop_of(prices, "none")
    assert "split" not in found and found.endswith("If such a move is real, raise largest_move")
    assert len(build_dataset(prices, largest_move=0.5)) == 401


def test_checks_of_no_rows_and_of_one(prices):
    for rows in (0, 1):
        check_prices(prices.iloc[:rows], Sessions("XNYS"))
