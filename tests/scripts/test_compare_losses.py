"""The model confidence set, SPA and StepM of daily losses."""

import numpy as np
import pandas as pd
import pytest
from arch.bootstrap import StationaryBootstrap
from helpers.made_up_data import lacking, several_series
from scipy.signal import lfilter
from sklearn.metrics import brier_score_loss, log_loss

from fd01.evaluation.bootstrap import block_length
from fd01.evaluation.calibration import CLIP
from fd01.evaluation.losses import (
    compare_losses,
    daily_losses,
    mean_losses,
    multiple_comparison,
    studentised,
    superior_models,
)
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


def test_experiment_that_lacks_days_has_the_mean_of_its_own_and_no_test():
    whole = score_matrix()
    name, n = "wrong", len(whole.days)
    matrix = lacking(whole, name, [2])
    assert name not in daily_losses(matrix)["brier"]
    ((_, own),) = matrix.pairable()
    rows = mean_losses(own.only({name})).set_index("loss")
    expected = daily_losses(whole)["brier"][name].drop(whole.days[2]).mean()
    assert rows.loc["brier", ["n", "mean"]].tolist() == pytest.approx([n - 1, expected])
    assert set(rows["experiment"]) == {name}


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


def losses_of_unequal_noise(seed=0):
    """Losses of a reference and of five models: two better, two worse, two with losses a hundred times as noisy."""
    random = np.random.default_rng(seed)
    noise = lfilter([1.0], [1.0, -0.5], random.normal(size=(N, 6)), axis=0)
    means, scales = [5.0, 4.7, 4.9, 5.02, 5.0, 20.0], [0.15, 0.3, 0.2, 0.15, 40.0, 40.0]
    names = ["reference", "better", "near", "worse", "noisy", "noisy-worse"]
    return pd.DataFrame(np.array(means) + noise * scales, columns=names)


def hansen_by_hand(losses, reference, resamples, seed):
    """t statistics of Hansen's test, shape (k,), and the means of each resample under its three hypotheses."""
    length = round(block_length((losses - losses.mean()).to_numpy()))
    differentials = (losses[[reference]].to_numpy() - losses.drop(columns=reference)).to_numpy()
    n, mean = len(differentials), differentials.mean(axis=0)
    draws = StationaryBootstrap(length, np.arange(n), seed=seed).bootstrap(resamples)
    resampled = np.array([differentials[days[0]].mean(axis=0) for days, _ in draws])

    def spread(length):
        """Standard deviation of the mean, from many more resamples than the test has."""
        many = StationaryBootstrap(length, np.arange(n), seed=99).bootstrap(4000)
        return np.std([differentials[days[0]].mean(axis=0) for days, _ in many], axis=0)

    longer = 2 * np.sqrt(n)
    weights = [(1 - i / n) * (1 - 1 / longer) ** i for i in range(n)]
    corrected = spread(longer) / np.sqrt(1 - (2 * sum(weights) - 1) / n)
    t = mean / np.maximum(corrected, differentials.std(axis=0, ddof=1) / np.sqrt(n))
    centres = [np.maximum(t, 0), np.where(t >= -np.sqrt(2 * np.log(np.log(n))), t, 0), t]
    null = (resampled - mean) / spread(length) + t
    return t, [null - centre for centre in centres]


def test_spa_is_hansens_test_of_studentised_differentials():
    losses = losses_of_unequal_noise().drop(columns="better")
    losses["near"] += 0.04  # so that the three p-values are neither 0 nor 1
    t, null = hansen_by_hand(losses, "reference", 1000, seed=3)
    expected = [(means.max(axis=1) > t.max()).mean() for means in null]
    table = multiple_comparison(losses, "reference", 0.05, 1000, 3)
    found = table[["spa_lower", "spa_consistent", "spa_upper"]].iloc[0].to_list()
    assert min(expected) > 0.01 and max(expected) < 0.5 and len(set(found)) == 3
    assert found == pytest.approx(expected, abs=0.015)


def test_stepm_is_the_loop_over_studentised_differentials():
    losses = losses_of_unequal_noise()
    t, (_, null, _) = hansen_by_hand(losses, "reference", 1000, seed=3)
    left, better = list(range(len(t))), set()
    while left:
        critical = np.quantile(null[:, left].max(axis=1), 0.95)
        found = {j for j in left if t[j] > critical}
        if not found:
            break
        better, left = better | found, [j for j in left if j not in found]
    names = losses.columns.drop("reference")
    table = multiple_comparison(losses, "reference", 0.05, 1000, 3)
    assert list(table.index[table["beats_reference"]]) == list(names[sorted(better)]) == ["better", "near"]


@pytest.mark.parametrize("model", ["near", "noisy"])
def test_unit_of_one_differential_changes_no_answer_of_spa_and_stepm(model):
    losses = losses_of_unequal_noise()
    far = losses.assign(**{model: losses["reference"] - 10 * (losses["reference"] - losses[model])})
    columns = ["spa_lower", "spa_consistent", "spa_upper", "beats_reference"]
    tables = [multiple_comparison(frame, "reference", 0.05, 300, 0) for frame in (losses, far)]
    first, second = (table["block_length"].round() for table in tables)
    assert first.equals(second)  # or else the resamples would differ
    pd.testing.assert_frame_equal(tables[0][columns], tables[1][columns])


def test_constant_differentials_are_not_tested():
    losses = losses_of_unequal_noise()[["reference", "near"]]
    alone = multiple_comparison(losses, "reference", 0.05, 300, 0)
    shifted = losses.assign(lower=losses["reference"] - 0.3, rounding=losses["reference"] * (1 + 1e-15))
    table = multiple_comparison(shifted, "reference", 0.05, 300, 0)
    assert table["beats_reference"].isna().to_dict() == {
        "reference": False,
        "near": False,
        "lower": True,
        "rounding": True,
    }
    assert table.loc["near", "spa_consistent"] == alone.loc["near", "spa_consistent"]
    table = multiple_comparison(shifted[["reference", "lower"]], "reference", 0.05, 300, 0)
    assert "beats_reference" not in table and "spa_consistent" not in table


def test_studentised_test_keeps_its_size_while_losses_persist():
    random = np.random.default_rng(0)
    shocks = random.normal(size=(N + 200, 2, 2000))
    volatility = np.exp(lfilter([0.2], [1, -0.98], shocks[:, 0], axis=0) / 2)
    equal = pd.DataFrame((volatility * lfilter([1.0], [1.0, -0.5], shocks[:, 1], axis=0))[200:])
    t = studentised(equal, 15, 1.0).mean() * np.sqrt(N)
    assert 0.03 < (t > 1.645).mean() < 0.07
    # Why it is the larger of two: days without memory have the standard deviation of the days.
    independent = pd.DataFrame(random.normal(size=(N, 500)))
    t = studentised(independent, 15, 1.0).mean() * np.sqrt(N)
    assert (t.abs() <= (independent.mean() / independent.std() * np.sqrt(N)).abs() * (1 + 1e-9)).all()


def two_series():
    """The series A, and B with half of its days; each has probabilities of two experiments."""
    random = np.random.default_rng(1)
    days = {"A": pd.bdate_range("2015-01-01", periods=N)}
    days["B"] = days["A"][N // 4 : 3 * N // 4]
    y = {name: (random.random(len(own)) < 0.3).astype(float) for name, own in days.items()}
    scores = {
        name: {one: random.random(len(own)) for one, own in days.items()} for name in ("first", "second", "third")
    }
    return several_series(y, days, **scores)


def test_loss_of_a_date_is_the_mean_over_its_series():
    matrix = two_series()
    of_rows = (matrix.scores["first"] - matrix.y) ** 2
    losses = daily_losses(matrix)["brier"]["first"]
    assert losses.index.is_unique and losses.index.is_monotonic_increasing and len(losses) == N
    shared, alone = matrix.days[N:][0], matrix.days[0]
    assert losses.loc[shared] == pytest.approx(of_rows.loc[shared].mean()) and len(of_rows.loc[shared]) == 2
    assert losses.loc[alone] == of_rows.loc[alone]
    assert mean_losses(matrix).query("experiment == 'first' and loss == 'brier'")["n"].item() == N


def test_a_series_that_is_there_twice_makes_no_loss_test_surer():
    one = score_matrix()
    columns = {name: {"A": one.scores[name].to_numpy(), "B": one.scores[name].to_numpy()} for name in one.scores}
    twice = several_series(dict.fromkeys("AB", one.y), dict.fromkeys("AB", one.days), **columns).only(
        {"true", "useless", "wrong"}
    )
    expected, found = (compare_losses(daily_losses(m)["brier"], "useless", set(), STATISTICS) for m in (one, twice))
    pd.testing.assert_frame_equal(expected, found)
