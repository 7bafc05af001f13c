"""The figure that carries the answer: differences to the reference, a row for each experiment."""

import numpy as np
import pandas as pd

from fd01.evaluation.comparison import NO_VERDICT
from fd01.evaluation.evidence import doubts
from fd01.report.facts import NOT_RUN
from fd01.report.groups import GROUPS, PRETRAINED
from fd01.report.words import counted

ROWS = 8  # of a panel of the figure, if there are not more pre-trained models
MOST_PRETRAINED = 16  # rows of pre-trained models


def against_reference(results, shown):
    """Comparisons with the reference in the periods, without optimistic experiments."""
    rows = results.judged
    rows = rows[(rows["against"] == "reference") & rows["fold"].isin([period["fold"] for period in shown])]
    return rows[~rows["optimistic"].eq(True)]


def figure_rows(study, results, shown):
    """The rows of the forest plot, the same experiments in each period, and how many compared ones it leaves out.

    All pre-trained models are there, up to `MOST_PRETRAINED`, primary ones first. Models of the question that did not
    run have one empty row each. Of the other groups the best of the first period are shown.
    """
    table = against_reference(results, shown)
    first = table[table["fold"] == shown[0]["fold"]] if shown else table
    differences = first.set_index("experiment")["auc_difference"]
    best_first = sorted(table["experiment"].unique(), key=lambda name: -differences.get(name, -np.inf))
    groups = {group: [] for group in GROUPS}
    for name in best_first:
        groups[results.group(name)].append(name)
    primary = study.decision["primary"]
    pretrained = sorted(groups[PRETRAINED], key=lambda name: name not in primary)[:MOST_PRETRAINED]
    models = [*study.models, *map(study.model, pretrained)]
    entries = [(name, study.model(name), study.label(name)) for name in groups[PRETRAINED] if name in pretrained]
    entries = sorted(entries + empty_rows(study, results), key=lambda entry: models.index(entry[1]))
    leaders = [groups[group][0] for group in GROUPS[1:] if groups[group]]
    rest = [name for name in best_first if name not in [*groups[PRETRAINED], *leaders]]
    kept = {*leaders, *rest[: max(ROWS - len(entries) - len(leaders), 0)]}
    named = [(name, label, PRETRAINED) for name, _, label in entries]
    named += [(name, study.label(name), group) for group in GROUPS[1:] for name in groups[group] if name in kept]
    doubted, rows = doubts(results.experiments), []
    for period in shown:
        of_period = table[table["fold"] == period["fold"]].set_index("experiment")
        for name, label, group in named:
            row = {"fold": period["fold"], "experiment": name, "name": label, "group": group}
            rows.append(row | _estimate(of_period, name) | {"doubt": doubted.get(name)})
    compared = results.comparisons.loc[results.comparisons["against"] == "reference", "experiment"]
    return rows, len(set(compared) - kept - set(pretrained))


def _estimate(table, name):
    """What the figure shows of an experiment in one period; nothing where it was not compared."""
    if name not in table.index:
        return dict.fromkeys(["difference", "low", "high", "verdict", "exposure"]) | {"status": NOT_RUN}
    row = table.loc[name]
    return {
        "status": "ok",
        "difference": float(row["auc_difference"]),
        "low": None if pd.isna(row["adjusted_low"]) else float(row["adjusted_low"]),
        "high": None if pd.isna(row["adjusted_high"]) else float(row["adjusted_high"]),
        "verdict": None if row["verdict"] == NO_VERDICT else row["verdict"],
        "exposure": row["exposure"] if isinstance(row["exposure"], str) else None,
    }


def ways_of(study, results, model):
    """Experiments of a model of the question: those with a score, and those that were asked for and have none."""
    own = [name for name in study.experiments if study.in_question(name) and study.model(name) == model]
    tried = set(results.experiments.loc[results.experiments["model"].notna(), "experiment"])
    scored = [name for name in own if name in results.pretrained]
    asked = [name for name in own if name in tried or study.experiments[name]["run"] == "gpu"]
    return scored, [name for name in asked if name not in scored]


def empty_rows(study, results):
    """Of each model of the question that did not run in all ways: no experiment, the model, and the text of its row."""
    rows = []
    for model in study.models:
        scored, waiting = ways_of(study, results, model)
        if waiting or not scored:
            ways = f" ({counted(len(waiting), 'more way' if scored else 'way')})" if len(waiting) > 1 or scored else ""
            rows.append((None, model, f"{model}, pre-trained{ways}"))
    return rows
