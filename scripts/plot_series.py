"""Draw one experiment against the reference, series by series, with all series together below."""

from pathlib import Path

import pandas as pd

from fd01.evaluation.blocks import POOLED
from fd01.report.figures import Cast, Column, save_figure
from fd01.report.html import number
from fd01.report.palette import INK, PAPER, SOFT, TOO_SMALL, UNDECIDED
from fd01.report.series import leading, read_series
from fd01.report.svg import VALUE
from fd01.study.folds import is_walk_forward
from fd01.workflow.logs import configure_logging

MOST = 30  # series in one figure
Z = 1.96  # of the intervals of single series
POOL = "all series together"


def draw_series(table, pool, cast, margin):
    """Forest plot, its title and its description.

    Parameters
    ----------
    table : DataFrame
        Rows of `series.csv` of one fold and experiment.
    pool : Series
        The row of `comparisons.csv` of all series together.
    cast : Cast
    margin : float, AUC; smaller differences do not matter
    """
    experiment, reference = (cast.named(name, name) for name in (pool["experiment"], pool["other"]))
    shown = table.sort_values("weight", ascending=False)[:MOST].sort_values("difference", ascending=False)
    column = Column()
    column.write(f"{experiment} against {reference}", weight="bold")
    column.write(f"{pool['fold']}: {len(table)} series, {int(pool['n']):,} days of series", color=SOFT)
    column.space(6)
    axes, centres = column.rows([*shown["series"], POOL])
    axes.axvspan(-margin, margin, color=TOO_SMALL, lw=0)
    axes.axvline(0, color=INK, lw=1.2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{'+' if value > 0 else ''}{value:.3g}".replace("-", "\u2212"))
    for row, centre in zip(shown.itertuples(), centres):
        ends = [row.difference - Z * row.se, row.difference + Z * row.se]
        axes.plot(ends, [centre, centre], color=UNDECIDED, lw=1.4)
        value = f"{VALUE}{row.series}: {number(row.difference)}, interval {number(ends[0])} to {number(ends[1])}"
        axes.plot(row.difference, centre, marker="o", ms=5.5, mfc=PAPER, mew=1.4, color=UNDECIDED, gid=value)
    ends = pool["low"], pool["auc_difference"], pool["high"]
    value = f"{POOL}: {number(ends[1])}, interval {number(ends[0])} to {number(ends[2])}"
    x, y = [ends[0], ends[1], ends[2], ends[1]], [centres[-1] + dy for dy in (0, -6, 0, 6)]
    axes.fill(x, y, color=INK, lw=0, gid=f"{VALUE}{value}")
    column.write("difference in AUC, with its interval", color=SOFT)
    column.legend([({"color": TOO_SMALL, "lw": 12, "solid_capstyle": "butt"}, f"too small to matter: {margin:g}")])
    if len(shown) < len(table):
        column.write(f"{len(shown)} of {len(table)} series: those with the most pairs of days.", color=SOFT)
    above = int((table["difference"] > 0).sum())
    title = f"{experiment} against {reference}, {pool['fold']}: above on {above} of {len(table)} series"
    return column.finish(), title, f"{value}."


if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    series, comparisons = read_series(files.series), pd.read_csv(files.comparisons)
    comparisons = comparisons[comparisons["against"] == "reference"]
    cast = Cast.read(files.experiments, params.reference, params.names)
    folder = Path(snakemake.output[0])
    folder.mkdir()
    for fold, table in series.groupby("fold", sort=False):
        if is_walk_forward(fold) or fold == POOLED:
            continue
        experiment = leading(list(table["experiment"].unique()), params.primary, cast.evidence)
        (pool,) = (row for _, row in comparisons.iterrows() if (row["fold"], row["experiment"]) == (fold, experiment))
        table = table[table["experiment"] == experiment]
        save_figure(*draw_series(table, pool, cast, params.margin), table, folder / fold)
