"""Whether a score knows anything of the outcomes beyond volatility.

Four questions, for each experiment: how does it rank days of similar volatility; how does the width of its distribution
rank them alone; what is left of its AUC when HAR's location or width replaces its own; and what does it add to several
measures of volatility in a regression.

Days are ranked within their series, and a day is quiet or restless among the days of its own series. The models of
volatility and the regressions are fitted to the days of all series together.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import norm

from fd01.data.features import volatility_measures
from fd01.data.origins import ORIGIN_KEY
from fd01.data.series import rows_of_each
from fd01.evaluation.bootstrap import mean_variance
from fd01.evaluation.calibration import as_predictor, fit_logit, log_losses
from fd01.evaluation.comparison import holm, two_sided
from fd01.evaluation.metrics import auc_within
from fd01.models.har import har_distribution, har_volatility
from fd01.models.heads import fit_logistic
from fd01.scoring.distributions import swapped
from fd01.workflow.errors import NotRun

ADDS, TOO_SMALL, UNDECIDED = "adds", "too small to matter", "undecided"
SWAPS = {"har_scale": (False, True), "har_location": (True, False), "har_both": (True, True)}  # of location, of width
TERCILES = ["quiet", "middle", "restless"]


@dataclass(frozen=True)
class VolatilityModel:
    """What volatility alone says, as fitted for one train end.

    Attributes
    ----------
    dataset : DataFrame
    target : dict with `target` and `horizon`
    labels : dict, that section of the configuration
    training : int array
        The rows that it was fitted on.
    tail_probability, block_probability : Series by series and day
        Probability of the target by a logistic regression, without penalty, on `volatility_measures`: on the
        calibration tail, fitted to the days before it, and on the evaluation days, fitted to the whole training period.
    forecast : Series by series and day
        HAR's forecast of the next day's volatility, on the evaluation days.
    """

    dataset: pd.DataFrame
    target: dict
    labels: dict
    training: np.ndarray
    tail_probability: pd.Series
    block_probability: pd.Series
    forecast: pd.Series


def fit_volatility(dataset, split, target, labels):
    """`VolatilityModel` of one `split`; raises `NotRun` as `fit_logistic`."""
    measures = volatility_measures(dataset).to_numpy()

    def probability(train, rows):
        return pd.Series(fit_logistic(measures, split, train, rows, C=np.inf), keys_of(dataset, rows))

    return VolatilityModel(
        dataset=dataset,
        target=target,
        labels=labels,
        training=split.training,
        tail_probability=probability(split.inner, split.calibration),
        block_probability=probability(split.training, split.evaluation),
        forecast=pd.Series(
            har_volatility(dataset, split.training)[split.evaluation], keys_of(dataset, split.evaluation)
        ),
    )


def keys_of(dataset, rows):
    """The series and the day of some rows of the dataset; MultiIndex, shape (n,), as `ScoreMatrix.keys`."""
    return pd.MultiIndex.from_arrays(
        [dataset["series"].iloc[rows].astype(object), dataset["Date"].iloc[rows]], names=ORIGIN_KEY
    )


def explanation_rows(fold, matrix, tail, widths, volatility, forecasters, alpha):
    """One row of `explanation.csv` per experiment of a fold, as dicts, without the columns of `judge`.

    Parameters
    ----------
    fold : str
    matrix, tail : ScoreMatrix of the evaluation block, and of the calibration tail or None
    widths : ScoreMatrix of the scores of kind `width` on the block, or None
    volatility : VolatilityModel, or str
        The reason why it could not be fitted.
    forecasters : dict of experiment to `fd01.scoring.distributions.Forecaster`
    alpha : float
        The intervals have the level 1 - alpha.
    """
    width_of = dict(widths.each()) if widths is not None else {}
    for experiment, own in matrix.each():  # an experiment that lacks days is measured on those that it has
        y, score = own.y.to_numpy(), own.scores[experiment].to_numpy()
        row = {"fold": fold, "experiment": experiment, "score_kind": own.kinds[experiment], "n": len(y)}
        row |= {"positives": int(y.sum()), "auc": auc_within(y, score, own.series)}
        if experiment in width_of:
            row["width_auc"] = auc_within(y, width_of[experiment].scores[experiment].to_numpy(), own.series)
        if isinstance(volatility, str):
            yield row | {"swap_reason": volatility, "added_reason": volatility}
            continue
        forecast, alone = (
            part.loc[own.keys].to_numpy() for part in (volatility.forecast, volatility.block_probability)
        )
        group = len(TERCILES) * pd.factorize(own.series)[0] + terciles(forecast, own.series)
        for name, values in (("auc_within", score), ("volatility_within", alone)):
            row[name] = auc_within(y, values, group)
        row |= swap_aucs(forecasters.get(experiment), volatility, own)
        yield row | gain_over_volatility(experiment, volatility, own, tail, alpha)


def terciles(values, series):
    """The third of the values of its own series in which each value lies: 0, 1 or 2. All are arrays of shape (n,)."""
    thirds = np.empty(len(values), int)
    for rows in rows_of_each(series):
        thirds[rows] = np.searchsorted(np.quantile(values[rows], [1 / 3, 2 / 3]), values[rows])
    return thirds


def tercile_rows(fold, matrix, group):
    """AUC of every experiment in each tercile of volatility, as dicts; `group` is `terciles` of the volatility."""
    group = pd.Series(group, matrix.keys)
    for experiment, own in matrix.each():
        of_day = group.loc[own.keys].to_numpy()
        for number, name in enumerate(TERCILES):
            columns = own.y.to_numpy(), own.scores[experiment].to_numpy(), own.series
            y, score, series = (values[of_day == number] for values in columns)
            row = {"fold": fold, "experiment": experiment, "volatility": name, "n": len(y), "positives": int(y.sum())}
            yield row | {"auc": auc_within(y, score, series)}


def swap_aucs(forecaster, volatility, matrix):
    """AUC of `swapped_scores` by the names of `SWAPS`, or `swap_reason`, why there are none; a dict."""
    if forecaster is None:
        return {"swap_reason": "it stores no predictive distribution"}
    try:
        scores = dict(swapped_scores(forecaster, volatility))
    except NotRun as reason:
        return {"swap_reason": str(reason)}
    y = matrix.y.to_numpy()
    return {name: auc_within(y, score.loc[matrix.keys].to_numpy(), matrix.series) for name, score in scores.items()}


def swapped_scores(forecaster, volatility):
    """The forecaster's probabilities with HAR's location, width or both in place of its own.

    Yields pairs of a name in `SWAPS` and a Series by series and day. Raises `NotRun` if the distributions say nothing
    about the target.
    """
    if volatility.target["horizon"] > 1:
        raise NotRun("swapped are distributions of the next day")
    unit = 100 if forecaster.is_student_t else 1  # Student-t parameters are in percent
    median, width = (
        unit * values for values in har_distribution(volatility.dataset, volatility.training, forecaster.input)
    )
    for name, (swaps_location, swaps_width) in SWAPS.items():
        frame = swapped(forecaster.frame, median if swaps_location else None, width if swaps_width else None)
        scores = replace(forecaster, frame=frame).exceedance(
            volatility.target, volatility.training, volatility.dataset, volatility.labels
        )
        yield name, scores.set_axis(keys_of(volatility.dataset, scores.index))


def gain_over_volatility(experiment, volatility, matrix, tail, alpha):
    """What a score adds to volatility on the block, with regressions fitted to the calibration tail; a dict.

    Its keys are columns of `explanation.csv`: `volatility_auc`, `joint_auc`, `coefficient` and those of
    `gain_in_log_loss`, or `added_reason`.
    """
    is_probability = matrix.is_probability[experiment]
    if tail is None or experiment not in tail.scores:
        return {"added_reason": "it has no scores of the calibration tail"}
    if tail.y.nunique() < 2:
        return {"added_reason": "the calibration tail does not have both outcomes"}
    if tail.scores[experiment].groupby(tail.series).nunique().max() == 1:
        return {"added_reason": "its score is the same every day"}
    on_tail, on_block = (
        (as_predictor(probability.loc[part.keys], True), as_predictor(part.scores[experiment], is_probability))
        for part, probability in ((tail, volatility.tail_probability), (matrix, volatility.block_probability))
    )
    try:
        alone, joint, coefficient = nested_forecasts(tail.y, on_tail, on_block)
    except NotRun as reason:
        return {"added_reason": str(reason)}
    y = matrix.y.to_numpy()
    names = {"volatility_auc": alone, "joint_auc": joint}
    aucs = {name: auc_within(y, probability, matrix.series) for name, probability in names.items()}
    return aucs | {"coefficient": coefficient} | gain_in_log_loss(y, alone, joint, alpha, matrix.days)


def nested_forecasts(y_tail, tail, block):
    """Two logistic regressions, on a first predictor alone and on two, fitted to the tail and applied to the block.

    Parameters
    ----------
    y_tail : array of 0 and 1, shape (m,)
    tail, block : pairs of arrays, shapes (m,) and (n,)
        The first and the second predictor.

    Returns
    -------
    alone, joint : arrays, shape (n,)
        Probabilities on the block, from the first predictor and from both.
    coefficient : float
        Of the second predictor: change of the log-odds per standard deviation of the predictor in the tail.
    """
    first, _, _ = fit_logit(y_tail, tail[0])
    both, (_, coefficient), _ = fit_logit(y_tail, *tail)
    return first(block[0]), both(*block), float(coefficient * np.std(tail[1]))


def gain_in_log_loss(y, first, second, alpha, days=None):
    """Mean gain in log-loss of `second` over `first`, its interval, and the test of Diebold and Mariano.

    J. Business & Economic Statistics 1995. The forecasts are compared together with the fits that made them (Giacomini
    and White, Econometrica 2006), so nested models need no special treatment.

    Parameters
    ----------
    y, first, second : arrays, shape (n,)
        Outcomes and two probabilities.
    alpha : float
    days : array, shape (n,), optional
        The date of each row; without it, each row is a date, in the order of time.

    Returns
    -------
    dict
        `gain`, in nats per day, the mean over dates of the mean over the series of a date; `se`, its standard error;
        `low` and `high`, the interval of level 1 - alpha; `p`, the two-sided p-value that there is no gain.

    Notes
    -----
    All rows of a date are one cluster. The standard error is the larger of Newey and West's and the stationary
    bootstrap's. Where the errors of the forecasts persist, Newey and West's few lags are too few:
    docs/explanation/calibration-and-explanation.md has the simulation.
    """
    gains = log_losses(y, first) - log_losses(y, second)
    if days is not None:
        gains = pd.Series(gains).groupby(np.asarray(days)).mean().to_numpy()
    gain, se = float(gains.mean()), max(newey_west(gains), stationary_bootstrap(gains))
    low, high = gain + norm.ppf([alpha / 2, 1 - alpha / 2]) * se
    return {"gain": gain, "se": se, "low": float(low), "high": float(high), "p": two_sided(gain, se)[1]}


def newey_west(values):
    """Standard error of a mean of n values, at floor(4 (n / 100)^(2/9)) lags (Econometrica 1987); by statsmodels."""
    from statsmodels.regression.linear_model import OLS

    lags = int(4 * (len(values) / 100) ** (2 / 9))
    return float(OLS(values, np.ones(len(values))).fit(cov_type="HAC", cov_kwds={"maxlags": lags}).bse[0])


def stationary_bootstrap(values):
    """Standard error of a mean of n values by the stationary bootstrap with runs of n^(1/2) days on average."""
    n = len(values)
    return float(np.sqrt(mean_variance(np.asarray(values) - np.mean(values), n**0.5) / n))


def judge(table, alpha, smallest_gain):
    """The rows of a fold with the columns `p_holm` and `verdict`.

    Parameters
    ----------
    table : DataFrame
        Rows of `explanation_rows` of all experiments of a fold.
    alpha : float
    smallest_gain : float
        The smallest gain in log-loss that matters, in nats per day.

    Returns
    -------
    DataFrame
        `p_holm` is Holm's correction over the experiments. `verdict` is `ADDS` where p_holm is below alpha and the gain
        is at least the smallest that matters, `TOO_SMALL` where the whole interval lies below the latter, `UNDECIDED`
        elsewhere; None without a gain.
    """
    table = table.assign(p_holm=holm(table["p"]))
    adds = (table["p_holm"] < alpha) & (table["gain"] >= smallest_gain)
    verdict = np.select([table["gain"].isna(), adds, table["high"] < smallest_gain], [None, ADDS, TOO_SMALL], UNDECIDED)
    return table.assign(verdict=verdict)
