"""Scores together with what happened on their days: 1.0 if the target happened, 0.0 if not.

The outcomes come from the table `outcomes.parquet`, which the rule `seal_outcomes` writes: the columns of
`origins.parquet` (`fd01.data.origins`), with NaN in place of every target of a sealed day.
"""

import pandas as pd

from fd01.data.origins import EVALUATION, ORIGIN_KEY
from fd01.data.targets import target_column
from fd01.scoring.predictions import mean_over_seeds, of_target


def with_outcomes(scores, outcomes):
    """`scores` with a column `y`, the outcome; days whose outcome is unknown are dropped.

    Parameters
    ----------
    scores : DataFrame
        Rows of prediction files with a column `fold`, as `fd01.scoring.predictions.read_experiment` returns them.
    outcomes : DataFrame
        The table `outcomes.parquet`.
    """
    parts = []
    for (target, horizon), rows in scores.groupby(["target", "horizon"], sort=False):
        y = outcomes[["fold", "role", *ORIGIN_KEY]].assign(y=outcomes[target_column(target, horizon)])
        parts.append(rows.merge(y.dropna(subset="y"), on=["fold", "role", *ORIGIN_KEY]))
    return pd.concat(parts, ignore_index=True) if parts else scores.assign(y=[])


def mean_scores(scores, outcomes, target, horizon):
    """The score of every evaluation day for one target, averaged over seeds, with its outcome `y`."""
    rows = of_target(scores[scores["role"] == EVALUATION], target, horizon)
    return with_outcomes(mean_over_seeds(rows), outcomes)


def train_prevalence(outcomes, fold, target, horizon):
    """Share of the training origins of `fold` on which the target happened, of those whose target is known.

    A Series of float by series.
    """
    period = outcomes[(outcomes["fold"] == fold) & (outcomes["role"] != EVALUATION)]
    return period.groupby("series", observed=True)[target_column(target, horizon)].mean()
