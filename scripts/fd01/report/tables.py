"""What the templates of the report show: tables shaped for reading, and the words that explain them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pandas as pd

from fd01.data.origins import EVALUATION
from fd01.data.targets import target_column
from fd01.evaluation.metrics import ALL_SEEDS
from fd01.report.figures import display_names
from fd01.report.html import NONE, number
from fd01.scoring.predictions import of_target
from fd01.study.folds import is_walk_forward


@dataclass(frozen=True)
class Column:
    """A column of the results table.

    Attributes
    ----------
    header : str
    key : str
        The column of `metrics.csv`, or `single_seeds`.
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
# The results table, from left to right, for its head, its body and the explanations below it.
# To add a column of metrics.csv, add a line here: nothing else lists the columns.
RESULT_COLUMNS = [
    Column("AUC", "auc", number, "the chance that a day before the event was scored above a day before no event"),
    Column("single seeds", "single_seeds", str, "the lowest and the highest AUC of one seed, without averaging"),
    Column("average precision", "average_precision", number, "the mean of the precision over all levels of recall"),
    Column("Brier skill", "brier_skill", number, _SKILL),
    Column("log-loss skill", "log_loss_skill", number, _SKILL),
    Column("precision", "precision_at_threshold", partial(number, digits=2), "the share of calls that were right"),
    Column("recall", "recall_at_threshold", partial(number, digits=2), "the share of events that were called"),
    Column("F1", "f1_at_threshold", partial(number, digits=2), "the harmonic mean of precision and recall"),
    Column("MCC", "mcc_at_threshold", partial(number, digits=2), "Matthews' correlation of calls and outcomes"),
]


def meanings(columns):
    """Pairs of headers and what they mean, in the order of `columns`; headers of one meaning share a pair."""
    headers = {}
    for column in columns:
        headers.setdefault(column.meaning, []).append(column.header)
    return [(" and ".join(names), meaning) for meaning, names in headers.items()]


def result_tables(metrics, experiments, outcomes, target):
    """What the report says of each fold; walk-forward blocks are left out.

    Parameters
    ----------
    metrics, experiments : DataFrames, as the rule `evaluate` writes them
    outcomes : DataFrame, the table of `fd01.data.origins` with the outcomes of the evaluation days
    target : dict with `target` and `horizon`

    Yields
    ------
    dict with the block's `name`, `first` and `last` day, `n`, `positives` and `prevalence`; `train_end`, `train_n` and
    `train_prevalence`; `rows`, dicts with a `label` and every `key` of `RESULT_COLUMNS`, best AUC first; and `absent`,
    an `experiment` and the `reason` why it did not run.
    """
    column = target_column(**target)
    metrics = of_target(metrics, **target)
    for fold, block in outcomes.groupby("fold", sort=False):
        if is_walk_forward(fold):
            continue
        rows = metrics[metrics["fold"] == fold]
        switched_off = experiments[experiments["model"].isna()]
        absent = pd.concat([rows[rows["status"] == "not run"], switched_off])[["experiment", "reason"]]
        evaluation = block[block["role"] == EVALUATION]
        training = block.loc[block["role"] != EVALUATION, column].dropna()
        yield {
            "name": fold,
            "first": evaluation["origin"].min(),
            "last": evaluation["origin"].max(),
            "n": int(evaluation[column].notna().sum()),
            "positives": int(evaluation[column].sum()),
            "prevalence": evaluation[column].mean(),
            "train_end": block["train_end"].iloc[0],
            "train_n": len(training),
            "train_prevalence": training.mean(),
            "rows": _result_rows(rows[rows["status"] == "ok"]),
            "absent": absent.drop_duplicates().to_dict("records"),
        }


def _result_rows(rows):
    means = rows[rows["seed"] == ALL_SEEDS].sort_values("auc", ascending=False)
    seeds = rows[rows["seed"] != ALL_SEEDS].groupby(["experiment", "score_kind"])["auc"].agg(["min", "max"])
    means = means.join(seeds, on=["experiment", "score_kind"]).assign(label=display_names(means))
    return [row | {"single_seeds": _single_seeds(row)} for row in means.to_dict("records")]


def _single_seeds(row):
    return f"{number(row['min'])} to {number(row['max'])}" if row["seeds"] > 1 else NONE


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
