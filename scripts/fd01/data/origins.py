"""Origins: the days on which a forecast is made, what is forecast, and which fold they belong to.

`origins.parquet` has one row per fold and origin: fold, train_end, role, origin (date), row (of the
dataset), and one column per target and horizon, such as `up_1`: 1.0, 0.0, or NaN where the
target is not known: at the end of the data, or, for training origins, by `train_end`.

Roles: `evaluation` origins are scored; `train` and `calibration` origins lie in the training period,
and `calibration` is its tail, on which thresholds are chosen and training is stopped.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fd01.data.targets import target_column, target_values
from fd01.workflow.errors import UserError

TRAIN, CALIBRATION, EVALUATION = "train", "calibration", "evaluation"
KEYS = ["fold", "train_end", "role", "origin", "row"]  # the other columns are targets


def build_origins(dataset, folds, labels, min_history, calibration_fraction):
    """The table described at the top of this module.

    Parameters
    ----------
    dataset : DataFrame, as `fd01.data.prices.build_dataset` returns it
    folds : dict of dict
        Per fold `train_end`, `start` and, optionally, `end`, as ISO dates.
    labels : dict
        `threshold`, `scaled`, `horizons`: see `target_values`.
    min_history : int
        Rows up to and including an origin that every model may rely on.
    calibration_fraction : float
        Share of the training origins that forms the calibration tail.

    Raises
    ------
    UserError
        When a fold has too few days, or the data do not reach its end.

    Notes
    -----
    Purging (Lopez de Prado, Advances in Financial Machine Learning, 2018, section 7.4.1): a training
    target of horizon h is known only if day t+h is not after `train_end`, which removes the last h
    origins of the training period. Evaluation blocks are never trimmed.
    """
    targets = target_values(dataset, labels["horizons"], labels["threshold"], labels["scaled"])
    dates = dataset["Date"]
    tables = []
    for fold, block in folds.items():
        last_known = int((dates <= block["train_end"]).sum()) - 1
        training = np.arange(min_history - 1, last_known)
        evaluation = np.flatnonzero((dates >= block["start"]) & (dates <= block.get("end", "2200-01-01")))
        _check_fold(fold, block, dates, training, evaluation, min_history)
        evaluation = evaluation[evaluation < len(dates) - 1]  # tomorrow must exist

        calibration = round(len(training) * (1 - calibration_fraction))
        role = np.full(len(training), TRAIN, dtype=object)
        role[calibration:] = CALIBRATION
        if len(training) - calibration <= max(labels["horizons"]):
            raise UserError(
                f"fold {fold}: the calibration tail has {len(training) - calibration} origins, not more than the "
                f"longest horizon: raise origins/calibration_fraction, {calibration_fraction}, or train on more rows"
            )
        known = targets.iloc[training].copy()
        for column in known:
            horizon = int(column.rsplit("_", 1)[1])
            known.loc[training + horizon > last_known, column] = np.nan
        tables += [
            _table(fold, block, role, dates, training, known),
            _table(fold, block, EVALUATION, dates, evaluation, targets.iloc[evaluation]),
        ]
    return pd.concat(tables, ignore_index=True)


def _table(fold, block, role, dates, rows, targets):
    head = pd.DataFrame(
        {
            "fold": fold,
            "train_end": block["train_end"],
            "role": role,
            "origin": dates.to_numpy()[rows],
            "row": rows,
        }
    )
    return pd.concat([head, targets.reset_index(drop=True)], axis=1)


def _check_fold(fold, block, dates, training, evaluation, min_history):
    covered = f"the data run from {dates.iloc[0]:%Y-%m-%d} to {dates.iloc[-1]:%Y-%m-%d}, {len(dates)} rows"
    if len(training) < min_history:
        raise UserError(
            f"fold {fold}: too few rows to train on: {max(len(training), 0)} origins up to {block['train_end']} after "
            f"the first {min_history - 1} rows (origins/min_history), at least {min_history} are needed; {covered}"
        )
    if len(evaluation) < 2:
        raise UserError(f"fold {fold}: {len(evaluation)} rows from {block['start']} on; {covered}")
    # A holiday may fall on the last date of a fold, a missing month may not.
    if "end" in block and (pd.Timestamp(block["end"]) - dates.iloc[-1]).days > 10:
        raise UserError(f"fold {fold} ends on {block['end']}, later than the prices: {covered}")


def hide_outcomes(origins, folds):
    """`origins` in which no target of an evaluation day of `folds` is known, whichever fold holds the day.

    Returns
    -------
    The table, and a dict of the folds that hold such days: `days` closed `of` all evaluation days.
    """
    evaluation = origins["role"] == EVALUATION
    days = origins.loc[evaluation & origins["fold"].isin(folds), "origin"]
    closed = evaluation & origins["origin"].isin(days)
    outcomes = origins.copy()
    outcomes.loc[closed, outcomes.columns.difference(KEYS)] = float("nan")
    counts = closed[evaluation].groupby(origins["fold"], sort=False).agg(["sum", "size"])
    return outcomes, {
        fold: {"days": int(row["sum"]), "of": int(row["size"])} for fold, row in counts.iterrows() if row["sum"]
    }


@dataclass(frozen=True)
class Split:
    """What one fit for one target may see and must score; arrays hold rows of the dataset.

    `inner` is `training` less the calibration tail, purged once more by the horizon, so that a model
    fitted on it has not seen any target of `calibration`. Blocks with one train end share a split;
    `evaluation` is the union of their origins.
    """

    train_end: str
    inner: np.ndarray
    calibration: np.ndarray
    training: np.ndarray
    evaluation: np.ndarray
    targets: pd.Series  # target by row, for the training period only

    def y(self, rows):
        """Targets of training `rows`, shape (rows,), 0.0 or 1.0."""
        return self.targets.loc[rows].to_numpy()


def splits(origins, target, horizon):
    """One `Split` per train end, in the order of the table."""
    column = target_column(target, horizon)
    for train_end, group in origins.groupby("train_end", sort=False):
        evaluation = np.unique(group.loc[group["role"] == EVALUATION, "row"])
        period = group[group["role"] != EVALUATION].drop_duplicates("row").set_index("row")
        known = period[column].dropna()
        calibration = period.index[period["role"] == CALIBRATION]
        training = known.index
        yield Split(
            train_end=train_end,
            inner=training[training + horizon < calibration[0]].to_numpy(),
            calibration=training.intersection(calibration).to_numpy(),
            training=training.to_numpy(),
            evaluation=evaluation,
            targets=known,
        )
