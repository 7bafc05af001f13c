"""Draw the AUC of every experiment block by block through history, and that of all blocks together."""

import itertools
from pathlib import Path

import pandas as pd

from fd01.evaluation.blocks import POOLED
from fd01.report.figures import message_figure, pyplot, save_figure
from fd01.study.folds import is_walk_forward
from fd01.workflow.logs import configure_logging


def styles(experiments, reference, systems, twins):
    """Line style by experiment: the reference black, other models in colours, baselines and twins faint."""
    import seaborn as sns

    colours = itertools.cycle(sns.color_palette("dark"))
    for name in experiments:
        if name == reference:
            yield name, {"color": "black", "lw": 2.4}
        elif systems[name] == "baseline":
            yield name, {"color": "0.55", "lw": 1, "ls": "--"}
        elif name in twins.values():
            yield name, {"color": "0.7", "lw": 1, "ls": ":"}
        else:
            yield name, {"color": next(colours), "lw": 1.8}


def draw_walk_forward(table, reference, systems, twins):
    """Two panels: AUC over the blocks; and, best first, the AUC of all blocks with its interval."""
    blocks = [fold for fold in table["fold"].unique() if is_walk_forward(fold)]
    pooled = table[(table["fold"] == POOLED) & table["auc"].notna()].sort_values("auc", kind="stable")
    if pooled.empty:
        return message_figure("No walk-forward block in which both outcomes occur has been scored.")
    names = sorted(table["experiment"].unique())
    size = (10, 2 + 0.24 * len(pooled))
    figure, (left, right) = pyplot().subplots(1, 2, figsize=size, width_ratios=[3, 2])
    for name, style in styles(names, reference, systems, twins):
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
    left.axhline(0.5, color="0.7", lw=0.8)
    right.axvline(0.5, color="0.7", lw=0.8)
    return figure


if __name__ == "__main__":
    configure_logging(snakemake)
    params = snakemake.params
    table = pd.read_csv(snakemake.input.intervals)
    table = table[table["fold"].map(is_walk_forward).astype(bool) | (table["fold"] == POOLED)]
    table = table[["fold", "experiment", "auc", "auc_low", "auc_high"]]
    figure = draw_walk_forward(table, params.reference, params.systems, params.twins)
    save_figure(figure, table, Path(snakemake.output.svg).with_suffix(""))
