"""Draw one kind of figure of the scores for every fold: an SVG and, beside it, the table that it shows."""

import itertools
from pathlib import Path

import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from fd01.evaluation.metrics import sweep
from fd01.evaluation.outcomes import mean_scores
from fd01.report.figures import display_names, message_figure, pyplot, save_figure, small_multiples
from fd01.scoring.predictions import read_experiment
from fd01.study.folds import is_walk_forward
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

OUTCOMES = {0.0: "did not happen", 1.0: "happened"}


def read_scores(paths, origins, target):
    """Mean score and outcome of every evaluation day, with the `label` of its experiment."""
    frames = [read_experiment(path)[0].assign(experiment=Path(path).name) for path in paths]
    rows = pd.concat(frames, ignore_index=True)
    return mean_scores(rows.assign(label=display_names(rows)), origins, **target)


def by_label(scores, function):
    """`function(y, score)` of every label as one table with a column `label`; constant scores are left out."""
    groups = [(label, block) for label, block in scores.groupby("label", sort=False) if block["score"].nunique() > 1]
    tables = [function(block["y"], block["score"]).assign(label=label) for label, block in groups]
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


def draw_roc(table, published, baselines):
    """ROC curves, the best AUC first in the legend."""
    figure, axes = pyplot().subplots(figsize=(6, 6.5))
    axes.plot([0, 1], [0, 1], color="0.7", lw=0.8)
    best_first = table.groupby("label", sort=False)["auc"].first().sort_values(ascending=False, kind="stable")
    for label, style in styles(table, baselines, best_first.index):
        curve = table[table["label"] == label]
        name = f"{best_first[label]:.3f}  {label}"
        axes.plot(curve["false_positive_rate"], curve["true_positive_rate"], label=name, **style)
    axes.set(xlabel="false positive rate", ylabel="true positive rate", aspect="equal")
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, title="AUC, best first", title_fontsize=8)
    return figure


def draw_precision_recall(table, published, baselines):
    """Precision-recall curves, the prevalence, and the pairs that the study published for this fold."""
    figure, axes = pyplot().subplots(figsize=(6, 6))
    axes.axhline(table["prevalence"].iloc[0], color="0.7", lw=0.8)
    for label, style in styles(table, baselines):
        curve = table[table["label"] == label]
        axes.plot(curve["recall"], curve["precision"], drawstyle="steps-post", label=label, **style)
    if published:
        axes.scatter(*zip(*published), marker="*", s=120, color="black", zorder=3, label="published for PatchTST")
    axes.set(xlabel="recall", ylabel="precision", ylim=(0, 1.02))
    figure.legend(loc="outside lower center", ncols=2, fontsize=8)
    return figure


def draw_distributions(table, published, baselines):
    """Histogram of each label's scores, apart by outcome."""
    import seaborn as sns

    figure, panels = small_multiples(table)
    for label, axes in panels:
        rows = table[table["label"] == label].assign(outcome=lambda t: t["y"].map(OUTCOMES))
        if rows["score"].nunique() == 1:
            axes.text(0.5, 0.5, f"always {rows['score'].iloc[0]:.3f}", ha="center", transform=axes.transAxes)
            axes.set(xticks=[], yticks=[])
            continue
        sns.histplot(
            rows,
            x="score",
            hue="outcome",
            hue_order=list(OUTCOMES.values()),
            stat="density",
            common_norm=False,
            bins=25,
            element="step",
            legend=False,
            ax=axes,
        )
        axes.set(xlabel="", ylabel="", yticks=[])
    colours = sns.color_palette(n_colors=2)
    handles = [pyplot().Rectangle((0, 0), 1, 1, color=colour, alpha=0.5) for colour in colours]
    figure.legend(
        handles, OUTCOMES.values(), loc="outside lower center", ncols=2, title="scores of days on which the event"
    )
    return figure


def draw_sweep(table, published, baselines):
    """Precision, recall and F1 of each label against the threshold."""
    figure, panels = small_multiples(table)
    for label, axes in panels:
        rows = table[table["label"] == label]
        lines = [axes.plot(rows["threshold"], rows[name], lw=1)[0] for name in ("precision", "recall", "f1")]
        axes.set(ylim=(0, 1.02))
    figure.legend(lines, ["precision", "recall", "F1"], loc="outside lower center", ncols=3, title="at the threshold")
    return figure


def styles(table, baselines, order=None):
    """Each label with its line style: models solid and strong, baselines thin and dashed."""
    import seaborn as sns

    names = list(table["label"].unique())
    faint = [name for name in names if name in baselines]
    strong = [name for name in names if name not in baselines]
    colours = dict(zip(faint, sns.husl_palette(len(faint), s=0.9, l=0.55)))
    colours |= dict(zip(strong, itertools.cycle(sns.color_palette("dark"))))
    for name in names if order is None else order:
        line = {"lw": 1, "ls": "--"} if name in faint else {"lw": 2.2, "ls": "-"}
        yield name, {"color": colours[name], **line}


FIGURES = {
    "roc": (roc_table, draw_roc),
    "precision-recall": (precision_recall_table, draw_precision_recall),
    "score-distributions": (distribution_table, draw_distributions),
    "threshold-sweep": (sweep_table, draw_sweep),
}


def published_pairs(published, dataset, fold):
    """Recall and precision of each pair that the study published for this block."""
    here = [entry for entry in published if (entry["dataset"], entry["fold"]) == (dataset, fold)]
    return sorted({(entry["recall"], entry["precision"]) for entry in here if "precision" in entry})


if __name__ == "__main__":
    configure_logging(snakemake)
    params, wildcards = snakemake.params, snakemake.wildcards
    directory = Path(snakemake.output[0])
    directory.mkdir()
    origins = read_frame(snakemake.input.outcomes)
    scores = read_scores(snakemake.input.predictions, origins, params.target)
    tabulate, draw = FIGURES[wildcards.figure]
    for fold in origins["fold"].unique():
        if is_walk_forward(fold):
            continue
        block = scores[scores["fold"] == fold]
        table = tabulate(block) if block["y"].nunique() == 2 else block.iloc[:0]
        if table.empty:
            figure = message_figure("Nothing to draw: no score that varies, or not both outcomes among the days.")
        else:
            figure = draw(table, published_pairs(params.published, wildcards.dataset, fold), params.baselines)
        save_figure(figure, table, directory / fold)
