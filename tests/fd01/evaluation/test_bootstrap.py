"""The stationary bootstrap, against scikit-learn and the formula of its variance."""

import warnings

import numpy as np
import pytest
from scipy.signal import lfilter
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from fd01.evaluation.bootstrap import (
    CHUNK,
    block_length,
    mean_variance,
    normal_interval,
    resample_counts,
    resampled_brier,
    resampled_ranking,
    spread_of_mean,
    standard_error,
    variance_of_mean,
)


def block(seed, n=150, k=6):
    """Outcomes and probabilities: without ties, with some, with many, and a constant."""
    random = np.random.default_rng(seed)
    y = (random.random(n) < 0.2).astype(float)
    scores = np.clip(0.3 * y[:, None] + random.random((n, k)) / 1.5, 0, 1)
    scores[:, 1:3] = scores[:, 1:3].round(2)
    scores[:, 3:5] = scores[:, 3:5].round(1)
    scores[:, 5] = 0.25
    return y, scores


@pytest.mark.parametrize("seed", range(4))
def test_resampled_measures_equal_scikit_learn_on_the_resampled_days(seed):
    y, scores = block(seed)
    counts = resample_counts(len(y), 7.5, CHUNK + 20, seed)  # a whole chunk and a part
    auc, average_precision = resampled_ranking(y, scores, counts)
    brier = resampled_brier(y, scores, counts)
    for b in range(0, len(counts), 7):
        days = np.repeat(np.arange(len(y)), counts[b])
        for j in range(scores.shape[1]):
            drawn = y[days], scores[days, j]
            assert auc[b, j] == pytest.approx(roc_auc_score(*drawn), abs=1e-12)
            assert average_precision[b, j] == pytest.approx(average_precision_score(*drawn), abs=1e-12)
            assert brier[b, j] == pytest.approx(brier_score_loss(*drawn), abs=1e-12)


def test_rank_measures_see_the_order_of_scores_alone():
    y, scores = block(5)
    counts = resample_counts(len(y), 7.5, 50, 0)
    for one, other in zip(resampled_ranking(y, scores, counts), resampled_ranking(y, np.exp(5 * scores) - 9, counts)):
        np.testing.assert_array_equal(one, other)


def test_resamples_with_one_class_are_nan_and_do_not_count():
    y, scores = np.array([1.0, 0, 0]), np.array([[0.3], [0.2], [0.6]])
    counts = np.array([[3, 0, 0], [0, 1, 2], [1, 1, 1], [2, 1, 0], [1, 0, 2]])
    auc, average_precision = (values.ravel() for values in resampled_ranking(y, scores, counts))
    np.testing.assert_allclose(auc, [np.nan, np.nan, 0.5, 1, 0])
    np.testing.assert_allclose(average_precision, [np.nan, np.nan, 1 / 2, 1, 1 / 3])
    assert standard_error(auc) == pytest.approx(0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(standard_error(np.full(5, np.nan)))


def test_resamples_are_whole_repeatable_and_shared_by_all_experiments():
    y, scores = block(1)
    counts = resample_counts(len(y), 5.0, 40, seed=3)
    assert (counts.sum(axis=1) == len(y)).all()
    np.testing.assert_array_equal(counts, resample_counts(len(y), 5.0, 40, seed=3))
    assert (counts != resample_counts(len(y), 5.0, 40, seed=4)).any()
    alone = np.column_stack([resampled_ranking(y, scores[:, [j]], counts)[0] for j in range(scores.shape[1])])
    np.testing.assert_array_equal(alone, resampled_ranking(y, scores, counts)[0])


@pytest.mark.parametrize("length", [1.0, 4.0, 20.0])
def test_variance_of_a_mean_equals_the_formula_of_politis_and_romano(length):
    """Lemma 1 of Politis and Romano 1994, with circular autocovariances."""
    random = np.random.default_rng(2)
    n = 200
    x = lfilter([1.0], [1.0, -0.7], random.standard_normal(n))
    means = resample_counts(n, length, 8000, seed=1) @ x / n
    centred = x - x.mean()
    lags = np.arange(n)
    covariances = np.array([(centred * np.roll(centred, lag)).mean() for lag in lags])
    expected = covariances[0] + 2 * ((1 - lags / n) * (1 - 1 / length) ** lags * covariances)[1:].sum()
    assert means.mean() == pytest.approx(x.mean(), abs=4 * np.sqrt(expected / n / 8000))
    assert n * means.var() == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize("n", [12, 60])
def test_corrected_spread_of_resamples_is_that_of_the_mean_of_independent_dates(n):
    x, length = np.random.default_rng(3).standard_normal((n, 20_000)), n**0.5
    deviations = x - x.mean(axis=0)
    variance, corrected = mean_variance(deviations, length).mean() / n, variance_of_mean(deviations, length).mean()
    assert variance < 0.8 / n < 0.97 / n < corrected < 1.03 / n


def test_one_date_says_nothing_of_its_spread():
    assert np.isnan(spread_of_mean(1, 1.0))


def test_block_length_grows_with_persistence_and_stays_in_its_bounds():
    random = np.random.default_rng(0)
    shocks = random.standard_normal((1000, 3))
    lengths = [block_length(lfilter([1.0], [1.0, -phi], shocks, axis=0)) for phi in (0.0, 0.65, 0.99)]
    assert lengths[0] == pytest.approx(10) and 10 < lengths[1] < lengths[2] == pytest.approx(1000**0.5)


def test_block_length_is_the_longest_that_an_experiment_asks_for():
    shocks = np.random.default_rng(0).standard_normal((1000, 2))
    slow = lfilter([1.0], [1.0, -0.65], shocks[:, 1])
    together = block_length(np.column_stack([shocks[:, 0], slow, np.zeros(1000), np.full(1000, np.nan)]))
    assert together == block_length(slow[:, None]) > block_length(shocks[:, :1])


@pytest.mark.parametrize("influence", [np.zeros((64, 2)), np.full((64, 2), np.nan)], ids=["constant", "one class"])
def test_block_length_has_a_default_where_no_score_varies(influence):
    assert block_length(influence) == pytest.approx(4)


def test_interval_has_the_width_of_the_resamples():
    resampled = np.random.default_rng(0).normal(0.7, 0.02, (50_000, 2))
    low, high = normal_interval(np.array([0.7, 0.6]), resampled, 0.95)
    np.testing.assert_allclose([low, high], [[0.7 - 0.0392, 0.6 - 0.0392], [0.7 + 0.0392, 0.6 + 0.0392]], atol=4e-4)
