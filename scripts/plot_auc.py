"""Draw the AUC of every experiment on every fold."""

from pathlib import Path

import pandas as pd

from fd01.data.touch import CLOSE_EXCEEDANCE
from fd01.evaluation.metrics import ALL_SEEDS
from fd01.report.figures import (
    GUESS_LINE,
    ROWS,
    Cast,
    Column,
    compared,
    display_names,
    message_figure,
    rest,
    save_figure,
)
from fd01.report.html import number
from fd01.report.palette import MEAN_OF_SEEDS, SINGLE_SEED, SOFT
from fd01.report.svg import VALUE
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
    rows = rows.assign(label=display_names(rows), compared=compared(rows))
    return rows[["label", "experiment", "fold", "seed", "auc", "compared"]]


def draw_auc(table, cast):
    """One panel per fold, best AUC on top, its title and its description.

    Of each experiment it shows the score by which it is compared; small marks are single seeds. Of more
    than `ROWS` experiments a panel shows those of `fd01.report.figures.CHOICE`.
    """
    if table.empty:
        return message_figure("No block in which both outcomes occur has been scored.")
    table = table[table["compared"]]
    experiments = table.drop_duplicates("label").set_index("label")["experiment"]
    column, sentences, best = Column(), [], []
    limits = min(0.48, table["auc"].min()) - 0.02, max(0.52, table["auc"].max()) + 0.02
    for fold, rows in table.groupby("fold", sort=False):
        means = rows[rows["seed"] == ALL_SEEDS].set_index("label")["auc"]
        shown = cast.choose(means, experiments, ROWS)
        named = {label: cast.named(experiments[label], experiments[label]) for label in shown}
        column.write(fold, weight="bold")
        column.space(4)
        axes, centres = column.rows(list(named.values()), right=312)
        axes.set_xlim(limits)
        axes.axvline(0.5, **GUESS_LINE)
        for label, centre in zip(shown, centres):
            seeds = rows.loc[(rows["label"] == label) & (rows["seed"] != ALL_SEEDS), "auc"]
            value = f"{VALUE}{named[label]}: {number(means[label])}"
            axes.plot(means[label], centre, marker="o", ms=7, color=MEAN_OF_SEEDS, gid=value)
            axes.plot(seeds, [centre] * len(seeds), ls="", marker="|", ms=10, mew=1.4, color=SINGLE_SEED)
            axes.text(1.03, centre, number(means[label]), transform=axes.get_yaxis_transform(), va="center")
        if left_out := rest(len(shown), len(means)):
            column.write(left_out, color=SOFT)
        column.space(8)
        best.append(f"{named[shown[0]]} {number(means[shown[0]])} on {fold}")
        sentences.append(f"On {fold}: " + "; ".join(f"{name} {number(means[one])}" for one, name in named.items()))
    column.write("AUC; 0.5, the vertical line, is guessing; 1 is perfect", color=SOFT)
    column.space(3)
    column.legend(
        [({"ls": "", "marker": "o", "ms": 7, "color": MEAN_OF_SEEDS}, "mean score over seeds, or the only one")]
    )
    if (table["seed"] != ALL_SEEDS).any():
        column.legend([({"ls": "", "marker": "|", "ms": 10, "mew": 1.4, "color": SINGLE_SEED}, "a single seed")])
    return column.finish(), f"Highest AUC: {'; '.join(best)}", ". ".join(sentences) + "."


if __name__ == "__main__":
    configure_logging(snakemake)
    table = auc_table(pd.read_csv(snakemake.input.metrics), snakemake.params.target)
    cast = Cast.read(snakemake.input.experiments, snakemake.params.reference, snakemake.params.names)
    save_figure(*draw_auc(table, cast), table, Path(snakemake.output.svg).with_suffix(""))
