"""Calibration, its decomposition, and recalibration on the calibration tail."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from calibrate_scores import COLUMNS, calibration_table, draw, reliability_table
from helpers.made_up_data import lacking, score_matrix, several_series
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from fd01.evaluation.calibration import (
    CLIP,
    RECALIBRATIONS,
    brier_decomposition,
    calibration_measures,
    consistency_band,
    consistency_band_of_dates,
    cox,
    fit_logit,
    isotonic,
    log_losses,
    platt,
    recalibrated_frequency,
    recalibrations,
)
from fd01.report.figures import Cast

RNG = np.random.default_rng(0)


def simulated(n, seed=0, slope=1.0, shift=0.0):
    """Outcomes, and forecasts whose logit is `slope` times that of the truth, plus `shift`."""
    rng = np.random.default_rng(seed)
    truth = rng.beta(2, 5, n)
    return (rng.random(n) < truth).astype(float), expit(slope * logit(truth) + shift)


@pytest.mark.parametrize("digits", [1, 2, 16])  # with and without ties
@pytest.mark.parametrize("slope", [-1, 0.5, 3])
def test_brier_decomposition_is_exact_and_its_parts_are_not_negative(digits, slope):
    y, probability = simulated(300, slope=slope)
    probability = probability.round(digits)
    parts = brier_decomposition(y, probability)
    total = parts["miscalibration"] - parts["discrimination"] + parts["uncertainty"]
    assert total == pytest.approx(brier_score_loss(y, probability), abs=1e-15)
    assert min(parts.values()) >= 0


def test_forecast_that_is_its_own_frequency_has_no_miscalibration_and_a_constant_no_discrimination():
    y, probability = simulated(300)
    frequency = recalibrated_frequency(y, probability)
    assert brier_decomposition(y, frequency)["miscalibration"] == pytest.approx(0, abs=1e-15)
    constant = brier_decomposition(y, np.full(300, 0.2))
    assert constant["discrimination"] == 0
    assert constant["miscalibration"] == pytest.approx((0.2 - y.mean()) ** 2)


def test_recalibrated_frequency_equals_one_worked_out_by_hand():
    # The two middle days violate the order and are pooled; equal forecasts share a frequency.
    assert recalibrated_frequency([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4]).tolist() == [0, 0.5, 0.5, 1]
    assert recalibrated_frequency([0, 1, 1], [0.3, 0.3, 0.5]).tolist() == [0.5, 0.5, 1]


@pytest.mark.parametrize("slope, shift", [(1, 0), (2, 0), (0.5, 0), (1, 0.7)])
def test_slope_and_intercept_undo_what_was_done_to_true_probabilities(slope, shift):
    found = cox(*simulated(200_000, slope=slope, shift=shift))
    assert found["slope"] == pytest.approx(1 / slope, rel=0.02)
    assert found["intercept"] == pytest.approx(-shift / slope, abs=0.03)
    if slope == 1:
        assert found["in_the_large"] == pytest.approx(-shift, abs=0.02)


def test_slope_and_intercept_equal_an_independent_logistic_regression():
    y, probability = simulated(400, slope=1.7, shift=-0.4)
    wanted = sm.Logit(y, sm.add_constant(logit(probability))).fit(disp=0).params
    found = cox(y, probability)
    assert [found["intercept"], found["slope"]] == pytest.approx(wanted, abs=1e-4)
    offset = sm.GLM(y, np.ones(400), family=sm.families.Binomial(), offset=logit(probability)).fit().params[0]
    assert found["in_the_large"] == pytest.approx(offset, abs=1e-6)


def test_undefined_slopes_are_empty():
    y, probability = simulated(50)
    constant = cox(y, np.full(50, 0.3))
    assert np.isnan(constant["slope"]) and np.isnan(constant["intercept"])
    assert constant["in_the_large"] == pytest.approx(logit(y.mean()) - logit(0.3))
    assert np.isnan(list(cox(np.zeros(50), probability).values())).all()
    extreme = cox(y, np.where(y == 1, 0.0, 1.0))  # certain and always wrong
    assert np.isfinite(extreme["in_the_large"]) and extreme["slope"] < 0


def test_log_loss_is_clipped():
    assert log_losses([1, 0], np.zeros(2)) == pytest.approx([-np.log(CLIP), -np.log1p(-CLIP)])
    y, probability = simulated(100)
    probability = probability.clip(0.01, 0.99)
    assert log_losses(y, probability).mean() == pytest.approx(log_loss(y, probability))


def test_platt_repairs_the_probabilities_and_keeps_the_order():
    y, probability = simulated(20_000, slope=2, shift=0.5)
    found = platt(probability, y, True)(probability)
    assert cox(y, found) == pytest.approx({"slope": 1, "intercept": 0, "in_the_large": 0}, abs=1e-4)
    assert (np.argsort(found) == np.argsort(probability)).all()
    signal = 100 + 3 * logit(probability)  # a signal needs no probability, and its unit does not matter
    assert platt(signal, y, False)(signal) == pytest.approx(found, abs=1e-5)
    assert platt(-signal, y, False)(-signal) == pytest.approx(found, abs=1e-5)


def test_isotonic_is_monotone_and_stays_in_range():
    y, probability = simulated(500)
    found = isotonic(probability, y, True)(np.linspace(-1, 2, 301))
    assert (np.diff(found) >= 0).all() and found.min() >= 0 and found.max() <= 1
    assert isotonic(probability, y, True)(probability) == pytest.approx(recalibrated_frequency(y, probability))


def test_logistic_regression_gives_coefficients_in_the_units_of_its_predictors():
    y, probability = simulated(1000)
    second = 1000 * RNG.standard_normal(1000)
    model, coefficients, intercept = fit_logit(y, logit(probability), second)
    wanted = sm.Logit(y, sm.add_constant(np.column_stack([logit(probability), second]))).fit(disp=0, tol=1e-12)
    assert [intercept, *coefficients] == pytest.approx(wanted.params, rel=1e-3)
    assert model(logit(probability), second) == pytest.approx(wanted.predict(), abs=1e-5)


def test_band_holds_calibrated_forecasts_and_not_others():
    inside = []
    for seed in range(20):
        y, probability = simulated(400, seed)
        values, low, high = consistency_band(probability, 0.9, 200, np.random.default_rng(seed))
        order = np.argsort(probability)
        curve = recalibrated_frequency(y, probability)[order]
        assert (values == probability[order]).all()
        inside.append(np.mean((curve >= low - 1e-12) & (curve <= high + 1e-12)))
    assert np.mean(inside) == pytest.approx(0.9, abs=0.05)
    values, low, high = consistency_band(expit(3 * logit(probability)), 0.9, 200, np.random.default_rng(0))
    assert np.mean((curve < low) | (curve > high)) > 0.3


def probabilities(*arguments):
    return {name: probability for name, probability, _ in recalibrations(*arguments)}


def reasons(*arguments):
    return {name: reason for name, _, reason in recalibrations(*arguments)}


def test_recalibration_never_sees_the_block():
    y, probability = simulated(300, slope=2)
    tail = score_matrix(*simulated(300, 1, slope=2)[:1], a=simulated(300, 1, slope=2)[1])
    block, other = score_matrix(y, a=probability), score_matrix(1 - y, a=probability)
    for (name, found, _), (_, again, _) in zip(recalibrations("a", block, tail), recalibrations("a", other, tail)):
        assert (found == again).all(), name
    changed = score_matrix(1 - tail.y.to_numpy(), a=tail.scores["a"])
    assert not (probabilities("a", block, changed)["platt"] == probabilities("a", block, tail)["platt"]).any()


def test_recalibration_that_is_not_possible_says_why():
    y, probability = simulated(100)
    block, tail = score_matrix(y, False, signal=probability), score_matrix(y, False, signal=probability)
    assert reasons("signal", block, tail)["raw"] == "a ranking, not a probability"
    without = reasons("signal", block, None)
    assert {without[name] for name in RECALIBRATIONS} == {"it has no scores of the calibration tail"}
    assert without == reasons("signal", block, score_matrix(y, other=probability))
    one_class = reasons("signal", block, score_matrix(np.zeros(100), False, signal=probability))
    assert one_class["platt"] == "the calibration tail does not have both outcomes"


def test_table_has_every_recalibration_and_the_measures_of_its_probabilities():
    y, probability = simulated(200)
    tail = score_matrix(*simulated(200, 1)[:1], a=simulated(200, 1)[1], b=simulated(200, 1)[1])
    table = calibration_table({"test": score_matrix(y, a=probability, b=np.full(200, 0.3))}, {"test": tail}, {})
    assert list(table) == COLUMNS and len(table) == 6
    row = table.iloc[0]
    assert (row["experiment"], row["arm"], row["n"], row["positives"]) == ("a", "raw", 200, y.sum())
    assert row["brier"] == pytest.approx(brier_score_loss(y, probability))
    total = table["miscalibration"] - table["discrimination"] + table["uncertainty"]
    assert total.to_numpy() == pytest.approx(table["brier"].to_numpy())
    assert calibration_table({}, {}, {}).empty
    one_class = calibration_measures(pd.Series(np.zeros(9)), pd.Series(np.linspace(0.1, 0.9, 9)), np.full(9, "A"))
    assert np.isnan(one_class["auc"]) and one_class["discrimination"] == 0


def test_probability_before_the_touch_correction_stands_beside_the_corrected_one():
    y, probability = simulated(200)
    block = score_matrix(y, a=probability, b=probability)
    own = {"test": score_matrix(y, a=probability / 2)}
    table = calibration_table({"test": block}, {}, own).set_index(["experiment", "arm"])
    assert table.loc["a"].index.tolist() == ["raw", "platt", "isotonic", "close-exceedance"]
    assert table.loc["b"].index.tolist() == ["raw", "platt", "isotonic"]
    row = table.loc[("a", "close-exceedance")]
    assert row["brier"] == pytest.approx(brier_score_loss(y, probability / 2))
    assert row["auc"] == table.loc[("a", "raw"), "auc"] and row["brier"] != table.loc[("a", "raw"), "brier"]


def test_experiment_that_lacks_days_is_measured_on_those_that_it_has():
    y, p = simulated(200)
    whole = score_matrix(y, a=p, b=np.full(200, 0.3))
    block, before = lacking(whole, "a", [3, 7]), lacking(whole, "a", [3, 7])
    kept = np.delete(np.arange(200), [3, 7])
    tail = score_matrix(*simulated(300, seed=1)[:1], a=simulated(300, seed=1)[1])
    table = calibration_table({"test": block}, {"test": tail}, {"test": before}).set_index(["experiment", "arm"])
    assert table.loc[("a", "raw"), ["n", "positives"]].tolist() == [198, y[kept].sum()]
    assert table.loc[("b", "raw"), "n"] == 200
    for arm in ("raw", "close-exceedance"):
        assert table.loc[("a", arm), "brier"] == pytest.approx(np.mean((p[kept] - y[kept]) ** 2))
    assert table.loc[("a", "platt"), "auc"] == pytest.approx(table.loc[("a", "raw"), "auc"])
    curves = reliability_table("test", block, tail, 0.95, 0)
    assert curves.query("label == 'a' and arm == 'raw'")["days"].sum() == 198
    complete = reliability_table("test", whole, tail, 0.95, 0)  # `a` comes first here, and last in the other
    of_b = (table[table["label"] == "b"].reset_index(drop=True) for table in (complete, curves))
    pd.testing.assert_frame_equal(*of_b)


def test_figure_has_a_panel_per_experiment_and_is_the_same_again():
    y, probability = simulated(200)
    block, tail = (
        score_matrix(y, a=probability, b=np.full(200, 0.3)),
        score_matrix(*simulated(200, 1)[:1], a=simulated(200, 1)[1]),
    )
    table = reliability_table("test", block, tail, 0.95, 0)
    pd.testing.assert_frame_equal(table, reliability_table("test", block, tail, 0.95, 0))
    assert (table.groupby(["label", "arm"])["days"].sum() == 200).all()
    assert set(zip(table["label"], table["arm"])) == {("a", "raw"), ("a", "platt"), ("b", "raw")}
    cast, measures = Cast("a", {}, {}), calibration_table({"test": block}, {"test": tail}, {})
    figure, title, description = draw(table, measures, cast)
    sheet, *panels = figure.axes
    assert len(panels) == 2 and {"a", "b"} <= {text.get_text() for text in sheet.texts}
    assert title.startswith("Reliability on test") and "a " in description
    assert "No probabilities" in draw(pd.DataFrame(columns=["label"]), measures, cast)[1]


DAYS = pd.bdate_range("2020-01-01", periods=300)


def three_series(seed=0, shift=0.0):
    """Three series whose outcomes of a date depend on each other; their calibrated forecasts, those of B plus `shift`.

    B has the later half of the days alone.
    """
    rng = np.random.default_rng(seed)
    common = rng.standard_normal(len(DAYS))
    days, y, p = {"A": DAYS, "B": DAYS[150:], "C": DAYS}, {}, {}
    for i, (name, own) in enumerate(days.items()):
        p[name] = rng.beta(2, 5, len(own)) * (1 - 0.2 * i)
        shock = np.sqrt(0.8) * common[-len(own) :] + np.sqrt(0.2) * rng.standard_normal(len(own))
        y[name] = (norm.cdf(shock) < p[name]).astype(float)
    p["B"] = p["B"] + shift
    return several_series(y, days, a=p)


def renamed(matrix, names):
    """The matrix with other names of its series."""
    return replace(matrix, series=np.array([names[one] for one in matrix.series], object))


def test_auc_of_several_series_ranks_days_of_each_and_everything_else_pools_the_rows():
    block, tail = three_series(), three_series(1)
    table = calibration_table({"test": block}, {"test": tail}, {}).set_index("arm")
    y, p, of = block.y.to_numpy(), block.scores["a"].to_numpy(), block.series
    aucs = [roc_auc_score(y[of == name], p[of == name]) for name in "ABC"]
    pairs = [y[of == name].sum() * (1 - y[of == name]).sum() for name in "ABC"]
    assert table.loc["raw", "auc"] == pytest.approx(np.average(aucs, weights=pairs))
    assert table.loc["raw", "auc"] != pytest.approx(roc_auc_score(y, p), abs=1e-3)
    assert table.loc["raw", ["n", "brier"]].tolist() == pytest.approx([750, brier_score_loss(y, p)])
    wanted = platt(tail.scores["a"], tail.y, True)(p)  # one recalibration for all series, fitted to the whole tail
    assert table.loc["platt", "brier"] == pytest.approx(brier_score_loss(y, wanted))
    assert table.loc["platt", "auc"] == pytest.approx(table.loc["raw", "auc"])


def test_names_of_the_series_and_the_level_of_one_move_no_auc():
    block, tail = three_series(), three_series(1)
    raw = calibration_table({"test": block}, {"test": tail}, {})
    other = calibration_table({"test": renamed(block, {"A": "C", "B": "A", "C": "B"})}, {"test": tail}, {})
    pd.testing.assert_frame_equal(raw, other)
    higher = calibration_table({"test": three_series(shift=0.1)}, {"test": tail}, {})
    assert (
        higher["auc"][0] == pytest.approx(raw["auc"][0]) and higher["in_the_large"][0] < raw["in_the_large"][0] - 0.05
    )


def test_one_series_with_a_name_has_the_curves_and_measures_of_one_without():
    y, p = simulated(200)
    block = score_matrix(y, a=p)
    named, tail = replace(block, series=np.full(200, "SPY", object)), score_matrix(*simulated(200, 1)[:1], a=p)
    for measure in (
        lambda m: calibration_table({"b": m}, {"b": tail}, {}),
        lambda m: reliability_table("b", m, tail, 0.9, 0),
    ):
        pd.testing.assert_frame_equal(measure(block), measure(named))


def test_curves_of_several_series_have_a_point_per_forecast_and_not_per_row():
    table = reliability_table("test", three_series(), None, 0.95, 0)
    assert table["days"].sum() == 750 and len(table) < 700
    assert table["forecast"].equals(table["forecast"].round(3)) and table["forecast"].is_unique
    assert table[["low", "high"]].ge(0).all(axis=None) and table[["low", "high"]].le(1).all(axis=None)


def test_band_of_dates_holds_calibrated_forecasts_whose_outcomes_depend_on_each_other():
    """Eight series with almost the same forecast, and shocks with correlation 0.5: the band of rows is too narrow."""
    by_date, by_row, dates = [], [], np.repeat(np.arange(400), 8)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        p = np.clip(rng.beta(2, 5, (400, 1)) + rng.normal(0, 0.03, (400, 8)), 0.02, 0.95).round(2).ravel()
        shocks = np.sqrt(0.5) * (rng.standard_normal((400, 1)) + rng.standard_normal((400, 8)))
        y = (norm.cdf(shocks).ravel() < p).astype(float)
        values, first = np.unique(p, return_index=True)
        curve = recalibrated_frequency(y, p)[first]
        for inside, (of, low, high) in (
            (by_date, consistency_band_of_dates(y, p, dates, 0.9, 200, rng)),
            (by_row, consistency_band(p, 0.9, 200, rng)),
        ):
            assert (of == values).all()
            inside.append(np.mean((curve >= low - 1e-12) & (curve <= high + 1e-12)))
    assert np.mean(by_date) == pytest.approx(0.9, abs=0.05)
    assert np.mean(by_row) < 0.8
