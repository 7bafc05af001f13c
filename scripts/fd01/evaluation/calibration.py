"""Whether probabilities mean what they say, and what a recalibration on training data makes of them."""

import numpy as np
from scipy.optimize import brentq, isotonic_regression
from scipy.special import expit, logit

CLIP = 0.001  # log-loss takes no probability for nearer to 0 or 1: some 500 days cannot tell it from 0
NEAREST = 1e-6  # no probability is nearer to 0 or 1 when its logit is taken; it stays finer, to keep the order of days


def log_losses(y, probability):
    """Log-loss -log P(y) of each day, nats, of probabilities clipped to [CLIP, 1 - CLIP].

    `y` and `probability` are arrays or frames of one shape, or of shapes that broadcast.
    """
    happened = np.asarray(y) == 1
    return -np.log((probability * happened + (1 - probability) * ~happened).clip(CLIP, 1 - CLIP))


def predictor(score, is_probability):
    """What a logistic regression is fed with: the logit of a probability, a signal as it is."""
    score = np.asarray(score, float)
    return logit(np.clip(score, NEAREST, 1 - NEAREST)) if is_probability else score


def fit_logit(y, *predictors):
    """A logistic regression of `y` on predictors of shape (n,), without penalty.

    Returns
    -------
    probability : function of as many predictors, of any shape (m,), that gives an array of shape (m,)
    coefficients : array, per unit of each predictor; NaN where it is constant
    intercept : float
    """
    from sklearn.linear_model import LogisticRegression

    design = np.column_stack(predictors)
    centre, scale = design.mean(axis=0), design.std(axis=0)
    constant = np.ptp(design, axis=0) == 0
    scale[constant] = 1
    model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit((design - centre) / scale, y)
    coefficients = np.where(constant, np.nan, model.coef_[0] / scale)

    def probability(*predictors):
        return model.predict_proba((np.column_stack(predictors) - centre) / scale)[:, 1]

    return probability, coefficients, float(model.intercept_[0] - np.nansum(coefficients * centre))


def platt(score, y, is_probability):
    """Platt's recalibration (Advances in Large Margin Classifiers, 1999): a function of scores, fitted to these.

    A logistic regression of the outcomes on the logit of the probability, or on the signal. A score that ranks
    the wrong way round on these days is turned round.
    """
    probability, _, _ = fit_logit(y, predictor(score, is_probability))
    return lambda other: probability(predictor(other, is_probability))


def isotonic(score, y, is_probability):
    """The non-decreasing recalibration of Zadrozny and Elkan (KDD 2002): a function of scores, fitted to these."""
    from sklearn.isotonic import IsotonicRegression

    return IsotonicRegression(out_of_bounds="clip").fit(score, y).predict


RECALIBRATIONS = {"platt": platt, "isotonic": isotonic}


def recalibrated_frequency(y, probability):
    """The frequency of the event given the forecast, non-decreasing in it: isotonic regression of y; shape (n,)."""
    _, place, counts = np.unique(probability, return_inverse=True, return_counts=True)
    return isotonic_regression(np.bincount(place, y) / counts, weights=counts).x[place]


def brier_decomposition(y, probability):
    """The three parts of the Brier score, exact: brier = miscalibration - discrimination + uncertainty.

    With r the `recalibrated_frequency` and m the mean of y: miscalibration is brier(p) - brier(r),
    discrimination brier(m) - brier(r), uncertainty brier(m) = m (1 - m) (CORP: Dimitriadis, Gneiting and Jordan,
    PNAS 2021, eq. 4). Neither of the first two is negative.

    >>> brier_decomposition(np.array([0, 1, 0, 1]), np.array([0.1, 0.9, 0.1, 0.9]))["discrimination"]
    0.25
    """
    y, probability = np.asarray(y, float), np.asarray(probability, float)
    best = np.mean((recalibrated_frequency(y, probability) - y) ** 2)
    uncertainty = y.mean() * (1 - y.mean())
    return {
        # A constant forecast has no discrimination, and rounding would give it a negative one.
        "miscalibration": max(0.0, float(np.mean((probability - y) ** 2) - best)),
        "discrimination": max(0.0, float(uncertainty - best)),
        "uncertainty": float(uncertainty),
    }


def cox(y, probability):
    """Calibration of probabilities: `slope`, `intercept` and `in_the_large`; 1, 0 and 0 are perfect.

    logit P(y = 1) = intercept + slope logit(p) (Cox, Biometrika 1958). A slope below 1 means forecasts that are too
    extreme. `in_the_large` is the intercept where the slope is held at 1: positive if events are more frequent than
    forecast. NaN for a constant forecast or outcome; `in_the_large` for the latter alone.
    """
    nothing = {"slope": np.nan, "intercept": np.nan, "in_the_large": np.nan}
    y, x = np.asarray(y, float), predictor(probability, True)
    if np.ptp(y) == 0:
        return nothing
    reach = np.ptp(x) + abs(x).max() + 20
    shift = brentq(lambda shift: expit(x + shift).mean() - y.mean(), -reach, reach)
    if np.ptp(x) == 0:
        return nothing | {"in_the_large": shift}
    _, (slope,), intercept = fit_logit(y, x)
    return {"slope": float(slope), "intercept": intercept, "in_the_large": shift}


def consistency_band(probability, level, resamples, rng):
    """Where the curve of a calibrated forecast lies: pointwise quantiles of `recalibrated_frequency`.

    Outcomes are drawn from the forecasts themselves, day by day and independently, `resamples` times.

    Returns
    -------
    values, low, high : arrays, shape (distinct forecasts,), at the ascending forecasts
    """
    values, counts = np.unique(probability, return_counts=True)
    frequencies = rng.binomial(counts, values, (resamples, len(values))) / counts
    curves = [isotonic_regression(row, weights=counts).x for row in frequencies]
    low, high = np.quantile(curves, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return values, low, high
