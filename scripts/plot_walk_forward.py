"""Draw the AUC of every experiment: block by block through history, and on all blocks together."""

from pathlib import Path

import pandas as pd

from fd01.evaluation.blocks import POOLED
from fd01.report.figures import GUESS_LINE, line_kind, line_styles, message_figure, pyplot, save_figure
from fd01.study.folds import is_walk_forward
from fd01.workflow.logs import configure_logging


def draw_walk_forward(table, reference, systems, twins):
    """Two panels: AUC over the blocks; and, best first, the AUC of all blocks with its interval."""
    blocks = [fold for fold in table["fold"].unique() if is_walk_forward(fold)]
    pooled = table[(table["fold"] == POOLED) & table["auc"].notna()].sort_values("auc", kind="stable")
    if pooled.empty:
        return message_figure("No walk-forward block in which both outcomes occur has been scored.")
    names = sorted(table["experiment"].unique())
    size = (10, 2 + 0.24 * len(pooled))
    figure, (left, right) = pyplot().subplots(1, 2, figsize=size, width_ratios=[3, 2])
    styles = line_styles({name: line_kind(name, reference, systems, twins) for name in names})
    for name, style in styles.items():
        rows = table[table["experiment"] == name].set_index("fold")
        left.plot(range(len(blocks)), rows["auc"].reindex(blocks), marker=".", **style)
        height = list(pooled["experiment"]).index(name) if name in set(pooled["experiment"]) else None
        if height is not None:
            row = rows.loc[POOLED]
            right.plot([row["auc_low"], row["auc_high"]], [height, height], **style)
            right.plot(row["auc"], height, marker="o", color=style["color"])
    left.set(title="block by block", ylabel="AUC", xticks=range(len(blocks)))
    left.set_xticklabels([fold.split("-")[1] for fold in blocks], rotation=45)
    right.set(title="all blocks", xlabel="AUC", yticks=range(len(pooled)), yticklabels=pooled["experiment"])
    left.axhline(0.5, **GUESS_LINE)
    right.axvline(0.5, **GUESS_LINE)
    return figure


if __name__ == "__main__":
    configure_logging(snakemake)
    params = snakemake.params
    table = pd.read_csv(snakemake.input.intervals)
    table = table[table["fold"].map(is_walk_forward).astype(bool) | (table["fold"] == POOLED)]
    table = table[["fold", "experiment", "auc", "auc_low", "auc_high"]]
    figure = draw_walk_forward(table, params.reference, params.systems, params.twins)
    save_figure(figure, table, Path(snakemake.output.svg).with_suffix(""))
