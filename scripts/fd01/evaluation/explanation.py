"""Whether a score knows anything of the outcomes beyond volatility, of which HAR's forecast is the measure.

Four questions, for each experiment: how does it rank days of similar volatility; how does the width of its distribution
rank them alone; what is left of its AUC when HAR's location or width replaces its own; and what does it add to HAR in a
regression.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from fd01.evaluation.calibration import as_predictor, fit_logit, log_losses
from fd01.evaluation.metrics import auc
from fd01.models.baselines import har_logit
from fd01.models.har import har_distribution, har_volatility
from fd01.scoring.distributions import swapped
from fd01.workflow.errors import NotRun

SWAPS = {"har_scale": (False, True), "har_location": (True, False), "har_both": (True, True)}  # of location, of width
TERCILES = ["quiet", "middle", "restless"]


@dataclass(frozen=True)
class FittedHar:
    """HAR as fitted for one train end.

    Attributes
    ----------
    dataset : DataFrame
    target : dict with `target` and `horizon`
    labels : dict, that section of the configuration
    training : int array
        The rows that it was fitted on.
    tail_probability, block_probability : Series by day
        BASE-HAR's probability of the target on the calibration tail and on the evaluation days.
    volatility : Series by day
        Forecast of the next day's volatility, on the evaluation days.
    """

    dataset: pd.DataFrame
    target: dict
    labels: dict
    training: np.ndarray
    tail_probability: pd.Series
    block_probability: pd.Series
    volatility: pd.Series


def fit_har(dataset, split, target, labels):
    """`FittedHar` of one `split`; raises `NotRun` if the training days have one outcome only."""

    def by_day(values, rows):
        return pd.Series(values, index=pd.DatetimeIndex(dataset["Date"].iloc[rows]))

    tail = har_logit(dataset, split, split.inner, split.calibration, target, labels)
    block = har_logit(dataset, split, split.training, split.evaluation, target, labels)
    volatility = har_volatility(dataset, split.training)[split.evaluation]
    return FittedHar(
        dataset=dataset,
        target=target,
        labels=labels,
        training=split.training,
        tail_probability=by_day(tail, split.calibration),
        block_probability=by_day(block, split.evaluation),
        volatility=by_day(volatility, split.evaluation),
    )


def explanation_rows(fold, matrix, tail, widths, har, forecasters):
    """One row of `explanation.csv` per experiment of a fold, as dicts.

    Parameters
    ----------
    fold : str
    matrix, tail : ScoreMatrix of the evaluation block, and of the calibration tail or None
    widths : ScoreMatrix of the scores of kind `width` on the block, or None
    har : FittedHar, or str
        The reason why HAR could not be fitted.
    forecasters : dict of experiment to `fd01.scoring.distributions.Forecaster`
    """
    y = matrix.y
    for experiment, score in matrix.scores.items():
        row = {"fold": fold, "experiment": experiment, "score_kind": matrix.kinds[experiment], "n": len(y)}
        row |= {"positives": int(y.sum()), "auc": auc(y, score)}
        if widths is not None and experiment in widths.scores:
            row["width_auc"] = auc(y, widths.scores[experiment])
        if isinstance(har, str):
            yield row | {"swap_reason": har, "added_reason": har}
            continue
        group = terciles(har.volatility.loc[matrix.days])
        for name, values in (("auc_within", score), ("har_within", har.block_probability.loc[matrix.days])):
            row[name] = auc_within(y.to_numpy(), values.to_numpy(), group)
        row |= swap_aucs(forecasters.get(experiment), har, matrix)
        yield row | gain_over_har(experiment, har, matrix, tail)


def terciles(values):
    """The third of its own block in which each value lies: 0, 1 or 2; shape (n,)."""
    return np.searchsorted(np.quantile(values, [1 / 3, 2 / 3]), values)


def tercile_rows(fold, matrix, group):
    """AUC of every experiment in each tercile of volatility, as dicts; `group` is `terciles` of the volatility."""
    for experiment, score in matrix.scores.items():
        for number, name in enumerate(TERCILES):
            y = matrix.y[group == number]
            row = {"fold": fold, "experiment": experiment, "volatility": name, "n": len(y), "positives": int(y.sum())}
            yield row | {"auc": auc(y, score[group == number])}


def auc_within(y, score, group):
    """AUC among days of the same group: over all pairs of a day with the event and one without, both of one group.

    It is the mean of the groups' AUCs, weighted by their number of such pairs; NaN without any such pair. Arrays of
    shape (n,).
    """
    pairs, aucs = [], []
    for value in np.unique(group):
        inside = y[group == value]
        if np.ptp(inside):
            pairs.append(inside.sum() * (len(inside) - inside.sum()))
            aucs.append(roc_auc_score(inside, score[group == value]))
    return float(np.average(aucs, weights=pairs)) if pairs else np.nan


def swap_aucs(forecaster, har, matrix):
    """AUC of `swapped_scores` by the names of `SWAPS`, or `swap_reason`, why there are none; a dict."""
    if forecaster is None:
        return {"swap_reason": "it stores no predictive distribution"}
    try:
        scores = dict(swapped_scores(forecaster, har))
    except NotRun as reason:
        return {"swap_reason": str(reason)}
    return {name: auc(matrix.y, score.loc[matrix.days]) for name, score in scores.items()}


def swapped_scores(forecaster, har):
    """The forecaster's probabilities with HAR's location, width or both in place of its own; (name, Series by day).

    Names are those of `SWAPS`. Raises `NotRun` if the distributions say nothing about the target.
    """
    if har.target["horizon"] > 1:
        raise NotRun("swapped are distributions of the next day")
    unit = 100 if forecaster.is_student_t else 1  # Student-t parameters are in percent
    median, width = (unit * values for values in har_distribution(har.dataset, har.training, forecaster.input))
    for name, (swaps_location, swaps_width) in SWAPS.items():
        frame = swapped(forecaster.frame, median if swaps_location else None, width if swaps_width else None)
        scores = replace(forecaster, frame=frame).exceedance(har.target, har.training, har.dataset, har.labels)
        yield name, scores.set_axis(har.dataset["Date"].iloc[scores.index])


def gain_over_har(experiment, har, matrix, tail):
    """What a score adds to HAR on the block, with regressions fitted to the calibration tail; a dict.

    Its keys are columns of `explanation.csv`: `har_auc`, `joint_auc`, `coefficient`, `gain` and `p`, or `added_reason`.
    """
    is_probability = matrix.is_probability[experiment]
    if tail is None or experiment not in tail.scores:
        return {"added_reason": "it has no scores of the calibration tail"}
    if tail.y.nunique() < 2:
        return {"added_reason": "the calibration tail does not have both outcomes"}
    if tail.scores[experiment].nunique() == 1:
        return {"added_reason": "its score is the same every day"}
    on_tail, on_block = (
        (as_predictor(probability.loc[part.days], True), as_predictor(part.scores[experiment], is_probability))
        for part, probability in ((tail, har.tail_probability), (matrix, har.block_probability))
    )
    if np.allclose(*on_tail):
        return {"added_reason": "it is HAR itself"}
    alone, joint, coefficient = nested_forecasts(tail.y, on_tail, on_block)
    gain, p = diebold_mariano(matrix.y, alone, joint)
    aucs = {"har_auc": auc(matrix.y, alone), "joint_auc": auc(matrix.y, joint)}
    return aucs | {"coefficient": coefficient, "gain": gain, "p": p}


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


def diebold_mariano(y, first, second):
    """Mean gain in log-loss, nats per day, of `second` over `first`, and the two-sided p-value that there is none.

    Diebold and Mariano (J. Business & Economic Statistics 1995) with the variance of Newey and West (Econometrica
    1987) at floor(4 (n / 100)^(2/9)) lags, by statsmodels. The forecasts are compared together with the fits that made
    them (Giacomini and White, Econometrica 2006), so nested models need no special treatment.

    Parameters
    ----------
    y, first, second : arrays, shape (n,)
        Outcomes and two probabilities, in the order of time.
    """
    from statsmodels.regression.linear_model import OLS

    gain = log_losses(y, first) - log_losses(y, second)
    lags = int(4 * (len(gain) / 100) ** (2 / 9))
    fit = OLS(gain, np.ones(len(gain))).fit(cov_type="HAC", cov_kwds={"maxlags": lags})
    return float(fit.params[0]), float(fit.pvalues[0])
