"""The scores of all experiments on one block side by side: a row per series and day, a column per experiment."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from fd01.data.origins import EVALUATION, ORIGIN_KEY
from fd01.evaluation.outcomes import with_outcomes
from fd01.scoring.predictions import concat_scores, mean_over_seeds, of_target, read_experiment

# An experiment is compared by the first of these that it has: by `study` where there is a point forecast alone.
COMPARED_KINDS = ("exceedance", "probability", "signal", "study")
ONE_SERIES = ""  # the name of a series without a name


@dataclass(frozen=True)
class ScoreMatrix:
    """The scores of k experiments on one block, on the n days of one series or of several whose outcomes are known.

    The rows are in the order of the series, and of the days within a series.

    Attributes
    ----------
    days : DatetimeIndex, shape (n,)
        The origins; index of `y` and of `scores`. A day is there once in each series that has it.
    y : Series, shape (n,)
        The outcomes, 0.0 or 1.0.
    scores : DataFrame, shape (n, k)
        A column per experiment, the mean over its seeds.
    kinds : Series of str, shape (k,)
        The kind of score of each experiment (`fd01.scoring.predictions`).
    is_probability : Series of bool, shape (k,)
        Whether the scores of each experiment are probabilities.
    seed_scores : dict of experiment to DataFrame, shape (n, seeds)
        The scores of the single seeds, of every stochastic experiment; the columns are the seeds.
    incomplete : ScoreMatrix or None
        Of the same days, the experiments that have no score on some of them: NaN. They stand apart, so that they change
        no figure of another experiment; `pairable` has each with the others on the days that it has.
    series : array of str, shape (n,)
        The series of each row. If it is not given, all rows are of one series without a name.
    """

    days: pd.DatetimeIndex
    y: pd.Series
    scores: pd.DataFrame
    kinds: pd.Series
    is_probability: pd.Series
    seed_scores: dict = field(default_factory=dict)
    incomplete: "ScoreMatrix | None" = None
    series: np.ndarray | None = None

    def __post_init__(self):
        if self.series is None:
            object.__setattr__(self, "series", np.full(len(self.days), ONE_SERIES, object))

    @property
    def keys(self):
        """The series and the day of each row; MultiIndex, shape (n,)."""
        return pd.MultiIndex.from_arrays([self.series, self.days], names=ORIGIN_KEY)

    def pairable(self):
        """Pairs of an experiment of `incomplete` and a ScoreMatrix: it and the complete ones on the days that it has.

        An experiment that has none of the days is left out.
        """
        for name in self.incomplete.scores if self.incomplete else ():
            days = self.incomplete.scores[name].notna().to_numpy()
            if days.any():
                yield name, self._with(name).on(days)

    def each(self):
        """Pairs of an experiment and a ScoreMatrix with it on all days that it has, complete ones first."""
        yield from ((name, self) for name in self.scores)
        yield from self.pairable()

    def _with(self, name):
        alone = self.incomplete.only({name})
        return replace(
            self,
            scores=pd.concat([self.scores, alone.scores], axis=1),
            kinds=pd.concat([self.kinds, alone.kinds]),
            is_probability=pd.concat([self.is_probability, alone.is_probability]),
            incomplete=None,
        )

    def only(self, experiments):
        """The same days with some of the experiments: those of `experiments` that have scores here."""
        kept = [name for name in self.scores if name in experiments]
        return replace(
            self,
            scores=self.scores[kept],
            kinds=self.kinds[kept],
            is_probability=self.is_probability[kept],
            seed_scores={name: scores for name, scores in self.seed_scores.items() if name in kept},
            incomplete=self.incomplete and self.incomplete.only(experiments),
        )

    def on(self, days):
        """The same scores on some of the days; `days` is a mask of shape (n,)."""
        return replace(
            self,
            days=self.days[days],
            y=self.y[days],
            scores=self.scores[days],
            seed_scores={name: scores[days] for name, scores in self.seed_scores.items()},
            incomplete=self.incomplete and self.incomplete.on(days),
            series=self.series[days],
        )


def read_score_matrices(paths, outcomes, target, role=EVALUATION, kinds=COMPARED_KINDS):
    """A `ScoreMatrix` for each fold, in the order of `outcomes`; none for a fold without a known outcome or a score.

    Parameters
    ----------
    paths : list of paths
        Folders of prediction files, one per experiment.
    outcomes : DataFrame
        The table `outcomes.parquet`.
    target : dict with `target` and `horizon`
    role : `evaluation` or `calibration`
        An experiment without scores of that role is left out.
    kinds : sequence of str
        Kinds of score, the preferred one first: one column per experiment, with the first kind that it has.

    Returns
    -------
    dict of fold to ScoreMatrix
    """
    frames = [read_experiment(path)[0].assign(experiment=Path(path).name) for path in paths]
    rows = concat_scores(frames)
    rows = of_target(rows[(rows["role"] == role) & rows["score_kind"].isin(kinds)], **target)
    of_seeds = rows.dropna(subset="seed")
    rows = with_outcomes(mean_over_seeds(rows), outcomes)
    folds = [fold for fold in outcomes["fold"].unique() if fold in set(rows["fold"])]
    return {fold: _matrix(rows[rows["fold"] == fold], of_seeds[of_seeds["fold"] == fold], kinds) for fold in folds}


def _matrix(rows, of_seeds, kinds):
    chosen = rows[["experiment", "score_kind", "is_probability"]].drop_duplicates()
    chosen = chosen.sort_values("score_kind", key=lambda kind: kind.map(kinds.index)).drop_duplicates("experiment")
    rows = rows.merge(chosen)
    scores = rows.pivot(index=ORIGIN_KEY, columns="experiment", values="score")
    keys, days = scores.index, scores.index.get_level_values("origin")
    of_seeds = of_seeds.merge(chosen).groupby("experiment")
    chosen = chosen.set_index("experiment").loc[scores.columns]
    matrix = ScoreMatrix(
        days=days,
        y=rows.drop_duplicates(ORIGIN_KEY).set_index(ORIGIN_KEY)["y"].loc[keys].set_axis(days),
        scores=scores.set_axis(days),
        kinds=chosen["score_kind"],
        is_probability=chosen["is_probability"],
        seed_scores={
            name: single.pivot(index=ORIGIN_KEY, columns="seed", values="score").loc[keys].set_axis(days)
            for name, single in of_seeds
        },
        series=keys.get_level_values("series").to_numpy(object),
    )
    lacks = scores.isna().any()
    if not lacks.any():
        return matrix
    complete, incomplete = (set(scores.columns[mask]) for mask in (~lacks, lacks))
    return replace(matrix.only(complete), incomplete=matrix.only(incomplete))
