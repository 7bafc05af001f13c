"""Origins: the days on which forecasts are made, their targets, and the folds they belong to.

`origins.parquet` has one row per fold, series and origin. Its columns are fold, train_end, role, series, origin (date),
row (of the dataset), history (days of the series up to and including the origin), and one per target and horizon, such
as `up_1`. A target is 1.0, 0.0, or NaN where it is not known: because the data end before its horizon, or, for an
origin of the training period, because `train_end` comes before.

Roles: `evaluation` origins are scored. `train` and `calibration` origins form the training period; `calibration` is its
tail, on which thresholds are chosen and training is stopped early. The tail begins on the same date in every series, so
that no fit before it has seen the days of the tail through another series.
"""

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fd01.data.series import first_rows, slices_of
from fd01.data.targets import TARGETS, target_column, target_values
from fd01.workflow.errors import UserError

TRAIN, CALIBRATION, EVALUATION = "train", "calibration", "evaluation"
NO_END = "2200-01-01"  # of a block that ends with the data
ORIGIN_KEY = ["series", "origin"]  # what tells the days of a fold apart
KEYS = ["fold", "train_end", "role", "series", "origin", "row", "history"]  # the other columns are targets


def build_origins(dataset, folds, labels, min_history, calibration_fraction, names=tuple(TARGETS)):
    """The table of origins, as described at the top of this module.

    Parameters
    ----------
    dataset : DataFrame, as `fd01.data.prices.build_dataset` returns it
    folds : dict of dict
        Per fold `train_end`, `start` and, optionally, `end`, as ISO dates.
    labels : dict
        `threshold`, `scaled`, `horizons`: see `target_values`.
    min_history : int
        Days of a series up to and including an origin that every model may rely on.
    calibration_fraction : float
        Share of the dates of the training period that forms the calibration tail.
    names : iterable of str, which targets

    Returns
    -------
    DataFrame, shape (origins of all folds, 7 + targets x horizons)
        A fold has the series with at least `min_history` training days, at least half of the usual share of them before
        the calibration tail, and at least two evaluation days.

    Raises
    ------
    UserError
        When a fold has too few days in every series, or the data end before the fold does.

    Notes
    -----
    Purging (Lopez de Prado, Advances in Financial Machine Learning, 2018, section 7.4.1): a training
    target of horizon h is known only if day t+h is not after `train_end`, so the last h origins up to `train_end` have
    none. Evaluation blocks are never shortened.
    """
    targets = target_values(dataset, labels["horizons"], labels["threshold"], labels["scaled"], names)
    days = pd.DataFrame({"series": _series(dataset), "origin": dataset["Date"], "row": np.arange(len(dataset))})
    days["history"] = days["row"] - first_rows(dataset) + 1
    last = ~days["series"].duplicated(keep="last")  # of each series: its tomorrow is not known
    parts = {fold: _days_of_fold(fold, block, days, min_history) for fold, block in folds.items()}
    tables = []
    for fold, block in folds.items():
        # Folds with one train end share their fits, and so their tail.
        shared = [part for other, part in parts.items() if folds[other]["train_end"] == block["train_end"]]
        tail = _start_of_tail(fold, shared, calibration_fraction, max(labels["horizons"]))
        training, evaluation = _without_young_series(fold, parts[fold], tail, calibration_fraction)
        evaluation = evaluation[~last[evaluation.index]]
        roles = np.where(training["origin"] < tail, TRAIN, CALIBRATION)
        training_targets = targets.loc[training.index].copy()
        for column in training_targets:
            horizon = int(column.rsplit("_", 1)[1])
            training_targets.loc[training["row"] + horizon > training["end"], column] = np.nan
        tables += [
            _table(fold, block, roles, training, training_targets),
            _table(fold, block, EVALUATION, evaluation, targets.loc[evaluation.index]),
        ]
    return pd.concat(tables, ignore_index=True)


def _days_of_fold(fold, block, days, min_history):
    """Training and evaluation days of the series that have enough of both; `end` is the last row up to `train_end`."""
    in_training = (days["origin"] <= block["train_end"]).to_numpy()
    # The last day up to train_end is no origin: by then, not even its tomorrow is known.
    ends = days["row"].where(in_training).groupby(days["series"], observed=True).transform("max")
    training = days.assign(end=ends)[in_training & (days["row"] < ends) & (days["history"] >= min_history)]
    in_block = (days["origin"] >= block["start"]) & (days["origin"] <= block.get("end", NO_END))
    return _of_usable_series(fold, block, days, training, days[in_block], min_history)


def _start_of_tail(fold, parts, calibration_fraction, longest):
    """The first date of the calibration tail: of all training dates of `parts`, so that series share it."""
    dates = np.unique(np.concatenate([training["origin"] for training, _ in parts]))
    before_tail = round(len(dates) * (1 - calibration_fraction))
    tail = len(dates) - before_tail
    if tail <= longest:
        raise UserError(
            f"fold {fold}: the calibration tail has {tail} origins, but it needs more than the longest of "
            f"labels/horizons, {longest}: raise origins/calibration_fraction, {calibration_fraction}, or give the "
            "fold more rows to train on"
        )
    return dates[before_tail]


def _without_young_series(fold, part, tail, calibration_fraction):
    """The days of the series that have at least half the usual share of their training days before the tail."""
    training, _ = part
    shares = (training["origin"] < tail).groupby(training["series"], observed=True).mean()
    young = shares.index[shares < (1 - calibration_fraction) / 2]
    for series in young:
        too_few = "too few training days before the calibration tail"
        logging.warning("fold %s: without %s, which has %s", fold, series, too_few)
    return (days[~days["series"].isin(young)] for days in part)


def _series(dataset):
    return dataset["series"] if "series" in dataset else pd.Categorical([""] * len(dataset))


def _table(fold, block, roles, days, targets):
    keys = days.assign(fold=fold, train_end=block["train_end"], role=roles)[KEYS]
    return pd.concat([keys, targets], axis=1)


def _of_usable_series(fold, block, days, training, evaluation, min_history):
    """The training and evaluation days of the series that have enough of both; `UserError` if none has."""
    sizes = pd.DataFrame(
        {name: part["series"].value_counts() for name, part in (("training", training), ("evaluation", evaluation))}
    ).reindex(days["series"].unique(), fill_value=0)
    usable = (sizes["training"] >= min_history) & (sizes["evaluation"] >= 2)
    dates = days["origin"]
    extent = f"the data run from {dates.min():%Y-%m-%d} to {dates.max():%Y-%m-%d}, {len(dates)} rows"
    if not usable.any():
        best = sizes.max()
        whose = "" if len(sizes) == 1 else f" in each of {len(sizes)} series"
        if best["training"] < min_history:
            raise UserError(
                f"fold {fold}: too few rows to train on{whose}: {best['training']} origins up to {block['train_end']}, "
                f"not counting the first {min_history - 1} rows (origins/min_history); at least {min_history} are "
                f"needed; {extent}"
            )
        raise UserError(
            f"fold {fold}: too few rows to evaluate{whose}: {best['evaluation']} rows from {block['start']} on; at "
            f"least 2 are needed; {extent}"
        )
    # The last dates of a fold may be holidays, but no more.
    if "end" in block and (pd.Timestamp(block["end"]) - dates.max()).days > 10:
        raise UserError(f"fold {fold}: its end, {block['end']}, is later than the last price; {extent}")
    for series, size in sizes[~usable].iterrows():
        logging.warning(
            "fold %s: without %s, which has %d training and %d evaluation days", fold, series, *size.astype(int)
        )
    return tuple(part[part["series"].map(usable).astype(bool)] for part in (training, evaluation))


def sealed_days(dates, blocks):
    """Whether the outcome after each day is sealed; bool array, shape (days,).

    Parameters
    ----------
    dates : Series, shape (days,), the dates of the dataset
    blocks : list of dict with `start` and, optionally, `end`, as `fd01.study.seal.seal` returns them
    """
    sealed = np.zeros(len(dates), dtype=bool)
    for block in blocks:
        sealed |= ((dates >= block["start"]) & (dates <= block.get("end", NO_END))).to_numpy()
    return sealed


def hide_outcomes(origins, sealed):
    """`origins` without what tells the outcome of a sealed day: such targets become NaN, in every fold and role.

    The target of row t at horizon h tells of the rows t+1 to t+h. So it is hidden if one of the rows t to t+h-1 is
    sealed, whose own outcomes come from these.

    Parameters
    ----------
    origins : DataFrame, as `build_origins` returns it
    sealed : bool array, shape (days,), from `sealed_days`

    Returns
    -------
    outcomes : DataFrame, as `origins`
    counts : dict
        For each fold with sealed evaluation days, `days` (how many) and `of` (the number of all its evaluation days).
    """
    before = np.concatenate([[0], np.cumsum(sealed)])  # sealed rows before each row
    rows, outcomes = origins["row"].to_numpy(), origins.copy(deep=False)
    for column in origins.columns.difference(KEYS):
        end = np.minimum(rows + int(column.rsplit("_", 1)[1]), len(sealed))
        outcomes[column] = origins[column].mask(before[end] > before[rows])
    evaluation = origins[origins["role"] == EVALUATION]
    counts = {}
    for fold, block in evaluation.groupby("fold", sort=False)["row"]:
        if days := int(sealed[block].sum()):
            counts[fold] = {"days": days, "of": len(block)}
    return outcomes, counts


def each_alone(dataset, origins):
    """Yield each series of `origins` alone: its name, its days, and its origins, whose `row` counts these days.

    The index of the days holds their rows in `dataset`. What is fitted to each series gets its days alone, so that its
    cost does not grow with the number of the others.
    """
    slices = slices_of(dataset)
    starts = np.array([rows.start for rows in slices])
    for name, own in origins.groupby("series", observed=True, sort=False):
        number = np.searchsorted(starts, own["row"].iloc[0], side="right") - 1
        yield name, dataset.iloc[slices[number]], own.assign(row=own["row"] - starts[number])


@dataclass(frozen=True)
class Split:
    """The rows that one fit for one target may use, and those that it must score.

    All arrays hold rows of the dataset; those of the training period have only rows whose target is known. Folds with
    the same train end share one split.

    Attributes
    ----------
    train_end : str
    inner : rows of the training period before the calibration tail
        The last rows, whose horizon reaches into the tail, are left out: a model that is fitted on `inner` has not seen
        any target of `calibration`.
    calibration : rows of the calibration tail
    training : rows of the whole training period
    evaluation : rows of the evaluation origins of all folds with this train end
    targets : Series, target by row, for `training` only
    history : Series, days of the series up to and including each row, by row, for all rows of the train end
    series : Series, the name of the series of each row, by row, for the same rows
    """

    train_end: str
    inner: np.ndarray
    calibration: np.ndarray
    training: np.ndarray
    evaluation: np.ndarray
    targets: pd.Series
    history: pd.Series
    series: pd.Series

    def y(self, rows):
        """Targets of `rows`, 0.0 or 1.0, shape (n,); `KeyError` for a row that is not in `training`."""
        return self.targets.loc[rows].to_numpy()


def splits(origins, target, horizon):
    """Yield one `Split` per train end, in the order of `origins`; `target` and `horizon` as in `targets:`."""
    column = target_column(target, horizon)
    # Copies of all targets of many series would not fit into memory.
    origins = origins[["train_end", "role", "series", "row", "history", column]]
    for train_end, group in origins.groupby("train_end", sort=False):
        yield _split(train_end, group, column, horizon)


def _split(train_end, group, column, horizon):
    days = group.drop_duplicates("row").set_index("row")
    evaluation = np.unique(group.loc[group["role"] == EVALUATION, "row"])
    period = group[group["role"] != EVALUATION].drop_duplicates("row").set_index("row")
    targets = period[column].dropna()
    training = targets.index
    in_tail = period["role"] == CALIBRATION
    tail = period.index[in_tail]
    # A series without an origin in the tail may have its last training day there, which is no origin.
    ends = pd.Series(period.index + 1, period.index).groupby(period["series"], observed=True).max()
    starts = pd.Series(tail, tail).groupby(period.loc[in_tail, "series"], observed=True).min()
    start_of_tail = period.loc[training, "series"].map(starts.reindex(ends.index).fillna(ends)).astype(int)
    return Split(
        train_end=train_end,
        inner=training[training + horizon < start_of_tail].to_numpy(),
        calibration=training.intersection(tail).to_numpy(),
        training=training.to_numpy(),
        evaluation=evaluation,
        targets=targets,
        history=days["history"],
        series=days["series"],
    )
