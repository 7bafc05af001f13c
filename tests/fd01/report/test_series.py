"""The tables of several series in the report."""

import numpy as np
import pandas as pd
import pytest

from fd01.report.figures import Cast
from fd01.report.series import EXPERIMENTS, MOST, NAMED, heat_tables, pooled_differences, read_series, wide_table


def table_of(series, experiments, folds=("test",)):
    """Rows of `series.csv`; the experiment with the number j has the difference 0.01 (i - j) on the series i."""
    rows = [
        (fold, experiment, "REF", name, 100, 40, 0.6 + 0.01 * (i - j), 0.6, 0.01 * (i - j), (i + 1))
        for fold in folds
        for j, experiment in enumerate(experiments)
        for i, name in enumerate(series)
    ]
    columns = ["fold", "experiment", "other", "series", "n", "positives", "auc", "other_auc", "difference", "weight"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(weight=table["weight"] / (len(series) * (len(series) + 1) / 2))


def cast_of(experiments):
    evidence = dict.fromkeys(experiments, "trained here") | {experiments[-1]: "pre-trained, unverified"}
    return Cast("REF", evidence, {})


@pytest.mark.parametrize(("count", "many"), [(4, False), (NAMED, False), (NAMED + 1, True), (1000, True)])
def test_page_shows_the_series_with_the_most_pairs_and_says_how_many_it_leaves_out(count, many):
    names = [f"S{i}" for i in range(count)]
    heat = heat_tables(table_of(names, ["A", "B"]), ["test"], cast_of(["A", "B"]))["test"]
    assert [row["series"] for row in heat["rows"]] == names[::-1][:MOST]
    assert heat["left_out"] == max(count - MOST, 0) and heat["many"] is many
    assert heat["experiments"] == ["A", "B"] and heat["more"] == 0


def test_table_with_too_many_experiments_keeps_the_pretrained_ones():
    experiments = [f"E{j}" for j in range(EXPERIMENTS + 3)]
    heat = heat_tables(table_of("xyz", experiments), ["validation", "test"], cast_of(experiments))
    assert list(heat) == ["test"]
    # All but the pre-trained one are chosen by their difference, the first has the largest.
    assert heat["test"]["experiments"] == [*experiments[: EXPERIMENTS - 1], experiments[-1]]
    assert heat["test"]["more"] == 3 and all(len(row["cells"]) == EXPERIMENTS for row in heat["test"]["rows"])


def test_wide_table_has_every_series_and_experiment():
    table = table_of("xyz", ["A", "B"])
    wide = wide_table(table[(table["series"] != "y") | (table["experiment"] != "B")])
    assert list(wide.columns) == ["n", "positives", "REF", "A", "B"] and list(wide.index) == ["z", "y", "x"]
    np.testing.assert_allclose(wide["A"], [0.02, 0.01, 0])
    assert list(wide["B"].isna()) == [False, True, False] and (wide["REF"] == 0.6).all()


def test_pooled_difference_is_weighted_by_pairs():
    pooled = pooled_differences(table_of("xyz", ["A", "B"], ["validation", "test"]))
    assert list(pooled["test"].index) == ["A", "B"] and len(pooled) == 4
    assert pooled["test", "A"] == pytest.approx((0.01 * 2 + 0.02 * 3) / 6)


def test_dataset_of_one_series_has_no_tables(tmp_path):
    table_of("x", ["A"])[:0].to_csv(tmp_path / "series.csv", index=False)
    assert heat_tables(read_series(tmp_path / "series.csv"), ["test"], cast_of(["A"])) == {}
