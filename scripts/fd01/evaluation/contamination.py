"""Scores before and after the end of the data that pre-trained weights were trained on, block by block."""

import numpy as np
import pandas as pd

from fd01.evaluation.blocks import measure_block, paired_test
from fd01.evaluation.exposure import last_day
from fd01.evaluation.panel import Panel, too_few_events

BEFORE, AFTER, RELEASED = "before cut-off", "after cut-off", "after release"


def slices(days, trained_until, released):
    """The slices of a block: pairs of a name and a mask of `days`, both of shape (n,).

    The cut-off is the end of the month `trained_until`. The days after the release of the weights are a part of the
    days after the cut-off: before the release, the authors may have chosen among models by their results on these days.
    """
    cut_off, release = last_day(trained_until), last_day(released)
    if pd.isna(cut_off):
        yield "cut-off unknown", np.full(len(days), True)
    else:
        yield BEFORE, days <= cut_off
        yield AFTER, days > cut_off
    if not pd.isna(release):
        yield RELEASED, days > release


def measure_slice(matrix, experiment, reference, statistics):
    """AUC of an experiment and of the reference on the days of one slice, or the reason why there is none.

    The interval of their difference, of level 1 - alpha, rests on the same standard error as the paired comparisons:
    of several series, the rows of a date are one cluster.

    Parameters
    ----------
    matrix : ScoreMatrix of the slice
    experiment, reference : str
    statistics : dict, that section of the configuration

    Returns
    -------
    dict
        `n`, `positives`, `first` and `last` day, `auc`, `reference_auc`, their `difference` with `se`, `low`, `high`
        and `p`, and `reason`; what does not exist is missing. `n` and `positives` count the days of all series.
    """
    y, days, panel = matrix.y.to_numpy(), len(matrix.days), Panel.of(matrix.series, matrix.days)
    row = {"n": days, "positives": int(y.sum())}
    if days == 0:
        return row | {"reason": "no day of the block"}
    row |= {"first": matrix.days.min().date(), "last": matrix.days.max().date()}
    few = too_few_events(panel.class_counts(y), statistics["min_events"], len(panel.series) > 1)
    if few:
        return row | {"reason": few}
    block = measure_block("slice", matrix, None, statistics["resamples"], statistics["seed"])
    row |= {"auc": block.estimates["auc"][block.index(experiment)]}
    if reference not in block.names:
        return row | {"reason": "the reference has no score here"}
    test = paired_test(block, experiment, [reference], statistics)
    row |= {"reference_auc": test["other_auc"], "difference": test["auc_difference"]}
    return row | {name: test[name] for name in ("se", "low", "high", "p")}
