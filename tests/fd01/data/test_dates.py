"""Dates in every way of writing them, and a stop on what may be another date."""

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import make_prices

from fd01.data.dates import with_date_column
from fd01.workflow.errors import UserError


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


@pytest.mark.parametrize("form", DATE_FORMS.values(), ids=DATE_FORMS)
def test_dates_in_every_form_are_the_same_column(prices, form):
    frame = with_date_column(form(prices.copy()))
    assert list(frame.index) == list(range(600)) and frame["Date"].dtype == "datetime64[us]"
    pd.testing.assert_frame_equal(frame[list(prices)], with_date_column(prices), check_exact=True)


def test_other_levels_of_the_index_become_columns(prices):
    long = pd.concat({"SPY": prices, "QQQ": prices}, names=["Ticker", None]).reset_index("Ticker")
    expected = with_date_column(long)
    for index in (["Ticker"], ["Ticker", "Date"], ["Date", "Ticker"]):
        frame = with_date_column(long.set_index(index))
        pd.testing.assert_frame_equal(frame[list(expected)], expected, check_exact=True)


STOPS = {
    "repeated Date": (lambda p: pd.concat([p, p[["Date"]]], axis=1), "repeated columns: Date"),
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
    "a list for a day": (
        lambda p: p.assign(Date=p["Date"].astype(str).map(lambda day: [day] if day == "2015-01-13" else day)),
        "cannot be read as a date: row 7 is ['2015-01-13']",
    ),
    "no date at all": (lambda p: p.assign(Date=None), "cannot be read as a date: row 0 is None"),
    "two levels, through a file": (
        lambda p: p.rename(columns=lambda name: f"('{name}', 'SPY')"),
        "the columns have more than one level; with yfinance, set multi_level_index=False",
    ),
    "day first": (
        lambda p: p.assign(Date=p["Date"].dt.strftime("%d.%m.%Y")),
        "Date holds text that is not written as 2024-12-31, the year first: row 0 is '02.01.2015'",
    ),
    "month first": (lambda p: p.assign(Date=p["Date"].dt.strftime("%m/%d/%Y")), "write dates as YYYY-MM-DD"),
    "two digits of the year": (lambda p: p.assign(Date=p["Date"].dt.strftime("%y-%m-%d")), "row 0 is '15-01-02'"),
    "one text among dates": (
        lambda p: p.assign(Date=p["Date"].astype(object).where(p.index != 7, "13.01.2015")),
        "row 7 is '13.01.2015'",
    ),
    "no such month": (lambda p: p.assign(Date=p["Date"].dt.strftime("%Y-%d-%m")), "cannot be read as a date: row 7 is"),
}


@pytest.mark.parametrize(("damage", "what"), STOPS.values(), ids=STOPS)
def test_dates_that_cannot_be_read_stop(prices, damage, what):
    with pytest.raises(UserError) as caught:
        with_date_column(damage(prices))
    assert what in str(caught.value)


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y-%m-%dT%H:%M:%S"])
def test_text_with_the_year_first_is_read(prices, form):
    expected = with_date_column(prices)
    text = prices.assign(Date=prices["Date"].dt.strftime(form))
    pd.testing.assert_frame_equal(with_date_column(text), expected)
