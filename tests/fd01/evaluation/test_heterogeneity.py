"""Differences of single series: known answers, the limits of the formulas, and simulated series with a common part."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import CONFIG
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from fd01.evaluation.blocks import measure_block, paired_test
from fd01.evaluation.bootstrap import mean_variance, variance_of_mean
from fd01.evaluation.comparison import delong
from fd01.evaluation.heterogeneity import (
    Differences,
    detectable_by_number,
    random_effects,
    series_aucs,
    series_differences,
    series_table,
    shrunken_correlation,
    summarise,
)
from fd01.evaluation.panel import EQUAL
from fd01.evaluation.score_matrix import ScoreMatrix

STATISTICS, ALPHA = CONFIG["statistics"], 0.05


def matrix_of(seed, count=5, days=300, common=0.3, skills=(1.0, 1.0)):
    """A ScoreMatrix of `count` series with the signals `a` and `b`; `skills` of each, a number or one per series."""
    random = np.random.default_rng(seed)

    def normal():
        return np.sqrt(common) * random.normal(size=days) + np.sqrt(1 - common) * random.normal(size=(count, days))

    hidden = normal()
    y = hidden + normal() > 1
    scores = {name: np.ravel(np.reshape(skill, (-1, 1)) * hidden + normal()) for name, skill in zip("ab", skills)}
    index = pd.DatetimeIndex(np.tile(pd.bdate_range("2020-01-01", periods=days), count))
    kinds = pd.Series("signal", ["a", "b"])
    series = np.repeat([f"S{number}" for number in range(count)], days)
    frame = pd.DataFrame(scores, index)
    return ScoreMatrix(index, pd.Series(y.ravel().astype(float), index), frame, kinds, kinds == "", series=series)


def differences(values, covariance, n=100, positives=20):
    """`Differences` with these values; the correlation is not looked at."""
    count = len(values)
    names, sizes = np.array([f"S{number}" for number in range(count)]), np.ones(count, int)
    covariance = np.asarray(covariance, float)
    return Differences(names, n * sizes, positives * sizes, 0.5 + np.asarray(values), 0.5 * sizes, covariance, 0.0, 0.0)


def test_difference_and_error_of_each_series_are_those_of_the_series_alone():
    matrix = matrix_of(0)
    found = series_differences(matrix, "a", matrix.scores[["b"]], 6.0)
    for number, name in enumerate(found.series):
        own = matrix.on(matrix.series == name)
        auc, other = (roc_auc_score(own.y, own.scores[column]) for column in "ab")
        assert (found.auc[number], found.other_auc[number]) == pytest.approx((auc, other))
        block = replace(measure_block("b", own, None, 4000, 0))
        alone = paired_test(block, "a", ["b"], STATISTICS)
        # The bootstrap is in closed form here; there it is drawn with the block length of the series alone.
        assert found.se[number] == pytest.approx(alone["se"], rel=0.1)
        assert found.se[number] >= alone["se_delong"] - 1e-12


def test_error_of_a_short_series_is_corrected_for_the_mean_of_its_days():
    day, index = np.arange(20), pd.bdate_range("2020-01-01", periods=20)
    y = day // 5 % 2 == 1
    scores = pd.DataFrame({"a": day // 10, "b": 0 * day}, index).astype(float)
    kinds = pd.Series("signal", ["a", "b"])
    matrix = ScoreMatrix(index, pd.Series(y.astype(float), index), scores, kinds, kinds == "")
    found, ranking = series_differences(matrix, "a", matrix.scores[["b"]], 6.0), delong(y, scores.to_numpy())
    influence = ranking.influence @ [1, -1]
    assert found.se[0] ** 2 == pytest.approx(variance_of_mean(influence, 6.0))
    assert found.se[0] ** 2 > 1.5 * mean_variance(influence, 6.0) / 20


def test_auc_and_error_of_one_series_are_those_of_a_difference_to_a_constant():
    matrix = matrix_of(3)
    for name in np.unique(matrix.series):
        alone = matrix.on(matrix.series == name)
        found = series_aucs(alone, 5.0)
        constant = pd.DataFrame({"none": np.zeros(len(alone.days))}, alone.days)
        for experiment, row in found.iterrows():
            expected = series_differences(alone, experiment, constant, 5.0)
            assert row["auc"] == pytest.approx(expected.auc[0])
            assert row["se"] == pytest.approx(expected.se[0])


def test_mean_auc_of_several_opponents_is_compared():
    matrix = matrix_of(1)
    seeds = pd.concat([matrix.scores["b"], matrix.scores["a"] ** 3, -matrix.scores["b"]], axis=1)
    found = series_differences(matrix, "a", seeds, 6.0)
    alone = [series_differences(matrix, "a", seeds.iloc[:, [j]], 6.0) for j in range(3)]
    np.testing.assert_allclose(found.difference, np.mean([one.difference for one in alone], axis=0), atol=1e-14)


def test_pooled_error_follows_from_the_joint_covariance():
    matrix = matrix_of(2, count=6, days=600)
    found = series_differences(matrix, "a", matrix.scores[["b"]], 1.0)
    block = measure_block("b", matrix, None, 50, 0, weights=EQUAL)
    i, j = block.index("a"), block.index("b")
    variance = block.covariance[i, i] + block.covariance[j, j] - 2 * block.covariance[i, j]
    by_number = detectable_by_number(found, STATISTICS, numbers=(1, 6)).set_index("number")["se"]
    assert by_number[6] == pytest.approx(np.sqrt(found.covariance.mean()), rel=1e-12)
    assert by_number[6] == pytest.approx(np.sqrt(variance), rel=0.05)
    assert by_number[1] == pytest.approx(np.sqrt(np.diag(found.covariance).mean()))


def test_series_without_both_classes_are_left_out_and_without_an_error_drawn_to_nothing():
    matrix = matrix_of(3)
    y = matrix.y.copy()
    y[matrix.series == "S1"] = 0.0
    one_event = np.flatnonzero(matrix.series == "S2")
    y.iloc[one_event] = 0.0
    y.iloc[one_event[5]] = 1.0
    scores = matrix.scores.copy()
    scores.loc[matrix.series == "S3", "a"] = scores.loc[matrix.series == "S3", "b"]
    matrix = replace(matrix, y=y, scores=scores)
    found = series_differences(matrix, "a", scores[["b"]], 6.0)
    table = series_table(found, ALPHA).set_index("series")
    assert list(table.index) == ["S0", "S2", "S3", "S4"]
    assert np.isnan(table.loc["S2", "se"]) and table.loc["S3", ["difference", "se"]].tolist() == [0, 0]
    assert table["shrunken"].notna().tolist() == [True, False, False, True]
    summary = summarise(found, ALPHA)
    assert (summary["series"], summary["random_series"]) == (4, 2) and summary["random_se"] > 0
    assert detectable_by_number(found, STATISTICS)["se"].notna().all()


def test_correlation_is_drawn_to_its_mean_and_keeps_it():
    random = np.random.default_rng(0)
    for dates, count in ((400, 3), (100, 30), (60, 90)):
        influence = np.sqrt(0.3) * random.normal(size=(dates, 1)) + np.sqrt(0.7) * random.normal(size=(dates, count))
        influence -= influence.mean(axis=0)
        found, mean, shrinkage = shrunken_correlation(influence * random.uniform(1, 9, count))
        sample = np.corrcoef(influence.T)
        off = ~np.eye(count, dtype=bool)
        assert mean == pytest.approx(sample[off].mean()) == pytest.approx(found[off].mean())
        np.testing.assert_allclose(found[off], sample[off] + shrinkage * (mean - sample[off]))
        assert shrinkage > 0.7 and np.linalg.eigvalsh(found).min() > 0.1  # the true correlations are all equal


def test_correlations_that_truly_differ_are_hardly_drawn():
    random = np.random.default_rng(1)
    groups = random.normal(size=(2000, 2))
    influence = groups[:, [0, 0, 0, 1, 1, 1]] + 0.5 * random.normal(size=(2000, 6))
    found, _, shrinkage = shrunken_correlation(influence - influence.mean(axis=0))
    assert shrinkage < 0.02 and found[0, 1] > 0.75 and abs(found[0, 4]) < 0.1


def test_correlation_of_one_of_two_and_of_constant_series():
    column = np.random.default_rng(2).normal(size=(50, 1))
    found, mean, shrinkage = shrunken_correlation(column)
    assert found == [[1.0]] and np.isnan(mean) and shrinkage == 0
    found, *_ = shrunken_correlation(np.hstack([column, 2 * column]))
    np.testing.assert_allclose(found, 1)
    found, *_ = shrunken_correlation(np.hstack([column, 0 * column]))
    np.testing.assert_array_equal(found, np.eye(2))


def test_random_effects_of_independent_series_are_those_of_dersimonian_and_laird():
    d, v = np.array([0.10, -0.02, 0.05, 0.30, 0.01]), np.array([0.001, 0.002, 0.003, 0.002, 0.001])
    summary, shrunken, _ = random_effects(differences(d, np.diag(v)), ALPHA)
    w = 1 / v
    q = (w * (d - np.average(d, weights=w)) ** 2).sum()
    tau2 = (q - 4) / (w.sum() - (w**2).sum() / w.sum())
    w = 1 / (v + tau2)
    assert summary["tau"] == pytest.approx(np.sqrt(tau2))
    assert (summary["mean"], summary["se"]) == pytest.approx((np.average(d, weights=w), w.sum() ** -0.5))
    np.testing.assert_allclose(shrunken, summary["mean"] + tau2 / (tau2 + v) * (d - summary["mean"]))
    half_width = 2.7764451 * summary["se"]  # t with four degrees of freedom
    assert (summary["low"], summary["high"]) == pytest.approx(
        (summary["mean"] - half_width, summary["mean"] + half_width)
    )


def test_equal_differences_have_no_spread_and_correlation_hides_none():
    equal = differences([0.03] * 4, 0.001 * (0.5 + 0.5 * np.eye(4)))
    summary, shrunken, shrunken_se = random_effects(equal, ALPHA)
    assert summary["tau"] == 0 and summary["se"] == pytest.approx(np.sqrt(0.001 * (0.5 + 0.5 / 4)))
    np.testing.assert_allclose(shrunken, 0.03)
    np.testing.assert_allclose(shrunken_se, summary["se"])
    # Equal variances v and covariances c: tau^2 is the variance of the differences less v - c.
    d = np.array([0.1, 0.0, -0.1, 0.2])
    for correlation in (0.0, 0.8):
        covariance = 0.002 * (correlation + (1 - correlation) * np.eye(4))
        summary, *_ = random_effects(differences(d, covariance), ALPHA)
        assert summary["tau"] ** 2 == pytest.approx(d.var(ddof=1) - 0.002 * (1 - correlation))


def test_one_series_has_an_error_and_no_spread():
    matrix = matrix_of(4, count=1)
    found = series_differences(matrix, "a", matrix.scores[["b"]], 6.0)
    summary = summarise(found, ALPHA)
    assert summary["random_mean"] == pytest.approx(found.difference[0]) and summary["random_tau"] == 0
    assert summary["random_se"] == pytest.approx(found.se[0]) and np.isnan(summary["random_low"])
    assert np.isnan(summary["without_low"]) and summary["pooled"] == pytest.approx(found.difference[0])
    by_number = detectable_by_number(found, STATISTICS, (1, 2))["se"]
    assert by_number[0] == pytest.approx(found.se[0]) and np.isnan(by_number[1])


def test_without_any_series_nothing_is_known():
    matrix = matrix_of(5)
    found = series_differences(replace(matrix, y=0 * matrix.y), "a", matrix.scores[["b"]], 6.0)
    summary = summarise(found, ALPHA)
    assert summary["series"] == summary["above"] == 0 and np.isnan(summary["pooled"])
    assert len(series_table(found, ALPHA)) == 0 and detectable_by_number(found, STATISTICS)["se"].isna().all()


def test_pool_without_each_series_is_the_pool_of_the_others():
    matrix = matrix_of(6, skills=(1.0, [1.0, 1.0, 0.2, 1.0, 1.0]))
    found = series_differences(matrix, "a", matrix.scores[["b"]], 6.0)
    table, summary = series_table(found, ALPHA), summarise(found, ALPHA)
    for name, without in zip(table["series"], table["without"]):
        block = measure_block("b", matrix.on(matrix.series != name), None, 20, 0)
        aucs = block.estimates["auc"]
        assert without == pytest.approx(aucs[block.index("a")] - aucs[block.index("b")])
    assert (summary["without_low"], summary["without_high"]) == (table["without"].min(), table["without"].max())
    assert table["without"].idxmin() == 2  # the series that carries the difference
    assert summary["above"] == (table["difference"] > 0).sum()
    assert summary["pooled"] == pytest.approx(table["weight"] @ table["difference"])


def test_more_series_detect_less_and_no_less_than_their_common_part():
    covariance = 0.0004 * (0.17 + 0.83 * np.eye(4))
    table = detectable_by_number(differences([0.0] * 4, covariance), STATISTICS, (1, 4, 30, 10**6)).set_index("number")
    assert table.loc[1, "se"] == pytest.approx(0.02)
    assert table.loc[1, "se"] / table.loc[4, "se"] == pytest.approx(
        1.63, abs=0.01
    )  # the square root of 4 / (1 + 3 x 0.17)
    assert table.loc[1, "se"] / table.loc[30, "se"] == pytest.approx(2.25, abs=0.01)
    assert table.loc[10**6, "se"] == pytest.approx(0.02 * np.sqrt(0.17), rel=1e-4)
    np.testing.assert_allclose(table["detectable"], 2.8016 * table["se"], rtol=1e-4)
    apart = differences([0.0] * 2, [[0.0004, -0.0003], [-0.0003, 0.0004]])
    assert detectable_by_number(apart, STATISTICS, (2,))["se"][0] == pytest.approx(0.02 / np.sqrt(2))


def test_spread_between_series_is_recovered_and_shrunken_estimates_are_nearer_the_truth():
    random, rows = np.random.default_rng(7), []
    correlation = 0.6 + 0.4 * np.eye(40)
    root = np.linalg.cholesky(0.03**2 * correlation)
    for _ in range(300):
        true = 0.01 + 0.02 * random.normal(size=40)
        measured = differences(true + root @ random.normal(size=40), 0.03**2 * correlation)
        summary, shrunken, shrunken_se = random_effects(measured, ALPHA)
        raw = measured.difference - true
        rows.append(
            {
                "tau2": summary["tau"] ** 2,
                "mean": summary["mean"],
                "se": summary["se"],
                "raw": (raw**2).mean(),
                "shrunken": ((shrunken - true) ** 2).mean(),
                "covered": (np.abs(shrunken - true) < norm.ppf(0.975) * shrunken_se).mean(),
                "found": summary["low"] < 0.01 < summary["high"],
            }
        )
    rows = pd.DataFrame(rows)
    mean = rows.mean()
    assert mean["tau2"] == pytest.approx(0.02**2, rel=0.05)
    assert mean["mean"] == pytest.approx(0.01, abs=3 * mean["se"] / np.sqrt(300))
    assert rows["mean"].std() == pytest.approx(mean["se"], rel=0.1)
    assert mean["shrunken"] < 0.85 * mean["raw"]  # what the errors share stays
    assert 0.92 < mean["covered"] < 0.98 and 0.92 < mean["found"] < 0.98


def test_simulated_series_without_heterogeneity_hardly_show_any():
    taus, errors, means = [], [], []
    for seed in range(60):
        matrix = matrix_of(seed, count=8, days=250, common=0.5, skills=(1.0, 1.0))
        summary = summarise(series_differences(matrix, "a", matrix.scores[["b"]], 6.0), ALPHA)
        taus.append(summary["random_tau"])
        errors.append(summary["random_se"])
        means.append(summary["random_mean"])
    assert np.mean(np.square(taus)) < 0.3 * 0.03**2  # a single series has an error of about 0.03
    assert np.std(means) == pytest.approx(np.mean(errors), rel=0.25)
