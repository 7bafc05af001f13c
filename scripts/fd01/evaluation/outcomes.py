"""Scores beside what happened."""

import pandas as pd

from fd01.data.origins import EVALUATION
from fd01.data.targets import target_column
from fd01.scoring.predictions import mean_over_seeds, of_target


def with_outcomes(frame, origins):
    """`frame` of scores with a column `y`, the outcome; days whose outcome is unknown are dropped.

    `frame` has the columns of a prediction file and `fold`; `origins` is the table of `fd01.data.origins`.
    """
    parts = []
    for (target, horizon), group in frame.groupby(["target", "horizon"], sort=False):
        outcomes = origins[["fold", "role", "origin"]].assign(y=origins[target_column(target, horizon)])
        parts.append(group.merge(outcomes.dropna(subset="y"), on=["fold", "role", "origin"]))
    return pd.concat(parts, ignore_index=True) if parts else frame.assign(y=[])


def mean_scores(frame, origins, target, horizon):
    """The score of every evaluation day for one target, averaged over seeds, with its outcome `y`."""
    rows = of_target(frame[frame["role"] == EVALUATION], target, horizon)
    return with_outcomes(mean_over_seeds(rows), origins)


def train_prevalence(origins, fold, target, horizon):
    """Share of the training origins of `fold` on which the target occurred."""
    period = origins[(origins["fold"] == fold) & (origins["role"] != EVALUATION)]
    return float(period[target_column(target, horizon)].mean())
