"""Scores from Student-t predictive distributions of the return of the next day, in percent.

Closed forms in float64, without sampling: 100 samples would give a probability with a standard error of up to 0.05.
"""

import numpy as np
from scipy.special import stdtr, stdtrit

from fd01.data.targets import TARGETS, require_forecast_of, threshold_return
from fd01.data.touch import CLOSE_EXCEEDANCE, needs_touch
from fd01.models.forecasts import PARAMETERS
from fd01.workflow.errors import NotRun


def scores(frame, target, name, dataset, labels):
    """The three scores of every row.

    Parameters
    ----------
    frame : DataFrame with row, df, loc and scale of one seed, the last two in percent
    target : dict with `target` and `horizon`
    name : str, input series, `return` or `high`
    dataset : DataFrame of all days
    labels : section `labels` of the configuration

    Returns
    -------
    rows, scores : as `fd01.scoring.deciles.scores`

    Raises
    ------
    NotRun
        If the distributions say nothing about the target.
    """
    event = TARGETS[target["target"]]
    if target["horizon"] > 1:
        raise NotRun("the predictive distribution is that of the next day")
    require_forecast_of(target["target"], name)
    rows = frame["row"].to_numpy()
    df, loc, scale = (frame[column].to_numpy(float) for column in PARAMETERS)
    threshold = 100 * np.log1p(threshold_return(dataset, target["target"], labels)[rows])
    distance = (threshold - loc) / scale
    probability = stdtr(df, distance if event.falls else -distance)
    kind = CLOSE_EXCEEDANCE if needs_touch(target, name) else "exceedance"
    low, median, high = (np.expm1((loc + scale * stdtrit(df, level)) / 100) for level in (0.1, 0.5, 0.9))
    return rows, {"study": -median if event.falls else median, kind: probability, "width": high - low}
