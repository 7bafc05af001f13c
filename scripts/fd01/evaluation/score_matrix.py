"""The scores of all experiments on one block, side by side."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fd01.data.origins import EVALUATION
from fd01.evaluation.outcomes import with_outcomes
from fd01.scoring.predictions import mean_over_seeds, of_target, read_experiment

# The kind of score that an experiment is compared by: the first of these that it has.
COMPARED = ("exceedance", "probability", "signal")


@dataclass(frozen=True)
class ScoreMatrix:
    """One block of n days and k experiments.

    `days` (n,) are its origins in order; `y` (n,) the outcomes, 0.0 or 1.0; `scores` (n, k) has a column per
    experiment, the mean over seeds; `kinds` and `is_probability` (k,) say what they are.
    """

    days: pd.DatetimeIndex
    y: pd.Series
    scores: pd.DataFrame
    kinds: pd.Series
    is_probability: pd.Series


def read_score_matrices(paths, outcomes, target, role=EVALUATION, kinds=COMPARED):
    """Panels by fold, in the order of `outcomes`; a fold without a known outcome or a score has none.

    Parameters
    ----------
    paths : folders of prediction files, one per experiment
    outcomes : DataFrame, as the rule `seal_outcomes` writes it
    target : dict with `target` and `horizon`
    role : `evaluation` or `calibration`
        An experiment without scores of that role is left out.
    kinds : kinds of score
        Of several that an experiment has, the first of these.
    """
    frames = [read_experiment(path)[0].assign(experiment=Path(path).name) for path in paths]
    rows = pd.concat(frames, ignore_index=True)
    rows = of_target(rows[(rows["role"] == role) & rows["score_kind"].isin(kinds)], **target)
    rows = with_outcomes(mean_over_seeds(rows), outcomes)
    folds = [fold for fold in outcomes["fold"].unique() if fold in set(rows["fold"])]
    return {fold: _panel(rows[rows["fold"] == fold], kinds) for fold in folds}


def _panel(rows, kinds):
    about = rows[["experiment", "score_kind", "is_probability"]].drop_duplicates()
    about = about.sort_values("score_kind", key=lambda kind: kind.map(kinds.index)).drop_duplicates("experiment")
    rows = rows.merge(about)
    wide = rows.pivot(index="origin", columns="experiment", values="score")
    about = about.set_index("experiment").loc[wide.columns]
    return ScoreMatrix(
        days=wide.index,
        y=rows.drop_duplicates("origin").set_index("origin")["y"].loc[wide.index],
        scores=wide,
        kinds=about["score_kind"],
        is_probability=about["is_probability"],
    )
