"""The scores of all experiments on one block side by side: a row per series and day, a column per experiment."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from fd01.data.origins import EVALUATION, ORIGIN_KEY
from fd01.data.targets import target_column
from fd01.scoring.predictions import read_experiment

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


def read_score_matrices(paths, outcomes, target, role=EVALUATION, kinds=COMPARED_KINDS, series=None):
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
    series : str, optional
        Only its rows. Without it, those of all series.

    Returns
    -------
    dict of fold to ScoreMatrix
    """
    event = target_column(**target)
    known = outcomes.loc[outcomes["role"] == role, ["fold", *ORIGIN_KEY, event]].dropna()
    known = known.assign(series=known["series"].astype(str)).sort_values(ORIGIN_KEY)
    kept = {"role": [role], "score_kind": list(kinds), **{name: [value] for name, value in target.items()}}
    if series is not None:
        known, kept = known[known["series"] == series], kept | {"series": [series]}
    y = {fold: rows.set_index(ORIGIN_KEY)[event] for fold, rows in known.groupby("fold")}
    columns = {fold: {} for fold in y}
    # One experiment at a time: the rows of all, of many series, do not fit into memory.
    for path in sorted(map(Path, paths), key=lambda path: path.name):
        for fold, column in _read_columns(path, y, kinds, kept).items():
            columns[fold][path.name] = column
    return {fold: _matrix(y[fold], columns[fold]) for fold in outcomes["fold"].unique() if columns.get(fold)}


@dataclass(frozen=True)
class _Column:
    """The scores of one experiment on the rows of a fold; NaN on those that it lacks."""

    scores: np.ndarray
    kind: str
    is_probability: bool
    of_seeds: pd.DataFrame | None


def _read_columns(path, y, kinds, kept):
    """The `_Column` of an experiment by fold, of the folds of `y` in which it has scores."""
    frame, _ = read_experiment(path, [*ORIGIN_KEY, "seed", "score_kind", "score", "is_probability"], **kept)
    columns = {fold: _column(rows, y[fold].index, kinds) for fold, rows in frame.groupby("fold") if fold in y}
    return {fold: column for fold, column in columns.items() if column}


def _column(rows, keys, kinds):
    """The `_Column` from the prediction `rows` of one fold; None if it has no score on the rows `keys`."""
    places = keys.get_indexer(pd.MultiIndex.from_arrays([rows["series"].astype(str), rows["origin"]]))
    rows = rows[places >= 0].assign(place=places[places >= 0])
    if rows.empty:
        return None
    kind = min(rows["score_kind"].unique(), key=kinds.index)
    rows = rows[rows["score_kind"] == kind]
    means = rows.groupby("place")["score"].mean()
    of_seeds = None
    if rows["seed"].notna().all():
        of_seeds = rows.pivot(index="place", columns="seed", values="score").reindex(range(len(keys)))
    scores = means.reindex(range(len(keys))).to_numpy()
    return _Column(scores, kind, bool(rows["is_probability"].iloc[0]), of_seeds)


def _matrix(y, columns):
    """The ScoreMatrix of a fold from the outcomes of its rows, and from the dict of experiment to `_Column`."""
    experiments = pd.Index(columns, name="experiment")
    scores = pd.DataFrame({name: column.scores for name, column in columns.items()}, y.index, experiments)
    scored = scores.notna().any(axis=1).to_numpy()
    days = y.index.get_level_values("origin")
    matrix = ScoreMatrix(
        days=days,
        y=y.set_axis(days).rename("y"),
        scores=scores.set_axis(days),
        kinds=pd.Series([column.kind for column in columns.values()], experiments),
        is_probability=pd.Series([column.is_probability for column in columns.values()], experiments),
        seed_scores={
            name: column.of_seeds.set_axis(days) for name, column in columns.items() if column.of_seeds is not None
        },
        series=y.index.get_level_values("series").to_numpy(object),
    )
    if not scored.all():
        matrix = matrix.on(scored)
    lacks = matrix.scores.isna().any()
    if not lacks.any():
        return matrix
    complete, incomplete = (set(scores.columns[mask]) for mask in (~lacks, lacks))
    return replace(matrix.only(complete), incomplete=matrix.only(incomplete))
