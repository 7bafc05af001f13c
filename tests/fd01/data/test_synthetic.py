"""Made-up prices: the truth that they claim is the truth."""

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import LABELS
from measure_truth import true_probabilities, truth_rows
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from fd01.data.prices import build_dataset
from fd01.data.synthetic import expected_auc, expected_auc_within, simulate, true_probability
from fd01.data.targets import target_values, threshold_return
from fd01.evaluation.metrics import auc_within
from fd01.evaluation.score_matrix import ScoreMatrix

SOURCE = {"start": "2000-01-03", "seed": 1, "volatility": 0.008, "alpha": 0.12, "beta": 0.86}


@pytest.fixture(scope="module")
def prices():
    return simulate(days=60_000, **SOURCE | {"start": "1800-01-01"})


def test_events_happen_as_often_as_their_probabilities_say(prices):
    outcomes = target_values(prices, [1], LABELS["threshold"], LABELS["scaled"])
    for target in ("up", "down", "scaled", "direction"):
        probability = true_probability(
            prices["next_variance"].to_numpy(), target, threshold_return(prices, target, LABELS)
        )
        y = outcomes[f"{target}_1"].to_numpy()
        known = ~np.isnan(y)
        for part in np.array_split(np.flatnonzero(known)[np.argsort(probability[known], kind="stable")], 5):
            error = np.sqrt((probability[part] * (1 - probability[part])).sum())
            assert abs(y[part].sum() - probability[part].sum()) < 3.5 * error, target


def test_mean_variance_is_the_one_asked_for(prices):
    assert np.log(prices["Close"]).diff().std() == pytest.approx(SOURCE["volatility"], rel=0.05)


def test_prices_are_valid_and_repeat(prices):
    dataset = build_dataset(simulate(days=600, **SOURCE))
    assert len(dataset) > 350
    assert simulate(days=600, **SOURCE).equals(simulate(days=600, **SOURCE))
    assert not simulate(days=600, **SOURCE).equals(simulate(days=600, **SOURCE | {"seed": 2}))


def test_next_variance_uses_no_later_day():
    short, long = (simulate(days=days, **SOURCE) for days in (1, 2))
    a, b = SOURCE["alpha"], SOURCE["beta"]
    r = np.log(short["Close"] / short["Open"])[0]
    expected = (1 - a - b) * SOURCE["volatility"] ** 2 + a * r**2 + b * SOURCE["volatility"] ** 2
    assert short["next_variance"][0] == pytest.approx(expected, rel=1e-12)
    assert len(long) == 2


@pytest.mark.parametrize("score", ["truth", "ties", "noise"])
def test_expected_auc_is_the_mean_over_outcomes(score):
    random = np.random.default_rng(3)
    p = random.beta(1, 4, size=400)
    s = {"truth": p, "ties": np.round(p, 1), "noise": random.normal(size=400)}[score]
    expected, error = expected_auc(p, s)
    aucs = [roc_auc_score(random.uniform(size=400) < p, s) for _ in range(2000)]
    assert abs(np.mean(aucs) - expected) < 4 * error / np.sqrt(2000)
    assert np.std(aucs) == pytest.approx(error, rel=0.08)


def test_no_score_can_expect_more_than_the_truth():
    random = np.random.default_rng(4)
    p = random.uniform(size=300)
    best, _ = expected_auc(p, p)
    assert all(expected_auc(p, p + random.normal(scale=scale, size=300))[0] < best for scale in (0.01, 0.1, 1))


def test_a_score_that_knows_the_outcomes_stands_out():
    dataset = build_dataset(simulated := simulate(days=2000, **SOURCE))
    probability = true_probabilities(dataset, simulated, "up", LABELS)
    y = target_values(dataset, [1], LABELS["threshold"], LABELS["scaled"])["up_1"].set_axis(dataset["Date"]).dropna()
    noise, name = np.random.default_rng(5).normal(size=len(y)), dataset["series"].iloc[0]
    scores = probability.loc[name].loc[y.index].to_frame("honest").assign(leaking=noise + y, constant=0.5)
    matrix = ScoreMatrix(y.index, y, scores, None, None, series=np.full(len(y), name, object))
    rows = {row["experiment"]: row for row in truth_rows(matrix, probability)}
    assert abs(rows["honest"]["z"]) < 3
    assert rows["honest"]["expected"] == rows["honest"]["best"]
    assert rows["leaking"]["z"] > 5
    assert rows["constant"]["z"] == 0


def test_expected_auc_of_one_series_is_that_of_its_days():
    random = np.random.default_rng(6)
    p, score = random.beta(1, 4, size=300), random.normal(size=300)
    y = (random.uniform(size=300) < p).astype(float)
    within, error = expected_auc_within(p, score, y, np.full(300, "A"), np.arange(300))
    expected, wanted = expected_auc(p, score)
    assert (within, error) == (expected, wanted)


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_expected_auc_of_several_series_is_the_mean_over_outcomes_that_depend_on_each_other(correlation):
    random = np.random.default_rng(3)
    series, days = np.repeat(["A", "B", "C"], 200), np.tile(np.arange(200), 3)
    p = random.beta(1, 4, size=600) * np.repeat([1, 0.5, 0.8], 200)
    score = p + np.tile(random.normal(scale=0.2, size=200), 3) + np.repeat([5, 0, -5], 200)
    aucs, errors = [], []
    for _ in range(400):
        common, own = random.standard_normal(200), random.standard_normal(600)
        y = (norm.cdf(np.sqrt(correlation) * np.tile(common, 3) + np.sqrt(1 - correlation) * own) < p).astype(float)
        aucs.append(auc_within(y, score, series))
        expected, error = expected_auc_within(p, score, y, series, days)
        errors.append(error)
    assert abs(np.mean(aucs) - expected) < 4 * np.std(aucs) / np.sqrt(400)
    assert np.std(aucs) == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=0.12)
    other = expected_auc_within(p, score - np.repeat([5, 0, -5], 200), y, np.repeat(["C", "A", "B"], 200), days)
    assert other == pytest.approx((expected, error), rel=1e-12)


def test_truth_of_several_series_is_the_one_of_each_and_a_score_that_knows_outcomes_stands_out():
    simulated = simulate(days=1500, series=3, correlation=0.5, **SOURCE)
    dataset = build_dataset(simulated)
    probability = true_probabilities(dataset, simulated, "up", LABELS)
    alone = simulated[simulated["series"] == "S0002"].drop(columns="series")
    own = true_probabilities(build_dataset(alone), alone, "up", LABELS)
    (of_own,) = own.index.levels[0]
    pd.testing.assert_series_equal(probability.loc["S0002"], own.loc[of_own], check_names=False)
    y = target_values(dataset, [1], LABELS["threshold"], LABELS["scaled"])["up_1"].to_numpy()
    known = ~np.isnan(y)
    p, index = probability.to_numpy()[known], pd.DatetimeIndex(dataset["Date"][known])
    noise = np.random.default_rng(5).normal(size=len(p))
    scores = pd.DataFrame({"honest": p, "leaking": noise + y[known], "constant": 0.5}, index)
    series = dataset["series"][known].to_numpy(object)
    matrix = ScoreMatrix(index, pd.Series(y[known], index), scores, None, None, series=series)
    rows = {row["experiment"]: row for row in truth_rows(matrix, probability)}
    assert abs(rows["honest"]["z"]) < 3 and rows["honest"]["expected"] == rows["honest"]["best"]
    assert rows["leaking"]["z"] > 5 and rows["constant"]["z"] == 0
    assert rows["honest"]["auc"] == pytest.approx(auc_within(y[known], p, series))


def test_first_of_several_series_is_the_one_series():
    one, three = simulate(days=600, **SOURCE), simulate(days=600, **SOURCE, series=3, correlation=0.4)
    assert list(one) == list(three)[1:]
    parts = dict(list(three.groupby("series", observed=True)))
    assert list(parts) == ["S0001", "S0002", "S0003"]
    pd.testing.assert_frame_equal(parts["S0001"].drop(columns="series"), one, check_exact=True)
    more = simulate(days=600, **SOURCE, series=4, correlation=0.4)
    pd.testing.assert_frame_equal(more.iloc[:1800].astype({"series": str}), three.astype({"series": str}))


@pytest.mark.parametrize("correlation", [0, 0.3, 0.8])
def test_shocks_of_any_two_series_correlate_as_asked(correlation):
    frame = simulate(days=20_000, **SOURCE, series=4, correlation=correlation)
    close = frame.pivot(index="Date", columns="series", values="Close")
    variance = frame.pivot(index="Date", columns="series", values="next_variance").shift()
    shocks = np.log(close).diff() / np.sqrt(variance)
    pairs = shocks.corr().to_numpy()[np.triu_indices(4, 1)]
    np.testing.assert_allclose(pairs, correlation, rtol=0, atol=4 / np.sqrt(20_000))
    np.testing.assert_allclose(shocks.std(), 1, atol=0.03)
