"""Curves of several series."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import auc as area
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from fd01.evaluation.curves import MOST_POINTS, mean_precision_recall_curve, mean_roc_curve, ranks_within
from fd01.evaluation.metrics import auc_within

SIZES = {"A": 300, "B": 120, "C": 40, "one class": 50}


def made_up(digits, sizes=SIZES, seed=0):
    """Outcomes, scores and series; rounding to few digits makes ties."""
    rng = np.random.default_rng(seed)
    series = np.repeat(list(sizes), list(sizes.values()))
    y = (rng.random(len(series)) < 0.3).astype(float) * (series != "one class")
    score = (rng.standard_normal(len(series)) + 0.8 * y).round(digits) + np.where(series == "B", 10.0, 0.0)
    return y, score, series


def of_each(y, score, series, measure):
    return {one: measure(y[series == one], score[series == one]) for one in "ABC"}


@pytest.mark.parametrize("digits", [0, 1, 9])
def test_area_under_the_mean_roc_curve_is_the_pooled_auc(digits):
    y, score, series = made_up(digits)
    x, height = mean_roc_curve(y, score, series)
    assert (x[0], height[0], x[-1], height[-1]) == pytest.approx((0, 0, 1, 1))
    assert (np.diff(x) >= 0).all() and (np.diff(height) > -1e-12).all()
    assert area(x, height) == pytest.approx(auc_within(y, score, series), abs=1e-9)
    assert abs(area(x, height) - roc_auc_score(y, score)) > 0.02  # what ranks the series against each other


@pytest.mark.parametrize("digits", [0, 1, 9])
def test_mean_roc_curve_is_the_mean_of_the_curves_at_each_false_positive_rate(digits):
    y, score, series = made_up(digits)
    x, height = mean_roc_curve(y, score, series)
    curves = of_each(y, score, series, roc_curve)
    pairs = of_each(y, score, series, lambda y, _: y.sum() * (1 - y).sum())
    at = np.random.default_rng(1).random(50)  # never on a jump
    wanted = np.average([np.interp(at, *curve[:2]) for curve in curves.values()], axis=0, weights=list(pairs.values()))
    assert np.interp(at, x, height) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("digits", [0, 1, 9])
def test_steps_of_the_mean_precision_recall_curve_sum_to_the_pooled_average_precision(digits):
    y, score, series = made_up(digits)
    recall, precision, prevalence = mean_precision_recall_curve(y, score, series)
    positives = of_each(y, score, series, lambda y, _: y.sum())
    weights = list(positives.values())
    pooled = np.average(list(of_each(y, score, series, average_precision_score).values()), weights=weights)
    assert recall[0] == 1 and (np.diff(recall) < 0).all()
    assert -np.diff(np.r_[recall, 0]) @ precision == pytest.approx(pooled, abs=1e-9)
    shares = of_each(y, score, series, lambda y, _: y.mean())
    assert prevalence == pytest.approx(np.average(list(shares.values()), weights=weights))


def test_curves_of_one_series_are_those_of_scikit_learn():
    y, score, series = made_up(9, {"A": 200})
    fpr, tpr, _ = roc_curve(y, score)
    assert area(*mean_roc_curve(y, score, series)) == pytest.approx(area(fpr, tpr))
    precision, recall, _ = precision_recall_curve(y, score)
    found, height, prevalence = mean_precision_recall_curve(y, score, series)
    for r, p in zip(found, height):
        assert p in precision[np.isclose(recall, r)].round(15) or np.isclose(p, precision[np.isclose(recall, r)]).any()
    assert prevalence == pytest.approx(y.mean())


def test_names_and_levels_of_series_move_no_curve():
    y, score, series = made_up(1)
    names = pd.Series(series).map(dict(zip(SIZES, ["Z", "Y", "X", "W"]))).to_numpy()
    moved = score + np.where(series == "A", 100.0, 0.0)
    for function in (mean_roc_curve, mean_precision_recall_curve, lambda y, *rest: (ranks_within(*rest),)):
        for other in ((y, score, names), (y, moved.round(6), series)):
            for found, wanted in zip(function(*other), function(y, score, series)):
                assert found == pytest.approx(wanted, abs=1e-12)


def test_long_curves_have_few_points_and_keep_their_area():
    y, score, series = made_up(9, {f"S{i}": 500 for i in range(40)})
    x, height = mean_roc_curve(y, score, series)
    assert len(x) <= MOST_POINTS
    assert area(x, height) == pytest.approx(auc_within(y, score, series), abs=1e-4)
    assert len(mean_precision_recall_curve(y, score, series)[0]) <= MOST_POINTS


def test_ranks_are_within_the_series():
    ranks = ranks_within([1.0, 3.0, 3.0, 9.0, 200.0, 100.0], ["A", "A", "A", "A", "B", "B"])
    assert ranks.tolist() == [0.125, 0.5, 0.5, 0.875, 0.75, 0.25]
