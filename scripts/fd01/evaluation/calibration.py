"""Whether a probability of 20 % means that the event happens on 20 % of the days, and what recalibration changes.

Recalibrations are fitted to the scores of the calibration tail, a part of the training period, and applied to a block.
"""

import numpy as np
import pandas as pd
from scipy.optimize import brentq, isotonic_regression
from scipy.special import expit, logit

from fd01.evaluation.metrics import auc_within
from fd01.models.heads import minimum_logistic
from fd01.workflow.errors import NotRun

CLIP = 0.001  # log-loss treats no probability as nearer to 0 or 1, since about 500 days could not show the difference
LOGIT_CLIP = 1e-6  # logits treat no probability as nearer to 0 or 1; smaller than CLIP, to keep more of the order


def log_losses(y, probability):
    """Log-loss -log P(y) of each day, in nats, of probabilities clipped to [CLIP, 1 - CLIP].

    `y` and `probability` are arrays or frames of one shape, or of shapes that broadcast.
    """
    happened = np.asarray(y) == 1
    return -np.log((probability * happened + (1 - probability) * ~happened).clip(CLIP, 1 - CLIP))


def as_predictor(score, is_probability):
    """What a logistic regression takes as its predictor: the logit of a probability, a signal unchanged."""
    score = np.asarray(score, float)
    return logit(np.clip(score, LOGIT_CLIP, 1 - LOGIT_CLIP)) if is_probability else score


def fit_logit(y, *predictors):
    """A logistic regression of `y` on predictors of shape (n,), without penalty.

    Returns
    -------
    probability : function
        Takes as many predictors, each of shape (m,), and returns an array of shape (m,).
    coefficients : array
        Per unit of each predictor; NaN where the predictor is constant.
    intercept : float

    Raises
    ------
    NotRun
        If the fit does not converge.
    """
    design = np.column_stack(predictors)
    centre, scale = design.mean(axis=0), design.std(axis=0)
    constant = np.ptp(design, axis=0) == 0
    scale[constant] = 1
    model = minimum_logistic((design - centre) / scale, y, C=np.inf)
    coefficients = np.where(constant, np.nan, model.coef_[0] / scale)

    def probability(*predictors):
        return model.predict_proba((np.column_stack(predictors) - centre) / scale)[:, 1]

    return probability, coefficients, float(model.intercept_[0] - np.nansum(coefficients * centre))


def platt(score, y, is_probability):
    """Platt's recalibration (Advances in Large Margin Classifiers, 1999), fitted to `score` and `y`, shape (n,).

    A logistic regression of the outcomes on the logit of the probability, or on the signal. If the score ranks these
    days upside down, the recalibration reverses its order. Returns a function from scores to probabilities.
    """
    probability, _, _ = fit_logit(y, as_predictor(score, is_probability))
    return lambda scores: probability(as_predictor(scores, is_probability))


def isotonic(score, y, is_probability):
    """The non-decreasing recalibration of Zadrozny and Elkan (KDD 2002), fitted to `score` and `y`, shape (n,).

    Returns a function from scores to probabilities. By scikit-learn.
    """
    from sklearn.isotonic import IsotonicRegression

    return IsotonicRegression(out_of_bounds="clip").fit(score, y).predict


RECALIBRATIONS = {"platt": platt, "isotonic": isotonic}


def recalibrations(experiment, matrix, tail):
    """The probabilities of an experiment on a block, as they are (`raw`) and by each of `RECALIBRATIONS`.

    Parameters
    ----------
    experiment : str
    matrix : ScoreMatrix of the evaluation block
    tail : ScoreMatrix of the calibration tail, or None

    Yields
    ------
    name : str
    probability : Series by day, or None
    reason : str or None
        Why there is no probability.
    """
    scores, is_probability = matrix.scores[experiment], matrix.is_probability[experiment]
    yield ("raw", scores, None) if is_probability else ("raw", None, "a ranking, not a probability")
    for name, fit in RECALIBRATIONS.items():
        if tail is None or experiment not in tail.scores:
            yield name, None, "it has no scores of the calibration tail"
        elif tail.y.nunique() < 2:
            yield name, None, "the calibration tail does not have both outcomes"
        else:
            try:
                recalibrate = fit(tail.scores[experiment], tail.y, is_probability)
            except NotRun as not_fitted:
                yield name, None, str(not_fitted)
            else:
                yield name, pd.Series(recalibrate(scores), index=scores.index), None


def calibration_measures(y, probability, series):
    """Brier score, log-loss, AUC, `cox` and `brier_decomposition` of probabilities, shape (n,), as one dict.

    All are of all rows together, but the AUC ranks only days of one of the `series`, shape (n,), against each other.
    Raises `NotRun` as `fit_logit`.
    """
    y, probability = y.to_numpy(), probability.to_numpy()
    losses = {"brier": np.mean((probability - y) ** 2), "log_loss": log_losses(y, probability).mean()}
    ranking = {"auc": auc_within(y, probability, series)}
    return losses | ranking | cox(y, probability) | brier_decomposition(y, probability)


def recalibrated_frequency(y, probability):
    """Frequency of the event for each forecast, non-decreasing in it, by isotonic regression of y; shape (n,)."""
    _, place, counts = np.unique(probability, return_inverse=True, return_counts=True)
    return isotonic_regression(np.bincount(place, y) / counts, weights=counts).x[place]


def brier_decomposition(y, probability):
    """The three parts of the Brier score: brier = miscalibration - discrimination + uncertainty, exactly.

    With r the `recalibrated_frequency` and m the mean of y: miscalibration is brier(p) - brier(r), discrimination is
    brier(m) - brier(r), and uncertainty is brier(m) = m (1 - m) (CORP: Dimitriadis, Gneiting and Jordan, PNAS 2021,
    eq. 4). All three are at least 0.

    >>> brier_decomposition(np.array([0, 1, 0, 1]), np.array([0.1, 0.9, 0.1, 0.9]))["discrimination"]
    0.25
    """
    y, probability = np.asarray(y, float), np.asarray(probability, float)
    best = np.mean((recalibrated_frequency(y, probability) - y) ** 2)
    uncertainty = y.mean() * (1 - y.mean())
    return {
        # Rounding alone could make these negative, for instance the discrimination of a constant forecast.
        "miscalibration": max(0.0, float(np.mean((probability - y) ** 2) - best)),
        "discrimination": max(0.0, float(uncertainty - best)),
        "uncertainty": float(uncertainty),
    }


def cox(y, probability):
    """Calibration of probabilities, shape (n,): `slope`, `intercept` and `in_the_large`; 1, 0 and 0 are perfect.

    logit P(y = 1) = intercept + slope logit(p) (Cox, Biometrika 1958). A slope below 1 means that the forecasts are too
    extreme. `in_the_large` is the intercept with the slope held at 1: positive if events are more frequent than
    forecast. If all outcomes are equal, all three are NaN; if all forecasts are, slope and intercept are.
    """
    undefined = {"slope": np.nan, "intercept": np.nan, "in_the_large": np.nan}
    y, x = np.asarray(y, float), as_predictor(probability, True)
    if np.ptp(y) == 0:
        return undefined
    bound = np.ptp(x) + abs(x).max() + 20
    shift = brentq(lambda shift: expit(x + shift).mean() - y.mean(), -bound, bound)
    if np.ptp(x) == 0:
        return undefined | {"in_the_large": shift}
    _, (slope,), intercept = fit_logit(y, x)
    return {"slope": float(slope), "intercept": intercept, "in_the_large": shift}


def consistency_band(probability, level, resamples, rng):
    """The band in which the reliability curve of a calibrated forecast lies with probability `level`, pointwise.

    Quantiles of `recalibrated_frequency` for outcomes that are drawn from the forecasts themselves, independently from
    day to day, `resamples` times with the generator `rng`.

    Returns
    -------
    values, low, high : arrays, shape (distinct forecasts,)
        The distinct forecasts, ascending, and the ends of the band at each.
    """
    values, counts = np.unique(probability, return_counts=True)
    frequencies = rng.binomial(counts, values, (resamples, len(values))) / counts
    curves = [isotonic_regression(row, weights=counts).x for row in frequencies]
    low, high = np.quantile(curves, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return values, low, high


def consistency_band_of_dates(y, probability, dates, level, resamples, rng):
    """`consistency_band` for several series, whose outcomes of one date depend on each other.

    An outcome that is drawn is p + e (y - p), with e a random sign that all rows of a date share (the wild bootstrap by
    clusters of Cameron, Gelbach and Miller, Review of Economics and Statistics 2008). So the errors of a date keep
    their dependence, whatever it is; dates are independent.

    `y`, `probability` and `dates` have the shape (n,); the sums of the errors by date and distinct probability, one
    number each, must fit into memory.
    """
    values, place, counts = np.unique(probability, return_inverse=True, return_counts=True)
    date, names = pd.factorize(dates)
    errors = np.zeros((len(names), len(values)))
    np.add.at(errors, (date, place), y - probability)
    frequencies = values + rng.choice([-1.0, 1.0], (resamples, len(names))) @ errors / counts
    curves = [isotonic_regression(row, weights=counts).x for row in frequencies]
    low, high = np.quantile(curves, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return values, np.clip(low, 0, 1), np.clip(high, 0, 1)
