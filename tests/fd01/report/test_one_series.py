"""The page of one series: which one is meant, and what its numbers are."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from fd01.evaluation.score_matrix import ScoreMatrix
from fd01.report.one_series import experiment_table, find_series, page_name
from fd01.workflow.errors import UserError

NAMES = ["005930", "QQQ", "SPY", "BRK.B", "1e3", "1000"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [("QQQ", "QQQ"), (5930, "005930"), ("005930", "005930"), (1000, "1000"), ("1e3", "1e3"), ("BRK.B", "BRK.B")],
)
def test_series_is_found_by_its_name_also_if_it_looks_like_a_number(asked, found):
    assert find_series(asked, NAMES) == found


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (None, "No series is named. Call: snakemake series --config series=005930"),
        ("qqq", "There is no series qqq among the 6 of this dataset. Names like it: QQQ."),
        ("BRK-B", "Names like it: BRK.B."),
        ("~~~~", "It has, for instance, 005930, QQQ, SPY, BRK.B, 1e3."),
        (float("nan"), "There is no series nan among"),
    ],
)
def test_unknown_series_is_refused_with_the_nearest_names(asked, said):
    with pytest.raises(UserError) as error:
        find_series(asked, NAMES)
    assert said in str(error.value)


def test_number_that_several_names_can_mean_asks_for_quotes():
    with pytest.raises(UserError, match=r"may be any of 0700, 700\.0: put the name in quotes") as error:
        find_series(700, ["0700", "700.0"])
    assert "--config 'series=\"0700\"'" in str(error.value)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "BRK/B", "a b", "^GSPC", ".hidden", "-x", "Ünïon", "é" * 300, "\n", "a" * 99]
)
def test_file_of_a_page_stays_in_its_folder_whatever_the_name(name, tmp_path):
    file = page_name(name, [name])
    assert (tmp_path / file).parent == tmp_path and len(file) < 70
    assert file.isascii() and file.endswith(".html") and file[0] not in ".-"
    (tmp_path / file).write_text("")


def test_names_that_differ_in_capitals_or_odd_characters_have_files_of_their_own():
    names = ["abc", "ABC", "BRK/B", "BRK-B", "BRK B", "QQQ"]
    files = [page_name(name, names).lower() for name in names]
    assert len(set(files)) == len(names) and files[3] == "brk-b.html" and files[-1] == "qqq.html"


def test_experiments_stand_beside_all_series_together():
    rng, n = np.random.default_rng(0), 120
    days = pd.date_range("2020-01-01", periods=n)
    y = pd.Series((rng.random(n) < 0.3).astype(float), days)
    scores = pd.DataFrame({name: rng.random(n) + skill * y.to_numpy() for name, skill in (("A", 0), ("R", 0.3))}, days)
    kinds = pd.Series({"A": "signal", "R": "signal"})
    matrix = ScoreMatrix(days, y, scores, kinds, kinds == "")
    row = {"fold": "test", "experiment": "A", "difference": -0.2, "se": 0.1, "shrunken": -0.1}
    series = pd.DataFrame([row, row | {"fold": "validation", "difference": 9.0}])
    interval = {"fold": "test", "block_length": 2.0, "auc": 0.6, "auc_low": 0.5, "auc_high": 0.7}
    intervals = pd.DataFrame([interval | {"experiment": name} for name in "AR"])
    pair = {"fold": "test", "experiment": "A", "against": "reference", "auc_difference": -0.3}
    comparisons = pd.DataFrame([pair, pair | {"against": "baseline", "auc_difference": 9.0}])
    table = experiment_table("test", matrix, series, intervals, comparisons, 0.05)
    assert list(table.index) == ["R", "A"]
    for name in "AR":
        assert table.loc[name, "auc"] == pytest.approx(roc_auc_score(y, scores[name]))
        assert 0 <= table.loc[name, "low"] < table.loc[name, "auc"] < table.loc[name, "high"] <= 1
    own = table.loc["A"]
    assert own[["difference", "shrunken", "all_auc", "all_difference"]].tolist() == [-0.2, -0.1, 0.6, -0.3]
    assert own[["difference_low", "difference_high"]].tolist() == pytest.approx([-0.396, -0.004], abs=1e-4)
    assert np.isnan(table.loc["R", "difference"])
