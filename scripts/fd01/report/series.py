"""Several series in the report: the differences of all experiments, series by series, as a table with colours."""

import pandas as pd

from fd01.evaluation.evidence import PRETRAINED

NAMED = 30  # series that a figure names
MOST = 100  # series in the page; all of them stand in a file beside it
EXPERIMENTS = 12  # in a table, as many as fit on paper
LEVELS = (0.02, 0.05, 0.1)  # from these sizes on, a difference in AUC has the next darker colour


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

    >>> heat_class(0.06), heat_class(-0.03), heat_class(0.001)
    ('gain-2', 'loss-1', '')
    """
    level = heat_level(difference)
    return f"{'loss' if level < 0 else 'gain'}-{abs(level)}" if level else ""


def heat_level(difference):
    """How many of `LEVELS` a difference reaches, negative if it is below zero; 0 for none.

    >>> heat_level(0.06), heat_level(-0.03), heat_level(float("nan"))
    (2, -1, 0)
    """
    level = sum(abs(difference) >= size for size in LEVELS)  # comparisons with NaN are false
    return -level if difference < 0 else level


def wide_table(block):
    """The differences of one fold, a row per series, those with the most pairs of days first.

    Parameters
    ----------
    block : DataFrame
        The rows of `series.csv` of one fold.

    Returns
    -------
    DataFrame
        By `series`: `n`, `positives`, the AUC of the reference under its name, and a column per experiment with the
        difference in AUC to the reference, in the order of `block`; NaN where an experiment has none.
    """
    about = block.drop_duplicates("series").set_index("series").sort_values("weight", ascending=False, kind="stable")
    differences = block.pivot(index="series", columns="experiment", values="difference")
    reference = about[["n", "positives", "other_auc"]].rename(columns={"other_auc": block["other"].iloc[0]})
    return reference.join(differences[list(block["experiment"].unique())])


def pooled_differences(series):
    """The difference in AUC of all series together, from `series.csv`; Series by fold and experiment."""
    return (series["weight"] * series["difference"]).groupby([series["fold"], series["experiment"]], sort=False).sum()


def heat_tables(series, folds, cast):
    """For each of `folds`, the table of differences to the reference.

    Parameters
    ----------
    series : DataFrame, `series.csv`
    folds : list of str
    cast : fd01.report.figures.Cast
        Chooses the experiments if there are more than `EXPERIMENTS`, by their mean difference over the folds.

    Returns
    -------
    dict of fold to dict
        `many`, whether figures do not name the series; `experiments`, the best first, `more`, the number of
        others, and `rows`, one per series, at most `MOST`, those with the most pairs of
        days first, with `series`, `n`, `positives`, `auc` of the reference, and `cells`, a dict of `difference` and
        `class` per experiment; `left_out`, the number of other series.
    """
    series = series[series["fold"].isin(folds)]
    means = pooled_differences(series).groupby("experiment").mean()
    shown, tables = cast.choose(means, {name: name for name in means.index}, EXPERIMENTS), {}
    for fold in folds:
        block = series[series["fold"] == fold]
        if block.empty:
            continue
        table = wide_table(block)
        experiments = [name for name in shown if name in table]
        rows = [
            {"series": name, "n": row["n"], "positives": row["positives"], "auc": row[block["other"].iloc[0]]}
            | {"cells": [{"difference": row[one], "class": heat_class(row[one])} for one in experiments]}
            for name, row in table[:MOST].iterrows()
        ]
        tables[fold] = {"experiments": experiments, "more": block["experiment"].nunique() - len(experiments)}
        tables[fold] |= {"rows": rows, "left_out": len(table) - len(rows), "many": len(table) > NAMED}
    return tables
