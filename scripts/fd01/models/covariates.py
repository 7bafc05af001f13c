"""Covariates for a model that takes none.

A linear regression inside each window explains the series by the covariates; the model forecasts the residuals.
"""

import numpy as np

from fd01.data.features import scale_free_a20
from fd01.data.inputs import windows
from fd01.data.series import first_rows


def known_before(dataset, names):
    """Scale-free indicators of the day before, array of shape (days + 1, len(names)).

    Row t holds the indicators that are known when day t begins. The first row of a series holds none of its own; the
    row after its last one belongs to the day after the data.
    """
    features = scale_free_a20(dataset)[names].to_numpy(float)
    return np.vstack([np.full(len(names), np.nan), features])


def in_context_ridge(window, known, ridge):
    """Ridge regression of the values of one window on covariates.

    The same regression as `forecast_with_covariates` of the package `timesfm` (mode "xreg + timesfm", one window per
    call), in float64. Values and covariates are standardised over the window. The penalty applies to all
    coefficients, also to the intercept. A covariate that is constant within the window has no effect.

    Parameters
    ----------
    window : array, shape (n,)
    known : array, shape (n + 1, covariates)
        Covariates of each value of the window; the last row belongs to the value to forecast.
    ridge : float, strength of the penalty, positive

    Returns
    -------
    residuals : array, shape (n,)
        What the regression does not explain, in standard deviations of the window: the series to forecast.
    next_fit, location, scale : floats
        The forecast of the value is location + scale x (next_fit + forecast of the next residual).
    """
    location, scale = window.mean(), _scale(window)
    x = (known - known[:-1].mean(axis=0)) / _scale(known[:-1])
    x = np.column_stack([np.ones(len(x)), x])
    y = (window - location) / scale
    inside = x[:-1]
    beta = np.linalg.solve(inside.T @ inside + ridge * np.eye(x.shape[1]), inside.T @ y)
    return y - inside @ beta, x[-1] @ beta, location, scale


def residual_windows(dataset, values, rows, settings):
    """Residuals of `in_context_ridge` in every window.

    Parameters
    ----------
    values : array, shape (days,), the series to forecast
    rows : int array, shape (n,), last row of each window
    settings : dict with `context` (days) and `covariates`, a dict with `indicators` and `ridge`

    Returns
    -------
    residuals : list of n arrays, shape (up to context,)
    fits : array, shape (n, 3), the columns are next_fit, location and scale of `in_context_ridge`
    """
    covariates, context = settings["covariates"], settings["context"]
    known, first = known_before(dataset, covariates["indicators"]), first_rows(dataset)[rows] + 1
    fits = [
        in_context_ridge(window, x, covariates["ridge"])
        for window, x in zip(windows(values, rows, context, first), windows(known, rows + 1, context + 1, first))
    ]
    return [fit[0] for fit in fits], np.array([fit[1:] for fit in fits])


def _scale(values):
    deviation = values.std(axis=0)
    return np.where(deviation > 1e-6, deviation, 1.0)
