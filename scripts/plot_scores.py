"""Draw the figures of the scores for every fold: an SVG and, beside it, the table of all experiments.

A figure shows at most `fd01.report.figures.CURVES` experiments, the same on every fold, by the score by which each is
compared: `fd01.report.figures.CHOICE`, by the mean AUC over the folds. Of curves, the files `{fold}-all.svg` show every
score of every experiment in a panel of its own.

Only days of one series are ranked against each other. So the curve of several series is the mean of their curves, with
the weights of the pooled measure: the area under it is the pooled AUC, or the pooled average precision. In the other
figures, the rank of a score within its series stands for the score.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_curve

from fd01.data.touch import CLOSE_EXCEEDANCE
from fd01.evaluation.curves import mean_precision_recall_curve, mean_roc_curve, ranks_within
from fd01.evaluation.metrics import auc_within, sweep
from fd01.evaluation.outcomes import mean_scores
from fd01.evaluation.protocol import ORIGINAL_TARGET
from fd01.report.figures import (
    CURVES,
    GUESS_LINE,
    REFERENCE_LINE,
    Cast,
    Column,
    compared,
    display_names,
    line_styles,
    message_figure,
    rest,
    save_figure,
    save_svg,
)
from fd01.report.html import number
from fd01.report.palette import EVENT, F1, NO_EVENT, PRECISION, PREVALENCE, PUBLISHED, RECALL, SOFT
from fd01.scoring.predictions import concat_scores, read_experiment
from fd01.study.folds import is_walk_forward
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

COLUMNS = ["experiment", "label", "score_kind", "fold", "series", "origin", "score", "y"]
OUTCOMES = {  # how the days are drawn, and filled, on which the event did and did not happen
    0: ("did not happen", {"color": NO_EVENT, "lw": 1.2, "ls": (0, (3, 1.5))}, 0.15),
    1: ("happened", {"color": EVENT, "lw": 1.6}, 0.3),
}
MEASURES = {
    "precision": ("precision", {"color": PRECISION, "lw": 1.8}),
    "recall": ("recall", {"color": RECALL, "lw": 1.4, "ls": (0, (5, 2))}),
    "f1": ("F1", {"color": F1, "lw": 1.4, "ls": (0, (1.5, 1.2))}),
}


def read_scores(paths, outcomes, target):
    """Mean score and outcome of every evaluation day, `COLUMNS`: also the experiment and its label in the figures.

    Without the probabilities before the touch correction: they rank the days as the corrected ones do.
    """

    def of_experiment(path):
        rows = read_experiment(path)[0].assign(experiment=Path(path).name)
        rows = rows[rows["score_kind"] != CLOSE_EXCEEDANCE]
        return mean_scores(rows.assign(label=display_names(rows)), outcomes, **target)[COLUMNS]

    # One experiment at a time: the rows of all, of many series, do not fit into memory.
    return concat_scores([of_experiment(path) for path in paths])


def has_several_series(scores):
    """Whether the rows of a block are of more than one series."""
    return scores["series"].nunique() > 1


def varying(scores):
    """Pairs of a label and its rows, if in some series it has several scores and in some both outcomes."""
    for label, rows in scores.groupby("label", sort=False):
        if (rows.groupby("series", observed=True)[["score", "y"]].nunique().max() > 1).all():
            yield label, rows


def by_label(scores, function):
    """The tables `function(rows)` of all labels in one, with a column `label`; constant scores are left out."""
    tables = [function(rows).assign(label=label) for label, rows in varying(scores)]
    return pd.concat(tables) if tables else pd.DataFrame(columns=["label"])


def arrays(rows):
    """Outcomes, scores and series of the rows, shape (n,) each."""
    return (rows[column].to_numpy() for column in ("y", "score", "series"))


def aucs_of(scores):
    """AUC by label on one block, highest first; without constant scores, and empty if no series has both outcomes."""
    aucs = pd.Series({label: auc_within(*arrays(rows)) for label, rows in varying(scores)}, dtype=float)
    return aucs.sort_values(ascending=False, kind="stable")


def roc_table(scores):
    """False and true positive rate of every label at every threshold; of several series, the mean curve."""

    def rates(rows):
        y, score, series = arrays(rows)
        fpr, tpr = mean_roc_curve(y, score, series) if has_several_series(rows) else roc_curve(y, score)[:2]
        auc = auc_within(y, score, series)
        return pd.DataFrame({"false_positive_rate": fpr, "true_positive_rate": tpr, "auc": auc})

    return by_label(scores, rates)


def precision_recall_table(scores):
    """Recall and precision of every label at every threshold; of several series, the mean curve."""

    def rates(rows):
        y, score, series = arrays(rows)
        if has_several_series(rows):
            recall, precision, prevalence = mean_precision_recall_curve(y, score, series)
        else:
            # scikit-learn appends (recall 0, precision 1), which no threshold reaches.
            precision, recall = (values[:-1] for values in precision_recall_curve(y, score)[:2])
            prevalence = y.mean()
        return pd.DataFrame({"recall": recall, "precision": precision, "prevalence": prevalence})

    return by_label(scores, rates)


def ranked(scores):
    """The scores of a block; of several series, the rank of each within its series, from 0 to 1, stands for it."""
    if not has_several_series(scores):
        return scores
    groups = scores.groupby("label", sort=False)
    return pd.concat(rows.assign(score=ranks_within(rows["score"], rows["series"])) for _, rows in groups)


def distribution_table(scores):
    """The scores themselves; of several series, how many days of each outcome have each rank."""
    if not has_several_series(scores):
        return scores[["label", "origin", "score", "y"]]
    return ranked(scores).groupby(["label", "score", "y"], sort=False).size().rename("days").reset_index()


def sweep_table(scores):
    """Precision, recall and F1 of every label at every threshold; of several series, on the rank."""
    return by_label(ranked(scores), lambda rows: sweep(rows["y"], rows["score"]))


# The functions that draw take the same arguments, and return a figure, its title and its description:
# table      what to draw, of one block
# block      a Block


@dataclass(frozen=True)
class Block:
    """What the figures of a block have in common.

    Attributes
    ----------
    fold : str
    aucs : Series of AUC by label, best first, for all labels of the block
    compared : int, how many experiments have one
    shown : list of str, the labels that are drawn, best first
    names : dict of label to its name in figures
    reference : str or None, the label of the reference
    published : list of pairs of recall and precision that the original study published for this block
    series : int, the number of series on the block
    """

    fold: str
    aucs: pd.Series
    compared: int
    shown: list
    names: dict
    reference: str
    published: list
    series: int = 1

    @property
    def score(self):
        """What stands for the score in the figures that are no curves."""
        return "rank within its series" if self.series > 1 else "score"

    @property
    def best(self):
        """The best AUC and whose it is."""
        return f"highest AUC {number(self.aucs[self.shown[0]])}, {self.names[self.shown[0]]}"

    @property
    def text(self):
        """The AUC of everything that is drawn."""
        aucs = ", ".join(f"{self.names[label]} {number(self.aucs[label])}" for label in self.shown)
        return f"AUC: {aucs}."

    def explain_mean(self, column):
        """Say in a column that the curves are means."""
        if self.series > 1:
            column.write(f"the mean of {self.series} series, each ranked by itself", color=SOFT)

    def rest(self, *file):
        """What is left out; see `fd01.report.figures.rest`."""
        return rest(len(self.shown), self.compared, *file)


def curves(head, table, block, x, y, height):
    """A column with a panel of all curves that are shown, and the panel."""
    column = Column()
    column.write(head, weight="bold")
    block.explain_mean(column)
    column.write(y.replace("_", " "))
    column.space(2)
    axes = column.panel(height, left=36)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    for label, look in line_styles(block.shown, block.reference).items():
        rows = table[table["label"] == label]
        axes.plot(rows[x], rows[y], zorder=3 if label == block.reference else 2, **look)
    column.write(x.replace("_", " "), left=36)
    column.space(4)
    return column, axes


def explain_curves(column, block, entries):
    """Add what the lines are, and which are left out."""
    column.write("AUC, best first", color=SOFT)
    styles = line_styles(block.shown, block.reference)
    column.legend([(styles[label], f"{number(block.aucs[label])}  {block.names[label]}") for label in block.shown])
    column.legend(entries)
    if left_out := block.rest(f"{block.fold}-all.svg"):
        column.write(left_out, color=SOFT)


def draw_roc(table, block):
    """ROC curves, the best AUC first in the legend."""
    column, axes = curves(f"ROC curves on {block.fold}", table, block, "false_positive_rate", "true_positive_rate", 316)
    axes.plot([0, 1], [0, 1], **GUESS_LINE)
    explain_curves(column, block, [(GUESS_LINE, "guessing")])
    return column.finish(), f"ROC curves on {block.fold}: {block.best}", block.text


def draw_precision_recall(table, block):
    """Precision-recall curves, the prevalence, and the published pairs."""
    column, axes = curves(f"Precision and recall on {block.fold}", table, block, "recall", "precision", 290)
    prevalence = table["prevalence"].iloc[0]
    axes.axhline(prevalence, color=PREVALENCE, lw=1)
    mean = "mean " if block.series > 1 else ""
    entries = [({"color": PREVALENCE, "lw": 1}, f"guessing: the {mean}share of days with the event, {prevalence:.2f}")]
    if block.published:
        star = {"ls": "", "marker": "*", "ms": 12, "color": PUBLISHED}
        axes.plot(*zip(*block.published), zorder=4, **star)
        entries.append((star, "published for PatchTST"))
    explain_curves(column, block, entries)
    return column.finish(), f"Precision and recall on {block.fold}: {block.best}", block.text


def draw_all(table, block, x, y):
    """Every curve in a panel of its own, over the reference's, best AUC first."""
    column = Column()
    column.write(f"All curves on {block.fold}", weight="bold")
    block.explain_mean(column)
    drawn = [label for label in block.aucs.index if label in set(table["label"])]
    column.legend([(REFERENCE_LINE, "the curve of the panel"), ({"color": SOFT, "lw": 1}, "the reference")])
    column.write(f"to the right: {x.replace('_', ' ')}; upwards: {y.replace('_', ' ')}", color=SOFT)
    column.space(6)
    panels = column.multiples([f"{number(block.aucs[label])}  {block.names[label]}" for label in drawn], 92, columns=3)
    reference = table[table["label"] == block.reference]
    for label, axes in zip(drawn, panels):
        rows = table[table["label"] == label]
        axes.plot(reference[x], reference[y], color=SOFT, lw=1)
        axes.plot(rows[x], rows[y], **REFERENCE_LINE)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=[0, 1], yticks=[])
    return column.finish(), f"All curves on {block.fold}: {block.best}", block.text


def draw_distributions(table, block):
    """Histograms of the scores, one panel per label: days with the event and days without."""
    column = Column()
    column.write(f"Scores on {block.fold}", weight="bold")
    column.write(
        f"{block.score} on days on which the event" if block.series > 1 else "scores of days on which the event",
        color=SOFT,
    )
    column.legend([(look, word) for word, look, _ in OUTCOMES.values()])
    column.space(6)
    for label, axes in zip(block.shown, column.multiples([block.names[label] for label in block.shown], 78)):
        rows = table[table["label"] == label]
        axes.set(yticks=[])
        edges = np.histogram_bin_edges(rows["score"], bins=20)
        days = rows.get("days", pd.Series(1, rows.index))
        for y, (_, look, filled) in OUTCOMES.items():
            own = rows["y"] == y
            density, _ = np.histogram(rows.loc[own, "score"], edges, density=True, weights=days[own])
            axes.stairs(density, edges, color=look["color"], fill=True, alpha=filled)
            axes.stairs(density, edges, **look)
    if left_out := block.rest():
        column.write(left_out, color=SOFT)
    return column.finish(), f"Scores of days with and without the event on {block.fold}: {block.best}", block.text


def draw_sweep(table, block):
    """Precision, recall and F1 against the threshold, one panel per label."""
    column = Column()
    column.write(f"Every threshold on {block.fold}", weight="bold")
    column.write(f"to the right: the threshold on the {block.score}; upwards, from 0 to 1:", color=SOFT)
    column.legend([(look, word) for word, look in MEASURES.values()])
    column.space(6)
    for label, axes in zip(block.shown, column.multiples([block.names[label] for label in block.shown], 78)):
        rows = table[table["label"] == label]
        for measure, (_, look) in MEASURES.items():
            axes.plot(rows["threshold"], rows[measure], **look)
        axes.set(ylim=(0, 1.02), yticks=[])
    if left_out := block.rest():
        column.write(left_out, color=SOFT)
    return column.finish(), f"Precision, recall and F1 at every threshold on {block.fold}: {block.best}", block.text


FIGURES = {
    "roc": (roc_table, draw_roc),
    "precision-recall": (precision_recall_table, draw_precision_recall),
    "score-distributions": (distribution_table, draw_distributions),
    "threshold-sweep": (sweep_table, draw_sweep),
}
# The figures with a second one of all experiments: what lies to the right, and what upwards.
WITH_ALL = {"roc": ("false_positive_rate", "true_positive_rate"), "precision-recall": ("recall", "precision")}


def published_pairs(published, dataset, fold, target):
    """Recall and precision of each pair that the original study published for this block, if it is of its target."""
    published = published if target == ORIGINAL_TARGET else []
    here = [entry for entry in published if (entry["dataset"], entry["fold"]) == (dataset, fold)]
    return sorted({(entry["recall"], entry["precision"]) for entry in here if "precision" in entry})


def save_block(kind, scores, block, folder):
    """Write the figures of one `kind`, a key of `FIGURES`, of one block into `folder`; `scores` are its rows."""
    if not block.shown:
        text = f"Nothing to draw on {block.fold}: no score that varies, or not both outcomes among the days."
        save_figure(*message_figure(text), scores.iloc[:0], folder / block.fold)
        if kind in WITH_ALL:
            save_svg(*message_figure(text), folder / f"{block.fold}-all.svg")
        return
    tabulate, draw = FIGURES[kind]
    table = tabulate(scores)
    save_figure(*draw(table, block), table, folder / block.fold)
    if kind in WITH_ALL:
        save_svg(*draw_all(table, block, *WITH_ALL[kind]), folder / f"{block.fold}-all.svg")


if __name__ == "__main__":
    configure_logging(snakemake)
    params, folders = snakemake.params, list(map(Path, snakemake.output))
    outcomes = read_frame(snakemake.input.outcomes)
    scores = read_scores(snakemake.input.predictions, outcomes, params.target)
    cast = Cast.read(snakemake.input.experiments, params.reference, params.names)
    experiments = scores.drop_duplicates("label").set_index("label")["experiment"]
    names = {label: cast.named(label, experiment) for label, experiment in experiments.items()}
    reference = next((label for label in names if experiments[label] == params.reference), None)
    folds = [fold for fold in outcomes["fold"].unique() if not is_walk_forward(fold)]
    aucs = {fold: aucs_of(scores[scores["fold"] == fold]) for fold in folds}
    main = set(scores.loc[compared(scores), "label"])
    means = pd.concat(aucs.values()).groupby(level=0).mean()
    shown = cast.choose(means[means.index.isin(main)], experiments, CURVES)
    for folder in folders:
        folder.mkdir()
    for fold in folds:
        here, best_first = scores[scores["fold"] == fold], aucs[fold]
        drawn = [label for label in best_first.index if label in shown]
        published = published_pairs(params.published, snakemake.wildcards.dataset, fold, params.target)
        of_main = len(main & set(best_first.index))
        block = Block(fold, best_first, of_main, drawn, names, reference, published, here["series"].nunique())
        for folder in folders:
            save_block(folder.name, here, block, folder)
