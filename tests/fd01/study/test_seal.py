"""The seal of the test block."""

import copy

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import CONFIG, UP, block, score_rows
from helpers.paths import ROOT

from fd01.data.origins import hide_outcomes
from fd01.evaluation.health import health_checks
from fd01.evaluation.metrics_table import measure_experiment
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.scoring.predictions import write_folds
from fd01.study.seal import plan_digest, seal
from fd01.workflow.parquet import read_frame, read_table, write_table

PLAN = ROOT / CONFIG["plan"]["file"]
REASON = "sealed: not the plan"
# `walk` holds the days of `test` and some before.
ORIGINS = pd.concat(
    [
        block("validation", "calibration", [0, 1] * 4, start="2019-06-03"),
        block("validation", "evaluation", [0, 1] * 5),
        block("test", "calibration", [0, 1] * 4, start="2019-06-03"),
        block("test", "evaluation", [1, 0] * 5, start="2020-03-02"),
        block("walk", "train", [1, 0] * 5, start="2020-03-02", train_end="2020-12-31"),
        block("walk", "evaluation", [0, 0, 1] * 5, start="2020-02-24"),
    ],
    ignore_index=True,
)


def changed(*keys, value):
    config = copy.deepcopy(CONFIG)
    node = config
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = value
    return config


@pytest.mark.parametrize(
    "keys",
    [("labels", "threshold"), ("statistics", "margin"), ("decision", "reference"), ("targets", 0, "horizon")],
)
def test_digest_covers_the_settings_of_the_plan(keys):
    assert plan_digest(PLAN, changed(*keys, value=2)) != plan_digest(PLAN, CONFIG)


@pytest.mark.parametrize("keys", [("experiments", "BASE-HAR", "run"), ("dataset",), ("plan", "sha256")])
def test_digest_leaves_out_everything_else(keys):
    assert plan_digest(PLAN, changed(*keys, value="other")) == plan_digest(PLAN, CONFIG)


def test_digest_covers_every_byte_of_the_plan_and_not_the_order_of_the_keys(tmp_path):
    path = tmp_path / "plan.md"
    path.write_bytes(PLAN.read_bytes())
    turned = CONFIG | {"labels": dict(reversed(CONFIG["labels"].items()))}
    assert plan_digest(path, turned) == plan_digest(PLAN, CONFIG)
    path.write_bytes(PLAN.read_bytes() + b" ")
    assert plan_digest(path, CONFIG) != plan_digest(PLAN, CONFIG)


def test_seal_names_both_digests():
    plan = {"file": "plan.md", "sha256": "a" * 64, "sealed": ["test"]}
    assert seal(plan, "a" * 64) == {"folds": [], "reason": None}
    found = seal(plan, "b" * 64)
    assert found["folds"] == ["test"]
    assert f"the digest of both is {'b' * 64} now" in found["reason"]
    assert found["reason"].endswith(f"plan/sha256 of the configuration is {'a' * 64}")
    assert seal(plan | {"sealed": []}, "b" * 64) == {"folds": [], "reason": None}


def test_open_table_is_the_origins():
    outcomes, closed = hide_outcomes(ORIGINS, [])
    pd.testing.assert_frame_equal(outcomes, ORIGINS)
    assert closed == {}


def test_closed_days_are_unknown_in_every_fold_that_evaluates_them():
    outcomes, closed = hide_outcomes(ORIGINS, ["test"])
    assert closed == {"test": {"days": 10, "of": 10}, "walk": {"days": 10, "of": 15}}
    unknown = outcomes["up_1"].isna()
    assert unknown.sum() == 20
    assert outcomes.loc[unknown, "role"].eq("evaluation").all()
    assert outcomes.loc[unknown, "origin"].ge("2020-03-02").all()
    pd.testing.assert_frame_equal(outcomes[~unknown], ORIGINS[~unknown])
    assert ORIGINS["up_1"].notna().all()


def test_closed_table_is_read_with_and_without_its_reason(tmp_path):
    outcomes, closed = hide_outcomes(ORIGINS, ["test"])
    write_table(tmp_path / "outcomes.parquet", outcomes, {"sealed": closed, "reason": REASON})
    pd.testing.assert_frame_equal(
        read_frame(tmp_path / "outcomes.parquet"), read_table(tmp_path / "outcomes.parquet")[0]
    )


def scores():
    rng = np.random.default_rng(0)
    return score_rows(ORIGINS[ORIGINS["role"] != "train"], rng.random((ORIGINS["role"] != "train").sum()))


def test_closed_block_is_not_measured_and_says_why():
    outcomes, closed = hide_outcomes(ORIGINS, ["test"])
    before = {row["fold"]: row for row in measure_experiment(scores(), ORIGINS)}
    after = {row["fold"]: row for row in measure_experiment(scores(), outcomes, dict.fromkeys(closed, REASON))}
    assert after["validation"] == before["validation"]
    assert (after["test"]["status"], after["test"]["reason"]) == ("not run", REASON)
    assert "auc" not in after["test"]
    assert (before["walk"]["n"], after["walk"]["n"]) == (15, 5)


def test_closed_block_without_calibration_scores_is_listed_too():
    outcomes, _ = hide_outcomes(ORIGINS, ["test"])
    frame = scores()
    rows = measure_experiment(frame[frame["role"] == "evaluation"], outcomes, {"test": REASON})
    assert [row["reason"] for row in rows if row["fold"] == "test"] == [REASON]


def test_closed_block_has_no_score_matrix(tmp_path):
    outcomes, _ = hide_outcomes(ORIGINS, ["test"])
    rows = scores().drop(columns="fold")
    write_folds(
        tmp_path / "EXP",
        {end: rows.drop_duplicates(["role", "origin"]) for end in ("2019-12-31", "2020-12-31")},
        ORIGINS,
        {},
    )
    assert list(read_score_matrices([tmp_path / "EXP"], outcomes, UP)) == ["validation", "walk"]


def test_closed_block_is_no_defect():
    about = {fold: {"not_run": [], "packages": {}, "weights": None} for fold in ORIGINS["fold"].unique()}
    outcomes, closed = hide_outcomes(ORIGINS, ["test"])
    # Of `walk`, the days that are open all have one outcome.
    outcomes.loc[(outcomes["fold"] == "walk") & outcomes["up_1"].notna(), "up_1"] = 0.0

    def failed(sealed):
        checks = health_checks(scores(), about, outcomes, 0.001, {}, sealed)
        return {check["check"] for check in checks if check["ok"] is False}

    assert failed(closed) == set()
    assert failed({}) == {"AUC computable"}


def test_collapse_shows_on_a_closed_block_too():
    about = {"test": {"not_run": [], "packages": {}, "weights": None}}
    outcomes, closed = hide_outcomes(ORIGINS, ["test"])
    frame = scores()
    frame = frame[frame["fold"] == "test"].assign(score=0.5)
    checks = {c["check"]: c["ok"] for c in health_checks(frame, about, outcomes, 0.001, {}, closed)}
    assert (checks["spread"], checks["AUC computable"]) == (False, None)
