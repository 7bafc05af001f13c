"""Reading `metrics.csv`, the table that the rule `evaluate` writes: the rows that experiments are compared by."""

import numpy as np

from fd01.evaluation.metrics import ALL_SEEDS
from fd01.scoring.predictions import of_target


def compared_rows(metrics, fold, target, horizon):
    """The rows of `metrics` that experiments are compared by: one block, all seeds, both outcomes."""
    rows = of_target(metrics, target, horizon)
    return rows[rows["auc"].notna() & (rows["fold"] == fold) & (rows["seed"] == ALL_SEEDS)]


def why_unscored(metrics, experiment, fold):
    """The reason in `metrics` why an experiment has no score of `up`, h = 1 on `fold`; empty without one."""
    rows = of_target(metrics, "up", 1)
    reasons = rows.loc[(rows["experiment"] == experiment) & (rows["fold"] == fold), "reason"].dropna()
    return next(iter(reasons), "")


def best_baseline(rows, systems):
    """The baseline with the best AUC on the calibration tail, or None; the block reported has no say.

    `rows` are those of `compared_rows`; `systems` maps experiments to their system.
    """
    rows = rows[rows["experiment"].map(systems) == "baseline"].dropna(subset="calibration_auc")
    return rows.loc[rows["calibration_auc"].idxmax()] if len(rows) else None


def seed_aucs(metrics, row):
    """Lowest, mean and highest AUC of the single seeds behind `row`, or None for a deterministic score."""
    same = np.logical_and.reduce(
        [metrics[name] == row[name] for name in ("experiment", "fold", "target", "horizon", "score_kind")]
    )
    aucs = metrics.loc[same & (metrics["seed"] != ALL_SEEDS), "auc"]
    return {name: float(aucs.agg(name)) for name in ("min", "mean", "max")} if len(aucs) else None


def measured(row, metrics):
    """The figures of one row of the metrics that the verdict quotes; None without a row."""
    if row is None:
        return None
    figures = {name: row[name] for name in ("experiment", "fold", "score_kind")} | {"auc": float(row["auc"])}
    # Beside rows that were not run, and have no counts, pandas reads counts as floats.
    counts = {name: int(row[name]) for name in ("n", "positives", "seeds")}
    return figures | counts | {"seed_aucs": seed_aucs(metrics, row)}
