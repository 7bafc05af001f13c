"""The stationary bootstrap of AUC, average precision and Brier score of many experiments at once."""

import warnings

import numpy as np
from scipy.stats import norm

CHUNK = 128  # resamples that are worked on together: the counts of 500 days then fit the cache of a core


def block_length(influence):
    """Mean length of a block of days, at least 1: one for all experiments, which are resampled together.

    The longest that the automatic rule asks for any experiment, by the influence of each day on its AUC, kept between
    n^(1/3) and n^(1/2). The rule alone is too short here: events that hardly depend on each other hide the persistence
    of the scores, and the paired test then rejects too often (docs/method.md has the simulation). n^(1/3) is the rate
    at which the best length grows; the upper limit keeps at least n^(1/2) blocks.

    Parameters
    ----------
    influence : array, shape (n, k), of `fd01.evaluation.comparison.delong`; NaN in columns that have none

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
    lengths = optimal_block_length(varying)["stationary"] if varying.size else [0.0]
    return float(np.clip(np.max(lengths), n ** (1 / 3), n**0.5))


def resample_counts(n, length, resamples, seed):
    """How often each of n days is in each resample of the stationary bootstrap; (resamples, n), whole numbers.

    Blocks begin on random days, have geometric lengths with mean `length`, and run on from the last day to the first
    (Politis and Romano, JASA 1994); days are drawn by `arch.bootstrap.StationaryBootstrap`.

    >>> resample_counts(4, 2.0, 3, seed=0).sum(axis=1)
    array([4, 4, 4])
    """
    from arch.bootstrap import StationaryBootstrap

    bootstrap = StationaryBootstrap(length, np.arange(n), seed=seed)
    counts = np.empty((resamples, n), np.int32)
    for row in counts:
        row[:] = np.bincount(bootstrap.update_indices(), minlength=n)
    return counts


def resampled_ranking(y, scores, counts):
    """AUC and average precision of every score on every resample, as scikit-learn defines them.

    With the distinct scores s_1 > s_2 > ..., P_g of the P positives and N_g of the N negatives at s_g, and running sums
    TP_g and FP_g: AUC = sum_g P_g (N - FP_g + N_g / 2) / (P N), and AP = sum_g (P_g / P) TP_g / (TP_g + FP_g).
    Each score is sorted once; a resample is a weight of the sorted days.

    Parameters
    ----------
    y : array, shape (n,), 0 or 1
    scores : array, shape (n, k)
    counts : array, shape (resamples, n), of `resample_counts`

    Returns
    -------
    auc, average_precision : arrays, shape (resamples, k); NaN where a resample has one class only

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
        days = np.ascontiguousarray(counts[chunk].T)  # days first: sums over days then run along whole rows
        positives = days[positive].sum(axis=0)
        pairs = positives * (len(days) - positives)
        for j, parts in enumerate(sorted_scores):
            lost, precision = _sums(days, *parts)
            with np.errstate(invalid="ignore", divide="ignore"):
                auc[chunk, j] = 1 - lost / pairs
                average_precision[chunk, j] = np.where(pairs > 0, precision / positives, np.nan)
    return auc, average_precision


def _sort(positive, score):
    """Days from the highest score on, the positive ones among them, and, of the ties that hold a positive day:
    where they begin and end among all days, and where they end among the positive ones."""
    order = np.argsort(-score, kind="stable")
    _, tie, sizes = np.unique(-score[order], return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    hits = np.bincount(tie, positive[order])
    kept = hits > 0
    return order, order[positive[order]], (ends - sizes)[kept], ends[kept], np.cumsum(hits)[kept].astype(int) - 1


def _sums(days, order, positives, starts, ends, last):
    """Pairs with the negative day ranked above, ties as halves, and the sum of the precision at positive days."""
    above = np.zeros((len(days) + 1, days.shape[1]), days.dtype)
    np.cumsum(days[order], axis=0, out=above[1:])
    true = np.cumsum(days[positives], axis=0)[last]
    found = np.diff(true, axis=0, prepend=0).astype(float)
    called = above[ends]
    false = (called - true) + (above[starts] - true + found)  # twice their mean over the tie
    precision = true / np.maximum(called, 1)
    return np.einsum("gb,gb->b", found, false) / 2, np.einsum("gb,gb->b", found, precision)


def resampled_brier(y, scores, counts):
    """Brier score, the mean of (score - y)^2, of every probability on every resample; (resamples, k)."""
    squares = (np.asarray(scores, float) - np.asarray(y, float)[:, None]) ** 2
    chunks = [counts[start : start + CHUNK] @ squares for start in range(0, len(counts), CHUNK)]
    return np.concatenate(chunks) / len(squares)


def standard_error(resampled):
    """Standard deviation over resamples, the first axis, of those that are not NaN; NaN without two."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the warning of columns that are NaN throughout
        return np.nanstd(resampled, axis=0, ddof=1)


def interval(estimate, resampled, level):
    """Estimate -+ z_{(1+level)/2} times the standard deviation of its resamples, which are (resamples, ...).

    The normal bootstrap interval (Efron and Tibshirani 1993, chapter 12). Of the usual ones it covers most evenly here:
    where scores are persistent, the percentile interval of paired differences covers too little, and so does the basic
    one of average precision. Resamples that are NaN do not count.

    >>> low, high = interval(0.7, np.array([0.6, 0.7, 0.8]), level=0.95)
    >>> print(round(low, 3), round(high, 3))
    0.504 0.896
    """
    half = norm.ppf((1 + level) / 2) * standard_error(resampled)
    return estimate - half, estimate + half
