from functools import partial

import numpy as np
import pandas as pd
import pytest
from forecast_timesfm import rows_to_forecast
from helpers.made_up_data import FOLDS, LABELS, UP, UP_5, dataset_and_origins
from scipy import stats

from fd01.data.inputs import first_inputs, input_series
from fd01.data.touch import touch_exponent
from fd01.models.forecasts import DECILE_COLUMNS, quantile_frame
from fd01.scoring.deciles import exceedance, return_deciles, scores
from fd01.scoring.fold_scores import score_folds
from fd01.scoring.predictions import check_same_origins, read_experiment, write_folds
from fd01.workflow.errors import NotRun

INPUTS = ("simple-return", "close", "return", "high")
Z = stats.norm.ppf(np.arange(1, 10) / 10)
TRAIN_END = FOLDS["validation"]["train_end"]
DOWN, DIRECTION, SCALED = ({"target": name, "horizon": 1} for name in ("down", "direction", "scaled"))
ALL_TARGETS = [{"target": name, "horizon": h} for name in ("up", "down", "direction", "scaled") for h in (1, 5)]


@pytest.fixture(scope="module")
def study():
    return dataset_and_origins()


def scores_of(name, dataset):
    return partial(scores, name=name, dataset=dataset, labels=LABELS)


def exponent_of(dataset):
    return partial(touch_exponent, dataset=dataset, labels=LABELS)


def quantiles(rows, deciles, seed=None):
    """A quantile file of `deciles`, shape (rows, 9) or (rows, steps, 9), whose mean is of no use."""
    deciles = np.asarray(deciles, float).reshape(len(rows), -1, 9)
    return quantile_frame(rows, np.concatenate([np.full_like(deciles[..., :1], np.nan), deciles], axis=2), seed)


def made_up(dataset, rows, name, seed=None, steps=5):
    """A quantile file with other deciles for every row and step."""
    rng = np.random.default_rng(0 if seed is None else seed)
    daily = 0.001 * rng.standard_normal((len(rows), steps, 1)) + 0.01 * rng.uniform(0.5, 2, (len(rows), steps, 1)) * Z
    close = dataset["Close"].to_numpy()[rows, None, None]
    return quantiles(rows, close * (1 + daily) if name == "close" else daily, seed)


def test_input_series_are_prices_or_their_log_returns():
    dataset = pd.DataFrame({"Close": [100.0, 110.0, 99.0], "High": [101.0, 112.0, 111.0]})
    np.testing.assert_array_equal(input_series(dataset, "close"), [100, 110, 99])
    np.testing.assert_allclose(input_series(dataset, "simple-return"), [np.nan, 0.1, -0.1])
    np.testing.assert_allclose(input_series(dataset, "return"), [np.nan, np.log(1.1), np.log(0.9)])
    np.testing.assert_allclose(input_series(dataset, "high"), [np.nan, np.log(1.12), np.log(111 / 110)])


@pytest.mark.parametrize("name", INPUTS)
def test_first_inputs_are_the_first_values(name, study):
    first = np.flatnonzero(np.isfinite(input_series(study[0], name)))[0]
    assert set(first_inputs(study[0], name)) == {first}


def test_quantile_frame_keeps_every_number_in_its_place():
    output = np.arange(2 * 3 * 10.0).reshape(2, 3, 10)
    frame = quantile_frame(np.array([7, 9]), output, seed=4)
    assert frame.columns.tolist() == ["row", "seed", "step", "mean", *(f"q{n}0" for n in range(1, 10))]
    assert frame[["row", "step"]].to_numpy().tolist() == [[7, 1], [7, 2], [7, 3], [9, 1], [9, 2], [9, 3]]
    assert (frame["seed"] == 4).all()
    np.testing.assert_array_equal(frame[["mean", *DECILE_COLUMNS]], output.reshape(6, 10))
    assert quantile_frame(np.array([7, 9]), output)["seed"].isna().all()


@pytest.mark.parametrize(("mu", "sigma"), [(0, 1), (450, 6), (-0.001, 0.01)])
def test_exceedance_of_a_normal_distribution_is_exact(mu, sigma):
    z = np.concatenate([np.linspace(-8, 8, 161), Z])
    actual = exceedance(np.tile(mu + sigma * Z, (len(z), 1)), mu + sigma * z)
    np.testing.assert_allclose(actual, stats.norm.sf(z), rtol=1e-9)


def test_exceedance_falls_strictly_without_end():
    deciles = np.array([-9.0, -2, -1.9, 0, 0.1, 0.3, 2, 2.1, 5])  # lopsided, narrow and wide segments
    thresholds = np.linspace(-60, 25, 2001)
    probabilities = exceedance(np.tile(deciles, (len(thresholds), 1)), thresholds)
    assert (np.diff(probabilities) < 0).all()
    assert 0 < probabilities[-1] < 1e-5 and 1 - 1e-5 < probabilities[0] < 1
    np.testing.assert_allclose(exceedance(np.tile(deciles, (9, 1)), deciles), np.arange(9, 0, -1) / 10)


def test_exceedance_of_heavy_tails_is_close():
    t = stats.t(df=4)
    x = np.linspace(-12, 12, 2401)
    error = exceedance(np.tile(t.ppf(np.arange(1, 10) / 10), (len(x), 1)), x) - t.sf(x)
    assert np.abs(error).max() <= 0.015
    assert np.abs(error[np.abs(x) < t.ppf(0.9)]).max() <= 0.005


def test_exceedance_has_no_unit_and_no_side():
    rng = np.random.default_rng(0)
    deciles = np.sort(rng.standard_normal((200, 9)), axis=1)
    x = 2 * rng.standard_normal(200)
    expected = exceedance(deciles, x)
    np.testing.assert_allclose(exceedance(400 + 7 * deciles, 400 + 7 * x), expected, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(exceedance(-deciles[:, ::-1], -x), 1 - expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("horizon", [1, 3])
def test_return_deciles_of_the_close_come_from_its_last_day(horizon):
    close = np.array([50.0, 100.0, 200.0])
    daily = np.array([[[0.01], [0.02], [0.03]], [[0.04], [0.05], [0.06]]]) * (1 + Z / 10)
    frame = quantiles(np.array([1, 2]), close[1:, None, None] * (1 + daily)).sample(frac=1, random_state=0)
    rows, deciles = return_deciles(frame, "close", close, horizon)
    assert rows.tolist() == [1, 2]
    np.testing.assert_allclose(deciles, daily[:, horizon - 1])


@pytest.mark.parametrize("name", ["return", "high"])
def test_return_deciles_of_tomorrow_are_simple_returns_in_order_of_rows(name):
    log_deciles = np.array([[0.001 + 0.01 * Z], [-0.002 + 0.02 * Z]])
    rows, deciles = return_deciles(quantiles(np.array([5, 3]), log_deciles), name, np.full(6, np.nan), 1)
    assert rows.tolist() == [3, 5]
    np.testing.assert_allclose(deciles, np.exp(log_deciles[::-1, 0]) - 1)


def test_return_deciles_of_independent_normal_days_are_exact():
    mu, sigma = np.array([0.001, -0.002, 0.003, 0.0]), np.array([0.01, 0.02, 0.005, 1.0])
    frame = quantiles(np.array([0]), (mu + np.outer(Z, sigma)).T[None])
    _, deciles = return_deciles(frame, "return", None, 3)
    total = stats.norm(mu[:3].sum(), np.sqrt((sigma[:3] ** 2).sum()))
    np.testing.assert_allclose(deciles[0], np.exp(total.ppf(np.arange(1, 10) / 10)) - 1)


def test_return_deciles_of_simple_returns_are_those_of_the_same_forecast_in_logs():
    simple = np.stack([0.001 + 0.01 * Z, -0.002 + 0.02 * Z, 0.03 * Z])[None]
    of_simple, of_log = quantiles(np.array([4]), simple), quantiles(np.array([4]), np.log1p(simple))
    _, tomorrow = return_deciles(of_simple, "simple-return", None, 1)
    np.testing.assert_array_equal(tomorrow, simple[:, 0])
    for horizon in (1, 2, 3):
        deciles = [
            return_deciles(*forecast, None, horizon)[1]
            for forecast in ((of_simple, "simple-return"), (of_log, "return"))
        ]
        np.testing.assert_allclose(*deciles, rtol=1e-12)


def test_a_simple_return_that_no_price_can_have_stays_a_number():
    impossible = quantiles(np.array([4]), np.tile(-2 + Z, (2, 1))[None])
    _, deciles = return_deciles(impossible, "simple-return", None, 2)
    assert np.isfinite(deciles).all() and (deciles >= -1).all()


@pytest.mark.parametrize(
    ("name", "horizon"),
    [*(("simple-return", h) for h in (1, 5)), ("close", 1), ("close", 5), ("return", 1), ("return", 5), ("high", 1)],
)
def test_crossing_deciles_are_sorted(name, horizon, study):
    dataset = study[0]
    close = dataset["Close"].to_numpy()
    frame = made_up(dataset, np.array([100, 120]), name)
    crossing = frame.copy()
    crossing[DECILE_COLUMNS] = frame[DECILE_COLUMNS[::2] + DECILE_COLUMNS[1::2]]
    _, expected = return_deciles(frame, name, close, horizon)
    _, deciles = return_deciles(crossing, name, close, horizon)
    np.testing.assert_allclose(deciles, expected, rtol=1e-12)
    assert (np.diff(deciles) > 0).all()


def test_what_a_series_says_nothing_of_is_not_run(study):
    dataset, _ = study
    high = made_up(dataset, np.array([100]), "high")
    one_day = made_up(dataset, np.array([100]), "close", steps=1)
    for target in ({"target": "up", "horizon": 2}, {"target": "direction", "horizon": 5}):
        with pytest.raises(NotRun, match="one of the next day"):
            scores(high, target, "high", dataset, LABELS)
        with pytest.raises(NotRun, match=f"reaches 1 day, not {target['horizon']}"):
            scores(one_day, target, "close", dataset, LABELS)
    for target in (DOWN, DIRECTION):
        with pytest.raises(NotRun, match=f"nothing of the target {target['target']}"):
            scores(high, target, "high", dataset, LABELS)


def test_scores_of_every_target_equal_a_normal_distribution(study):
    dataset, _ = study
    close = dataset["Close"].to_numpy()
    labels = {"threshold": 0.02, "scaled": {"k": 1.5, "window": 20}}
    rows, mu, sigma = np.array([90, 200, 300]), np.array([0.004, -0.003, 0.0]), np.array([0.01, 0.02, 0.03])
    frame = quantiles(rows, close[rows, None] * (1 + mu[:, None] + sigma[:, None] * Z))
    own = [1.5 * np.std(np.diff(np.log(close[row - 20 : row + 1])), ddof=1) for row in rows]
    beyond = {
        "up": stats.norm.sf(0.02, mu, sigma),
        "down": stats.norm.cdf(-0.02, mu, sigma),
        "direction": stats.norm.sf(0, mu, sigma),
        "scaled": stats.norm.sf(own, mu, sigma),
    }
    for what, probability in beyond.items():
        found, by_kind = scores(frame, {"target": what, "horizon": 1}, "close", dataset, labels)
        np.testing.assert_array_equal(found, rows)
        # Of a touch, the distribution of the Close says no more than that it ends beyond the threshold.
        kind = "exceedance" if what == "direction" else "close-exceedance"
        assert set(by_kind) == {"study", kind, "width"}
        np.testing.assert_allclose(by_kind[kind], probability, rtol=1e-8)
        np.testing.assert_allclose(by_kind["study"], -mu if what == "down" else mu, atol=1e-12)
        np.testing.assert_allclose(by_kind["width"], sigma * (Z[8] - Z[0]))


@pytest.mark.parametrize("what", ["up", "scaled"])
def test_forecast_of_the_high_is_not_corrected_for_touches(what, study):
    dataset, _ = study
    close = dataset["Close"].to_numpy()
    frame = quantiles(np.array([90]), [0.01 + 0.01 * Z])
    _, by_kind = scores(frame, {"target": what, "horizon": 1}, "high", dataset, LABELS)
    c = 0.01 if what == "up" else np.std(np.diff(np.log(close[70:91])), ddof=1)
    assert "close-exceedance" not in by_kind
    # The deciles of the simple return are those of a normal distribution, through a mild curve.
    assert by_kind["exceedance"][0] == pytest.approx(stats.norm.sf(np.log1p(c), 0.01, 0.01), abs=1e-3)
    assert by_kind["study"][0] == pytest.approx(np.expm1(0.01))


@pytest.mark.parametrize("horizon", [1, 5])
def test_down_is_up_in_the_mirror(horizon, study):
    dataset, _ = study
    rows = np.arange(100, 130)
    frame = made_up(dataset, rows, "close")
    mirrored = frame.copy()
    mirrored[DECILE_COLUMNS] = (
        2 * dataset["Close"].to_numpy()[frame["row"], None] - frame[DECILE_COLUMNS].to_numpy()[:, ::-1]
    )
    _, up = scores(frame, {"target": "up", "horizon": horizon}, "close", dataset, LABELS)
    _, down = scores(mirrored, {"target": "down", "horizon": horizon}, "close", dataset, LABELS)
    for kind in up:
        np.testing.assert_allclose(down[kind], up[kind], rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("seeds", [[None], [0, 1, 2]], ids=["deterministic", "seeds"])
@pytest.mark.parametrize("which", ["all", "evaluation"])
@pytest.mark.parametrize("name", ["close", "return"])
def test_scores_are_complete(name, which, seeds, study, tmp_path):
    dataset, origins = study
    rows = rows_to_forecast(origins, which)
    file = pd.concat([made_up(dataset, rows, name, seed) for seed in seeds])
    frames, not_run = score_folds(file, origins, ALL_TARGETS, scores_of(name, dataset), exponent_of(dataset))
    write_folds(tmp_path, frames, origins, {}, not_run)
    frame, metadata = read_experiment(tmp_path)
    assert not_run == {}
    check_same_origins("made up", frame, metadata, origins, ALL_TARGETS, [seed for seed in seeds if seed is not None])
    assert set(frame["role"]) == ({"calibration", "evaluation"} if which == "all" else {"evaluation"})


@pytest.mark.parametrize("seeds", [[None], [0, 1]], ids=["deterministic", "seeds"])
def test_scores_belong_to_their_day_fold_and_seed(seeds):
    folds = FOLDS | {"later": FOLDS["test"] | {"train_end": "2016-12-01"}}
    dataset, origins = dataset_and_origins(folds=folds)
    rows = rows_to_forecast(origins, "all")
    file = pd.concat([made_up(dataset, rows, "close", seed) for seed in seeds]).sample(frac=1, random_state=0)
    frames, _ = score_folds(file, origins, [UP_5, DOWN], scores_of("close", dataset), exponent_of(dataset))
    assert list(frames) == [TRAIN_END, "2016-12-01"]
    for train_end, scored in frames.items():
        frame = scored[scored["score_kind"] == "study"]
        assert frame.loc[frame["role"] == "calibration", "origin"].max() <= pd.Timestamp(train_end)
        for (target, horizon, seed), group in frame.groupby(["target", "horizon", "seed"], dropna=False):
            own = file[(file["seed"].fillna(-1) == (-1 if pd.isna(seed) else seed)) & (file["step"] == horizon)]
            medians = pd.Series(own["q50"].to_numpy(), dataset["Date"].to_numpy()[own["row"]])
            returns = medians / dataset.set_index("Date")["Close"] - 1
            expected = returns[group["origin"]] * (-1 if target == "down" else 1)
            np.testing.assert_allclose(group["score"], expected, rtol=1e-12)


def test_targets_that_cannot_be_scored_do_not_stop_the_others(study, tmp_path):
    dataset, origins = study
    targets = [UP, DOWN, UP_5, SCALED]
    file = made_up(dataset, rows_to_forecast(origins, "all"), "high", steps=1)
    frames, not_run = score_folds(file, origins, targets, scores_of("high", dataset), exponent_of(dataset))
    assert [(entry["target"], entry["horizon"]) for entry in not_run[TRAIN_END]] == [("down", 1), ("up", 5)]
    write_folds(tmp_path, frames, origins, {}, not_run)
    check_same_origins("high", *read_experiment(tmp_path), origins, targets, seeds=[])


def test_a_model_that_has_not_run_gives_its_reason_everywhere(tmp_path):
    dataset, origins = dataset_and_origins(folds=FOLDS | {"later": FOLDS["test"] | {"train_end": "2016-12-01"}})
    how = scores_of("close", dataset), exponent_of(dataset)
    frames, not_run = score_folds(pd.DataFrame(), origins, [UP, UP_5], *how, "no weights")
    assert not_run == {end: [{**t, "reason": "no weights"} for t in (UP, UP_5)] for end in (TRAIN_END, "2016-12-01")}
    write_folds(tmp_path, frames, origins, {}, not_run)
    frame, metadata = read_experiment(tmp_path)
    assert frame.empty
    check_same_origins("absent", frame, metadata, origins, [UP, UP_5], seeds=[0])
