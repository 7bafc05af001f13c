"""The alignment of forecasts in the report."""

import re

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import make_prices, through_csv
from helpers.paths import ROOT

from fd01.data.features import ewma_variance
from fd01.evaluation.alignment import SCALE, alignment_check, alignment_table, daily_news
from fd01.report.html import DoesNotApply, render


def made_up_table():
    """A late, an aligned and a constant forecast, and an experiment without any, as the rule writes them."""
    prices = make_prices(420)
    width = np.log(ewma_variance(prices, 0.94)).to_numpy()
    values = {"LATE": np.roll(width, 1), "GOOD": width, "FLAT": np.zeros(420)}
    rows = np.arange(150, 410)
    forecasts = {
        name: {SCALE: pd.DataFrame({"fold": "b", "origin": prices["Date"].iloc[rows], "value": value[rows]})}
        for name, value in values.items()
    }
    return alignment_table(forecasts | {"PTST": {}}, daily_news(prices, np.zeros(420, bool)))


def page_of(table, section):
    """A section of the report."""
    rows = through_csv(table).to_dict("records")
    checks = {row["experiment"]: {"on its day": alignment_check([row])} for row in rows}
    rule = {"skill": 0.25, "level": 0.02, "ahead": [1, 2, 3], "shifts": ["-3", "-2", "-1", "+0", "+1", "+2", "+3"]}
    return render(
        ROOT / "report",
        f"sections/{section}.html.j2",
        check_names=["on its day"],
        checks=checks,
        failed_checks=[],
        tables={"alignment": rows},
        alignment=rule,
        names={},
    )


def test_report_accuses_a_late_forecast_and_shows_the_figures_of_every_day():
    page, figures = (page_of(made_up_table(), section) for section in ("checks", "alignment"))
    (warning,) = re.findall(r'<p class="warning">(.*?)</p>', figures)
    assert warning == "<b>LATE: late by 1 day.</b> This is what its scale shows."
    assert '<tr><th scope="row">LATE</th><td title="scale: late by 1 day"><span class="bad">✗</span>' in page
    assert '<tr><th scope="row">GOOD</th><td title="scale: aligned">✓</td></tr>' in page
    assert '<tr><th scope="row">PTST</th><td title="does not apply">–</td></tr>' in page
    assert "day −1</th>" in figures and "day 0</th>" in figures and "day +1</th>" in figures
    assert re.findall(r"<tr><th scope=.row.>(\w+)</th><td>scale</td>", figures) == ["LATE", "GOOD", "FLAT"]
    assert figures.count("<br><small>") == 14
    assert "is shown to be above 0.25." in figures and "tested at a level of 2 % over" in figures
    assert 'colspan="8">the forecast is the same on all days</td>' in figures


def test_report_says_that_nothing_is_to_be_checked():
    with pytest.raises(DoesNotApply, match="no experiment forecasts a location or a scale"):
        page_of(made_up_table().iloc[[3]], "alignment")
