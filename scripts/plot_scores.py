"""Draw one kind of figure of the scores for every fold: an SVG and, beside it, the table that it shows."""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from fd01.data.touch import CLOSE_EXCEEDANCE
from fd01.evaluation.metrics import sweep
from fd01.evaluation.outcomes import mean_scores
from fd01.evaluation.protocol import ORIGINAL_TARGET
from fd01.report.figures import (
    GUESS_LINE,
    display_names,
    line_kind,
    line_styles,
    message_figure,
    pyplot,
    save_figure,
    small_multiples,
)
from fd01.report.palette import EVENT, F1, NO_EVENT, PRECISION, PREVALENCE, PUBLISHED, RECALL
from fd01.scoring.predictions import read_experiment
from fd01.study.folds import is_walk_forward
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

OUTCOMES = {0: ("did not happen", NO_EVENT), 1: ("happened", EVENT)}
MEASURES = {"precision": ("precision", PRECISION), "recall": ("recall", RECALL), "f1": ("F1", F1)}


def read_scores(paths, outcomes, target):
    """Mean score and outcome of every evaluation day, with the `experiment` and its `label` in the figures.

    Without the probabilities before the touch correction: they rank the days as the corrected ones do.
    """
    frames = [read_experiment(path)[0].assign(experiment=Path(path).name) for path in paths]
    rows = pd.concat(frames, ignore_index=True)
    rows = rows[rows["score_kind"] != CLOSE_EXCEEDANCE]
    return mean_scores(rows.assign(label=display_names(rows)), outcomes, **target)


def by_label(scores, function):
    """The tables `function(y, score)` of all labels in one, with a column `label`; constant scores are left out."""
    groups = [(label, rows) for label, rows in scores.groupby("label", sort=False) if rows["score"].nunique() > 1]
    tables = [function(rows["y"], rows["score"]).assign(label=label) for label, rows in groups]
    return pd.concat(tables) if tables else pd.DataFrame(columns=["label"])


def roc_table(scores):
    """False and true positive rate of every label at every threshold."""

    def rates(y, score):
        fpr, tpr, _ = roc_curve(y, score)
        return pd.DataFrame({"false_positive_rate": fpr, "true_positive_rate": tpr, "auc": roc_auc_score(y, score)})

    return by_label(scores, rates)


def precision_recall_table(scores):
    """Recall and precision of every label at every threshold."""

    def rates(y, score):
        precision, recall, _ = precision_recall_curve(y, score)
        # scikit-learn appends (recall 0, precision 1), which no threshold reaches.
        return pd.DataFrame({"recall": recall[:-1], "precision": precision[:-1], "prevalence": y.mean()})

    return by_label(scores, rates)


def distribution_table(scores):
    """The scores themselves."""
    return scores[["label", "origin", "score", "y"]]


def sweep_table(scores):
    """Precision, recall and F1 of every label at every threshold."""
    return by_label(scores, sweep)


# The functions that draw take the same arguments:
# table      what to draw, of one block
# styles     line style by label, see `fd01.report.figures.line_styles`
# published  pairs of recall and precision that the original study published for this block


def draw_roc(table, styles, published):
    """ROC curves, the best AUC first in the legend."""
    figure, axes = pyplot().subplots(figsize=(6, 6.5))
    axes.plot([0, 1], [0, 1], **GUESS_LINE)
    best_first = table.groupby("label", sort=False)["auc"].first().sort_values(ascending=False, kind="stable")
    for label, auc in best_first.items():
        curve = table[table["label"] == label]
        name = f"{auc:.3f}  {label}"
        axes.plot(curve["false_positive_rate"], curve["true_positive_rate"], label=name, **styles[label])
    axes.set(xlabel="false positive rate", ylabel="true positive rate", aspect="equal")
    figure.legend(loc="outside lower center", ncols=2, title="AUC, best first", handlelength=3)
    return figure


def draw_precision_recall(table, styles, published):
    """Precision-recall curves, the prevalence, and the published pairs."""
    figure, axes = pyplot().subplots(figsize=(6, 6))
    axes.axhline(table["prevalence"].iloc[0], color=PREVALENCE, lw=0.8)
    for label in table["label"].unique():
        curve = table[table["label"] == label]
        axes.plot(curve["recall"], curve["precision"], drawstyle="steps-post", label=label, **styles[label])
    if published:
        axes.scatter(*zip(*published), marker="*", s=120, color=PUBLISHED, zorder=3, label="published for PatchTST")
    axes.set(xlabel="recall", ylabel="precision", ylim=(0, 1.02))
    figure.legend(loc="outside lower center", ncols=2, handlelength=3)
    return figure


def draw_distributions(table, styles, published):
    """Histograms of the scores, one panel per label: days with the event and days without."""
    figure, panels = small_multiples(table)
    for label, axes in panels:
        rows = table[table["label"] == label]
        if rows["score"].nunique() == 1:
            axes.text(0.5, 0.5, f"always {rows['score'].iloc[0]:.3f}", ha="center", transform=axes.transAxes)
            axes.set(xticks=[], yticks=[])
            continue
        edges = np.histogram_bin_edges(rows["score"], bins=25)
        for y, (_, colour) in OUTCOMES.items():
            density, _ = np.histogram(rows.loc[rows["y"] == y, "score"], edges, density=True)
            axes.stairs(density, edges, color=colour, fill=True, alpha=0.25)
            axes.stairs(density, edges, color=colour)
        axes.set(yticks=[])
    names, colours = zip(*OUTCOMES.values())
    handles = [pyplot().Rectangle((0, 0), 1, 1, color=colour, alpha=0.5) for colour in colours]
    figure.legend(handles, names, loc="outside lower center", ncols=2, title="scores of days on which the event")
    return figure


def draw_sweep(table, styles, published):
    """Precision, recall and F1 against the threshold, one panel per label."""
    figure, panels = small_multiples(table)
    names, colours = zip(*MEASURES.values())
    for label, axes in panels:
        rows = table[table["label"] == label]
        for column, (_, colour) in MEASURES.items():
            axes.plot(rows["threshold"], rows[column], color=colour, lw=1)
        axes.set(ylim=(0, 1.02))
    handles = [pyplot().Line2D([], [], color=colour) for colour in colours]
    figure.legend(handles, names, loc="outside lower center", ncols=3, title="at the threshold")
    return figure


FIGURES = {
    "roc": (roc_table, draw_roc),
    "precision-recall": (precision_recall_table, draw_precision_recall),
    "score-distributions": (distribution_table, draw_distributions),
    "threshold-sweep": (sweep_table, draw_sweep),
}


def published_pairs(published, dataset, fold, target):
    """Recall and precision of each pair that the original study published for this block, if it is of its target."""
    published = published if target == ORIGINAL_TARGET else []
    here = [entry for entry in published if (entry["dataset"], entry["fold"]) == (dataset, fold)]
    return sorted({(entry["recall"], entry["precision"]) for entry in here if "precision" in entry})


if __name__ == "__main__":
    configure_logging(snakemake)
    params, wildcards = snakemake.params, snakemake.wildcards
    directory = Path(snakemake.output[0])
    directory.mkdir()
    outcomes = read_frame(snakemake.input.outcomes)
    scores = read_scores(snakemake.input.predictions, outcomes, params.target)
    experiments = scores.drop_duplicates("label").set_index("label")["experiment"]
    styles = line_styles(
        {
            label: line_kind(experiment, params.reference, params.systems, params.twins)
            for label, experiment in experiments.items()
        }
    )
    tabulate, draw = FIGURES[wildcards.figure]
    for fold in outcomes["fold"].unique():
        if is_walk_forward(fold):
            continue
        block = scores[scores["fold"] == fold]
        table = tabulate(block) if block["y"].nunique() == 2 else block.iloc[:0]
        if table.empty:
            figure = message_figure("Nothing to draw: no score that varies, or not both outcomes among the days.")
        else:
            figure = draw(table, styles, published_pairs(params.published, wildcards.dataset, fold, params.target))
        save_figure(figure, table, directory / fold)
