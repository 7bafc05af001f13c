"""The seal of the test block."""

import copy

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.made_up_data import CONFIG, UP, block, make_prices, make_two_series, score_rows
from helpers.paths import ROOT
from snakemake.common.configfile import load_configfile

from fd01.data.origins import build_origins, hide_outcomes, sealed_days
from fd01.data.prices import build_dataset
from fd01.evaluation.health import health_checks
from fd01.evaluation.metrics_table import measure_experiment
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.scoring.predictions import write_folds
from fd01.study.config import check_config
from fd01.study.seal import plan_digest, seal
from fd01.workflow.parquet import read_frame, read_table, write_table

PLAN = ROOT / CONFIG["plan"]["file"]
SCHEMA = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text())
REASON = "sealed: not the plan"
NO_SEAL = {"blocks": [], "left_out": [], "reason": None}
# `walk` holds the days of `test` and some before.
ORIGINS = pd.concat(
    [
        block("validation", "calibration", [0, 1] * 4, start="2019-06-03"),
        block("validation", "evaluation", [0, 1] * 5),
        block("test", "calibration", [0, 1] * 4, start="2019-06-03"),
        block("test", "evaluation", [1, 0] * 5, start="2020-03-02"),
        block("walk", "train", [1, 0] * 5, start="2019-06-03", train_end="2020-12-31"),
        block("walk", "evaluation", [0, 0, 1] * 5, start="2020-02-24"),
    ],
    ignore_index=True,
)


DATES = pd.Series(sorted(ORIGINS["origin"].unique()))  # those of the dataset
ORIGINS.insert(4, "row", np.searchsorted(DATES, ORIGINS["origin"]))
TEST = [{"start": "2020-03-02", "end": "2020-03-13"}]


def closed(origins=ORIGINS, blocks=TEST):
    return hide_outcomes(origins, sealed_days(DATES, blocks))


@pytest.fixture
def config():
    """The shipped configuration, checked."""
    config = load_configfile(ROOT / "config.yaml")
    check_config(config, SCHEMA)
    return config


def changed(config, *keys, value):
    config = node = copy.deepcopy(config)
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = value
    return config


def digest(config, plan=PLAN):
    return plan_digest(plan, config, config["dataset"])


@pytest.mark.parametrize(
    "keys",
    [
        ("labels", "threshold"),
        ("targets", 0, "horizon"),
        ("statistics", "margin"),
        ("datasets", "sp500", "reference"),
        ("decision", "primary"),
        ("origins", "min_history"),
        ("datasets", "sp500", "folds", "test", "start"),
        ("datasets", "sp500", "folds", "new"),
        ("datasets", "sp500", "walk_forward", "years"),
        ("weights", "models", "timesfm", "trained_until"),
    ],
)
def test_digest_covers_what_belongs_to_the_plan(config, keys):
    value = {"primary": ["TFM-01"], "trained_until": "2024-06"}.get(keys[-1], 3)
    assert digest(changed(config, *keys, value=value)) != digest(config)


@pytest.mark.parametrize(
    "keys",
    [
        ("experiments", "BASE-HAR", "run"),
        ("datasets", "spy", "folds"),
        ("datasets", "another"),
        ("datasets", "sp500", "source"),
        ("datasets", "sp500", "title"),
        ("plan", "sha256"),
    ],
)
def test_digest_leaves_out_everything_else(config, keys):
    assert digest(changed(config, *keys, value="other")) == digest(config)


def test_digest_is_of_the_folds_and_not_of_the_name_of_the_dataset(config):
    ticker = {"title": "another", "source": {"kind": "parquet", "path": "a"}}
    config["datasets"]["ticker"] = config["datasets"]["sp500"] | ticker
    assert digest(config | {"dataset": "ticker"}) == digest(config)
    assert digest(config | {"dataset": "spy"}) != digest(config)


def test_reference_of_a_dataset_counts_as_that_of_the_decision():
    def digests(*keys):
        raw = load_configfile(ROOT / "config.yaml")
        raw = changed(raw, *keys, value="PTST-pooled")
        check_config(raw, SCHEMA)
        return {name: plan_digest(PLAN, raw, name) for name in ("indices", "spy")}

    of_dataset, of_all = digests("datasets", "indices", "reference"), digests("decision", "reference")
    assert of_dataset["indices"] == of_all["indices"]
    assert of_dataset["spy"] in CONFIG["plan"]["sha256"]
    assert not set(of_all.values()) & set(CONFIG["plan"]["sha256"])


def test_switch_for_the_walk_forward_blocks_leaves_the_digest_alone(config):
    switched = load_configfile(ROOT / "config.yaml") | {"walk_forward": True}
    check_config(switched, SCHEMA)
    assert "wf-2005" in switched["datasets"]["sp500"]["folds"]
    assert digest(switched) == digest(config)


def test_quoted_dates_leave_the_digest_alone(config):
    raw = load_configfile(ROOT / "config.yaml")
    raw["datasets"]["sp500"]["folds"]["test"]["start"] = "2017-01-01"
    check_config(raw, SCHEMA)
    assert digest(raw) == digest(config)


def test_digest_covers_every_byte_of_the_plan_and_not_the_order_of_the_keys(config, tmp_path):
    path = tmp_path / "plan.md"
    path.write_bytes(PLAN.read_bytes())
    turned = config | {"labels": dict(reversed(config["labels"].items()))}
    assert digest(turned, path) == digest(config)
    path.write_bytes(PLAN.read_bytes() + b" ")
    assert digest(config, path) != digest(config)


FOLDS = {
    "validation": {"train_end": "2018-12-31", "start": "2019-01-01", "end": "2019-12-31"},
    "test": {"train_end": "2018-12-31", "start": "2020-03-02"},
    "on the day": {"train_end": "2020-03-02", "start": "2020-04-01"},  # the outcome of that day is not known by its end
    "day after": {"train_end": "2020-03-03", "start": "2020-04-01"},
}


def test_seal_is_open_for_every_digest_that_was_fixed():
    plan = {"file": "plan.md", "sha256": ["a" * 64, "c" * 64], "sealed": ["test"]}
    for fixed in plan["sha256"]:
        assert seal(plan, fixed, FOLDS) == NO_SEAL
    found = seal(plan, "b" * 64, FOLDS)
    assert found["blocks"] == [{"start": "2020-03-02"}]
    assert found["left_out"] == ["day after"]
    assert found["reason"].endswith(f"their digest is {'b' * 64}")
    assert seal(plan | {"sealed": []}, "b" * 64, FOLDS) == NO_SEAL
    assert seal(plan, "b" * 64, {"validation": FOLDS["validation"]}) == NO_SEAL


def test_fold_that_is_left_out_has_sealed_outcomes_to_learn_from_and_the_others_have_none():
    dataset = build_dataset(make_prices(days=900, start="2017-06-01"))
    sealed = seal({"sha256": [], "sealed": ["test"]}, "b" * 64, FOLDS)
    closed_days = sealed_days(dataset["Date"], sealed["blocks"])
    labels = CONFIG["labels"] | {"horizons": [1, 5]}
    origins = build_origins(dataset, FOLDS, labels, min_history=40, calibration_fraction=0.15)
    outcomes, _ = hide_outcomes(origins, closed_days)
    training = origins["role"] != "evaluation"
    learned = (origins[training].notna() & outcomes[training].isna()).any(axis=1).groupby(origins["fold"]).any()
    assert list(learned[learned].index) == sealed["left_out"]


def test_open_table_is_the_origins():
    outcomes, counts = closed(blocks=[])
    pd.testing.assert_frame_equal(outcomes, ORIGINS)
    assert counts == {}


def test_closed_days_are_unknown_in_every_fold_and_role():
    later = ORIGINS[ORIGINS["fold"] == "test"].assign(fold="later", role="train")
    origins = pd.concat([ORIGINS, later], ignore_index=True)
    outcomes, counts = closed(origins)
    assert counts == {"test": {"days": 10, "of": 10}, "walk": {"days": 10, "of": 15}}
    unknown = outcomes["up_1"].isna()
    pd.testing.assert_series_equal(unknown, origins["origin"].ge("2020-03-02"), check_names=False)
    assert set(outcomes.loc[unknown, "role"]) == {"evaluation", "train"}
    pd.testing.assert_frame_equal(outcomes[~unknown], origins[~unknown])
    assert origins["up_1"].notna().all()


def test_horizon_that_reaches_into_closed_days_is_unknown():
    origins = ORIGINS.assign(up_3=ORIGINS["up_1"])
    outcomes, counts = closed(origins)
    walk = outcomes[(outcomes["fold"] == "walk") & (outcomes["role"] == "evaluation")]
    # The three days after 27 February are 28 February, 2 March and 3 March, the outcome of 2 March.
    first = {column: walk.loc[walk[column].isna(), "origin"].min() for column in ("up_1", "up_3")}
    assert first == {"up_1": pd.Timestamp("2020-03-02"), "up_3": pd.Timestamp("2020-02-27")}
    assert counts == closed()[1]


@pytest.mark.parametrize(
    "sealed",
    [
        {"start": "2016-05-19"},  # the fold test
        {"start": "2016-02-22", "end": "2016-03-08"},  # the first days of B, which follow the last of A in the table
    ],
)
def test_closed_dates_are_unknown_in_every_series_and_hide_no_day_of_another(sealed):
    raw, train_end = make_two_series(days=500), "2016-04-29"
    folds = {
        "test": {"train_end": train_end, "start": "2016-05-19"},
        "walk": {"train_end": train_end, "start": "2016-05-02"},
    }
    labels = CONFIG["labels"] | {"horizons": [1, 5]}

    def hidden(raw):
        dataset = build_dataset(raw)
        origins = build_origins(dataset, folds, labels, min_history=1, calibration_fraction=0.15)
        return origins, *hide_outcomes(origins, sealed_days(dataset["Date"], [sealed]))

    origins, outcomes, counts = hidden(raw)
    closed = origins["origin"].between(sealed["start"], sealed.get("end", "2200-01-01"))
    assert (closed.groupby(origins["series"], observed=True).sum() > 5).tolist() == [True, True]
    evaluation = origins["role"] == "evaluation"
    expected = closed[evaluation].groupby(origins["fold"]).agg(["sum", "size"])
    assert counts == {fold: {"days": days, "of": of} for fold, days, of in expected.itertuples() if days}
    assert outcomes.loc[closed, ["up_1", "up_5"]].isna().all(axis=None)
    pd.testing.assert_series_equal(outcomes.loc[~closed, "up_1"], origins.loc[~closed, "up_1"])
    for name, own in raw.groupby("series"):
        _, alone, _ = hidden(own)
        for column in ("up_1", "up_5", "direction_5"):
            np.testing.assert_array_equal(outcomes.loc[outcomes["series"] == name, column], alone[column])


def test_day_after_the_last_closed_one_is_open():
    outcomes, counts = closed(blocks=[{"start": "2020-03-02", "end": "2020-03-06"}])
    assert counts["test"] == {"days": 5, "of": 10}
    test = outcomes[(outcomes["fold"] == "test") & (outcomes["role"] == "evaluation")]
    assert test.loc[test["origin"] > "2020-03-06", "up_1"].notna().all()


def test_closed_table_is_read_with_and_without_its_reason(tmp_path):
    outcomes, counts = closed()
    write_table(tmp_path / "outcomes.parquet", outcomes, {"sealed": counts, "reason": REASON})
    pd.testing.assert_frame_equal(
        read_frame(tmp_path / "outcomes.parquet"), read_table(tmp_path / "outcomes.parquet")[0]
    )


def scores():
    rng = np.random.default_rng(0)
    return score_rows(ORIGINS[ORIGINS["role"] != "train"], rng.random((ORIGINS["role"] != "train").sum()))


def test_closed_block_is_not_measured_and_says_why():
    outcomes, counts = closed()
    before = {row["fold"]: row for row in measure_experiment(scores(), ORIGINS)}
    after = {row["fold"]: row for row in measure_experiment(scores(), outcomes, dict.fromkeys(counts, REASON))}
    assert after["validation"] == before["validation"]
    assert (after["test"]["status"], after["test"]["reason"]) == ("not run", REASON)
    assert "auc" not in after["test"]
    assert (before["walk"]["n"], after["walk"]["n"]) == (15, 5)


def test_closed_block_without_calibration_scores_is_listed_too():
    outcomes, _ = closed()
    frame = scores()
    rows = measure_experiment(frame[frame["role"] == "evaluation"], outcomes, {"test": REASON})
    assert [row["reason"] for row in rows if row["fold"] == "test"] == [REASON]


def test_closed_block_has_no_score_matrix(tmp_path):
    outcomes, _ = closed()
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
    outcomes, counts = closed()
    # Of `walk`, the days that are open all have one outcome.
    outcomes.loc[(outcomes["fold"] == "walk") & outcomes["up_1"].notna(), "up_1"] = 0.0

    def failed(sealed):
        checks = health_checks(scores(), about, outcomes, 0.001, {}, sealed)
        return {check["check"] for check in checks if check["ok"] is False}

    assert failed(counts) == set()
    assert failed({}) == {"AUC computable"}


def test_collapse_shows_on_a_closed_block_too():
    about = {"test": {"not_run": [], "packages": {}, "weights": None}}
    outcomes, counts = closed()
    frame = scores()
    frame = frame[frame["fold"] == "test"].assign(score=0.5)
    checks = {c["check"]: c["ok"] for c in health_checks(frame, about, outcomes, 0.001, {}, counts)}
    assert (checks["spread"], checks["AUC computable"]) == (False, None)
