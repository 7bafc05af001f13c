"""What a score knows beyond volatility."""

import dataclasses
import importlib.util

import numpy as np
import pandas as pd
import pytest
from explain_scores import COLUMNS, draw
from helpers.made_up_data import (
    LABELS,
    UP,
    UP_5,
    dataset_and_origins,
    lacking,
    make_prices,
    make_two_series,
    prices_with_other_rows_after,
    score_matrix,
)
from helpers.paths import ROOT
from scipy.stats import norm
from scipy.stats import t as student_t
from sklearn.linear_model import LinearRegression
from sklearn.metrics import log_loss, roc_auc_score
from statsmodels.api import Logit, add_constant

from fd01.data.features import har, volatility_measures
from fd01.data.inputs import input_series
from fd01.data.origins import EVALUATION, splits
from fd01.evaluation.bootstrap import resample_counts
from fd01.evaluation.explanation import (
    ADDS,
    TERCILES,
    TOO_SMALL,
    UNDECIDED,
    explanation_rows,
    fit_volatility,
    gain_in_log_loss,
    gain_over_volatility,
    judge,
    keys_of,
    nested_forecasts,
    newey_west,
    stationary_bootstrap,
    swapped_scores,
    tercile_rows,
    terciles,
)
from fd01.evaluation.score_matrix import ScoreMatrix
from fd01.models import heads
from fd01.models.forecasts import DECILE_COLUMNS, LEVELS, quantile_frame
from fd01.models.har import har_distribution, har_volatility
from fd01.report.figures import Cast
from fd01.scoring.distributions import Forecaster, swapped
from fd01.workflow.errors import NotRun

DATASET, ORIGINS = dataset_and_origins(make_prices(days=900), {"b": {"train_end": "2017-06-30", "start": "2017-07-01"}})
(SPLIT,) = splits(ORIGINS, **UP)
MODEL = fit_volatility(DATASET, SPLIT, UP, LABELS)
ROWS = np.arange(100, len(DATASET) - 1)


def quantiles_of(name, seed=0):
    """A forecaster of deciles whose location and width vary by day as they like, in units of its input series."""
    rng = np.random.default_rng(seed)
    location, width = 0.004 * rng.standard_normal(len(ROWS)), 0.01 * rng.gamma(5, 0.2, len(ROWS))
    deciles = location[:, None] + width[:, None] * student_t.ppf(LEVELS, 4)
    if name in ("close", "high-price"):
        deciles = DATASET["Close"].to_numpy()[ROWS, None] * np.exp(deciles)
    return Forecaster("q", name, quantile_frame(ROWS, np.c_[deciles[:, 4], deciles][:, None]), None)


def student_of(name="return", seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"row": ROWS, "seed": pd.array([None] * len(ROWS), "Int64")})
    frame["df"], frame["loc"] = 3 + 5 * rng.random(len(ROWS)), 0.4 * rng.standard_normal(len(ROWS))
    return Forecaster("t", name, frame.assign(scale=rng.gamma(5, 0.2, len(ROWS))), None)


def block_matrix(**scores):
    """The evaluation block with the true outcomes of `up`, h = 1."""
    block = ORIGINS[(ORIGINS["role"] == EVALUATION) & ORIGINS["up_1"].notna()].set_index("origin")
    kinds, keys = pd.Series("exceedance", scores.keys()), keys_of(DATASET, block["row"])
    scores = pd.DataFrame({name: values.loc[keys].to_numpy() for name, values in scores.items()}, block.index)
    series = block["series"].to_numpy(object)
    return ScoreMatrix(block.index, block["up_1"], scores, kinds, kinds == "exceedance", series=series)


def by_day(scores):
    return scores.set_axis(keys_of(DATASET, scores.index))


def thirds_of(matrix):
    return terciles(MODEL.forecast.loc[matrix.keys].to_numpy(), matrix.series)


def by_row(values, rows=ROWS):
    found = np.full(len(DATASET), np.nan)
    found[rows] = values
    return found


@pytest.mark.parametrize("forecaster", [quantiles_of("return"), quantiles_of("close"), student_of()])
def test_swap_with_its_own_location_and_width_changes_nothing(forecaster):
    frame = forecaster.frame
    if forecaster.is_student_t:
        median, width = frame["loc"], 2 * frame["scale"] * student_t.ppf(0.9, frame["df"])
    else:
        median, width = frame["q50"], frame["q90"] - frame["q10"]
    same = swapped(frame, by_row(median), by_row(width))
    pd.testing.assert_frame_equal(same, frame)
    scores = Forecaster("s", forecaster.input, same, None).exceedance(UP, SPLIT.training, DATASET, LABELS)
    np.testing.assert_allclose(scores, forecaster.exceedance(UP, SPLIT.training, DATASET, LABELS), rtol=1e-9)


def test_swapped_deciles_have_the_location_and_width_that_were_asked_for_and_their_own_shape():
    rng = np.random.default_rng(1)
    frame = quantiles_of("return").frame
    frame.loc[3, ["q10", "q90"]] = frame.loc[3, ["q90", "q10"]].to_numpy()  # deciles may cross
    location, width = by_row(rng.standard_normal(len(ROWS))), by_row(rng.random(len(ROWS)))
    both = swapped(frame, location, width)
    np.testing.assert_allclose(both["q50"], location[ROWS])
    np.testing.assert_allclose(both["q90"] - both["q10"], width[ROWS])
    moved, stretched = swapped(frame, location=location), swapped(frame, width=width)
    deciles = np.sort(frame[DECILE_COLUMNS], axis=1)
    np.testing.assert_allclose(stretched["q50"], deciles[:, 4])
    np.testing.assert_allclose(moved["q90"] - moved["q10"], deciles[:, 8] - deciles[:, 0])
    shape = (deciles - deciles[:, 4:5]) / np.ptp(deciles, axis=1)[:, None]
    np.testing.assert_allclose((both[DECILE_COLUMNS] - both[["q50"]].to_numpy()) / width[ROWS, None], shape, atol=1e-9)


def test_swapped_student_t_has_the_quantiles_that_were_asked_for_and_its_own_tail():
    frame = student_of().frame
    both = swapped(frame, by_row(np.full(len(ROWS), 0.1)), by_row(np.full(len(ROWS), 2.0)))
    low, median, high = (student_t.ppf(level, both["df"], both["loc"], both["scale"]) for level in (0.1, 0.5, 0.9))
    np.testing.assert_allclose(median, 0.1)
    np.testing.assert_allclose(high - low, 2)
    assert (both["df"] == frame["df"]).all()


def test_har_volatility_is_an_independent_least_squares_fit_and_sees_training_days_alone():
    terms = har(DATASET)
    train = SPLIT.training
    fit = LinearRegression().fit(terms.iloc[train], terms["rv_1"].iloc[train + 1])
    found = har_volatility(DATASET, train)
    np.testing.assert_allclose(found[30:], np.exp(fit.predict(terms.iloc[30:]) / 2))
    truth = terms["rv_1"].shift(-1).iloc[SPLIT.evaluation[:-1]]
    assert np.corrcoef(np.log(found[SPLIT.evaluation[:-1]]), truth)[0, 1] > 0.2

    # Days after the end of training move nothing before them.
    small, origins = dataset_and_origins()
    other, _ = dataset_and_origins(prices_with_other_rows_after("2016-08-10"))
    (split,) = splits(origins, **UP)
    known = (small["Date"] <= "2016-08-10").to_numpy()
    for name in ("return", "high", "close", "high-price"):
        for one, two in zip(*(har_distribution(data, split.training, name) for data in (small, other))):
            np.testing.assert_array_equal(one[known], two[known])


@pytest.mark.parametrize("name", ["return", "high", "close", "high-price"])
def test_har_distribution_covers_what_it_says(name):
    median, width = har_distribution(DATASET, SPLIT.training, name)
    for rows, tolerance in ((SPLIT.training, 0.01), (SPLIT.evaluation[:-1], 0.1)):
        value = input_series(DATASET, name)[rows + 1]
        assert np.mean(value < median[rows]) == pytest.approx(0.5, abs=tolerance)
        assert (width[rows] > 0).all()


def test_swaps_go_through_the_scores_of_the_forecaster():
    for forecaster in (quantiles_of("return"), quantiles_of("close"), student_of()):
        found = dict(swapped_scores(forecaster, MODEL))
        assert list(found) == ["har_scale", "har_location", "har_both"]
        assert all(scores.between(0, 1).all() for scores in found.values())
        # With location and scale of HAR a fixed shape ranks days as HAR's volatility does.
        days = MODEL.forecast.index
        assert found["har_both"].loc[days].corr(MODEL.forecast, method="spearman") > 0.9
        own = by_day(forecaster.exceedance(UP, SPLIT.training, DATASET, LABELS)).loc[days]
        assert abs(own.corr(MODEL.forecast, method="spearman")) < 0.3
    with pytest.raises(NotRun, match="next day"):
        dict(swapped_scores(student_of(), dataclasses.replace(MODEL, target=UP_5)))
    with pytest.raises(NotRun, match="says nothing of the target down"):
        down = {"target": "down", "horizon": 1}
        dict(swapped_scores(quantiles_of("high"), dataclasses.replace(MODEL, target=down)))


def test_terciles_are_thirds():
    group = terciles(np.random.default_rng(0).permutation(np.arange(300.0)), np.zeros(300))
    assert np.bincount(group).tolist() == [100, 100, 100]
    assert terciles(np.arange(6.0), np.zeros(6)).tolist() == [0, 0, 1, 1, 2, 2]
    assert terciles(np.r_[0:3, 10:13].astype(float), np.repeat(["b", "a"], 3)).tolist() == [0, 1, 2, 0, 1, 2]


def signals(n, seed, strength):
    """Outcomes that depend on two independent signals, the second with some strength."""
    rng = np.random.default_rng(seed)
    first, second = rng.standard_normal((2, n))
    y = (rng.random(n) < 1 / (1 + np.exp(1 - first - strength * second))).astype(float)
    return y, (first, second)


def test_second_predictor_adds_what_it_knows():
    (y_tail, tail), (y, block) = signals(2000, 0, 1.0), signals(2000, 1, 1.0)
    base, joint, coefficient = nested_forecasts(y_tail, tail, block)
    gain, p = (gain_in_log_loss(y, base, joint, 0.05)[name] for name in ("gain", "p"))
    assert coefficient == pytest.approx(1, abs=0.15)
    assert gain == pytest.approx(log_loss(y, base) - log_loss(y, joint)) and gain > 0.05 and p < 1e-6
    assert roc_auc_score(y, joint) > roc_auc_score(y, base) + 0.05


def test_second_predictor_that_knows_nothing_is_rarely_found_better():
    found = []
    for seed in range(30):
        (y_tail, tail), (y, block) = signals(400, 2 * seed, 0.0), signals(400, 2 * seed + 1, 0.0)
        base, joint, _ = nested_forecasts(y_tail, tail, block)
        gain = gain_in_log_loss(y, base, joint, 0.05)
        found.append(gain["gain"] > 0 and gain["p"] < 0.05)
    assert np.mean(found) <= 0.1


def test_outcomes_of_the_block_do_not_move_the_combination():
    tail, block, model = tail_and_block(1.0)
    turned = dataclasses.replace(block, y=1 - block.y)
    one, two = (gain_over_volatility("model", model, matrix, tail, 0.05) for matrix in (block, turned))
    assert one["coefficient"] == two["coefficient"]
    assert one["joint_auc"] == pytest.approx(1 - two["joint_auc"])


def daily_gains(n=300):
    """Outcomes and two probabilities of n days, and the gain of the second in log-loss."""
    y, (first, second) = signals(n, 0, 1.0)
    one, two = (norm.cdf(signal).clip(0.001, 0.999) for signal in (first, second))
    return y, one, two, np.where(y == 1, np.log(two / one), np.log((1 - two) / (1 - one)))


def test_newey_west_equals_a_value_worked_out_by_hand():
    *_, gains = daily_gains()
    centred, lags = gains - gains.mean(), 5  # floor(4 (300 / 100)^(2/9))
    covariances = [centred[k:] @ centred[: len(centred) - k] for k in range(lags + 1)]
    variance = covariances[0] + 2 * sum((1 - k / (lags + 1)) * covariances[k] for k in range(1, lags + 1))
    assert newey_west(gains) == pytest.approx(np.sqrt(variance) / len(gains))


@pytest.mark.parametrize("memory", [0, 0.95])
def test_closed_form_of_the_stationary_bootstrap_is_the_spread_of_its_resamples(memory):
    rng, values = np.random.default_rng(0), np.zeros(400)
    for day in range(1, 400):
        values[day] = memory * values[day - 1] + rng.standard_normal()
    counts = resample_counts(400, 20.0, 20_000, seed=0)  # 20 days: the square root of 400
    assert stationary_bootstrap(values) == pytest.approx((counts @ values / 400).std(), rel=0.02)


def test_interval_and_p_take_the_larger_standard_error():
    y, one, two, gains = daily_gains()
    found = gain_in_log_loss(y, one, two, 0.1)
    se = max(newey_west(gains), stationary_bootstrap(gains))
    assert (found["gain"], found["se"]) == pytest.approx((gains.mean(), se))
    assert found["p"] == pytest.approx(2 * norm.sf(abs(gains.mean()) / se))
    assert (found["low"], found["high"]) == pytest.approx(norm.interval(0.9, gains.mean(), se))
    same = gain_in_log_loss(y, one, one, 0.1)
    assert (same["gain"], same["se"], same["p"]) == (0, 0, 1)
    # Errors that persist for months: Newey and West's five lags see a part of it.
    slow = np.repeat(np.random.default_rng(0).standard_normal(10), 50)
    assert stationary_bootstrap(slow) > 1.3 * newey_west(slow)


def test_a_gain_counts_by_its_size_and_not_by_its_p_value():
    gains = pd.DataFrame(
        [
            ("large and sure", 0.02, 0.01, 0.03, 0.0001),
            ("sure and tiny", 0.0005, 0.0003, 0.0007, 0.0001),  # as drawdown once: p alone called it better
            ("sure, small, perhaps more", 0.004, 0.001, 0.007, 0.0002),
            ("large and unsure", 0.02, -0.01, 0.05, 0.2),
            ("sure alone, not among five", 0.02, 0.001, 0.04, 0.03),
            ("surely worse", -0.02, -0.03, -0.01, 0.0001),
            ("no gain is known", np.nan, np.nan, np.nan, np.nan),
        ],
        columns=["experiment", "gain", "low", "high", "p"],
    )
    verdicts = judge(gains, 0.05, 0.005).set_index("experiment")["verdict"].tolist()
    assert verdicts == [ADDS, TOO_SMALL, UNDECIDED, UNDECIDED, UNDECIDED, TOO_SMALL, None]
    assert judge(gains, 0.05, 0.0004)["verdict"].tolist()[1] == ADDS  # another smallest gain that matters
    empty = judge(pd.DataFrame(columns=COLUMNS, dtype=float), 0.05, 0.005)
    assert empty.empty and "verdict" in empty


def tail_and_block(strength):
    (y_tail, tail), (y, block) = signals(500, 0, strength), signals(500, 1, strength)
    found = score_matrix(y_tail, False, model=tail[1]), score_matrix(y, False, model=block[1])
    on_tail, on_block = (pd.Series(norm.cdf(part[0]), found[0].keys) for part in (tail, block))
    return *found, dataclasses.replace(MODEL, tail_probability=on_tail, block_probability=on_block)


def test_addition_says_why_it_is_not_known(monkeypatch):
    tail, block, model = tail_and_block(1.0)

    def gain(tail):
        return gain_over_volatility("model", model, block, tail, 0.05)

    assert gain(tail)["gain"] > 0
    assert gain(None) == {"added_reason": "it has no scores of the calibration tail"}
    one_class = score_matrix(np.zeros(500), False, model=tail.scores["model"])
    assert "both outcomes" in gain(one_class)["added_reason"]
    constant = score_matrix(tail.y, False, model=np.ones(500))
    assert gain(constant) == {"added_reason": "its score is the same every day"}
    monkeypatch.setattr(heads, "CONVERGED", 0)
    assert "did not converge" in gain(tail)["added_reason"]


def test_explanation_of_a_forecaster_and_of_a_score_without_a_distribution():
    forecaster = quantiles_of("return")
    scores = by_day(forecaster.exceedance(UP, SPLIT.training, DATASET, LABELS))
    block = block_matrix(q=scores, other=-scores)
    table = pd.DataFrame(explanation_rows("b", block, None, None, MODEL, {"q": forecaster}, 0.05), columns=COLUMNS)
    q, other = table.set_index("experiment").loc[["q", "other"]].itertuples()
    assert q.auc == pytest.approx(roc_auc_score(block.y, block.scores["q"])) == pytest.approx(1 - other.auc)
    assert q.auc_within == pytest.approx(1 - other.auc_within) and q.volatility_within == other.volatility_within
    assert np.isfinite([q.har_scale, q.har_location, q.har_both]).all()
    assert other.swap_reason == "it stores no predictive distribution" and np.isnan(other.har_scale)
    assert set(table["added_reason"]) == {"it has no scores of the calibration tail"}
    short = explanation_rows("b", lacking(block, "other", [0, 4]), None, None, MODEL, {"q": forecaster}, 0.05)
    first, second = pd.DataFrame(short, columns=COLUMNS).itertuples()
    assert (first.experiment, first.n, first.auc, first.har_scale) == ("q", len(block.y), q.auc, q.har_scale)
    kept = np.delete(np.arange(len(block.y)), [0, 4])
    assert (second.experiment, second.n) == ("other", len(block.y) - 2)
    assert second.auc == pytest.approx(roc_auc_score(block.y.iloc[kept], block.scores["other"].iloc[kept]))
    failed = list(explanation_rows("b", block, None, None, "nothing to tell apart", {}, 0.05))
    assert failed[0]["swap_reason"] == failed[0]["added_reason"] == "nothing to tell apart"

    thirds = pd.DataFrame(tercile_rows("b", block, thirds_of(block)))
    assert thirds["volatility"].tolist() == 2 * TERCILES
    assert thirds.groupby("experiment")[["n", "positives"]].sum().loc["q"].tolist() == [len(block.y), block.y.sum()]
    fewer = pd.DataFrame(tercile_rows("b", lacking(block, "other", [0, 4]), thirds_of(block)))
    assert fewer.groupby("experiment")["n"].sum().to_dict() == {"q": len(block.y), "other": len(block.y) - 2}
    means = [MODEL.forecast.loc[block.keys][thirds_of(block) == k].mean() for k in range(3)]
    assert means == sorted(means)


def test_volatility_is_a_regression_on_seven_measures_fitted_to_the_days_before():
    measures = volatility_measures(DATASET)
    for found, train, rows in (
        (MODEL.tail_probability, SPLIT.inner, SPLIT.calibration),
        (MODEL.block_probability, SPLIT.training, SPLIT.evaluation),
    ):
        fit = Logit(SPLIT.y(train), add_constant(measures.iloc[train])).fit(disp=0)
        np.testing.assert_allclose(found, fit.predict(add_constant(measures.iloc[rows])), atol=1e-7)
        assert list(found.index) == list(keys_of(DATASET, rows))


def test_measures_of_volatility_are_what_their_names_say_and_see_no_later_day():
    measures, close = volatility_measures(DATASET), DATASET["Close"].to_numpy()
    squares = np.diff(np.log(close)) ** 2
    falls = np.where(np.diff(close) < 0, squares, 0)
    day = 300
    assert measures.loc[day, "squares_5"] == pytest.approx(np.log(squares[day - 5 : day].mean()))
    assert measures.loc[day, "squares_22"] == pytest.approx(np.log(squares[day - 22 : day].mean()))
    assert measures.loc[day, "falls_22"] == pytest.approx(np.log(falls[day - 22 : day].mean()))
    weights = 0.94 ** np.arange(day - 1, -1, -1) * np.r_[1, np.full(day - 1, 0.06)]
    assert measures.loc[day, "ewma"] == pytest.approx(np.log(weights @ squares[:day]))
    pd.testing.assert_frame_equal(measures[["rv_1", "rv_5", "rv_22"]], har(DATASET))
    assert np.isfinite(measures.iloc[22:]).all(axis=None)
    still = volatility_measures(DATASET.assign(Close=100.0, High=100.0, Low=100.0))
    assert (still.iloc[22:] == np.log(1e-8)).all(axis=None)
    pd.testing.assert_frame_equal(volatility_measures(DATASET[:500]), measures[:500], check_exact=True)


TWO, TWO_ORIGINS = dataset_and_origins(
    make_two_series(days=900), {"b": {"train_end": "2017-06-30", "start": "2017-07-01"}}
)
(TWO_SPLIT,) = splits(TWO_ORIGINS, **UP)
TWO_MODEL = fit_volatility(TWO, TWO_SPLIT, UP, LABELS)


def two_matrix(role=EVALUATION, seed=0, **shifts):
    """Scores of a role on both series, which know something; `shifts` are added to those of the series B."""
    rows = TWO_ORIGINS[(TWO_ORIGINS["role"] == role) & TWO_ORIGINS["up_1"].notna()]
    days, series = pd.DatetimeIndex(rows["origin"]), rows["series"].to_numpy(object)
    noise = np.random.default_rng(seed).standard_normal(len(rows))
    scores = {name: rows["up_1"].to_numpy() + 2 * noise + shift * (series == "B") for name, shift in shifts.items()}
    kinds = pd.Series("signal", scores.keys())
    y, scores = pd.Series(rows["up_1"].to_numpy(), days), pd.DataFrame(scores, days)
    return ScoreMatrix(days, y, scores, kinds, kinds == "probability", series=series)


def test_days_of_several_series_are_ranked_within_their_series_alone():
    block = two_matrix(x=0, higher=100)
    rows = explanation_rows("b", block, None, block, TWO_MODEL, {}, 0.05)
    table = pd.DataFrame(rows, columns=COLUMNS).set_index("experiment")
    measures = ["auc", "auc_within", "width_auc", "volatility_within"]
    assert table.loc["x", measures].tolist() == table.loc["higher", measures].tolist()
    y, score = block.y.to_numpy(), block.scores["x"].to_numpy()
    parts = [block.series == name for name in "AB"]
    pairs = [y[part].sum() * (1 - y[part]).sum() for part in parts]
    aucs = [roc_auc_score(y[part], score[part]) for part in parts]
    assert table.loc["x", "auc"] == pytest.approx(np.average(aucs, weights=pairs))
    thirds = pd.DataFrame(tercile_rows("b", block, terciles(block.scores["higher"].to_numpy(), block.series)))
    assert (thirds["auc"].iloc[:3].to_numpy() == thirds["auc"].iloc[3:].to_numpy()).all()


def test_volatility_of_a_day_knows_its_own_series_alone():
    keys = keys_of(TWO, TWO_SPLIT.evaluation)
    assert TWO_MODEL.forecast.index.is_unique and list(TWO_MODEL.forecast.index) == list(keys)
    raw = make_two_series(days=900)
    others = (raw["series"] == "A") & (raw["Date"] > "2017-06-30")
    raw = raw.astype({"Volume": float})
    raw.loc[others, ["Open", "High", "Low", "Close"]] *= np.linspace(1, 1.5, others.sum())[:, None]
    dataset, _ = dataset_and_origins(raw, {"b": {"train_end": "2017-06-30", "start": "2017-07-01"}})
    changed = fit_volatility(dataset, TWO_SPLIT, UP, LABELS)
    for name in ("forecast", "block_probability"):
        before, after = (getattr(model, name) for model in (TWO_MODEL, changed))
        pd.testing.assert_series_equal(before["B"], after["B"], check_exact=True)
        assert not before["A"].equals(after["A"])


def test_series_with_the_same_gains_on_a_date_count_as_one():
    y, one, two, _ = daily_gains()
    days = pd.bdate_range("2020-01-01", periods=len(y))
    alone = gain_in_log_loss(y, one, two, 0.05)
    assert gain_in_log_loss(y, one, two, 0.05, days) == alone
    twice = [np.r_[values, values] for values in (y, one, two)]
    assert gain_in_log_loss(*twice, 0.05, np.r_[days, days]) == pytest.approx(alone)


def test_score_that_tells_the_series_apart_and_no_days_adds_nothing():
    tail, block = two_matrix("calibration", seed=1, x=0), two_matrix(x=0)
    assert gain_over_volatility("x", TWO_MODEL, block, tail, 0.05)["gain"] > 0
    for matrix in (tail, block):
        matrix.scores["x"] = (matrix.series == "B").astype(float)
    assert gain_over_volatility("x", TWO_MODEL, block, tail, 0.05) == {
        "added_reason": "its score is the same every day"
    }


def test_swap_in_two_series_ranks_within_each():
    rows = np.flatnonzero(TWO["Date"] > "2015-12-31")
    rng = np.random.default_rng(0)
    deciles = 0.01 * rng.gamma(5, 0.2, len(rows))[:, None] * student_t.ppf(LEVELS, 4)
    forecaster = Forecaster("q", "return", quantile_frame(rows, np.c_[deciles[:, 4], deciles][:, None]), None)
    found = dict(swapped_scores(forecaster, TWO_MODEL))
    for series in "AB":
        forecast = TWO_MODEL.forecast[series]
        assert found["har_both"][series].loc[forecast.index].corr(forecast, method="spearman") > 0.9


def simulation():
    """The module bench/size_of_gain.py."""
    spec = importlib.util.spec_from_file_location("size_of_gain", ROOT / "bench" / "size_of_gain.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_simulation_has_the_standard_errors_of_the_evaluation():
    gains = simulation().equally_wrong(np.random.default_rng(0), 5, 0.4, 0.97)
    one, larger = simulation().standard_errors(gains)
    np.testing.assert_allclose(one, [newey_west(row) for row in gains], rtol=1e-9)
    both = [max(newey_west(row), stationary_bootstrap(row)) for row in gains]
    np.testing.assert_allclose(larger, both, rtol=1e-9)


@pytest.mark.parametrize("noise", [0, 0.9, 0.97])
def test_forecasts_that_are_equally_wrong_are_told_apart_about_as_often_as_the_level_says(noise):
    found = simulation().summary(simulation().equally_wrong(np.random.default_rng(0), 600, 0.4, noise))
    assert 3 - 2 * found["error"] < found["rejected"] < 7 + found["error"]


def test_score_that_knows_something_is_found():
    found = simulation().summary(simulation().added(np.random.default_rng(0), 100, 1.0, 0.9, 0.5, 0.9))
    assert found["and gain >= 0.005"] > 80


def test_figure_says_when_nothing_is_scored():
    assert "No block" in draw(pd.DataFrame(columns=COLUMNS), Cast("PTST", {}, {}))[1]
