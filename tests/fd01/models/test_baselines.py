from functools import cache

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import (
    CONFIG,
    FOLDS,
    LABELS,
    UP,
    UP_5,
    dataset_and_origins,
    make_prices,
    prices_with_other_rows_after,
)
from run_baseline import score_all
from threadpoolctl import threadpool_limits

from fd01.data.features import daily_range, drawdown, ewma_variance, har, scale_free_a20
from fd01.data.origins import splits
from fd01.data.prices import build_dataset
from fd01.evaluation.metrics_table import measure_experiment
from fd01.models.baselines import METHODS
from fd01.scoring.predictions import check_same_origins, read_experiment, write_folds
from fd01.workflow.parquet import read_frame

SETTINGS = {
    entry["settings"]["method"]: entry["settings"]
    for entry in CONFIG["experiments"].values()
    if entry["system"] == "baseline"
}
SETTINGS["boosting"] = SETTINGS["boosting"] | {"iterations": 15, "learning_rate": 0.2}
TRAIN_END = FOLDS["validation"]["train_end"]
DIRECTION = {"target": "direction", "horizon": 1}
TRAINED = ("har", "logistic", "boosting")  # those that need both classes
EVERY_METHOD = pytest.mark.parametrize("method", METHODS)

study = cache(dataset_and_origins)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """As in a job; on a busy machine OpenMP threads that wait for each other can take minutes."""
    with threadpool_limits(1):
        yield


@cache
def other_study(date):
    return dataset_and_origins(prices_with_other_rows_after(date))


def all_scores(method, dataset, origins, targets=(UP,), labels=LABELS):
    frames, not_run = score_all(dataset, origins, SETTINGS[method], targets, labels)
    return frames[TRAIN_END], not_run.get(TRAIN_END, [])


@cache
def original_scores(method):
    return all_scores(method, *study())[0]


def score(method, dataset, split, train, rows, target=UP, labels=LABELS):
    options = {key: value for key, value in SETTINGS[method].items() if key != "method"}
    return METHODS[method].of_days(dataset, **options)(split, train, rows, target, labels)


@EVERY_METHOD
@pytest.mark.parametrize(
    "date", ["2016-08-11", "2016-08-15", "2016-09-30", "2016-12-01", "2016-12-02", "2017-02-14", "2017-04-18"]
)
def test_no_method_looks_ahead(method, date):
    scrambled = all_scores(method, *other_study(date))[0]
    original = original_scores(method)
    past = original["origin"] <= date
    pd.testing.assert_frame_equal(scrambled[past], original[past], check_exact=True)
    if method != "prevalence":
        assert not np.array_equal(scrambled.loc[~past, "score"], original.loc[~past, "score"])


@EVERY_METHOD
@pytest.mark.parametrize("part", ["inner", "training"])
@pytest.mark.parametrize("target", [UP, UP_5], ids=["h1", "h5"])
def test_fit_does_not_depend_on_purged_or_later_rows(method, part, target):
    dataset, origins = study()
    (split,) = splits(origins, **target)
    train = getattr(split, part)
    changed = other_study(f"{dataset['Date'][train[-1]]:%Y-%m-%d}")[0]
    fitted, refitted = (score(method, data, split, train, train, target) for data in (dataset, changed))
    np.testing.assert_array_equal(refitted, fitted)


@EVERY_METHOD
def test_scores_are_complete_for_every_target(method, tmp_path):
    dataset, origins = study()
    targets = [{"target": name, "horizon": h} for name in ("up", "down", "direction", "scaled") for h in (1, 5)]
    frames, not_run = score_all(dataset, origins, SETTINGS[method], targets, LABELS)
    write_folds(tmp_path, frames, origins, {}, not_run)
    assert not_run == {}
    check_same_origins(method, *read_experiment(tmp_path), origins, targets, seeds=[])


def test_calibration_is_scored_by_a_fit_on_earlier_rows_only():
    dataset, origins = study()
    (split,) = splits(origins, **UP)
    frame = original_scores("logistic")
    for role, train, rows in (
        ("calibration", split.inner, split.calibration),
        ("evaluation", split.training, split.evaluation),
    ):
        expected = score("logistic", dataset, split, train, rows)
        np.testing.assert_array_equal(frame.loc[frame["role"] == role, "score"], expected)
    assert split.inner[-1] + 1 < split.calibration[0]


@pytest.mark.parametrize("method", TRAINED)
def test_one_class_is_reported_and_other_targets_are_scored(method):
    labels = LABELS | {"threshold": 0.9}
    dataset, origins = dataset_and_origins(labels=labels)
    direction = {"target": "direction", "horizon": 1}
    frame, not_run = all_scores(method, dataset, origins, [UP, direction], labels)
    assert set(frame["target"]) == {"direction"}
    assert [(entry["target"], entry["horizon"]) for entry in not_run] == [("up", 1)]
    assert "training targets are 0" in not_run[0]["reason"]


def test_every_train_end_has_its_own_fit():
    later = FOLDS["test"] | {"train_end": "2016-12-01"}
    dataset, origins = dataset_and_origins(folds=FOLDS | {"later": later})
    frames, _ = score_all(dataset, origins, SETTINGS["logistic"], [UP], LABELS)
    assert list(frames) == [TRAIN_END, later["train_end"]]
    pd.testing.assert_frame_equal(frames[TRAIN_END], original_scores("logistic"))
    first, second = (frame[frame["role"] == "evaluation"].set_index("origin")["score"] for frame in frames.values())
    assert (second - first[second.index]).abs().max() > 0.001


def test_features_are_free_of_the_price_level():
    raw = make_prices()
    tenfold = raw.assign(**{name: 10 * raw[name] for name in ("Open", "High", "Low", "Close")})
    features, of_tenfold = (scale_free_a20(build_dataset(table)) for table in (raw, tenfold))
    np.testing.assert_allclose(of_tenfold, features, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("days", [500, 501, 502, 503, 504, 599])
def test_features_are_causal(days):
    raw = make_prices()
    features, of_past = (scale_free_a20(build_dataset(table)) for table in (raw, raw[:days]))
    pd.testing.assert_frame_equal(of_past, features[: len(of_past)], check_exact=True)


def test_drawdown_is_the_fall_from_the_highest_close_of_the_window():
    prices = pd.DataFrame({"Close": [10.0, 12, 9, 9, 15, 14]})
    np.testing.assert_allclose(drawdown(prices, 3), [np.nan, np.nan, 0.25, 0.25, 0, 1 / 15])


def test_daily_range_is_the_logarithm_of_high_over_low():
    prices = pd.DataFrame({"High": [11.0, 10.0], "Low": [10.0, 10.0]})
    np.testing.assert_allclose(daily_range(prices), [np.log(1.1), 0])


def test_ewma_is_the_riskmetrics_recursion():
    prices = make_prices(50)
    returns = np.diff(np.log(prices["Close"]))
    variance = [returns[0] ** 2]
    for r in returns[1:]:
        variance.append(0.94 * variance[-1] + 0.06 * r**2)
    np.testing.assert_allclose(ewma_variance(prices, 0.94), [np.nan, *variance], rtol=1e-12)


def test_har_terms_are_log_mean_variances_of_a_day_a_week_and_a_month():
    prices = make_prices(30)
    prices.loc[7, "High"] = prices.loc[7, "Low"]
    daily = np.maximum(np.log(prices["High"] / prices["Low"]) ** 2 / (4 * np.log(2)), 1e-8).to_numpy()
    terms = har(prices)
    assert terms["rv_1"][7] == pytest.approx(np.log(1e-8))
    for day in (21, 29):
        expected = [
            np.log(daily[day]),
            np.log(daily[day - 4 : day + 1].mean()),
            np.log(daily[day - 21 : day + 1].mean()),
        ]
        np.testing.assert_allclose(terms.loc[day], expected, rtol=1e-12)
    assert terms["rv_22"][20:22].isna().tolist() == [True, False]


def test_garch_agrees_with_a_recursion_by_hand():
    from arch import arch_model
    from scipy.stats import t as student_t

    dataset, origins = study()
    (split,) = splits(origins, **UP)
    returns = 100 * np.diff(np.log(dataset["Close"]))
    known = returns[: split.training[-1]]
    fitted = arch_model(known, p=1, o=1, q=1, dist="t", rescale=False).fit(disp="off")
    mu, omega, alpha, gamma, beta, nu = fitted.params

    shock = returns - mu
    weights = 0.94 ** np.arange(75)
    before = weights @ shock[:75] ** 2 / weights.sum()  # variance and squared shock before the first day
    variance = [omega + (alpha + gamma / 2 + beta) * before]
    for e in shock:
        variance.append(omega + (alpha + gamma * (e < 0)) * e**2 + beta * variance[-1])
    std = np.sqrt(variance)[split.evaluation]
    z = (100 * np.log(1.01) - mu) / (std * np.sqrt((nu - 2) / nu))
    expected = student_t.sf(z, nu)  # that the Close ends beyond the threshold
    actual = score("gjr-garch-t", dataset, split, split.training, split.evaluation)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("std", [0.0002, 0.001, 0.004, 0.05])
def test_garch_does_not_depend_on_the_volatility_of_the_asset(std):
    dataset, origins = study()
    (split,) = splits(origins, **UP)

    def garch(std):
        factor = std / np.log(dataset["Close"]).diff().std()
        other = dataset.assign(Close=100 * (dataset["Close"] / 100) ** factor)
        return score("gjr-garch-t", other, split, split.training, split.evaluation, DIRECTION)

    np.testing.assert_allclose(garch(std), garch(0.01), rtol=0, atol=1e-3)


@pytest.mark.parametrize("horizon", [1, 5])
def test_garch_probability_falls_as_the_threshold_rises(horizon):
    dataset, origins = study()
    (split,) = splits(origins, **UP)

    def garch(name, **labels):
        target = {"target": name, "horizon": horizon}
        return score("gjr-garch-t", dataset, split, split.training, split.evaluation, target, LABELS | labels)

    steps = {
        "up": [{"threshold": c} for c in (0.01, 0.02, 0.05)],
        "down": [{"threshold": c} for c in (0.01, 0.02, 0.05)],
        "scaled": [{"scaled": {"k": k, "window": 20}} for k in (1.0, 1.5, 2.0)],
    }
    for name, labels in steps.items():
        scores = np.array([garch(name, **step) for step in labels])
        assert ((scores >= 0) & (scores <= 1)).all()
        assert (np.diff(scores, axis=0) <= 0).all()
        assert (scores[-1] < scores[0]).all()
    direction = garch("direction")
    assert ((direction > 0.2) & (direction < 0.8)).all()


@pytest.mark.parametrize(
    ("method", "between"),
    [
        ("drawdown", {"validation": (0.724, 0.726), "test": (0.805, 0.807)}),
        ("logistic", {"validation": (0.72, 1), "test": (0.83, 1)}),
    ],
    ids=["drawdown", "logistic"],
)
def test_baselines_reach_their_known_auc_on_the_prices_of_the_original_study(method, between, spy_parquet, tmp_path):
    folds = {
        fold: {key: str(date) for key, date in dates.items()}
        for fold, dates in CONFIG["datasets"]["spy"]["folds"].items()
    }
    dataset, origins = dataset_and_origins(read_frame(spy_parquet), folds)
    frames, not_run = score_all(dataset, origins, SETTINGS[method], [UP], LABELS)
    write_folds(tmp_path, frames, origins, {}, not_run)
    rows = {row["fold"]: row for row in measure_experiment(read_experiment(tmp_path)[0], origins)}
    counts = {fold: (row["n"], row["positives"]) for fold, row in rows.items()}
    assert counts == {"validation": (502, 101), "test": (260, 47), "study-422": (422, 76)}
    for fold, (low, high) in between.items():
        assert low <= rows[fold]["auc"] <= high
