"""The label family: the original study's target with other events, thresholds and horizons, on the same days."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from fd01.data.origins import EVALUATION, KEYS, build_origins, hide_outcomes
from fd01.data.targets import TARGETS, target_column
from fd01.evaluation.metrics import auc_within
from fd01.workflow.errors import NotRun

# First the targets that take the threshold, then the others; in each group, targets of the High come first.
ORDER = sorted(TARGETS, key=lambda name: (not TARGETS[name].takes_threshold, TARGETS[name].price != "High"))


@dataclass(frozen=True)
class Label:
    """One target of the family.

    Attributes
    ----------
    target : str
    threshold : float
        c, a simple return; NaN for a target that does not take it.
    horizon : int, trading days
    labels : dict
        The section `labels` of the configuration with this threshold.
    origins : DataFrame
        As `fd01.data.origins.build_origins` returns it for these labels, with this target alone and without what tells
        the outcome of a sealed day.
    """

    target: str
    threshold: float
    horizon: int
    labels: dict
    origins: pd.DataFrame

    @property
    def as_target(self):
        """Dict of `target` and `horizon`, as an entry of the section `targets` of the configuration."""
        return {"target": self.target, "horizon": self.horizon}

    @cached_property
    def series(self):
        """The series of each row of the dataset that is an origin; Series of str by row."""
        return self.origins[["row", "series"]].drop_duplicates("row").set_index("row")["series"]

    def outcomes(self, train_end):
        """Pairs of a fold with this train end and its known outcomes, a Series by row of the dataset."""
        block = self.origins[(self.origins["role"] == EVALUATION) & (self.origins["train_end"] == train_end)]
        for fold, days in block.groupby("fold", sort=False):
            yield fold, days.set_index("row")[target_column(**self.as_target)].dropna()


def family(dataset, sealed, thresholds, folds, labels, origins):
    """Every `Label` at all horizons: `up` and `down` by threshold, `scaled` and `direction` at the first one too.

    Parameters
    ----------
    dataset, folds, labels : as `fd01.data.origins.build_origins` takes them
    sealed : bool array, shape (days,), from `fd01.data.origins.sealed_days`
    thresholds : list of float
        c of `up` and `down`.
    origins : dict, that section of the configuration
    """
    for threshold in thresholds:
        changed = labels | {"threshold": threshold}
        # Targets that do not take the threshold are the same at every one.
        names = [name for name in ORDER if TARGETS[name].takes_threshold or threshold == thresholds[0]]
        table, _ = hide_outcomes(build_origins(dataset, folds, changed, **origins, names=names), sealed)
        for name in names:
            takes = TARGETS[name].takes_threshold
            for horizon in labels["horizons"]:
                own = table[[*KEYS, target_column(name, horizon)]]
                yield Label(name, threshold if takes else np.nan, horizon, changed, own)
        del table  # of many series, one at a time fits into memory


def of_blocks(forecasters, origins):
    """By train end, `forecasters` with the forecasts of its evaluation days alone, the only ones that are scored.

    Parameters
    ----------
    forecasters : iterable of `fd01.scoring.distributions.Forecaster`
    origins : DataFrame, as in `Label`
    """
    evaluation = origins[origins["role"] == EVALUATION].groupby("train_end", sort=False)["row"].unique()
    found = {train_end: [] for train_end in evaluation.index}
    for forecaster in forecasters:
        for train_end, rows in evaluation.items():
            found[train_end].append(forecaster.of_rows(rows))
    return found


def measure_label(label, blocks, experiment, score):
    """One row of `labels.csv` per block, of one experiment on one label, as dicts; the AUC ranks days within series.

    Parameters
    ----------
    label : Label
    blocks : pairs of a fold and its outcomes, from `Label.outcomes`
    experiment : str
    score : function
        Without arguments; returns the scores, a Series by row, or raises `NotRun`. It is called once.
    """
    try:
        scores, reason = score(), None
    except NotRun as error:
        scores, reason = pd.Series(), str(error)
    for fold, y in blocks:
        row = {"fold": fold, **label.as_target, "threshold": label.threshold, "experiment": experiment}
        row |= {"n": len(y), "positives": int(y.sum())}
        if y.empty:
            yield row | {"reason": "no outcome of this block is known yet"}
        elif reason or not y.index.isin(scores.index).all():
            yield row | {"reason": reason or "some days of the block have no forecast"}
        else:
            series = label.series.loc[y.index].to_numpy()
            auc = auc_within(y.to_numpy(), scores.loc[y.index].to_numpy(), series)
            if np.isnan(auc):
                yield row | {"reason": "the days do not have both outcomes"}
                continue
            # Days of one date are not independent, so several series have no such interval.
            chance = chance_half_width(y, label.horizon) if len(set(series)) == 1 else np.nan
            yield row | {"auc": auc, "chance": chance}


def chance_half_width(y, horizon):
    """Half-width of the interval around 0.5 that holds 95 % of the AUCs of scores that know nothing of `y`.

    Mann and Whitney (Annals of Mathematical Statistics 1947), for independent days: NaN for horizons beyond 1, where
    the days overlap.
    """
    positives = y.sum()
    return 1.96 * np.sqrt((len(y) + 1) / (12 * positives * (len(y) - positives))) if horizon == 1 else np.nan
