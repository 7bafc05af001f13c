"""Classifiers on top of features that are known at the origin."""

import numpy as np
import pandas as pd

from fd01.data.series import input_series
from fd01.data.targets import threshold_return
from fd01.workflow.errors import NotRun


def two_classes(y, what="training"):
    """`y` itself; raises `NotRun` when a classifier would find nothing to tell apart in it."""
    if y.min() == y.max():
        raise NotRun(f"all {len(y)} {what} targets are {y[0]:.0f}: nothing to tell apart")
    return y


def fit_logistic(features, split, train, rows, C):
    """Probabilities of `rows`, shape (n,), by a logistic regression fitted to `train`.

    Parameters
    ----------
    features : array, shape (days, k); standardised over `train`
    split : fd01.data.origins.Split
    C : float
        Inverse strength of the ridge penalty; infinite for none.

    Raises `NotRun` when `train` has one class only.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1000))
    return model.fit(features[train], two_classes(split.y(train))).predict_proba(features[rows])[:, 1]


def fit_mlp(features, split, train, rows, units, alpha):
    """As `fit_logistic`, by a network with one hidden layer of `units` and the L2 penalty `alpha`.

    Stopped early on a tenth of `train`; seeded.
    """
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    network = MLPClassifier((units,), alpha=alpha, early_stopping=True, random_state=0, max_iter=500)
    model = make_pipeline(StandardScaler(), network)
    return model.fit(features[train], two_classes(split.y(train))).predict_proba(features[rows])[:, 1]


def fit_head(features, split, train, rows, kind, **options):
    """Probabilities by the head `kind`, `logistic` or `mlp`, with its options."""
    return {"logistic": fit_logistic, "mlp": fit_mlp}[kind](features, split, train, rows, **options)


def scale_features(dataset, name, context, target, labels):
    """What a model that standardises its window cannot see, array of shape (days, 2).

    The log of the standard deviation of the window of the input series `name` (relative to the Close for
    `close`), and the threshold of the target in standard deviations from the mean of the window.
    """
    series = pd.Series(input_series(dataset, name))
    close = dataset["Close"].to_numpy(float)
    window = series.rolling(context, min_periods=2)
    mean, deviation = window.mean().to_numpy(), window.std().to_numpy()
    size = threshold_return(dataset, target["target"], labels)
    unit, threshold = (close, close * (1 + size)) if name == "close" else (1.0, np.log1p(size))
    return np.column_stack([np.log(deviation / unit), (threshold - mean) / deviation])
