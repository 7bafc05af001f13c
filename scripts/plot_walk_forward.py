"""Draw the AUC of every experiment: block by block through history, and on all blocks together."""

from pathlib import Path

import pandas as pd

from fd01.evaluation.blocks import POOLED
from fd01.report.figures import (
    CURVES,
    GUESS_LINE,
    REFERENCE_LINE,
    ROWS,
    Cast,
    Column,
    line_styles,
    message_figure,
    rest,
    save_figure,
)
from fd01.report.html import number
from fd01.report.palette import MEAN_OF_SEEDS, SOFT
from fd01.study.folds import is_walk_forward
from fd01.workflow.logs import configure_logging

MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def draw_walk_forward(table, cast):
    """Two panels, a title and a description: AUC over the blocks; best first, the AUC of all blocks with its interval.

    The panels show at most `CURVES` and `ROWS` experiments: those of `fd01.report.figures.CHOICE`, by the AUC of all
    blocks.
    """
    blocks = [fold for fold in table["fold"].unique() if is_walk_forward(fold)]
    pooled = table[(table["fold"] == POOLED) & table["auc"].notna()].set_index("experiment")
    if pooled.empty:
        return message_figure("No walk-forward block in which both outcomes occur has been scored.")
    experiments = {name: name for name in pooled.index}
    lines, rows = (cast.choose(pooled["auc"], experiments, most) for most in (CURVES, ROWS))
    column = Column()
    column.write("AUC, block by block", weight="bold")
    column.space(8)
    axes = column.panel(230, left=36)
    axes.axhline(0.5, **GUESS_LINE)
    entries = []
    for (name, style), marker in zip(line_styles(lines, cast.reference).items(), MARKERS):
        aucs = table[table["experiment"] == name].set_index("fold")["auc"].reindex(blocks)
        look = style | {"marker": marker, "ms": 5}
        axes.plot(range(len(blocks)), aucs, **look)
        entries.append((look, cast.named(name, name)))
    step = -(-len(blocks) // 7)  # a year is about 35 points wide
    axes.set_xticks(range(0, len(blocks), step), [fold.split("-")[1] for fold in blocks[::step]])
    axes.set_xlim(-0.4, len(blocks) - 0.6)
    column.write("first year of the block", left=36, color=SOFT)
    column.legend(entries)
    if left_out := rest(len(lines), len(pooled)):
        column.write(left_out, color=SOFT)
    column.space(10)
    column.write("AUC, all blocks together, with its interval", weight="bold")
    column.space(4)
    axes, centres = column.rows([cast.named(name, name) for name in rows], right=312)
    axes.axvline(0.5, **GUESS_LINE)
    for name, centre in zip(rows, centres):
        row = pooled.loc[name]
        look = REFERENCE_LINE if name == cast.reference else {"color": MEAN_OF_SEEDS, "lw": 1.6}
        axes.plot([row["auc_low"], row["auc_high"]], [centre, centre], **look)
        axes.plot(row["auc"], centre, marker="o", ms=7, color=look["color"])
        axes.text(1.03, centre, number(row["auc"]), transform=axes.get_yaxis_transform(), va="center")
    if left_out := rest(len(rows), len(pooled)):
        column.write(left_out, color=SOFT)
    aucs = ", ".join(f"{cast.named(name, name)} {number(pooled.loc[name, 'auc'])}" for name in rows)
    best = cast.named(rows[0], rows[0])
    title = f"AUC over {len(blocks)} blocks of years: highest {number(pooled.loc[rows[0], 'auc'])}, {best}"
    return column.finish(), title, f"AUC on all blocks together: {aucs}."


if __name__ == "__main__":
    configure_logging(snakemake)
    table = pd.read_csv(snakemake.input.intervals)
    table = table[table["fold"].map(is_walk_forward).astype(bool) | (table["fold"] == POOLED)]
    table = table[["fold", "experiment", "auc", "auc_low", "auc_high"]]
    cast = Cast.read(snakemake.input.experiments, snakemake.params.reference, snakemake.params.names)
    save_figure(*draw_walk_forward(table, cast), table, Path(snakemake.output.svg).with_suffix(""))
