"""From the probability that the Close ends beyond a threshold to the probability of a touch."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import (
    CONFIG,
    LABELS,
    UP,
    UP_5,
    dataset_and_origins,
    prices_with_other_rows_after,
)
from run_baseline import score_all
from scipy.stats import rankdata

from fd01.data.origins import build_origins, splits
from fd01.data.prices import build_dataset, load_packaged
from fd01.data.synthetic import simulate
from fd01.data.touch import needs_touch, touch, touch_exponent, touch_exponents
from fd01.evaluation.metrics_table import measure_experiment
from fd01.scoring.fold_scores import score_folds
from fd01.scoring.predictions import read_experiment, write_folds

DOWN, DIRECTION, SCALED = ({"target": name, "horizon": 1} for name in ("down", "direction", "scaled"))
GARCH = {"method": "gjr-garch-t"}


@cache
def packaged():
    """The packaged prices with the folds of the configuration."""
    folds = {
        fold: {key: str(date) for key, date in dates.items()}
        for fold, dates in CONFIG["datasets"]["sp500"]["folds"].items()
    }
    dataset = build_dataset(load_packaged())
    return dataset, build_origins(dataset, folds, LABELS, **CONFIG["origins"])


def test_touch_is_likelier_than_a_close_beyond_and_keeps_the_order():
    np.testing.assert_allclose(touch(np.array([0, 0.1, 0.5, 1]), 2), [0, 0.19, 0.75, 1])
    p = np.linspace(0, 1, 1001)
    for k in (1.2, 1.66, 2.5):
        assert (np.diff(touch(p, k)) > 0).all() and (touch(p, k) >= p - 1e-12).all()
    np.testing.assert_allclose(touch(p, 1), p, atol=1e-15)
    # Of tiny probabilities too: 1 - (1 - p)**k, computed as it is written, would give 0 for all of them.
    np.testing.assert_allclose(touch(np.array([1e-20, 2e-20]), 1.6), [1.6e-20, 3.2e-20])


def test_only_a_forecast_of_the_close_for_a_touch_is_corrected():
    for series in ("close", "return"):
        assert [needs_touch(target, series) for target in (UP, DOWN, SCALED, DIRECTION)] == [True, True, True, False]
    for series in ("high", "high-price"):
        assert not any(needs_touch(target, series) for target in (UP, DOWN, SCALED, DIRECTION))


@pytest.mark.parametrize("target", [UP, UP_5, DOWN, SCALED], ids=str)
def test_exponent_turns_the_share_of_closes_beyond_into_the_share_of_touches(target):
    dataset, origins = dataset_and_origins()
    (split,) = splits(origins, **target)
    threshold = {"up": 1.01, "down": 0.99}.get(target["target"])
    if threshold is None:
        threshold = 1 + np.log(dataset["Close"]).diff().rolling(20).std().to_numpy()
    for rows in (split.inner, split.training):
        k = touch_exponent(target, rows, dataset, LABELS)[0]
        beyond = []
        for row in rows:  # day by day, as a reader would count
            level = dataset["Close"][row] * (threshold if np.isscalar(threshold) else threshold[row])
            last = dataset["Close"][row + target["horizon"]]
            beyond.append(last <= level if target["target"] == "down" else last >= level)
        of_close, of_touch = ((np.sum(days) + 0.5) / (len(rows) + 1) for days in (beyond, split.y(rows)))
        assert touch(of_close, k) == pytest.approx(of_touch, abs=1e-12)
        assert k > 1


def test_exponent_sees_training_prices_alone():
    dataset, origins = dataset_and_origins()
    for target in (UP, UP_5):
        (split,) = splits(origins, **target)
        for rows in (split.inner, split.training):
            last = f"{dataset['Date'][rows[-1] + target['horizon']]:%Y-%m-%d}"
            changed, _ = dataset_and_origins(prices_with_other_rows_after(last))
            assert touch_exponent(target, rows, changed, LABELS)[0] == touch_exponent(target, rows, dataset, LABELS)[0]
        last = f"{dataset['Date'][split.training[-40]]:%Y-%m-%d}"
        changed, _ = dataset_and_origins(prices_with_other_rows_after(last))
        one, two = (touch_exponent(target, split.training, data, LABELS) for data in (changed, dataset))
        assert one[0] != two[0]


def test_exponent_of_a_brownian_path_is_about_two():
    simulated = simulate(start="1950-01-02", days=20_000, seed=0, volatility=0.008, alpha=0.12, beta=0.86)
    rows = np.arange(len(simulated) - 1)
    for target in (UP, DOWN):
        # A touch has twice the probability p; log(1 - 2 p) / log(1 - p) is a little above 2.
        assert touch_exponent(target, rows, simulated, LABELS)[0] == pytest.approx(2.1, abs=0.15)


def test_few_days_without_a_close_beyond_or_with_a_touch_on_all_have_an_exponent():
    dataset, origins = dataset_and_origins()
    (split,) = splits(origins, **UP)
    always = dataset.assign(High=2 * dataset["High"])
    for prices, labels in (
        (dataset, LABELS | {"threshold": 0.9}),
        (always, LABELS),
        (always, LABELS | {"threshold": 0.9}),
    ):
        k = touch_exponent(UP, split.training, prices, labels)[0]
        assert 1 <= k < 1e5
        assert (np.diff(touch(np.linspace(0, 0.01, 9), k)) >= 0).all()
    assert touch_exponent(UP, split.training, dataset, LABELS | {"threshold": 0.9})[0] == 1  # neither ever happened


def test_scores_of_each_role_and_train_end_are_corrected_by_their_own_exponent():
    folds = {"early": {"train_end": "2016-08-10", "start": "2016-12-02"}}
    folds["later"] = folds["early"] | {"train_end": "2016-12-01"}
    dataset, origins = dataset_and_origins(folds=folds)
    rows = np.unique(origins["row"])
    p = np.random.default_rng(0).uniform(0.01, 0.4, len(rows))
    frame = pd.DataFrame({"row": rows, "seed": pd.array([None] * len(rows), "Int64")})

    def scores_of(frame, target):
        return rows, {"close-exceedance": p}

    frames, not_run = score_folds(
        frame, origins, [UP], scores_of, lambda target, train: np.full(len(dataset), 1 + len(train) / 1000)
    )
    assert not_run == {}
    for split in splits(origins, **UP):
        for role, train, wanted in (
            ("calibration", split.inner, split.calibration),
            ("evaluation", split.training, split.evaluation),
        ):
            scored = frames[split.train_end]
            scored = scored[scored["role"] == role].set_index("score_kind")["score"]
            own = p[np.searchsorted(rows, wanted)]
            np.testing.assert_array_equal(scored["close-exceedance"], own)
            np.testing.assert_allclose(scored["exceedance"], 1 - (1 - own) ** (1 + len(train) / 1000), rtol=1e-12)


@pytest.fixture(scope="module")
def garch(tmp_path_factory):
    """Scores of the baseline GARCH on the packaged prices, and its rows of metrics.csv."""
    dataset, origins = packaged()
    frames, not_run = score_all(dataset, origins, GARCH, [UP, DIRECTION], LABELS)
    folder = tmp_path_factory.mktemp("garch")
    write_folds(folder, frames, origins, {}, not_run)
    return read_experiment(folder)[0], pd.DataFrame(measure_experiment(read_experiment(folder)[0], origins))


def test_level_of_garch_comes_near_the_observed_frequency_and_its_ranks_stay(garch):
    scores, metrics = garch
    up = scores[(scores["target"] == "up") & (scores["fold"] == "validation")]
    assert set(up["score_kind"]) == {"close-exceedance", "exceedance"} and up["is_probability"].all()
    for role in ("calibration", "evaluation"):
        own, corrected = (
            up[(up["role"] == role) & (up["score_kind"] == kind)].set_index("origin")["score"]
            for kind in ("close-exceedance", "exceedance")
        )
        np.testing.assert_array_equal(rankdata(own), rankdata(corrected))
    _, origins = packaged()
    observed = origins.loc[(origins["fold"] == "validation") & (origins["role"] == "evaluation"), "up_1"].mean()
    assert observed == pytest.approx(0.1825, abs=1e-4)
    assert 2 * own.mean() == pytest.approx(0.239, abs=0.001)  # what the reflection principle would say
    assert corrected.mean() == pytest.approx(observed, abs=0.01)
    rows = metrics[(metrics["target"] == "up") & (metrics["fold"] == "validation")].set_index("score_kind")
    assert rows.loc["exceedance", "auc"] == rows.loc["close-exceedance", "auc"]
    for loss in ("brier", "log_loss"):
        assert rows.loc["exceedance", loss] < rows.loc["close-exceedance", loss] - 0.002
    y = origins.set_index(["fold", "origin"]).loc["validation"].loc[own.index, "up_1"]
    assert rows.loc["exceedance", "brier"] < np.mean((2 * own - y) ** 2)


def test_direction_has_no_correction(garch):
    scores, _ = garch
    assert set(scores.loc[scores["target"] == "direction", "score_kind"]) == {"exceedance"}
    _, origins = packaged()
    assert touch_exponents(origins, [DIRECTION], packaged()[0], LABELS) == []
    assert touch_exponents(origins, [UP], packaged()[0], LABELS, "high") == []


def test_provenance_has_the_exponent_of_every_train_end_and_role():
    dataset, origins = packaged()
    (entry,) = touch_exponents(origins, [UP], dataset, LABELS)
    (split,) = splits(origins, **UP)
    assert entry == {
        **{"train_end": "2014-12-31", "target": "up", "horizon": 1, "series": dataset["series"][0]},
        "calibration": touch_exponent(UP, split.inner, dataset, LABELS)[0],
        "evaluation": touch_exponent(UP, split.training, dataset, LABELS)[0],
    }
    assert entry["evaluation"] == pytest.approx(1.661, abs=0.001)
