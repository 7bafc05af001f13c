"""DeLong's test, Holm, the verdict, and the size and power of the paired test."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import CONFIG
from scipy.signal import lfilter
from scipy.stats import norm
from scipy.stats import t as student_t
from statsmodels.stats.multitest import multipletests

from fd01.evaluation.blocks import measure_block, paired_uncertainty
from fd01.evaluation.comparison import (
    adjusted_interval,
    delong,
    equivalence_p,
    equivalence_power,
    holm,
    paired_verdict,
    two_sided,
)
from fd01.evaluation.score_matrix import ScoreMatrix

STATISTICS = CONFIG["statistics"]
CASES = pd.read_csv(Path(__file__).with_name("delong_cases.csv"))
# By auc, var, cov and roc.test of pROC 1.18.0 on R 4.2.2, method "delong", direction "<":
# auc a, auc b, var a, var b, cov, z, p.
RECORDED_R = {
    "ties": (
        *(0.75595238095238093, 0.8214285714285714, 0.0088634955946463884, 0.0061913303480763803),
        *(0.005039082482038831, -0.92814189194063101, 0.35333397171172021),
    ),
    "plain": (
        *(0.74404761904761907, 0.70535714285714279, 0.01144571184253724, 0.010207720153156661),
        *(0.0084196557410843136, 0.55762931381204595, 0.57709753510670403),
    ),
    "few": (
        *(0.86419753086419748, 0.54320987654320985, 0.0079373453859050598, 0.056405566693632538),
        *(0.017633334505762491, 1.882431509271127, 0.059777451085700491),
    ),
    "opposed": (
        *(0.83111111111111113, 0.16888888888888889, 0.0081580246913580245, 0.007396119929453264),
        *(-0.0055125220458553791, 4.0619342566701073, 4.866778451484742e-05),
    ),
}
# By Delong_test of MLstatkit 0.1.91: z of b less a, p, variance of the difference.
RECORDED_MLSTATKIT = {
    "ties": (0.9281418919406326, 0.35333397171171943, 0.004976660978645107),
    "plain": (-0.5576293138120493, 0.5770975351067017, 0.004814120513525276),
    "few": (-1.8824315092711272, 0.059777451085700435, 0.02907624306801261),
    "opposed": (-4.061934256670106, 4.8667784514847596e-05, 0.02657918871252205),
}


def case(name):
    rows = CASES[CASES["case"] == name]
    return rows["y"].to_numpy(), rows[["a", "b"]].to_numpy()


def paired(found, i=0, j=1):
    """Difference of two AUCs and its variance."""
    c = found.covariance
    return found.aucs[i] - found.aucs[j], c[i, i] + c[j, j] - 2 * c[i, j]


@pytest.mark.parametrize("name", RECORDED_R)
def test_delong_equals_proc_and_mlstatkit(name):
    found = delong(*case(name))
    *_, z, p = RECORDED_R[name]
    c = found.covariance
    np.testing.assert_allclose([*found.aucs, c[0, 0], c[1, 1], c[0, 1]], RECORDED_R[name][:5], rtol=1e-12)
    difference, variance = paired(found)
    assert two_sided(difference, variance**0.5) == pytest.approx((z, p), rel=1e-9)
    z, p, of_difference = RECORDED_MLSTATKIT[name]
    assert variance == pytest.approx(of_difference, rel=1e-12)
    assert two_sided(-difference, variance**0.5) == pytest.approx((z, p), rel=1e-9)


def random_scores(seed, n=60, k=4):
    """Outcomes and scores that share something, half of them with many ties."""
    random = np.random.default_rng(seed)
    y = random.permutation(np.repeat([1.0, 0.0], [n // 4, n - n // 4]))
    scores = random.normal(size=(n, 1)) + random.normal(size=(n, k)) + y[:, None]
    scores[:, ::2] = scores[:, ::2].round()
    return y, scores


@pytest.mark.parametrize("seed", range(5))
def test_delong_equals_the_u_statistic_pair_by_pair(seed):
    y, scores = random_scores(seed)
    psi = scores[y == 1][:, None] - scores[y == 0]  # positive day, negative day, experiment
    psi = (psi > 0) + (psi == 0) / 2
    found = delong(y, scores)
    np.testing.assert_allclose(found.aucs, psi.mean(axis=(0, 1)), atol=1e-14)
    m, n = psi.shape[:2]
    expected = np.cov(psi.mean(axis=1).T) / m + np.cov(psi.mean(axis=0).T) / n
    np.testing.assert_allclose(found.covariance, expected, atol=1e-15)


def test_delong_of_many_equals_delong_of_each_pair():
    y, scores = random_scores(9, n=300, k=25)
    together = delong(y, scores)
    for i in range(25):
        for j in range(i):
            pair = delong(y, scores[:, [i, j]])
            np.testing.assert_allclose(together.aucs[[i, j]], pair.aucs, atol=1e-12)
            np.testing.assert_allclose(together.covariance[np.ix_([i, j], [i, j])], pair.covariance, atol=1e-12)


def test_delong_sees_the_order_of_scores_alone():
    y, scores = random_scores(3)
    found, moved, turned = delong(y, scores), delong(y, np.exp(scores / 3) - 7), delong(y, -scores)
    for name in ("aucs", "covariance", "influence"):
        np.testing.assert_array_equal(getattr(found, name), getattr(moved, name))
    np.testing.assert_allclose(turned.aucs, 1 - found.aucs, atol=1e-14)
    np.testing.assert_allclose(turned.covariance, found.covariance, atol=1e-15)


def test_influence_is_what_a_day_adds_to_the_auc():
    y, scores = random_scores(4, n=400)
    found = delong(y, scores)
    np.testing.assert_allclose(found.influence.mean(axis=0), 0, atol=1e-14)
    for day in (0, 17, 399):
        without = delong(np.delete(y, day), np.delete(scores, day, axis=0))
        np.testing.assert_allclose(found.aucs - without.aucs, found.influence[day] / 400, atol=2e-4)
    np.testing.assert_allclose(found.influence.T @ found.influence / 400**2, found.covariance, rtol=0.02, atol=1e-6)


def test_delong_is_undefined_where_one_class_has_too_few_days():
    one_class = delong(np.zeros(5), np.ones((5, 2)))
    assert np.isnan(one_class.aucs).all() and np.isnan(one_class.covariance).all()
    one_event = delong(np.array([0, 0, 1, 0]), np.array([[1.0], [2], [3], [4]]))
    assert one_event.aucs == pytest.approx([2 / 3]) and np.isnan(one_event.covariance).all()


def test_constant_score_is_guessing_without_doubt():
    y, scores = random_scores(5)
    found = delong(y, np.column_stack([scores[:, 0], np.full(len(y), 0.3)]))
    assert found.aucs[1] == 0.5
    np.testing.assert_allclose(found.covariance[1], 0, atol=1e-18)


@pytest.mark.parametrize(
    ("difference", "se", "expected"),
    [(0.0, 0.0, (0.0, 1.0)), (0.1, 0.0, (np.inf, 0.0)), (-0.1, 0.0, (-np.inf, 0.0)), (0.0, 0.2, (0.0, 1.0))],
)
def test_two_sided_p_value_is_exact_for_no_difference_and_for_no_error(difference, se, expected):
    assert two_sided(difference, se) == expected


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_that_of_statsmodels(seed):
    p = np.random.default_rng(seed).uniform(size=12) ** 3
    p[:3] = p[3], 0.0, 1.0
    wanted = multipletests(p, method="holm")[1]
    with_gaps = np.insert(p, [0, 5, 12], np.nan)
    np.testing.assert_array_equal(holm(with_gaps)[~np.isnan(with_gaps)], wanted)


def test_holm_equals_values_worked_out_by_hand():
    # Sorted 0.005 x 4, 0.01 x 3, then 0.03 x 2 for 0.03 and, as it may not fall, for 0.04.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert np.isnan(holm([np.nan, np.nan])).all()
    assert len(holm([])) == 0


@pytest.mark.parametrize("df", [np.inf, 3.4])
def test_adjusted_interval_excludes_zero_exactly_if_the_adjusted_p_value_is_below_alpha(df):
    random = np.random.default_rng(0)
    differences = np.append(random.normal(scale=0.04, size=60), [0.0, 0.9])
    se = np.append(random.uniform(0.01, 0.03, size=60), [0.02, 0.01])
    p = np.array([two_sided(*pair, df)[1] for pair in zip(differences, se)])
    p_holm = holm(p)
    low, high = adjusted_interval(differences, se, df, p, p_holm, len(p), alpha=0.05)
    significant = p_holm < 0.05
    np.testing.assert_array_equal((low > 0) | (high < 0), significant)
    # The test has something to tell: p-values that only the correction lifts above alpha, and some that it caps at 1.
    assert significant.any() and ((p < 0.05) & ~significant).any() and (p_holm == 1).any()
    np.testing.assert_allclose((low + high) / 2, differences, atol=1e-15)


def test_adjusted_interval_is_the_usual_one_of_a_test_alone_and_bonferronis_of_the_smallest_p():
    difference, se, df = 0.05, 0.02, 5.0
    p = two_sided(difference, se, df)[1]
    alone = adjusted_interval(difference, se, df, p, p, 1, alpha=0.05)
    assert alone == pytest.approx(student_t.interval(0.95, df, difference, se))
    first = adjusted_interval(difference, se, df, p, 7 * p, 7, alpha=0.05)
    assert first == pytest.approx(student_t.interval(1 - 0.05 / 7, df, difference, se))


def test_adjusted_interval_without_an_error_is_a_point_and_without_a_p_value_undefined():
    assert adjusted_interval(0.1, 0.0, np.inf, 0.0, 0.0, 3, alpha=0.05) == (0.1, 0.1)
    assert adjusted_interval(0.0, 0.0, np.inf, 1.0, 1.0, 3, alpha=0.05) == (0, 0)
    low, high = adjusted_interval(0.9, 0.01, np.inf, 0.0, 0.0, 3, alpha=0.05)  # p is below the smallest number
    assert 0 < low < 0.9 < high
    assert np.isnan(adjusted_interval(0.1, np.nan, np.nan, np.nan, np.nan, 0, alpha=0.05)).all()


@pytest.mark.parametrize(
    ("difference", "p", "p_equivalence", "expected"),
    [
        (0.06, 0.001, np.nan, "better"),
        (-0.06, 0.001, 0.9, "worse"),
        (0.06, 0.05, 0.9, "inconclusive"),
        (0.00, 0.9, 0.049, "equivalent"),
        (0.01, 0.001, 0.049, "equivalent"),  # larger than chance explains, and too small to matter
        (0.00, 0.9, 0.05, "inconclusive"),
        (np.nan, np.nan, np.nan, "inconclusive"),
        (0.06, np.nan, np.nan, "inconclusive"),
    ],
)
def test_verdict_follows_from_the_two_p_values(difference, p, p_equivalence, expected):
    assert paired_verdict(difference, p, p_equivalence, alpha=0.05) == expected


@pytest.mark.parametrize("df", [np.inf, 3.0])
@pytest.mark.parametrize(("difference", "se"), [(0.004, 0.006), (-0.013, 0.01), (0.03, 0.01), (0.0, 0.004)])
def test_equivalence_is_the_larger_of_two_one_sided_tests(difference, se, df):
    margin, t = 0.02, student_t(df)
    at_most_minus_margin = t.sf((difference + margin) / se)
    at_least_margin = t.cdf((difference - margin) / se)
    assert equivalence_p(difference, se, margin, df) == pytest.approx(max(at_most_minus_margin, at_least_margin))


def test_equivalence_of_equal_scores_is_certain_and_of_an_unknown_error_undefined():
    assert equivalence_p(0.0, 0.0, 0.02) == 0
    assert equivalence_p(0.02, 0.0, 0.02) == 1
    assert np.isnan(equivalence_p(0.0, np.nan, 0.02)) and np.isnan(equivalence_power(np.nan, 0.05, 0.02))


def test_power_of_equivalence_is_how_often_it_is_shown():
    se, differences = 0.008, 0.008 * np.random.default_rng(0).standard_normal(40_000)
    shown = np.mean([equivalence_p(difference, se, 0.02) < 0.05 for difference in differences])
    assert equivalence_power(se, 0.05, 0.02) == pytest.approx(shown, abs=0.01)
    assert equivalence_power(0.02, 0.05, 0.02) == 0


DAYS = 504


def blocks(count, noise, error_persistence, seed):
    """Outcomes (count, days) and two scores (count, days, 2) of latent volatility with persistence 0.98.

    The event happens on about a fifth of the days; a score is the log-volatility and an error of its own that is as
    large as `noise` says, a pair of standard deviations, and as persistent as told. Both are standard normal AR(1).
    """
    random = np.random.default_rng(seed)

    def series(persistence, *more):
        shocks = random.standard_normal((count, DAYS, *more))
        shocks[:, 1:] *= np.sqrt(1 - persistence**2)
        return lfilter([1.0], [1.0, -persistence], shocks, axis=1)

    volatility = series(0.98)
    happened = 0.6 * volatility + 0.8 * random.standard_normal((count, DAYS)) > norm.ppf(0.8)
    return happened.astype(float), volatility[:, :, None] + np.array(noise) * series(error_persistence, 2)


def paired_tests(y, scores):
    """Difference, standard errors of it, and detectable difference for each block with at least 10 events."""
    rows = []
    for number, (outcomes, block) in enumerate(zip(y, scores)):
        if outcomes.sum() >= 10:
            frame = pd.DataFrame(block, columns=["a", "b"])
            kinds = pd.Series({"a": "signal", "b": "signal"})
            matrix = ScoreMatrix(frame.index, pd.Series(outcomes), frame, kinds, pd.Series({"a": False, "b": False}))
            found = measure_block("block", matrix, None, resamples=79, seed=number)
            row = paired_uncertainty(found, "a", ["b"], STATISTICS)
            rows.append(row | {"difference": np.subtract(*found.estimates["auc"])})
    return pd.DataFrame(rows)


def rejected(rows, se="se"):
    """Share of blocks on which the test finds a difference at 5 %."""
    return (rows["difference"].abs() > norm.ppf(0.975) * rows[se]).mean()


@pytest.mark.parametrize("error_persistence", [0.0, 0.95])
def test_paired_test_keeps_its_size_while_volatility_persists(error_persistence):
    rows = paired_tests(*blocks(800, (0.4, 0.4), error_persistence, seed=1))
    assert len(rows) > 0.95 * 800
    assert 0.03 < rejected(rows) < 0.07
    # Why it is not DeLong's error alone: that holds for errors without memory only.
    alone = rejected(rows, "se_delong")
    assert alone > 0.07 if error_persistence else 0.03 < alone < 0.07


def test_smallest_detectable_difference_is_found_as_often_as_it_says():
    rows = paired_tests(*blocks(500, (0.2, 0.97), 0.0, seed=2))
    true = rows["difference"].mean()  # the mean over blocks is without bias
    assert true == pytest.approx(rows["detectable"].mean(), rel=0.05)  # so 80 % are expected, but for the spread of se
    predicted = norm.cdf(true / rows["se"] - norm.ppf(0.975)).mean()
    assert rejected(rows) == pytest.approx(predicted, abs=0.04)
    assert 0.74 < rejected(rows) < 0.86
