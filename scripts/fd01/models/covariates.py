"""Covariates for a model that takes none: a linear regression inside each window, and a forecast of what it leaves."""

import numpy as np

from fd01.data.features import scale_free_a20
from fd01.data.series import windows


def known_before(dataset, names):
    """Indicators of the day before, made scale-free: array of shape (days + 1, len(names)).

    Row t holds what is known when day t begins; row 0 is NaN, the last row is for the day after the data.
    """
    features = scale_free_a20(dataset)[names].to_numpy(float)
    return np.vstack([np.full(len(names), np.nan), features])


def in_context_ridge(window, known, ridge):
    """Ridge regression of the values of one window on covariates.

    The regression of `timesfm`'s `forecast_with_covariates` ("xreg + timesfm", one window a call), in float64:
    values and covariates standardised over the window, penalty on all coefficients, the intercept included. A
    covariate that is constant within the window drops out.

    Parameters
    ----------
    window : array, shape (n,)
    known : array, shape (n + 1, covariates)
        The last row belongs to the value to forecast.
    ridge : float, positive

    Returns
    -------
    residuals : array, shape (n,), standardised: the series to forecast
    next_fit, location, scale : floats
        value = location + scale x (next_fit + forecast of the residuals)
    """
    location, scale = window.mean(), _scale(window)
    x = (known - known[:-1].mean(axis=0)) / _scale(known[:-1])
    x = np.column_stack([np.ones(len(x)), x])
    y = (window - location) / scale
    inside = x[:-1]
    beta = np.linalg.solve(inside.T @ inside + ridge * np.eye(x.shape[1]), inside.T @ y)
    return y - inside @ beta, x[-1] @ beta, location, scale


def residual_windows(dataset, values, rows, settings):
    """What the regression of each window leaves.

    Parameters
    ----------
    values : array, shape (days,), the series that is forecast
    rows : int array, shape (n,), last row of each window
    settings : dict with `context` and `covariates` (`indicators` and `ridge`)

    Returns
    -------
    residuals : list of n arrays, shape (up to context,)
    fits : array, shape (n, 3): next_fit, location and scale of `in_context_ridge`
    """
    covariates, context = settings["covariates"], settings["context"]
    known = known_before(dataset, covariates["indicators"])
    fits = [
        in_context_ridge(window, x, covariates["ridge"])
        for window, x in zip(windows(values, rows, context, 1), windows(known, rows + 1, context + 1, 1))
    ]
    return [fit[0] for fit in fits], np.array([fit[1:] for fit in fits])


def _scale(values):
    deviation = values.std(axis=0)
    return np.where(deviation > 1e-6, deviation, 1.0)
