"""Score pre-trained experiments before and after the end of the data that their weights were trained on."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from fd01.evaluation.comparison import delong
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.scoring.predictions import read_experiment
from fd01.study.folds import main_folds
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

COLUMNS = ["experiment", "trained_until", "released", "fold", "slice", "first", "last", "n", "positives", "auc"]
COLUMNS += ["reference_auc", "difference", "low", "high", "reason"]
FEW = 10  # days with, or without, the event: fewer give no AUC
NAMES = ["before cut-off", "after cut-off", "after release"]


def pretrained(path):
    """Provenance of the weights of an experiment, a dict; None if they are not pre-trained."""
    _, metadata = read_experiment(path)
    weights = next(iter(metadata.values()))["weights"]
    return weights if isinstance(weights, dict) else None


def end_of(month):
    """Last day of a month such as 2023-11; NaT if it is not known."""
    try:
        return pd.Period(month, "M").end_time
    except ValueError:
        return pd.NaT


def slices(days, trained_until, released):
    """Which `days` lie in which slice: pairs of its name and a mask of shape (n,).

    A model may have seen every day up to the end of the month `trained_until`. The days after its release are part of
    those after the cut-off: up to then, its makers may have chosen among models by how they did.
    """
    cut, release = end_of(trained_until), end_of(released)
    if pd.isna(cut):
        yield "cut-off unknown", np.full(len(days), True)
    else:
        yield NAMES[0], days <= cut
        yield NAMES[1], days > cut
    if not pd.isna(release):
        yield NAMES[2], days > release


def measure(y, score, reference, alpha):
    """AUC of a score and of the reference on the days of a slice, or the reason why there is none.

    `reference` is None where it has no score. `low` and `high` bound the difference with confidence 1 - `alpha`.
    """
    events = int(y.sum())
    row = {"n": len(y), "positives": events}
    if len(y) == 0:
        return row | {"reason": "no day of the block"}
    row |= {"first": y.index[0].date(), "last": y.index[-1].date()}
    if min(events, len(y) - events) < FEW:
        return row | {"reason": f"fewer than {FEW} days with the event, or without"}
    if reference is None:
        return row | {"auc": delong(y, score.to_numpy()[:, None]).aucs[0], "reason": "the reference has no score here"}
    found = delong(y, np.column_stack([score, reference]))
    contrast = np.array([1, -1])
    difference = found.aucs @ contrast
    reach = norm.ppf(1 - alpha / 2) * np.sqrt(contrast @ found.covariance @ contrast)
    aucs = dict(zip(("auc", "reference_auc"), found.aucs))
    return row | aucs | {"difference": difference, "low": difference - reach, "high": difference + reach}


def contamination_table(panels, weights, reference, alpha):
    """`COLUMNS`; `weights` are those of each pre-trained experiment, by name, `reference` is another's name."""
    rows = []
    for fold, panel in panels.items():
        other = panel.scores.get(reference)
        for experiment, about in weights.items():
            if experiment not in panel.scores:
                continue
            known = {"experiment": experiment, "fold": fold}
            known |= {name: about.get(name, "unknown") for name in ("trained_until", "released")}
            for name, mask in slices(panel.days, known["trained_until"], known["released"]):
                measured = measure(
                    panel.y[mask], panel.scores.loc[mask, experiment], None if other is None else other[mask], alpha
                )
                rows.append(known | {"slice": name} | measured)
    return pd.DataFrame(rows, columns=COLUMNS)


if __name__ == "__main__":
    configure_logging(snakemake)
    params, paths = snakemake.params, snakemake.input.predictions
    outcomes = main_folds(read_frame(snakemake.input.outcomes))
    weights = {Path(path).name: about for path in paths if (about := pretrained(path)) is not None}
    table = contamination_table(
        read_score_matrices(paths, outcomes, params.target), weights, params.reference, params.alpha
    )
    with replacing(snakemake.output[0]) as path:
        table.to_csv(path, index=False)
