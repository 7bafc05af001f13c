"""Scores before and after the end of a model's training data."""

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import block, score_matrix, score_rows
from sklearn.metrics import roc_auc_score
from slice_contamination import COLUMNS, contamination_table, pretrained_weights

from fd01.evaluation.contamination import MIN_DAYS, last_day, measure_slice, slices
from fd01.scoring.predictions import write_folds

WEIGHTS = {"trained_until": "2020-02", "released": "2020-05"}
Y = np.tile([0.0, 0.0, 1.0], 50)  # 150 days from 2020-01-01 on
RNG = np.random.default_rng(0)
MODEL, REFERENCE = RNG.random((2, 150))


def table(weights=WEIGHTS, y=Y, reference="reference"):
    return contamination_table(
        {"test": score_matrix(y, model=MODEL, reference=REFERENCE)}, {"model": weights}, reference, 0.05
    )


def test_slices_end_with_the_month():
    days = pd.DatetimeIndex(["2020-02-28", "2020-02-29", "2020-03-02", "2020-05-29", "2020-06-01"])
    found = {name: list(days[mask].strftime("%m-%d")) for name, mask in slices(days, **WEIGHTS)}
    assert found == {
        "before cut-off": ["02-28", "02-29"],
        "after cut-off": ["03-02", "05-29", "06-01"],
        "after release": ["06-01"],
    }


def test_unknown_cut_off_is_one_slice():
    assert pd.isna(last_day("unknown"))
    days = pd.bdate_range("2020-01-01", periods=3)
    (found,) = slices(days, "unknown", "unknown")
    assert found[0] == "cut-off unknown" and found[1].all()


def test_each_slice_is_measured_against_the_reference_on_its_own_days():
    rows = table().set_index("slice")
    days = pd.bdate_range("2020-01-01", periods=150)
    assert rows["n"].tolist() == [43, 107, (days > "2020-05-31").sum()]
    assert rows.loc["before cut-off", "n"] + rows.loc["after cut-off", "n"] == 150
    after = days > "2020-02-29"
    aucs = [roc_auc_score(Y[after], scores[after]) for scores in (MODEL, REFERENCE)]
    assert rows.loc["after cut-off", ["auc", "reference_auc"]].tolist() == pytest.approx(aucs)
    assert rows.loc["after cut-off", "difference"] == pytest.approx(aucs[0] - aucs[1])
    assert str(rows.loc["after cut-off", "first"]) == "2020-03-02"
    assert list(table()) == COLUMNS


def test_interval_of_the_difference_covers_it():
    covered = []
    rng = np.random.default_rng(1)
    for _ in range(200):
        common, own, other = rng.standard_normal((3, 200))
        y = pd.Series((common + rng.standard_normal(200) > 0).astype(float), pd.bdate_range("2020-01-01", periods=200))
        row = measure_slice(y, pd.Series(common + own), pd.Series(common + other), 0.1)
        covered.append(row["low"] <= 0 <= row["high"])
    assert np.mean(covered) == pytest.approx(0.9, abs=0.05)


def test_slices_with_few_events_or_no_day_have_no_auc():
    few = Y.copy()
    few[np.flatnonzero(few)[MIN_DAYS - 1 :]] = 0  # nine events, all before the cut-off
    rows = table(y=few).set_index("slice")
    assert rows["auc"].isna().all() and rows["positives"].tolist() == [MIN_DAYS - 1, 0, 0]
    assert rows["reason"].eq(f"fewer than {MIN_DAYS} days with the event, or without").all()
    exposed = table({"trained_until": "2023-11", "released": "2025-09"}).set_index("slice")
    assert exposed["n"].tolist() == [150, 0, 0]
    assert exposed.loc["after cut-off", "reason"] == "no day of the block"
    assert np.isfinite(exposed.loc["before cut-off", "auc"])


def test_without_a_reference_the_score_stands_alone():
    rows = table(reference="PTST-2M")
    assert rows["auc"].notna().all() and rows["difference"].isna().all()
    assert set(rows["reason"]) == {"the reference has no score here"}


def test_model_without_dates_has_one_slice_and_one_without_scores_none():
    (row,) = table({}).to_dict("records")
    assert (row["trained_until"], row["released"], row["slice"]) == ("unknown", "unknown", "cut-off unknown")
    empty = contamination_table({"test": score_matrix(Y, reference=REFERENCE)}, {"model": WEIGHTS}, "reference", 0.05)
    assert empty.empty and list(empty) == COLUMNS


def test_pretrained_are_those_with_a_manifest(tmp_path):
    origins = block("test", EVALUATION := "evaluation", [0, 1, 0])
    rows = score_rows(origins, [0.1, 0.2, 0.3]).drop(columns="fold")
    for weights in (WEIGHTS, "missing", None):
        write_folds(tmp_path / "model", {"2019-12-31": rows}, origins, {"weights": weights})
        assert pretrained_weights(tmp_path / "model") == (weights if weights is WEIGHTS else None)
    assert set(rows["role"]) == {EVALUATION}
