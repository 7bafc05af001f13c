"""Figures of several series: few are named, many are shown as a distribution."""

from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from plot_series import POOL, draw_experiments, draw_series

from fd01.report.figures import Cast, save_svg
from fd01.report.palette import DIFFERENCE_CLASSES, PAPER
from fd01.report.series import NAMED

CAST = Cast("REF", {"REF": "trained here", "ONE": "baseline", "TWO": "trained here"}, {}, {"TWO": "the second"})
POOLS = pd.Series({"ONE": 0.03, "TWO": -0.06})


def names(count):
    return [f"S{i}" for i in range(count)]


def drawn(figure, folder):
    """The texts of a figure, the values of its marks, and the colours of its areas."""
    save_svg(*figure, folder / "figure.svg")
    elements = list(ElementTree.parse(folder / "figure.svg").iter())
    texts = [one.text for one in elements if one.tag.endswith("text")]
    values = [one.get("data-value") for one in elements if one.get("data-value")]
    return texts, values, [one.get("fill") for one in elements]


def one_experiment(count, folder):
    differences = np.linspace(-0.2, 0.3, count)
    table = pd.DataFrame({"series": names(count), "difference": differences, "se": 0.05, "weight": 1 / count})
    pool = {"fold": "test", "experiment": "ONE", "other": "REF", "n": 500}
    pool |= {"low": -0.03, "auc_difference": 0.05, "high": 0.13}
    return drawn(draw_series(table, pd.Series(pool), CAST, 0.02), folder)


def all_experiments(wide, folder):
    return drawn(draw_experiments(wide, POOLS, POOLS, CAST, "test"), folder)


@pytest.mark.parametrize("count", [2, NAMED])
def test_every_one_of_a_few_series_has_a_row_and_a_value(count, tmp_path):
    texts, values, _ = one_experiment(count, tmp_path)
    assert set(names(count)) <= set(texts)
    assert len(values) == count + 1 and values[0] == f"{POOL}: 0.050, interval −0.030 to 0.130"


@pytest.mark.parametrize("count", [NAMED + 1, 1000])
def test_many_series_have_no_names_and_the_diamond_stays(count, tmp_path):
    texts, values, _ = one_experiment(count, tmp_path)
    assert not set(names(count)) & set(texts)
    assert values == [f"{POOL}: 0.050, interval −0.030 to 0.130"]
    assert (tmp_path / "figure.svg").stat().st_size < 60_000


def test_figure_of_many_series_tells_how_many_intervals_chance_explains(tmp_path):
    texts, *_ = one_experiment(1000, tmp_path)
    # An interval leaves zero from 1.96 * 0.05 on: the steps from -0.2 to 0.3 are 0.5 / 999.
    said = " ".join(texts)
    assert "404 intervals lie above zero and 204 below." in said and "about 25 would lie on each side" in said


def test_map_has_a_cell_for_each_series_and_says_which_have_no_auc(tmp_path):
    wide = pd.DataFrame({"ONE": [0.01, 0.06, np.nan], "TWO": [-0.03, -0.2, np.nan]}, names(3))
    texts, values, colours = all_experiments(wide, tmp_path)
    assert values == [
        "S0 – 1: 0.010; 2: −0.030",
        "S1 – 1: 0.060; 2: −0.200",
        "S2 – 1: –; 2: –",
        f"{POOL} – 1: 0.030; 2: −0.060",
    ]
    low, high = DIFFERENCE_CLASSES[:3], DIFFERENCE_CLASSES[4:]
    assert colours.count(low[0]) == colours.count(high[1]) == 2  # a cell, and the scale
    assert colours.count(PAPER) >= 4
    assert texts.count("–") == 2 and "no AUC" in " ".join(texts) and "2 the second" in texts
    assert "test: 2 series" in texts


def test_many_series_are_shown_by_their_quantiles(tmp_path):
    wide = pd.DataFrame({"ONE": np.linspace(0, 1, 101), "TWO": np.linspace(-1, 0, 101)}, names(101))
    texts, values, _ = all_experiments(wide, tmp_path)
    assert values == [
        f"ONE: {POOL} 0.030; half of the series from 0.250 to 0.750, nine of ten from 0.050 to 0.950",
        f"the second: {POOL} −0.060; half of the series from −0.750 to −0.250, nine of ten from −0.950 to −0.050",
    ]
    assert not set(names(101)) & set(texts)
