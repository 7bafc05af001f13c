"""Scores before and after the end of a model's training data."""

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import CONFIG, block, lacking, score_matrix, score_rows, several_series
from scipy.signal import lfilter
from scipy.stats import norm
from sklearn.metrics import roc_auc_score
from slice_contamination import COLUMNS, contamination_table

from fd01.evaluation.comparison import delong
from fd01.evaluation.contamination import measure_slice, slices
from fd01.evaluation.exposure import data_ends, last_day, training_dates
from fd01.evaluation.metrics import auc_within
from fd01.scoring.predictions import write_folds

STATISTICS = CONFIG["statistics"] | {"resamples": 200, "min_events": 10}
FEWEST = STATISTICS["min_events"]
WEIGHTS = {"trained_until": "2020-02", "released": "2020-05"}
Y = np.tile([0.0, 0.0, 1.0], 50)  # 150 days from 2020-01-01 on
RNG = np.random.default_rng(0)
MODEL, REFERENCE = RNG.random((2, 150))


def table(weights=WEIGHTS, y=Y, reference="reference"):
    return contamination_table(
        {"test": score_matrix(y, model=MODEL, reference=REFERENCE)}, {"model": weights}, reference, STATISTICS
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


def test_error_is_the_larger_of_delongs_and_the_bootstraps():
    """Both scores know a common volatility that persists; their errors persist too, so DeLong's error is too small."""
    rng = np.random.default_rng(1)
    shocks = lfilter([1.0], [1.0, -0.97], rng.standard_normal((3, 400)), axis=1)
    common, own, other = shocks / shocks.std(axis=1, keepdims=True)
    y = (common + rng.standard_normal(400) > 0.8).astype(float)
    matrix = score_matrix(y, model=common + own, reference=common + other)
    row = measure_slice(matrix, "model", "reference", STATISTICS)
    delongs = delong(y, matrix.scores.to_numpy()).covariance
    assert row["se"] > 1.2 * np.sqrt(delongs[0, 0] + delongs[1, 1] - 2 * delongs[0, 1])
    assert row["high"] - row["low"] == pytest.approx(2 * 1.959964 * row["se"], rel=1e-5)
    assert row["p"] == pytest.approx(2 * norm.sf(abs(row["difference"]) / row["se"]))


def test_slices_with_few_events_or_no_day_have_no_auc():
    few = Y.copy()
    few[np.flatnonzero(few)[FEWEST - 1 :]] = 0  # one event too few, all before the cut-off
    rows = table(y=few).set_index("slice")
    assert rows["auc"].isna().all() and rows["positives"].tolist() == [FEWEST - 1, 0, 0]
    assert rows["reason"].eq(f"fewer than {FEWEST} days with the event, or without").all()
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
    empty = contamination_table(
        {"test": score_matrix(Y, reference=REFERENCE)}, {"model": WEIGHTS}, "reference", STATISTICS
    )
    assert empty.empty and list(empty) == COLUMNS


def test_forecast_that_lacks_days_is_compared_on_its_own():
    matrix = lacking(score_matrix(Y, model=MODEL, reference=REFERENCE), "model", [0, 100])
    rows = contamination_table({"test": matrix}, {"model": WEIGHTS}, "reference", STATISTICS).set_index("slice")
    assert rows.loc[["before cut-off", "after cut-off"], "n"].tolist() == [42, 106]
    kept = np.arange(1, 43)
    aucs = [roc_auc_score(Y[kept], scores[kept]) for scores in (MODEL, REFERENCE)]
    assert rows.loc["before cut-off", ["auc", "reference_auc"]].tolist() == pytest.approx(aucs)


def test_pretrained_are_those_with_a_manifest(tmp_path):
    origins = block("test", EVALUATION := "evaluation", [0, 1, 0])
    rows = score_rows(origins, [0.1, 0.2, 0.3]).drop(columns="fold")
    for weights in (WEIGHTS, "missing", None):
        write_folds(tmp_path / "model", {"2019-12-31": rows}, origins, {"weights": weights})
        assert training_dates(tmp_path / "model") == (weights if weights is WEIGHTS else None)
    elsewhere = {"weights": None, "external": WEIGHTS}
    write_folds(tmp_path / "model", {"2019-12-31": rows}, origins, elsewhere)
    assert training_dates(tmp_path / "model") == WEIGHTS
    assert data_ends([tmp_path / "model"]) == {"model": WEIGHTS["trained_until"]}
    assert set(rows["role"]) == {EVALUATION}


def several(seed=0, level=0.0, names=("A", "B", "C")):
    """Three series, the second of which begins later, with scores that share the news of a date; B's have a level."""
    rng = np.random.default_rng(seed)
    dates = pd.bdate_range("2020-01-01", periods=150)
    days = dict(zip(names, (dates, dates[60:], dates)))
    common, y, model, reference = rng.standard_normal(150), {}, {}, {}
    for i, (name, own) in enumerate(days.items()):
        shared, noise = common[-len(own) :], rng.standard_normal((3, len(own)))
        y[name] = (shared + noise[0] > 0.6).astype(float)
        model[name] = shared + noise[1] + level * (i == 1)
        reference[name] = shared + noise[2]
    return several_series(y, days, model=model, reference=reference)


def sliced(matrix):
    return contamination_table({"test": matrix}, {"model": WEIGHTS}, "reference", STATISTICS).set_index("slice")


def test_slices_of_several_series_are_cut_by_date_and_ranked_within_series():
    matrix = several()
    rows = sliced(matrix)
    dates = matrix.days[:150]
    assert rows["n"].tolist() == [2 * 43, 2 * 107 + 90, int((matrix.days > "2020-05-31").sum())]
    assert rows.loc["before cut-off", ["first", "last"]].astype(str).tolist() == ["2020-01-01", "2020-02-28"]
    assert str(rows.loc["after cut-off", "last"]) == str(dates[-1].date())
    after = matrix.on(matrix.days > "2020-02-29")
    wanted = [
        auc_within(after.y.to_numpy(), after.scores[name].to_numpy(), after.series) for name in ("model", "reference")
    ]
    assert rows.loc["after cut-off", ["auc", "reference_auc"]].tolist() == pytest.approx(wanted)


def test_level_and_names_of_series_move_no_auc_of_a_slice():
    rows = sliced(several())
    for other in (several(level=9.0), several(names=("Z", "M", "A"))):
        for column in ("auc", "reference_auc", "difference", "se"):
            assert sliced(other)[column].tolist() == pytest.approx(rows[column].tolist())


def test_a_series_that_is_there_twice_makes_no_slice_surer():
    one = score_matrix(Y, model=MODEL, reference=REFERENCE)
    columns = {name: dict.fromkeys("AB", one.scores[name].to_numpy()) for name in one.scores}
    twice = several_series(dict.fromkeys("AB", Y), dict.fromkeys("AB", one.days), **columns)
    first, second = sliced(one), sliced(twice)
    for column in ("auc", "reference_auc", "difference"):
        assert second[column].tolist() == pytest.approx(first[column].tolist())
    # Independent series would divide it by 1.41.
    assert (second["se"] / first["se"]).between(0.97, 1.03).all()


def test_slices_of_several_series_without_a_pair_of_days_or_with_few_dates_have_no_auc():
    dates = pd.bdate_range("2020-01-01", periods=40)
    ones = {"A": np.zeros(40), "B": np.ones(40)}  # each series has one outcome: there is no pair to rank
    random = {name: RNG.random(40) for name in ones}
    matrix = several_series(ones, dict.fromkeys(ones, dates), model=random, reference=random)
    row = measure_slice(matrix, "model", "reference", STATISTICS)
    few = f"days with the event, or without, that count as fewer than {FEWEST} dates"
    assert "auc" not in row and row["reason"] == few
    names = [f"S{i:02}" for i in range(20)]
    short = {name: np.array([0.0, 1.0]) for name in names}
    random = {name: RNG.random(2) for name in names}
    matrix = several_series(short, dict.fromkeys(names, dates[:2]), model=random, reference=random)
    assert measure_slice(matrix, "model", "reference", STATISTICS)["reason"] == few
