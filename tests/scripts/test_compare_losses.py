"""The model confidence set, SPA and StepM of daily losses."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from fd01.evaluation.calibration import CLIP
from fd01.evaluation.losses import compare_losses, daily_losses, multiple_comparison, superior_models
from fd01.evaluation.score_matrix import ScoreMatrix

N = 500
STATISTICS = {"alpha": 0.05, "resamples": 300, "seed": 0}


def score_matrix(seed=0):
    """Probabilities: the true ones, the same with an error, useless ones; and a signal."""
    random = np.random.default_rng(seed)
    days = pd.bdate_range("2015-01-01", periods=N)
    true = random.beta(1, 3, N)
    y = pd.Series((random.random(N) < true).astype(float), days)
    wrong = np.clip(true + random.normal(0, 0.2, N), 0, 1)
    frame = {"signal": true * 9, "true": true, "useless": random.random(N), "wrong": wrong}
    scores = pd.DataFrame(frame, index=days)
    is_probability = pd.Series([name != "signal" for name in frame], list(frame))
    return ScoreMatrix(days, y, scores, is_probability.map({True: "probability", False: "signal"}), is_probability)


def test_daily_losses_average_to_brier_score_and_clipped_log_loss():
    block = score_matrix()
    losses = daily_losses(block)
    assert list(losses["brier"]) == ["true", "useless", "wrong"]
    for name in losses["brier"]:
        p = block.scores[name]
        assert losses["brier"][name].mean() == pytest.approx(brier_score_loss(block.y, p))
        assert losses["log-loss"][name].mean() == pytest.approx(log_loss(block.y, p.clip(CLIP, 1 - CLIP)))
    assert losses["log-loss"].to_numpy().max() <= -np.log(CLIP)


def test_truth_is_in_the_set_beats_the_reference_and_puts_the_useless_one_out():
    losses = daily_losses(score_matrix())["brier"]
    table = multiple_comparison(losses, "useless", 0.05, 300, 0)
    assert table["in_mcs"].to_dict() == {"true": True, "useless": False, "wrong": False}
    assert table["beats_reference"].to_dict() == {"true": True, "useless": False, "wrong": True}
    assert (table["spa_consistent"] < 0.05).all()
    assert (table["mcs_p"] > 0.05).equals(table["in_mcs"])
    against_truth = multiple_comparison(losses, "true", 0.05, 300, 0)
    assert not against_truth["beats_reference"].any() and (against_truth["spa_consistent"] > 0.3).all()
    assert (table["spa_lower"] <= table["spa_consistent"]).all()
    assert (table["spa_consistent"] <= table["spa_upper"]).all()


def test_experiments_with_equal_losses_share_their_answer():
    losses = daily_losses(score_matrix())["brier"]
    table = multiple_comparison(
        losses.assign(again=losses["true"], reference=losses["useless"]), "reference", 0.05, 300, 0
    )
    alone = multiple_comparison(losses, "useless", 0.05, 300, 0)
    for name, same in (("again", "true"), ("reference", "useless")):
        pd.testing.assert_series_equal(table.loc[name], table.loc[same], check_names=False)
    for name in ("in_mcs", "beats_reference", "mcs_p"):
        assert (table.loc[alone.index, name] == alone[name]).all()


def test_optimistic_experiments_put_nobody_out():
    block = score_matrix()
    cheat = block.y * 0.9 + 0.05
    losses = daily_losses(block)["brier"].assign(cheat=(cheat - block.y) ** 2)
    table = compare_losses(losses, "useless", {"cheat"}, STATISTICS).set_index("experiment")
    assert table.loc["true", "in_mcs"] and np.isnan(table.loc["cheat", "mcs_p"])
    assert table["optimistic"].to_dict() == {"true": False, "useless": False, "wrong": False, "cheat": True}
    assert table["mean"].idxmin() == "cheat" and (table["n"] == N).all()
    assert not compare_losses(losses, "useless", set(), STATISTICS).set_index("experiment").loc["true", "in_mcs"]


@pytest.mark.parametrize("names", [[], ["true"], ["true", "wrong"]], ids=len)
def test_few_experiments_have_no_confidence_set_and_without_a_reference_no_comparison(names):
    losses = daily_losses(score_matrix())["brier"][names]
    table = compare_losses(losses, "absent", set(), STATISTICS)
    assert len(table) == len(names)
    assert ("in_mcs" in table) == (len(names) > 1) and "beats_reference" not in table


def test_all_may_beat_the_reference_in_more_than_one_round():
    random = np.random.default_rng(0)
    noise = random.normal(size=(N, 3))
    losses = pd.DataFrame(
        {"reference": 5 + noise[:, 0] / 10, "far": 2 + 9 * noise[:, 1], "near": 4.9 + noise[:, 2] / 10}
    )
    assert multiple_comparison(losses, "reference", 0.05, 500, 0)["beats_reference"].to_list() == [False, True, True]


def test_step_down_equals_arch():
    from arch.bootstrap import SPA, StepM

    losses = daily_losses(score_matrix(3))["brier"].assign(worse=lambda table: table["wrong"] + 0.02)
    settings = {"reps": 300, "block_size": 8, "seed": 1}
    benchmark, others = losses["wrong"], losses.drop(columns="wrong")
    step = StepM(benchmark, others, size=0.05, **settings)
    step.compute()
    spa = SPA(benchmark, others, **settings)
    spa.compute()
    assert list(others.columns[superior_models(spa, 0.05)]) == list(step.superior_models) == ["true"]
