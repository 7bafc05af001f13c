"""Classifiers on features that are known at the origin, such as the hidden states of a frozen network."""

import numpy as np
import pandas as pd

from fd01.data.inputs import SIMPLE_RETURN, input_series
from fd01.data.series import each_series
from fd01.data.targets import threshold_return
from fd01.workflow.errors import NotRun

MANY_ROWS = 50_000  # of a regression; one series has fewer, and its numbers do not depend on the solver
CONVERGED = 1e-9  # largest slope of the mean log-loss of a regression that counts as converged; 0 at the minimum


def require_two_classes(y, what="training"):
    """Return `y`, 0 or 1, shape (n,); raise `NotRun` if all are equal, as no classifier can be fitted to them.

    `what` says in the message which targets these are.
    """
    if y.min() == y.max():
        raise NotRun(f"all {len(y)} {what} targets are {y[0]:.0f}: nothing to tell apart")
    return y


def fit_logistic(features, split, train, rows, C):
    """Probabilities by a logistic regression with a ridge penalty.

    Parameters
    ----------
    features : array, shape (days, k); they are standardised over `train`
    split : fd01.data.origins.Split
    train : int array, rows to fit to
    rows : int array, shape (n,), rows to score
    C : float, inverse strength of the penalty; infinity for none

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    NotRun
        If `train` has one class only, or if the fit does not converge.
    """
    from sklearn.preprocessing import StandardScaler

    known = features[train]  # a copy of its own, which is standardised in place: those of many series are large
    scaler = StandardScaler().fit(known)
    model = minimum_logistic(scaler.transform(known, copy=False), require_two_classes(split.y(train)), C)
    return model.predict_proba(scaler.transform(features[rows]))[:, 1]


def minimum_logistic(features, y, C):
    """A logistic regression at the exact minimum of its loss, by scikit-learn.

    scikit-learn's default, L-BFGS with a tolerance of 1e-4, stops up to 2e-3 from the probability at the minimum.

    Parameters
    ----------
    features : array, shape (n, k), standardised
    y : array of 0 and 1, shape (n,), with both
    C : float, inverse strength of the ridge penalty; infinity for none

    Returns
    -------
    sklearn.linear_model.LogisticRegression
        Its probabilities are within 1e-8 of those at the minimum.

    Raises
    ------
    NotRun
        If the fit does not converge.
    """
    from sklearn.linear_model import LogisticRegression

    # Both solvers end at the same minimum; the second is quicker on many rows, and the first on many features.
    solver = "newton-cg" if len(y) < MANY_ROWS else "newton-cholesky"
    model = LogisticRegression(C=C, solver=solver, tol=1e-12, max_iter=1000).fit(features, y)
    errors = model.predict_proba(features)[:, 1] - y
    slopes = np.append(features.T @ errors + model.coef_[0] / C, errors.sum()) / len(y)  # of the loss at the result
    if not np.abs(slopes).max() < CONVERGED:
        raise NotRun(
            f"the logistic regression did not converge in {model.n_iter_[0]} steps: the slope of its loss is still "
            f"{np.abs(slopes).max():.1e}"
        )
    return model


def fit_mlp(features, split, train, rows, units, alpha):
    """As `fit_logistic`, by a network with one hidden layer.

    It stops early on a random tenth of `train`; its random numbers have a fixed seed.

    Parameters
    ----------
    units : int, of the hidden layer
    alpha : float, strength of the L2 penalty
    """
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    network = MLPClassifier((units,), alpha=alpha, early_stopping=True, random_state=0, max_iter=500)
    model = make_pipeline(StandardScaler(), network)
    return model.fit(features[train], require_two_classes(split.y(train))).predict_proba(features[rows])[:, 1]


def fit_head(features, split, train, rows, kind, **options):
    """Probabilities by a head: `fit_logistic` or `fit_mlp`, as `kind` says, with its options."""
    return {"logistic": fit_logistic, "mlp": fit_mlp}[kind](features, split, train, rows, **options)


@each_series
def scale_features(dataset, name, context, target, labels):
    """Two features that a model loses when it standardises its window, array of shape (days, 2).

    The log of the standard deviation of the window, and the distance of the target's threshold from the mean of the
    window in standard deviations.

    Parameters
    ----------
    name : str, input series, see `fd01.data.inputs.input_series`
        For `close` the first feature is relative to the Close.
    context : int, days of the window
    target : dict with `target` and `horizon`
    labels : section `labels` of the configuration
    """
    series = pd.Series(input_series(dataset, name))
    close = dataset["Close"].to_numpy(float)
    window = series.rolling(context, min_periods=2)
    mean, deviation = window.mean().to_numpy(), window.std().to_numpy()
    size = threshold_return(dataset, target["target"], labels)
    threshold = {"close": close * (1 + size), SIMPLE_RETURN: size}.get(name, np.log1p(size))
    unit = close if name == "close" else 1.0
    return np.column_stack([np.log(deviation / unit), (threshold - mean) / deviation])
