"""Several series in the report: the differences of all experiments, series by series, as a table with colours."""

import pandas as pd

from fd01.evaluation.evidence import PRETRAINED

MOST = 200  # series in the page; all of them stand in a file beside it
EXPERIMENTS = 20
LEVELS = (0.01, 0.03, 0.06)  # from these sizes on, a difference in AUC has the next darker colour


def read_series(path):
    """The table `series.csv`; names of series stay text, also `005930` and `NA`."""
    return pd.read_csv(path, converters={"series": str})


def leading(experiments, primary, evidence):
    """The experiment that stands for all: the first of `primary` that is there, else a pre-trained one, else the first.

    Parameters
    ----------
    experiments : list of str
        Those that are compared with the reference on the series.
    primary : list of str
    evidence : dict of experiment to its level of evidence, see `fd01.evaluation.evidence`
    """
    pretrained = [name for name in experiments if evidence.get(name) in PRETRAINED]
    return next(iter([*(name for name in primary if name in experiments), *pretrained, *experiments]), None)


def heat_class(difference):
    """The class of a cell in CSS, such as `gain-2`; empty for a small difference or none.

    >>> heat_class(0.04), heat_class(-0.015), heat_class(0.001)
    ('gain-2', 'loss-1', '')
    """
    level = sum(abs(difference) >= size for size in LEVELS)  # comparisons with NaN are false
    return f"{'loss' if difference < 0 else 'gain'}-{level}" if level else ""


def heat_tables(series, folds):
    """For each of `folds`, the table of differences to the reference.

    Parameters
    ----------
    series : DataFrame, `series.csv`
    folds : list of str

    Returns
    -------
    dict of fold to dict
        `experiments`, at most `EXPERIMENTS`, and `rows`, one per series, at most `MOST`, those with the most pairs of
        days first, with `series`, `n`, `positives`, `auc` of the reference, and `cells`, a dict of `difference` and
        `class` per experiment; `left_out`, the number of other series.
    """
    tables = {}
    for fold in folds:
        block = series[series["fold"] == fold]
        if block.empty:
            continue
        experiments = list(block["experiment"].unique())[:EXPERIMENTS]
        differences = block.pivot(index="series", columns="experiment", values="difference")[experiments]
        about = block.drop_duplicates("series").set_index("series").sort_values("weight", ascending=False)
        rows = [
            {"series": name, "n": row["n"], "positives": row["positives"], "auc": row["other_auc"]}
            | {"cells": [{"difference": one, "class": heat_class(one)} for one in differences.loc[name]]}
            for name, row in about[:MOST].iterrows()
        ]
        tables[fold] = {"experiments": experiments, "rows": rows, "left_out": len(about) - len(rows)}
    return tables
