"""Draw the AUC of every experiment on every fold."""

from pathlib import Path

import pandas as pd

from fd01.data.touch import CLOSE_EXCEEDANCE
from fd01.evaluation.metrics import ALL_SEEDS
from fd01.report.figures import GUESS_LINE, display_names, message_figure, pyplot, save_figure
from fd01.report.palette import MEAN_OF_SEEDS, SINGLE_SEED
from fd01.scoring.predictions import of_target
from fd01.study.folds import is_walk_forward
from fd01.workflow.logs import configure_logging


def auc_table(metrics, target):
    """AUC of every label, fold and seed for one target; see `fd01.report.figures.display_names`.

    Without the probabilities before the touch correction: they rank the days as the corrected ones do.
    """
    rows = of_target(metrics, **target).dropna(subset="auc")
    rows = rows[rows["score_kind"] != CLOSE_EXCEEDANCE]
    rows = rows[~rows["fold"].map(is_walk_forward).astype(bool)]
    return rows.assign(label=display_names(rows))[["label", "fold", "seed", "auc"]]


def draw_auc(table):
    """One panel per fold; the first fold orders the rows, best AUC on top. Small dots are single seeds."""
    if table.empty:
        return message_figure("No block in which both outcomes occur has been scored.")
    folds = list(table["fold"].unique())
    means, seeds = table[table["seed"] == ALL_SEEDS], table[table["seed"] != ALL_SEEDS]
    # An experiment that did not run on the first fold stands where its first AUC puts it.
    order = means.drop_duplicates("label").sort_values("auc", ascending=False)["label"].tolist()
    size = (2.2 + 2 * len(folds), 1.2 + 0.28 * len(order))
    figure, axes = pyplot().subplots(1, len(folds), figsize=size, sharex=True, sharey=True, squeeze=False)
    for fold, panel in zip(folds, axes[0]):
        panel.axvline(0.5, **GUESS_LINE)
        for rows, area, colour in ((means, 36, MEAN_OF_SEEDS), (seeds, 8, SINGLE_SEED)):
            rows = rows[rows["fold"] == fold]
            panel.scatter(rows["auc"], [order.index(label) for label in rows["label"]], s=area, color=colour)
        panel.set(title=fold, xlabel="AUC", yticks=range(len(order)), yticklabels=order)
        panel.grid(axis="y")
    axes[0, 0].invert_yaxis()
    return figure


if __name__ == "__main__":
    configure_logging(snakemake)
    table = auc_table(pd.read_csv(snakemake.input.metrics), snakemake.params.target)
    figure = draw_auc(table)
    save_figure(figure, table, Path(snakemake.output.svg).with_suffix(""))
