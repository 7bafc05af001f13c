"""The family of labels around the study's target: other events, thresholds and horizons on the same days."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fd01.data.origins import EVALUATION, KEYS, build_origins
from fd01.data.targets import TARGETS, target_column


@dataclass(frozen=True)
class Label:
    """A target of the family; `threshold` is NaN where the target has none of its own."""

    target: str
    threshold: float
    horizon: int
    labels: dict  # the `labels` of the configuration with this threshold
    origins: pd.DataFrame  # as `fd01.data.origins` builds it with these labels; sealed days are NaN

    @property
    def name(self):
        """`target` and `horizon`, as baselines and forecasters take them."""
        return {"target": self.target, "horizon": self.horizon}

    def outcomes(self, train_end):
        """Pairs of a fold with this train end and its known outcomes by row, a Series."""
        block = self.origins[(self.origins["role"] == EVALUATION) & (self.origins["train_end"] == train_end)]
        for fold, days in block.groupby("fold", sort=False):
            yield fold, days.set_index("row")[target_column(**self.name)].dropna()


def family(dataset, outcomes, thresholds, folds, labels, origins):
    """Every `Label`: `up` and `down` at each threshold, `scaled` and `direction` once, each at all horizons.

    Parameters
    ----------
    outcomes : DataFrame, as the rule `seal_outcomes` writes it
        An evaluation day without any outcome there has none in the family either.
    thresholds : list of float, c of `up` and `down`
    dataset, folds, labels : as `fd01.data.origins.build_origins` takes them
    origins : dict, its other settings
    """
    tables = {}
    for threshold in thresholds:
        changed = labels | {"threshold": threshold}
        tables[threshold] = changed, _sealed(build_origins(dataset, folds, changed, **origins), outcomes)
    # Targets that take the threshold first, of each kind those of the High first.
    for name in sorted(TARGETS, key=lambda name: (not TARGETS[name].takes_threshold, TARGETS[name].price != "High")):
        for threshold, (changed, table) in tables.items():
            for horizon in labels["horizons"]:
                yield Label(name, threshold if TARGETS[name].takes_threshold else np.nan, horizon, changed, table)
            if not TARGETS[name].takes_threshold:
                break  # the same at every threshold


def _sealed(table, outcomes):
    targets = outcomes.columns.difference(KEYS)
    known = outcomes[(outcomes["role"] == EVALUATION) & outcomes[targets].notna().any(axis=1)]
    known = pd.MultiIndex.from_frame(table[["fold", "row"]]).isin(pd.MultiIndex.from_frame(known[["fold", "row"]]))
    table.loc[(table["role"] == EVALUATION) & ~known, table.columns.difference(KEYS)] = np.nan
    return table
