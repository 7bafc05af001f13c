from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import block, score_rows
from sklearn.metrics import average_precision_score, roc_auc_score

from fd01.evaluation.metrics import (
    FEW_GROUPS,
    MEASURES,
    all_measures,
    auc,
    auc_within,
    best_f1_threshold,
    decision_measures,
    loss_measures,
    precision_within,
    ranking_measures,
    sweep,
)
from fd01.evaluation.metrics_table import describe_experiment, measure_experiment, not_run_rows
from fd01.evaluation.outcomes import train_prevalence, with_outcomes
from fd01.scoring.predictions import concat_scores, mean_over_seeds

NAN = float("nan")
Y = np.array([0, 1, 0, 1, 1, 0], float)
SCORE = np.array([0.1, 0.4, 0.4, 0.8, 0.2, 0.3])
ONE_SERIES = np.zeros(len(SCORE))


def random_block(seed):
    """Outcomes of both classes and scores with many ties."""
    rng = np.random.default_rng(seed)
    n = rng.integers(4, 30)
    return rng.permutation([0.0, 1.0, *rng.integers(0, 2, n)]), rng.integers(0, 12, n + 2) / 11


@pytest.mark.parametrize("seed", range(20))
def test_auc_counts_pairs_and_halves_ties(seed):
    y, score = random_block(seed)
    difference = score[y == 1][:, None] - score[y == 0]
    expected = ((difference > 0) + (difference == 0) / 2).mean()
    assert auc(y, score) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("groups", [FEW_GROUPS + 1, 25, 90])
def test_average_precision_of_many_groups_is_the_mean_of_theirs(groups):
    rng = np.random.default_rng(groups)
    group, y, score = rng.integers(0, groups, 400), rng.integers(0, 2, 400).astype(float), rng.random(400).round(1)
    precisions, weights = [], []
    for name in range(groups):
        own = group == name
        if 0 < y[own].sum() < own.sum():
            precisions.append(average_precision_score(y[own], score[own]))
            weights.append(y[own].sum())
    assert precision_within(y, score, group) == pytest.approx(np.average(precisions, weights=weights), rel=1e-12)
    assert np.isnan(precision_within(np.ones(400), score, group))


@pytest.mark.parametrize("groups", [1, 3, FEW_GROUPS, FEW_GROUPS + 1, 25])
def test_auc_within_groups_counts_the_pairs_of_a_group(groups):
    rng = np.random.default_rng(0)
    y, score, group = rng.integers(0, 2, 90).astype(float), rng.integers(0, 9, 90), rng.integers(0, groups, 90)
    pairs = [
        0.5 if score[i] == score[j] else float(score[i] > score[j])
        for i in range(90)
        for j in range(90)
        if y[i] == 1 and y[j] == 0 and group[i] == group[j]
    ]
    assert auc_within(y, score, group) == pytest.approx(np.mean(pairs))
    assert auc_within(y, group, group) == pytest.approx(0.5)  # what only knows the group knows nothing inside it
    assert np.isnan(auc_within(np.repeat(np.arange(groups) % 2, 2), np.arange(2 * groups), np.repeat(range(groups), 2)))


def test_auc_within_one_group_is_its_auc_to_the_last_digit():
    for seed in range(20):
        y, score = random_block(seed)
        assert auc_within(y, score, np.zeros(len(y))) == auc(y, score)


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_sums_precision_over_steps_of_recall(seed):
    y, score = random_block(seed)
    expected, found = 0, 0
    for threshold in sorted(set(score), reverse=True):
        called = score >= threshold
        hits = y[called].sum()
        expected += (hits - found) / y.sum() * hits / called.sum()
        found = hits
    assert ranking_measures(y, score, np.zeros(len(y)))["average_precision"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("y", [np.zeros(3), np.ones(3)])
def test_ranking_needs_both_classes(y):
    np.testing.assert_equal(ranking_measures(y, SCORE[:3], np.zeros(3)), {"auc": NAN, "average_precision": NAN})


def test_brier_score_log_loss_and_their_skill():
    measures = loss_measures(Y, SCORE, 0.25)
    brier = np.mean((SCORE - Y) ** 2)
    log_loss = -np.mean(np.log(np.where(Y == 1, SCORE, 1 - SCORE)))
    of_constant = {"brier": (0.75**2 + 0.25**2) / 2, "log_loss": -(np.log(0.25) + np.log(0.75)) / 2}
    expected = {
        "brier": brier,
        "brier_skill": 1 - brier / of_constant["brier"],
        "log_loss": log_loss,
        "log_loss_skill": 1 - log_loss / of_constant["log_loss"],
    }
    assert measures == pytest.approx(expected, abs=1e-12)


def test_skill_of_the_constant_is_zero_and_of_the_truth_one():
    constant, truth = (loss_measures(Y, score, 0.3) for score in (np.full(6, 0.3), Y))
    for name in ("brier_skill", "log_loss_skill"):
        assert constant[name] == 0
        assert truth[name] == pytest.approx(1)


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_skill_is_undefined_beside_a_constant_that_is_never_wrong(outcome):
    measures = loss_measures(np.full(4, outcome), np.full(4, 0.5), outcome)
    assert measures["brier"] == 0.25
    assert np.isnan([measures["brier_skill"], measures["log_loss_skill"]]).all()


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.3, 0.4, 0.8, 0.9])
def test_decisions_count_scores_from_the_threshold_on_as_positive(threshold):
    tp = sum(s >= threshold and y == 1 for s, y in zip(SCORE, Y, strict=True))
    fp = sum(s >= threshold and y == 0 for s, y in zip(SCORE, Y, strict=True))
    fn, tn = 3 - tp, 3 - fp
    square = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    expected = {
        "precision": tp / (tp + fp) if tp + fp else NAN,
        "recall": tp / 3,
        "f1": 2 * tp / (2 * tp + fp + fn),
        "mcc": (tp * tn - fp * fn) / square**0.5 if square else NAN,
    }
    assert decision_measures(Y, SCORE, threshold) == pytest.approx(expected, nan_ok=True)


def test_decisions_are_undefined_where_an_outcome_is_absent():
    assert np.isnan(list(decision_measures(np.zeros(3), SCORE[:3], 0.9).values())).all()
    found = decision_measures(np.ones(3), SCORE[:3], 0.3)
    assert found == pytest.approx({"precision": 1, "recall": 2 / 3, "f1": 0.8, "mcc": NAN}, nan_ok=True)


@pytest.mark.parametrize("seed", range(200))
def test_best_f1_threshold_is_the_best_of_all_thresholds(seed):
    y, score = random_block(seed)

    def f1(threshold):
        called = score >= threshold
        return Fraction(int(2 * y[called].sum()), int(called.sum() + y.sum()))

    assert best_f1_threshold(y, score) == max(score, key=lambda threshold: (f1(threshold), threshold))


@pytest.mark.parametrize(
    ("descending", "highest"),
    [
        ([1, 0, 0, 1, 0], 5),  # F1 2/3 from 5 and from 2 on
        ([0, 0, 1, 1, 1, 0, 0, 1], 4),  # F1 2/3 from 4 and from 1 on, which differ in the last bit as floats
    ],
)
def test_best_f1_threshold_is_the_highest_of_equals(descending, highest):
    assert best_f1_threshold(np.array(descending, float), np.arange(len(descending), 0.0, -1)) == highest


def test_sweep_has_one_row_per_distinct_score():
    table = sweep(Y, SCORE)
    assert table["threshold"].tolist() == [0.1, 0.2, 0.3, 0.4, 0.8]
    for row in table.to_dict("records"):
        found = decision_measures(Y, SCORE, row["threshold"])
        assert [row["precision"], row["recall"], row["f1"]] == pytest.approx(list(found.values())[:3])


def test_probability_has_every_measure():
    found = all_measures(Y, SCORE, ONE_SERIES, True, 0.25, 0.3)
    assert (found["n"], found["positives"], found["train_prevalence"], found["threshold"]) == (6, 3, 0.25, 0.3)
    assert (found["recall_at_half"], found["precision_at_half"]) == (1 / 3, 1)
    assert (found["recall_at_threshold"], found["precision_at_threshold"]) == (2 / 3, 0.5)
    assert (found["spread"], found["distinct"]) == (pytest.approx(0.7), 5)
    assert not np.isnan(list(found.values())).any()
    assert tuple(found) == MEASURES


def test_signal_has_no_measure_of_probabilities():
    found, probability = (all_measures(Y, SCORE, ONE_SERIES, flag, 0.25, 0.3) for flag in (False, True))
    missing = {name for name, value in found.items() if np.isnan(value)}
    of_probabilities = {"brier", "brier_skill", "log_loss", "log_loss_skill"}
    assert missing == of_probabilities | {f"{name}_at_half" for name in ("precision", "recall", "f1", "mcc")}
    assert {name: found[name] for name in found if name not in missing}.items() <= probability.items()


def test_without_a_threshold_nothing_is_measured_at_it():
    found = all_measures(Y, SCORE, ONE_SERIES, True, 0.25, NAN)
    missing = {name for name, value in found.items() if np.isnan(value)}
    assert missing == {"threshold", *(f"{name}_at_threshold" for name in ("precision", "recall", "f1", "mcc"))}


CALIBRATION = block("b", "calibration", [0, 0, 1, 1], start="2019-12-01")
EVALUATION = block("b", "evaluation", [0, 1, 0, 1, 1, 0])
ORIGINS = pd.concat(
    [block("b", "train", [0, 0, 0, 1, NAN], start="2019-06-03"), CALIBRATION, EVALUATION], ignore_index=True
)


def both_roles(calibration, evaluation, **about):
    return pd.concat(
        [score_rows(CALIBRATION, calibration, **about), score_rows(EVALUATION, evaluation, **about)], ignore_index=True
    )


def test_each_seed_and_the_mean_score_have_a_row():
    rng = np.random.default_rng(0)
    scores = rng.random((3, 10))
    frame = pd.concat(both_roles(s[:4], s[4:], seed=seed) for seed, s in zip((0, 1, 7), scores, strict=True))
    rows = {row["seed"]: row for row in measure_experiment(frame, ORIGINS)}
    assert list(rows) == ["all", "0", "1", "7"]
    assert [row["seeds"] for row in rows.values()] == [3, 1, 1, 1]
    y = EVALUATION["up_1"].to_numpy()
    for row, s in zip(rows.values(), [scores.mean(axis=0), *scores], strict=True):
        expected = all_measures(y, s[4:], ONE_SERIES, True, 3 / 8, best_f1_threshold(CALIBRATION["up_1"], s[:4]))
        assert {name: row[name] for name in expected} == pytest.approx(expected, nan_ok=True)
        assert row["calibration_auc"] == auc(CALIBRATION["up_1"], s[:4])


def test_threshold_comes_from_the_calibration_tail():
    (row,) = measure_experiment(both_roles([0.1, 0.2, 0.3, 0.4], SCORE), ORIGINS)
    assert best_f1_threshold(EVALUATION["up_1"], SCORE) == 0.2
    assert (row["seed"], row["seeds"], row["threshold"]) == ("all", 1, 0.3)
    assert (row["recall_at_threshold"], row["precision_at_threshold"]) == (2 / 3, 0.5)


@pytest.mark.parametrize("outcomes", [None, [0.0, 0, 0, 0]], ids=["no scores", "one class"])
def test_without_a_usable_calibration_tail_there_is_no_threshold(outcomes):
    frame, origins = both_roles([0.1, 0.2, 0.3, 0.4], SCORE), ORIGINS.copy()
    if outcomes is None:
        frame = frame[frame["role"] == "evaluation"]
    else:
        origins.loc[origins["role"] == "calibration", "up_1"] = outcomes
    (row,) = measure_experiment(frame, origins)
    assert np.isnan([row["threshold"], row["calibration_auc"], row["f1_at_threshold"]]).all()
    assert row["auc"] == auc(Y, SCORE)


def test_row_of_a_signal_has_no_measure_of_probabilities():
    (row,) = measure_experiment(
        both_roles([-3, -2, 5, 6], SCORE * 100, is_probability=False, score_kind="signal"), ORIGINS
    )
    assert np.isnan([row["brier"], row["log_loss_skill"], row["f1_at_half"]]).all()
    assert (row["score_kind"], row["auc"], row["threshold"]) == ("signal", auc(Y, SCORE), 5)


def test_kinds_of_score_are_measured_apart():
    study = score_rows(EVALUATION, 1 - SCORE, score_kind="study", is_probability=False)
    rows = measure_experiment(
        pd.concat([both_roles([0.1, 0.2, 0.3, 0.4], SCORE, score_kind="exceedance"), study]), ORIGINS
    )
    aucs = {row["score_kind"]: row["auc"] for row in rows}
    assert aucs["study"] == pytest.approx(1 - aucs["exceedance"])


def test_folds_have_the_order_of_the_origins():
    folds = ["validation", "test", "a"]
    origins = pd.concat([block(fold, "evaluation", Y) for fold in folds], ignore_index=True)
    frame = score_rows(origins, np.tile(SCORE, 3), is_probability=False).sort_values("fold")
    assert [row["fold"] for row in measure_experiment(frame, origins)] == folds


def test_days_whose_outcome_is_unknown_are_left_out():
    origins = ORIGINS.copy()
    origins.loc[origins.index[-1], "up_1"] = NAN
    (row,) = measure_experiment(both_roles([0.1, 0.2, 0.3, 0.4], SCORE), origins)
    assert (row["n"], row["auc"]) == (5, auc(Y[:5], SCORE[:5]))


def test_block_without_any_known_outcome_is_not_run():
    origins = ORIGINS.assign(up_1=ORIGINS["up_1"].mask(ORIGINS["role"] == "evaluation"))
    (row,) = measure_experiment(both_roles([0.1, 0.2, 0.3, 0.4], SCORE), origins)
    assert (row["status"], row["reason"]) == ("not run", "no outcome of this block is known yet")
    assert "auc" not in row


def test_constant_is_measured_where_nothing_ever_happens():
    origins = ORIGINS.assign(up_1=0.0)
    (row,) = measure_experiment(both_roles(np.zeros(4), np.zeros(6)), origins)
    assert (row["n"], row["positives"], row["brier"]) == (6, 0, 0)
    assert np.isnan(row["auc"])


def test_experiment_that_did_not_run_has_no_measures():
    assert measure_experiment(concat_scores([]).assign(fold=[]), ORIGINS) == []


def test_outcomes_belong_to_day_fold_and_role():
    shifted = block("other", "evaluation", 1 - Y)
    origins = pd.concat([ORIGINS, shifted], ignore_index=True)
    frame = pd.concat([score_rows(EVALUATION, SCORE), score_rows(shifted, SCORE)]).sample(frac=1, random_state=0)
    found = with_outcomes(frame, origins).sort_values(["fold", "origin"])
    np.testing.assert_array_equal(found["y"], [*Y, *(1 - Y)])
    np.testing.assert_array_equal(found["score"], [*SCORE, *SCORE])


def test_train_prevalence_leaves_out_the_evaluation_block_and_unknown_targets():
    assert train_prevalence(ORIGINS, "b", "up", 1).to_dict() == {"": 3 / 8}


def test_mean_over_seeds_keeps_blocks_apart():
    frame = pd.concat([both_roles([0.2] * 4, SCORE, seed=0), both_roles([0.4] * 4, SCORE + 0.1, seed=1)])
    mean = mean_over_seeds(frame)
    assert len(mean) == 10 and "seed" not in mean
    np.testing.assert_allclose(mean.loc[mean["role"] == "evaluation", "score"], SCORE + 0.05)
    np.testing.assert_allclose(mean.loc[mean["role"] == "calibration", "score"], 0.3)


def test_experiment_that_did_not_run_is_described_with_its_reason():
    entry = {"target": "up", "horizon": 1, "reason": "no weights"}
    about = {"model": "M", "weights": {"revision": "r", "sha256": "s"}, "fitted_on": "days", "optimistic": False}
    about |= {"not_run": [entry]}
    assert list(not_run_rows({"a": about, "b": about | {"not_run": []}})) == [
        {"fold": "a", "status": "not run", **entry}
    ]
    expected = {"model": "M", "weights": "pre-trained", "parameters": None, "fitted_on": "days", "optimistic": False}
    not_verified = {"evidence": "pre-trained, not verified"}
    assert describe_experiment({"a": about}, "timesfm") == expected | not_verified
    scratch = {"weights": "trained from scratch", "parameters": 5}
    assert describe_experiment({"a": about | scratch}, "patchtst") == expected | scratch | {"evidence": "trained here"}


@pytest.mark.parametrize("digits", [0, 9])  # with and without ties
def test_auc_within_many_groups_is_the_mean_of_their_aucs_weighted_by_pairs(digits):
    rng = np.random.default_rng(0)
    group = rng.permutation(np.repeat(np.arange(30).astype(str), rng.integers(2, 40, 30)))
    y = (rng.random(len(group)) < 0.2).astype(float)
    score = (rng.standard_normal(len(group)) + y).round(digits) + 9 * group.astype(int)
    parts = [(y[group == one], score[group == one]) for one in np.unique(group)]
    parts = [(of, own) for of, own in parts if np.ptp(of)]
    assert 10 < len(parts) < 30
    wanted = np.average(
        [roc_auc_score(*part) for part in parts], weights=[of.sum() * (1 - of).sum() for of, _ in parts]
    )
    assert auc_within(y, score, group) == pytest.approx(wanted, rel=1e-12)
    assert np.isnan(auc_within(np.zeros(len(y)), score, group))
