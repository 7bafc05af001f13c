"""What the templates of the report show: tables shaped for reading, and the words that explain them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pandas as pd

from fd01.data.origins import EVALUATION
from fd01.data.targets import target_column
from fd01.evaluation.blocks import AFTER_CUTOFF, POOLED
from fd01.evaluation.metrics import ALL_SEEDS
from fd01.evaluation.metrics_table import with_seed_aucs
from fd01.evaluation.paired_comparisons import PRIMARY, SECONDARY
from fd01.report.figures import display_names
from fd01.report.groups import BASELINES, group_of
from fd01.report.html import number
from fd01.report.not_run import BESIDE
from fd01.scoring.predictions import of_target
from fd01.study.folds import is_walk_forward


@dataclass(frozen=True)
class Measure:
    """A column of the table of measures beside the AUC.

    Attributes
    ----------
    header : str
    key : str
        The column of `metrics.csv`.
    format : callable
        Makes the text of a cell from its value.
    meaning : str
        For a reader who does not know the measure; columns with one meaning stand next to each other.
    """

    header: str
    key: str
    format: Callable
    meaning: str


_SKILL = (
    "how much smaller the loss is than that of a constant forecast, the prevalence (share of days with the event) in "
    "the training period; 0: no smaller, 1: no loss; only for scores that are probabilities"
)
# From left to right, for the head, the body and the explanations of the table.
# To add a column of metrics.csv, add a line here: nothing else lists the columns.
MEASURES = [
    Measure("average precision", "average_precision", number, "the mean of the precision over all levels of recall"),
    Measure("Brier skill", "brier_skill", number, _SKILL),
    Measure("log-loss skill", "log_loss_skill", number, _SKILL),
    Measure("precision", "precision_at_threshold", partial(number, digits=2), "the share of calls that were right"),
    Measure("recall", "recall_at_threshold", partial(number, digits=2), "the share of events that were called"),
    Measure("F1", "f1_at_threshold", partial(number, digits=2), "the harmonic mean of precision and recall"),
    Measure("MCC", "mcc_at_threshold", partial(number, digits=2), "Matthews' correlation of calls and outcomes"),
]


def meanings(measures):
    """Pairs of headers and what they mean, in the order of `measures`; headers of one meaning share a pair."""
    headers = {}
    for measure in measures:
        headers.setdefault(measure.meaning, []).append(measure.header)
    return [(" and ".join(names), meaning) for meaning, names in headers.items()]


def report_blocks(metrics, outcomes, target):
    """What the report says of each fold and its measures; walk-forward blocks are left out.

    Parameters
    ----------
    metrics : DataFrame, as the rule `evaluate` writes it
    outcomes : DataFrame, the table of `fd01.data.origins` with the outcomes of the evaluation days
    target : dict with `target` and `horizon`

    Yields
    ------
    dict with the block's `name`, `first` and `last` day, `n` days of `n_series` series on `dates` dates, `positives`
    and `prevalence`; `train_end`, `train_n` and `train_prevalence`; and `rows`, dicts with a `label` and every `key` of
    `MEASURES`, best AUC first.
    """
    column = target_column(**target)
    metrics = of_target(metrics, **target)
    for fold, block in outcomes.groupby("fold", sort=False):
        if is_walk_forward(fold):
            continue
        rows = metrics[(metrics["fold"] == fold) & (metrics["status"] == "ok") & (metrics["seed"] == ALL_SEEDS)]
        rows = rows.sort_values("auc", ascending=False)
        evaluation = block[block["role"] == EVALUATION]
        known = evaluation[evaluation[column].notna()]
        training = block.loc[block["role"] != EVALUATION, column].dropna()
        yield {
            "name": fold,
            "first": evaluation["origin"].min(),
            "last": evaluation["origin"].max(),
            "n": len(known),
            "n_series": known["series"].nunique(),
            "dates": known["origin"].nunique(),
            "positives": int(evaluation[column].sum()),
            "prevalence": evaluation[column].mean(),
            "train_end": block["train_end"].iloc[0],
            "train_n": len(training),
            "train_prevalence": training.mean(),
            "rows": rows.assign(label=display_names(rows)).to_dict("records"),
        }


def table_order(folds, first):
    """Names of blocks in the order of the tables: clean days, then `first`, the others, and the pooled walk-forward.

    >>> table_order(["wf-2003", "test", "validation", "walk-forward", "after-cutoff"], ["validation", "test"])
    ['after-cutoff', 'validation', 'test', 'walk-forward']
    """
    order = [AFTER_CUTOFF, *first, POOLED]
    return [fold for fold in order if fold in set(folds)]


def experiment_rows(intervals, comparisons, metrics, experiments, primary):
    """The rows of the main table: every experiment with an AUC on a block, the best on the first block on top.

    Parameters
    ----------
    intervals, comparisons : DataFrame
        As the rule `compare_experiments` writes them, with the blocks that are shown and no others, in their order.
    metrics : DataFrame
        As the rule `evaluate` writes it; rows of one target.
    experiments : DataFrame
        As the rule `evaluate` writes it.
    primary : list of str

    Returns
    -------
    list of dict
        `experiment`, `family`, `group`; `cells`, a dict of block to a dict of `auc`, `n`, `lacking`, `seeds`, the
        `seed_min` and `seed_max` AUC of single seeds (None with one seed), and `pair`, the comparison with the
        reference, a dict with the columns of comparisons.csv, or None; `others`, a dict of kind of score to the AUCs of
        its other scores by block.
    """
    measured = with_seed_aucs(metrics)
    by_key = measured.set_index(["experiment", "fold", "score_kind"])
    pairs = comparisons[comparisons["against"] == "reference"] if len(comparisons) else comparisons
    pairs = {(row["experiment"], row["fold"]): row for row in pairs.to_dict("records")}
    evidence = experiments.set_index("experiment")["evidence"]
    rows = {}
    for row in intervals.to_dict("records"):
        name, fold, kind = row["experiment"], row["fold"], row["score_kind"]
        if name not in rows:
            family = PRIMARY if name in primary else SECONDARY
            rows[name] = {"experiment": name, "family": family, "group": group_of(evidence[name])}
            rows[name] |= {"optimistic": row["optimistic"] is True, "cells": {}, "others": {}}
        seeds = by_key["seed_aucs"].get((name, fold, kind))
        count = by_key["seeds"].get((name, fold, kind), 1)
        seeds = seeds if count > 1 else None
        rows[name]["cells"][fold] = {
            **{key: row[key] for key in ("auc", "n", "lacking")},
            "seeds": int(count),
            "seed_min": seeds and seeds["min"],
            "seed_max": seeds and seeds["max"],
            "pair": pairs.get((name, fold)),
        }
        others = measured[(measured["experiment"] == name) & (measured["fold"] == fold)]
        for other in others[others["score_kind"] != kind].to_dict("records"):
            rows[name]["others"].setdefault(other["score_kind"], {})[fold] = other["auc"]
    best_first = intervals.sort_values("auc", ascending=False, kind="stable")
    order = best_first["experiment"][best_first["fold"] == intervals["fold"].iloc[0]] if len(intervals) else []
    return [rows[name] for name in dict.fromkeys([*order, *rows])]


def opponent_rows(comparisons, rows):
    """The rows of the table against the chosen baseline and the twin, in the order of `rows` of the main table.

    Returns
    -------
    list of dict
        `experiment`, `family`, `group`, `against`, `other` (the names of the opponents, most often one), and `cells`, a
        dict of block to a dict with the columns of comparisons.csv.
    """
    table = []
    for row in rows:
        own = comparisons[comparisons["experiment"] == row["experiment"]]
        for against in ("baseline", "twin"):
            cells = {pair["fold"]: pair for pair in own[own["against"] == against].to_dict("records")}
            if cells:
                about = {key: row[key] for key in ("experiment", "family", "group", "optimistic")}
                others = list(dict.fromkeys(pair["other"] for pair in cells.values()))
                table.append(about | {"against": against, "other": others, "cells": cells})
    return table


def baselines_of(rows, folds, chosen):
    """Of each block, the baseline that was chosen on training data and the one with the best AUC on the block itself.

    Parameters
    ----------
    rows : list of dict, from `experiment_rows`
    folds : list of str
    chosen : dict of block to experiment, or None where none was chosen

    Yields
    ------
    dict with `fold`, `chosen`, `chosen_auc`, `best`, `best_auc`; None where there is none
    """
    baselines = [row for row in rows if row["group"] == BASELINES]
    for fold in folds:
        aucs = {row["experiment"]: row["cells"][fold]["auc"] for row in baselines if fold in row["cells"]}
        aucs = {name: auc for name, auc in aucs.items() if pd.notna(auc)}
        best = max(aucs, key=aucs.get, default=None)
        name = chosen.get(fold)
        yield {"fold": fold, "chosen": name, "chosen_auc": aucs.get(name), "best": best, "best_auc": aucs.get(best)}


def outside_its_seeds(rows):
    """The first ensemble of `rows` whose AUC lies outside the range of its single seeds, or None.

    Returns
    -------
    dict with `experiment`, `fold`, `auc`, `seeds`, `seed_min`, `seed_max`
    """
    for row in rows:
        for fold, cell in row["cells"].items():
            if cell["seed_min"] is not None and not cell["seed_min"] <= cell["auc"] <= cell["seed_max"]:
                return {"experiment": row["experiment"], "fold": fold} | cell
    return None


SCORE_KINDS = {
    "study": "the score of the original study, the median forecast as a return",
    "exceedance": (
        "the probability of the event under the predictive distribution; where a forecast of the Close is asked for a "
        "touch, its level is corrected on training data"
    ),
    "close-exceedance": "that probability before the correction: that the Close ends beyond the threshold",
    "width": "the distance between its 10 % and 90 % quantiles, a measure of volatility alone",
}


def score_kinds(blocks):
    """What the kinds of score mean that a label in the `rows` of `blocks` names."""
    named = [row["score_kind"] for block in blocks for row in block["rows"] if row["label"] != row["experiment"]]
    return [f"{kind} is {SCORE_KINDS[kind]}" for kind in SCORE_KINDS if kind in named]


def check_names(checks):
    """The names of all checks, in order of appearance; `checks` are lists of checks by experiment."""
    return list(dict.fromkeys(check["check"] for group in checks.values() for check in group))


def imported(provenances):
    """Where imported predictions come from, one dict per experiment that has any; provenances are by experiment."""
    return [{"experiment": name} | entry["imported"] for name, entry in provenances.items() if "imported" in entry]


def messages(experiments):
    """The distinct messages of experiments that were tried and did not run everywhere, word for word; list of str.

    What stands before the message where the experiment is a twin that lacks its original is left out. `experiments` is
    the table `experiments.csv`.
    """
    reasons = experiments.loc[experiments["model"].notna() & (experiments["status"] != "ok"), "reason"]
    reasons = reasons.dropna().astype(str)
    return list(reasons.str.replace(BESIDE, "", regex=True).unique())
