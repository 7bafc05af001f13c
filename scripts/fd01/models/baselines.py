"""Baselines: constants, signals, volatility models and classifiers on the study's indicators.

Every method is a function `(dataset, split, train, rows, target, labels) -> scores` with

dataset : DataFrame of all days
train   : rows whose targets the fit may use, with `split.y(train)`
rows    : rows to score
target  : dict with `target` and `horizon`
labels  : the `labels` of the configuration

and returns one float per row of `rows`: higher means that the target is likelier.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student_t

from fd01.data.features import daily_range, drawdown, ewma_variance, har, scale_free_a20
from fd01.data.targets import TARGETS, threshold_return
from fd01.models.heads import fit_logistic, two_classes
from fd01.workflow.errors import NotRun


def prevalence(dataset, split, train, rows, target, labels):
    """Share of training days on which the target occurred: the same score for every day."""
    return np.full(len(rows), split.y(train).mean())


def last_return(dataset, split, train, rows, target, labels):
    """Close_t / Close_{t-1} - 1: tomorrow is ranked as today."""
    return dataset["Close"].pct_change().to_numpy()[rows]


def drawdown_signal(dataset, split, train, rows, target, labels, window):
    """Distance of the close from the highest close of the last `window` days."""
    return drawdown(dataset["Close"], window).to_numpy()[rows]


def range_signal(dataset, split, train, rows, target, labels):
    """Today's log(High / Low)."""
    return daily_range(dataset).to_numpy()[rows]


def ewma(dataset, split, train, rows, target, labels, decay):
    """RiskMetrics volatility of the daily log return."""
    return np.sqrt(ewma_variance(dataset["Close"], decay).to_numpy()[rows])


def har_logit(dataset, split, train, rows, target, labels):
    """Logistic regression on the three HAR terms, without penalty."""
    return fit_logistic(har(dataset).to_numpy(), split, train, rows, C=np.inf)


def logistic(dataset, split, train, rows, target, labels, C):
    """Ridge logistic regression on the scale-free indicators."""
    return fit_logistic(scale_free_a20(dataset).to_numpy(), split, train, rows, C)


def boosting(dataset, split, train, rows, target, labels, learning_rate, iterations, leaves):
    """Histogram gradient boosting on the scale-free indicators; deterministic."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        learning_rate=learning_rate,
        max_iter=iterations,
        max_leaf_nodes=leaves,
        early_stopping=False,
        random_state=0,
    )
    features = scale_free_a20(dataset).to_numpy()
    return model.fit(features[train], two_classes(split.y(train))).predict_proba(features[rows])[:, 1]


def gjr_garch_t(dataset, split, train, rows, target, labels):
    """Exceedance probability of a GJR-GARCH(1,1) with Student-t innovations.

    Glosten, Jagannathan and Runkle, J. Finance 1993; fitted by `arch` to the daily log returns up to
    the last training origin, then run over all days with its parameters fixed. The h-day return is
    taken as Student-t with the summed mean and variance forecasts. The probability that the path
    touches a threshold is twice that of ending beyond it (reflection principle), at most 1.
    """
    from arch import arch_model

    returns = 100 * np.log(dataset["Close"]).diff().to_numpy()[1:]  # percent; returns[i] is of row i + 1
    specification = dict(mean="Constant", vol="GARCH", p=1, o=1, q=1, dist="t", rescale=False)
    fitted = arch_model(returns[: train[-1]], **specification).fit(disp="off", show_warning=False)
    if fitted.convergence_flag != 0:
        raise NotRun(f"the GJR-GARCH-t fit did not converge (optimizer flag {fitted.convergence_flag})")

    h = target["horizon"]
    forecast = arch_model(returns, **specification).fix(fitted.params).forecast(horizon=h, start=0, reindex=False)
    mean = forecast.mean.to_numpy().sum(axis=1)[rows - 1]
    std = np.sqrt(forecast.variance.to_numpy().sum(axis=1))[rows - 1]
    df = fitted.params["nu"]

    def above(threshold):
        # `std` is a standard deviation, that of T_df is sqrt(df / (df - 2)).
        return student_t.sf((threshold - mean) / std * np.sqrt(df / (df - 2)), df)

    beyond = above(100 * np.log1p(threshold_return(dataset, target["target"], labels)[rows]))
    event = TARGETS[target["target"]]
    if event.falls:
        beyond = 1 - beyond
    return np.minimum(2 * beyond, 1) if event.touches else beyond


@dataclass(frozen=True)
class Method:
    """A baseline and what its scores are."""

    score: Callable
    score_kind: str
    fitted: bool = True
    constant: bool = False

    @property
    def is_probability(self):
        return self.score_kind in ("probability", "exceedance")


METHODS = {
    "prevalence": Method(prevalence, "probability", constant=True),
    "last-return": Method(last_return, "signal", fitted=False),
    "drawdown": Method(drawdown_signal, "signal", fitted=False),
    "range": Method(range_signal, "signal", fitted=False),
    "ewma": Method(ewma, "signal", fitted=False),
    "har": Method(har_logit, "probability"),
    "gjr-garch-t": Method(gjr_garch_t, "exceedance"),
    "logistic": Method(logistic, "probability"),
    "boosting": Method(boosting, "probability"),
}
