"""Draw the AUC of every experiment on every fold."""

from pathlib import Path

import pandas as pd

from fd01.evaluation.metrics import ALL_SEEDS
from fd01.report.figures import display_names, message_figure, pyplot, save_figure
from fd01.scoring.predictions import of_target
from fd01.study.folds import is_walk_forward
from fd01.workflow.logs import configure_logging


def auc_table(metrics, target):
    """AUC of every label, fold and seed for one target; see `fd01.report.figures.display_names`."""
    rows = of_target(metrics, **target).dropna(subset="auc")
    rows = rows[~rows["fold"].map(is_walk_forward).astype(bool)]
    return rows.assign(label=display_names(rows))[["label", "fold", "seed", "auc"]]


def draw_auc(table):
    """A panel per fold, the best of the first one on top; small dots are single seeds."""
    if table.empty:
        return message_figure("No block in which both outcomes occur has been scored.")
    folds = list(table["fold"].unique())
    means, seeds = table[table["seed"] == ALL_SEEDS], table[table["seed"] != ALL_SEEDS]
    # An experiment that did not run on the first fold stands where its first AUC puts it.
    order = means.drop_duplicates("label").sort_values("auc", ascending=False)["label"].tolist()
    size = (2.2 + 2 * len(folds), 1.2 + 0.28 * len(order))
    figure, axes = pyplot().subplots(1, len(folds), figsize=size, sharex=True, sharey=True, squeeze=False)
    for fold, panel in zip(folds, axes[0]):
        panel.axvline(0.5, color="0.7", lw=0.8)
        for rows, area, colour in ((means, 36, "C0"), (seeds, 8, "C1")):
            rows = rows[rows["fold"] == fold]
            panel.scatter(rows["auc"], [order.index(label) for label in rows["label"]], s=area, color=colour)
        panel.set(title=fold, xlabel="AUC", yticks=range(len(order)), yticklabels=order)
        panel.grid(axis="y", lw=0.3)
    axes[0, 0].invert_yaxis()
    return figure


if __name__ == "__main__":
    configure_logging(snakemake)
    table = auc_table(pd.read_csv(snakemake.input.metrics), snakemake.params.target)
    figure = draw_auc(table)
    save_figure(figure, table, Path(snakemake.output.svg).with_suffix(""))
