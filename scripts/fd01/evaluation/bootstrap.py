"""The stationary bootstrap of AUC, average precision and Brier score, for many experiments at once."""

import warnings

import numpy as np
from scipy.special import ndtri

FEWEST = 4  # days that the automatic rule for the length of blocks needs
CHUNK = 128  # resamples that are computed together: their counts of 500 days fit into the cache of a core


def block_length(influence):
    """Mean length of a bootstrap block in days, at least 1; the same for all experiments, as they share resamples.

    The automatic rule gives a length for the influence of the days on each experiment's AUC. The longest of these is
    taken, and kept between n^(1/3) and n^(1/2). The rule alone gives too short blocks here: events that hardly depend
    on each other hide that the scores persist, and the paired test then rejects too often. n^(1/3) is the rate at which
    the best length grows; n^(1/2) leaves at least n^(1/2) blocks.

    Parameters
    ----------
    influence : array, shape (n, k)
        From `fd01.evaluation.comparison.delong`; columns of NaN are ignored.

    References
    ----------
    Politis and White, Econometric Reviews 2004, with the correction of Patton, Politis and White 2009;
    `arch.bootstrap.optimal_block_length`.

    >>> print(round(block_length(np.random.default_rng(0).normal(size=(512, 2))), 6))
    8.0
    """
    from arch.bootstrap import optimal_block_length

    n = len(influence)
    varying = influence[:, np.nan_to_num(influence).std(axis=0) > 0]
    lengths = optimal_block_length(varying)["stationary"] if varying.size and n >= FEWEST else [0.0]
    return float(np.clip(np.max(lengths), n ** (1 / 3), n**0.5))


def resample_counts(n, length, resamples, seed):
    """How often each of n days occurs in each resample of the stationary bootstrap; int array, (resamples, n).

    Blocks begin on random days and have geometric lengths with mean `length`; the first day follows the last
    (Politis and Romano, JASA 1994). By `arch.bootstrap.StationaryBootstrap`.

    >>> resample_counts(4, 2.0, 3, seed=0).sum(axis=1)
    array([4, 4, 4])
    """
    from arch.bootstrap import StationaryBootstrap

    bootstrap = StationaryBootstrap(length, np.arange(n), seed=seed)
    counts = np.empty((resamples, n), np.int32)
    for row in counts:
        row[:] = np.bincount(bootstrap.update_indices(), minlength=n)
    return counts


def lag_weights(n, length):
    """Weights of the circular autocovariances c_0 .. c_{n-1} in `mean_variance`; array, shape (n,).

    1 for c_0, and 2 (1 - i/n) (1 - 1/length)^i for c_i.
    """
    lags = np.arange(n)
    weights = (1 - lags / n) * (1 - 1 / length) ** lags
    weights[1:] *= 2
    return weights


def mean_variance(deviations, length):
    """n times the variance of the mean of n values under the stationary bootstrap, in closed form.

    It is the limit for many resamples (Politis and Romano, JASA 1994): the sum of the circular autocovariances of the
    values, weighted by `lag_weights`.

    Parameters
    ----------
    deviations : array, shape (n,) or (n, k)
        The values less their mean.
    length : float
        Mean length of the blocks in days.

    Returns
    -------
    float, or array of shape (k,); at least 0

    >>> print(round(float(mean_variance(np.array([1.0, -1.0, 1.0, -1.0]), length=1.0)), 6))
    1.0
    """
    n = len(deviations)
    autocovariances = np.fft.irfft(np.abs(np.fft.rfft(deviations, axis=0)) ** 2, n, axis=0) / n
    return np.maximum(lag_weights(n, length) @ autocovariances, 0.0)


def spread_of_mean(n, length):
    """What the spread of resamples is multiplied by, so that it is no longer too small for the mean of n dates.

    The bootstrap draws deviations from the mean of the same n dates, not from the true mean. So its variance is too
    small by the factor 1 - sum_i w_i / n, with the w of `lag_weights`, if the dates are independent; about that much
    if they are not. NaN for one date.

    >>> print(round(spread_of_mean(250, 10.0), 3))
    1.039
    """
    with np.errstate(divide="ignore"):
        factor = np.float64(1 - lag_weights(n, length).sum() / n) ** -0.5
    return float(factor) if np.isfinite(factor) else np.nan


def variance_of_mean(deviations, length):
    """Variance of the mean of n values: that of `mean_variance`, as much larger as `spread_of_mean` says.

    Arguments as for `mean_variance`; float, or array of shape (k,).

    >>> print(round(float(variance_of_mean(np.array([1.0, -1.0, 1.0, -1.0]), length=1.0)), 6))
    0.333333
    """
    n = len(deviations)
    return mean_variance(deviations, length) / n * spread_of_mean(n, length) ** 2


def resampled_ranking(y, scores, counts):
    """AUC and average precision of every score on every resample, as scikit-learn defines them.

    Let s_1 > s_2 > ... be the distinct scores, P_g of the P positive and N_g of the N negative days have the score s_g,
    and TP_g and FP_g be the running sums of P_g and N_g. Then AUC = sum_g P_g (N - FP_g + N_g / 2) / (P N), and
    AP = sum_g (P_g / P) TP_g / (TP_g + FP_g). Each score is sorted once; a resample is a weight of the sorted days.

    Parameters
    ----------
    y : array, shape (n,), 0 or 1
    scores : array, shape (n, k)
    counts : array, shape (resamples, n)
        From `resample_counts`.

    Returns
    -------
    auc, average_precision : arrays, shape (resamples, k)
        NaN where a resample has one class only.

    >>> counts = np.array([[1, 1, 1], [2, 1, 0]])
    >>> auc, ap = resampled_ranking(np.array([0, 1, 1]), np.array([[0.1], [0.4], [0.1]]), counts)
    >>> auc.ravel(), ap.ravel().round(4)
    (array([0.75, 1.  ]), array([0.8333, 1.    ]))
    """
    positive = np.asarray(y) == 1
    shape = len(counts), scores.shape[1]
    auc, average_precision = np.empty(shape), np.empty(shape)
    sorted_scores = [_sort(positive, column) for column in scores.T]
    for start in range(0, len(counts), CHUNK):
        chunk = slice(start, start + CHUNK)
        days = np.ascontiguousarray(counts[chunk].T)  # days first, so that sums over days run along whole rows
        positives = days[positive].sum(axis=0)
        pairs = positives * (days.sum(axis=0) - positives)
        for j, sorted_days in enumerate(sorted_scores):
            wrong_pairs, precisions = _sums(days, *sorted_days)
            with np.errstate(invalid="ignore", divide="ignore"):
                auc[chunk, j] = 1 - wrong_pairs / pairs
                average_precision[chunk, j] = np.where(pairs > 0, precisions / positives, np.nan)
    return auc, average_precision


def _sort(positive, score):
    """The days from the highest score on, the positive ones among them, and the ties that hold a positive day.

    Of each of these ties: where it begins and ends among all days, and where it ends among the positive days.
    """
    order = np.argsort(-score, kind="stable")
    _, tie, sizes = np.unique(-score[order], return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    hits = np.bincount(tie, positive[order])
    kept = hits > 0
    return order, order[positive[order]], (ends - sizes)[kept], ends[kept], np.cumsum(hits)[kept].astype(int) - 1


def _sums(days, order, positives, starts, ends, last):
    """Per resample: the pairs with the negative day ranked above, ties as halves, and the sum of the precision over
    positive days."""
    above = np.zeros((len(days) + 1, days.shape[1]), days.dtype)
    np.cumsum(days[order], axis=0, out=above[1:])
    true_positives = np.cumsum(days[positives], axis=0)[last]
    hits = np.diff(true_positives, axis=0, prepend=0).astype(float)  # positive days in each tie
    called = above[ends]
    # Negative days above the tie, and above or in it: their sum counts the days in the tie as halves.
    false_positives = (called - true_positives) + (above[starts] - true_positives + hits)
    precision = true_positives / np.maximum(called, 1)
    return np.einsum("gb,gb->b", hits, false_positives) / 2, np.einsum("gb,gb->b", hits, precision)


def precision_influence(y, scores):
    """Average precision of every score, and what each day adds to it.

    With the notation of `resampled_ranking` and C_g = TP_g + FP_g, the derivative of AP by the weight of a positive day
    with the score s_g is (1/P) (TP_g / C_g - AP + sum_{h >= g} P_h FP_h / C_h^2), and by that of a negative day
    -(1/P) sum_{h >= g} P_h TP_h / C_h^2.

    Parameters
    ----------
    y : array, shape (n,), 0 or 1, both of them
    scores : array, shape (n, k)

    Returns
    -------
    average_precision : array, shape (k,)
    influence : array, shape (n, k)
        n times the derivative; the mean over days is 0.
    """
    n, k = scores.shape
    order = np.argsort(-scores, axis=0, kind="stable")
    values, hits = np.take_along_axis(scores, order, axis=0), np.asarray(y, float)[order]
    new = np.ones((n + 1, k), bool)  # whether a tie begins here, and, one later, whether it ends
    new[1:-1] = values[1:] != values[:-1]
    places = np.arange(n)[:, None]
    first = np.maximum.accumulate(np.where(new[:-1], places, 0), axis=0)
    last = np.minimum.accumulate(np.where(new[1:], places, n)[::-1], axis=0)[::-1]
    called, events = last + 1, np.take_along_axis(np.cumsum(hits, axis=0), last, axis=0)
    precision, positives = events / called, hits.sum(axis=0)
    average_precision = (hits * precision).sum(axis=0) / positives

    def below(terms):
        """Sum over all days from the beginning of the own tie on."""
        return np.take_along_axis(np.cumsum(terms[::-1], axis=0)[::-1], first, axis=0)

    of_positive = precision - average_precision + below(hits * (called - events) / called**2)
    of_negative = -below(hits * events / called**2)
    influence = np.empty((n, k))
    np.put_along_axis(influence, order, n / positives * np.where(hits == 1, of_positive, of_negative), axis=0)
    return average_precision, influence


def resampled_brier(y, probabilities, counts):
    """Brier score, the mean of (probability - y)^2, of every experiment on every resample; (resamples, k).

    NaN where no day is drawn.

    Parameters
    ----------
    y : array, shape (n,), 0 or 1
    probabilities : array, shape (n, k)
    counts : array, shape (resamples, n)
        From `resample_counts`.
    """
    squares = (np.asarray(probabilities, float) - np.asarray(y, float)[:, None]) ** 2
    chunks = [counts[start : start + CHUNK] @ squares for start in range(0, len(counts), CHUNK)]
    with np.errstate(invalid="ignore"):
        return np.concatenate(chunks) / counts.sum(axis=1)[:, None]


def standard_error(resampled):
    """Standard deviation over the resamples, the first axis, that are not NaN; NaN if fewer than two are left."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of columns in which every resample is NaN
        return np.nanstd(resampled, axis=0, ddof=1)


def normal_interval(estimate, resampled, level):
    """The normal bootstrap interval: estimate -+ z_{(1+level)/2} times the standard deviation of its resamples.

    `resampled` has the shape (resamples, ...); NaN in it does not count. See Efron and Tibshirani 1993, chapter 12.
    Among the usual bootstrap intervals, this one has the most even coverage here. Where scores persist, the percentile
    interval covers paired differences too rarely, and the basic interval covers average precision too rarely.

    >>> low, high = normal_interval(0.7, np.array([0.6, 0.7, 0.8]), level=0.95)
    >>> print(round(low, 3), round(high, 3))
    0.504 0.896
    """
    half_width = ndtri((1 + level) / 2) * standard_error(resampled)
    return estimate - half_width, estimate + half_width
