"""How often the original study's protocol errs: the AUC that a model of known skill gets on a single block."""

import numpy as np
from scipy.optimize import brentq
from scipy.signal import lfilter
from scipy.stats import norm, rankdata


def error_rates(y, score, decision, statistics):
    """How often a model of known true AUC misses the thresholds of the protocol on blocks like this one.

    Parameters
    ----------
    y : array of 0 and 1, shape (n,)
        The outcomes of the block; simulated blocks have as many days and events.
    score : array, shape (n,), or None
        A score as persistent as the simulated model's.
    decision, statistics : dict, these sections of the configuration
        The true AUC is `protocol_true_auc` of `statistics`.

    Yields
    ------
    dict
        Two rows of `protocol-errors.csv`: for independent days, and for days as persistent as `score`. `mean` is the
        mean simulated AUC; `above` and `below` are the shares of blocks with an AUC above `investigate_above` and below
        `finetune_from`. They are missing if there is no `score`, or only one outcome.
    """
    n, positives, true_auc = len(y), int(y.sum()), statistics["protocol_true_auc"]
    for days, phi in (("independent", 0.0), ("persistent", float("nan") if score is None else persistence(score))):
        row = {"n": n, "positives": positives, "true_auc": true_auc, "days": days, "persistence": phi}
        if 0 < positives < n and 0 <= phi < 1:
            aucs = simulated_aucs(n, positives, true_auc, phi, statistics["resamples"], statistics["seed"])
            row |= {"mean": aucs.mean(), "above": (aucs > decision["investigate_above"]).mean()}
            row["below"] = (aucs < decision["finetune_from"]).mean()
        yield row


def persistence(score):
    """Autocorrelation of the normal scores of a series from one day to the next; NaN for a constant.

    >>> print(round(persistence(np.arange(100.0)), 3))
    0.998
    """
    z = norm.ppf(rankdata(score) / (len(score) + 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.divide((z[1:] * z[:-1]).sum(), np.sqrt((z[1:] ** 2).sum() * (z[:-1] ** 2).sum())))


def simulated_aucs(n, positives, true_auc, persistence, draws, seed):
    """AUCs that a model of known true AUC gets on simulated blocks of n days; shape (draws,).

    The score s is a standard normal AR(1) with the autocorrelation `persistence` (0: independent days), which is how a
    forecast of volatility behaves. The event happens on the `positives` days of each block on which
    r s + sqrt(1 - r^2) e is largest, with e independent standard normal and r chosen so that the AUC over an endless
    series is `true_auc` (`auc_of_correlation`).

    >>> print(simulated_aucs(500, 100, 0.68, 0.0, 2000, seed=0).mean().round(2))
    0.68
    """
    prevalence = positives / n
    r = brentq(lambda r: auc_of_correlation(r, prevalence) - true_auc, -0.999, 0.999)
    random = np.random.default_rng(seed)
    shocks = random.standard_normal((draws, n))
    shocks[:, 1:] *= np.sqrt(1 - persistence**2)
    score = lfilter([1.0], [1.0, -persistence], shocks, axis=1)
    x = r * score + np.sqrt(1 - r**2) * random.standard_normal((draws, n))
    happened = x >= np.partition(x, n - positives, axis=1)[:, [n - positives]]
    ranks = np.take_along_axis(happened, score.argsort(axis=1), axis=1) @ np.arange(1.0, n + 1)
    return (ranks - positives * (positives + 1) / 2) / (positives * (n - positives))


def auc_of_correlation(correlation, prevalence):
    """AUC of a standard normal score for the event that a variable correlated with it exceeds its quantile.

    With (s, x) bivariate normal with correlation r and y = [x > c], P(x > c) = `prevalence`:
    P(y = 1 | s) = Phi((r s - c) / sqrt(1 - r^2)) gives the densities f_1 and f_0 of s for the two outcomes, and
    AUC = integral of f_1 F_0, computed on a grid to about 1e-6.

    >>> print(auc_of_correlation(0.0, 0.2).round(6), auc_of_correlation(0.5, 0.2).round(3))
    0.5 0.748
    """
    s = np.linspace(-8, 8, 4001)
    happens = norm.cdf((correlation * s - norm.isf(prevalence)) / np.sqrt(1 - correlation**2))
    positive, negative = norm.pdf(s) * happens / prevalence, norm.pdf(s) * (1 - happens) / (1 - prevalence)
    below = np.cumsum(negative) - negative / 2
    return (positive * below).sum() * (s[1] - s[0]) ** 2
