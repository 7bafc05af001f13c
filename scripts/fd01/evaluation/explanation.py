"""Whether a score knows anything of the outcomes beyond volatility."""

import numpy as np
from sklearn.metrics import roc_auc_score

from fd01.evaluation.calibration import fit_logit, log_losses


def terciles(values):
    """Which third of its own block each value lies in, 0, 1 or 2; shape (n,)."""
    return np.searchsorted(np.quantile(values, [1 / 3, 2 / 3]), values)


def auc_within(y, score, group):
    """AUC among days of one group alone: the chance that a day before the event was scored above another of its group.

    The mean of the groups' AUC, each weighted by its pairs of a day before the event and one before none; NaN without
    any such pair. Arrays of shape (n,).
    """
    pairs, aucs = [], []
    for value in np.unique(group):
        inside = y[group == value]
        if np.ptp(inside):
            pairs.append(inside.sum() * (len(inside) - inside.sum()))
            aucs.append(roc_auc_score(inside, score[group == value]))
    return float(np.average(aucs, weights=pairs)) if pairs else np.nan


def added(y_tail, tail, y, block):
    """What a second predictor adds to a first one, out of sample.

    Two logistic regressions are fitted to the calibration tail, on the first predictor alone and on both, and score the
    evaluation block.

    Parameters
    ----------
    y_tail, y : arrays of 0 and 1, shape (m,) and (n,)
    tail, block : pairs of arrays, shapes (m,) and (n,): the first and the second predictor

    Returns
    -------
    base, joint : probabilities of the block, shape (n,)
    coefficient : float
        Of the second predictor, per standard deviation of it in the tail: change of the log-odds.
    """
    alone, _, _ = fit_logit(y_tail, tail[0])
    both, (_, coefficient), _ = fit_logit(y_tail, *tail)
    return alone(block[0]), both(*block), float(coefficient * np.std(tail[1]))


def diebold_mariano(y, first, second):
    """Mean gain in log-loss, nats per day, of `second` over `first`, and the two-sided p-value that there is none.

    Diebold and Mariano (J. Business & Economic Statistics 1995) with the variance of Newey and West (Econometrica
    1987) at floor(4 (n / 100)^(2/9)) lags. Both forecasts are taken as they are, with what was fitted for them
    (Giacomini and White, Econometrica 2006), so nested ones are no special case.

    Parameters
    ----------
    y, first, second : arrays, shape (n,): outcomes and two probabilities, in the order of time
    """
    from statsmodels.regression.linear_model import OLS

    gain = log_losses(y, first) - log_losses(y, second)
    lags = int(4 * (len(gain) / 100) ** (2 / 9))
    fit = OLS(gain, np.ones(len(gain))).fit(cov_type="HAC", cov_kwds={"maxlags": lags})
    return float(fit.params[0]), float(fit.pvalues[0])
