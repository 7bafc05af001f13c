"""Baselines: constants, signals, volatility models, and classifiers on the 20 indicators.

Every method is a function `(dataset, **settings) -> score`, where `score` is one of `(split, train, rows, target,
labels)`. So what is known of the days is computed once, for all targets and folds. With

dataset : DataFrame of all days, or, where each series has a fit of its own, of the days of one series
split : `fd01.data.origins.Split`
train : int array, positions in `dataset` of the days whose targets the fit may use, `split.y(train)`
rows : int array, shape (n,), positions of the days to score
target : dict with `target` and `horizon`
labels : section `labels` of the configuration

it gives the scores, a float array of shape (n,); the higher a score, the likelier the target.

A new baseline is a function and a line of `METHODS` here, its name and settings under `baseline:` in
`schemas/config.schema.yaml`, an entry of `experiments:` in `config.yaml`, and a row in
`docs/reference/experiments.md`; then call `python docs/generate.py`. A setting in days that is not called `window`
needs its limit in `_check_experiments` of `fd01.study.config`; a new function of `fd01.data.features` needs a line in
`FEATURES` of `fd01.evaluation.audit`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import stdtr

from fd01.data.features import daily_range, drawdown, ewma_variance, har, scale_free_a20
from fd01.data.inputs import SIMPLE_RETURN, input_series
from fd01.data.targets import TARGETS, threshold_return
from fd01.models.heads import fit_logistic, require_two_classes
from fd01.workflow.errors import NotRun

PERCENT_FITS = (0.005, 0.05)  # standard deviations of the daily return for which percent are a good unit


def prevalence(dataset):
    """Share of training days on which the target occurred; every day has this score."""
    return lambda split, train, rows, target, labels: np.full(len(rows), split.y(train).mean())


def last_return(dataset):
    """Return of the last day, Close_t / Close_{t-1} - 1."""
    return _signal(input_series(dataset, SIMPLE_RETURN))


def drawdown_signal(dataset, window):
    """Distance of the Close from the highest Close of the last `window` days, as a share of it."""
    return _signal(drawdown(dataset, window).to_numpy())


def range_signal(dataset):
    """Today's log(High / Low)."""
    return _signal(daily_range(dataset).to_numpy())


def ewma(dataset, decay):
    """RiskMetrics volatility of the daily log return, see `fd01.data.features.ewma_variance`."""
    return _signal(np.sqrt(ewma_variance(dataset, decay).to_numpy()))


def har_logit(dataset):
    """Logistic regression, without penalty, on the three terms of HAR, see `fd01.data.features.har`."""
    return _regression(har(dataset).to_numpy(), np.inf)


def logistic(dataset, C):
    """Logistic regression on the scale-free indicators; `C` is the inverse strength of its ridge penalty."""
    return _regression(scale_free_a20(dataset).to_numpy(), C)


def boosting(dataset, learning_rate, iterations, leaves):
    """Histogram gradient boosting (scikit-learn) on the scale-free indicators; deterministic."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    features = scale_free_a20(dataset).to_numpy()
    settings = dict(learning_rate=learning_rate, max_iter=iterations, max_leaf_nodes=leaves)

    def score(split, train, rows, target, labels):
        model = HistGradientBoostingClassifier(**settings, early_stopping=False, random_state=0)
        return model.fit(features[train], require_two_classes(split.y(train))).predict_proba(features[rows])[:, 1]

    return score


def gjr_garch_t(dataset):
    """Probability of the target under a GJR-GARCH(1,1) with Student-t innovations.

    Glosten, Jagannathan and Runkle, J. Finance 1993. The package `arch` fits it to the daily log returns up to the
    last training origin; with its parameters fixed, it then forecasts from every day.

    The h-day return is taken as Student-t with the summed mean and variance forecasts. For a target that asks for a
    touch, the score is the probability that the Close ends beyond the threshold, see `Method.of_close`.

    Raises
    ------
    NotRun
        If the fit does not converge.
    """
    return partial(_garch_scores, dataset)


def _signal(values):
    return lambda split, train, rows, target, labels: values[rows]


def _regression(features, C):
    return lambda split, train, rows, target, labels: fit_logistic(features, split, train, rows, C)


def _garch_scores(dataset, split, train, rows, target, labels):
    from arch import arch_model

    returns = np.log(dataset["Close"]).diff().to_numpy()[1:]  # returns[i] is of row i + 1
    std = returns[: train[-1]].std()
    # `arch` finds the maximum for returns near 1, so those of very quiet or wild assets are brought to unit variance.
    unit = 100 if PERCENT_FITS[0] <= std <= PERCENT_FITS[1] else 1 / std
    returns *= unit
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
        # `std` is the standard deviation of the return. A Student-t variable has sqrt(df / (df - 2)).
        return stdtr(df, (mean - threshold) / std * np.sqrt(df / (df - 2)))

    probability = above(unit * np.log1p(threshold_return(dataset, target["target"], labels)[rows]))
    return 1 - probability if TARGETS[target["target"]].falls else probability


@dataclass(frozen=True)
class Method:
    """A baseline.

    Attributes
    ----------
    of_days : function
        As described at the top of this module.
    score_kind : str
        See `fd01.scoring.predictions`.
    fitted : bool
        Whether it is fitted to the training period.
    constant : bool
        Whether every day has the same score.
    of_close : bool
        Whether a score is the probability that the Close ends beyond the threshold. Where the target asks for a touch,
        `fd01.data.touch` then makes the probability of the target.
    for_family : bool
        Whether it is also measured on the whole family of labels: it varies from day to day and takes no time to fit.
    """

    of_days: Callable
    score_kind: str
    fitted: bool = True
    constant: bool = False
    of_close: bool = False
    for_family: bool = False

    @property
    def is_probability(self):
        """Whether a score is the probability of the target."""
        return self.score_kind in ("probability", "exceedance")


METHODS = {
    "prevalence": Method(prevalence, "probability", constant=True),
    "last-return": Method(last_return, "signal", fitted=False, for_family=True),
    "drawdown": Method(drawdown_signal, "signal", fitted=False, for_family=True),
    "range": Method(range_signal, "signal", fitted=False, for_family=True),
    "ewma": Method(ewma, "signal", fitted=False, for_family=True),
    "har": Method(har_logit, "probability", for_family=True),
    "gjr-garch-t": Method(gjr_garch_t, "exceedance", of_close=True),
    "logistic": Method(logistic, "probability", for_family=True),
    "boosting": Method(boosting, "probability"),
}
