"""Draw the differences to the reference series by series: one experiment with its intervals, and all experiments."""

from pathlib import Path

import numpy as np
import pandas as pd

from fd01.evaluation.blocks import POOLED
from fd01.report.figures import MARGIN, ROWS, WIDTH, Cast, Column, rest, save_figure
from fd01.report.html import MINUS, NONE, number
from fd01.report.palette import DIFFERENCE_CLASSES, HAIR, INK, PAPER, SOFT, TOO_SMALL, UNDECIDED
from fd01.report.series import LEVELS, NAMED, heat_level, leading, pooled_differences, read_series, wide_table
from fd01.report.svg import VALUE
from fd01.study.folds import is_walk_forward
from fd01.workflow.logs import configure_logging

ACROSS = 16  # experiments in the heat map: columns as wide as their numbers
HEADS = 18  # height of the numbers above the heat map
CATERPILLAR = 260  # height of all series without names
Z = 1.96  # of the intervals of single series, at 95 %
POOL = "all series together"


def draw_series(table, pool, cast, margin):
    """One experiment, series by series, with its title and its description.

    A forest plot of at most `NAMED` series; of more, all of them in the order of their differences, without names.

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
    table = table.sort_values("difference", ascending=False, kind="stable")
    table = table.assign(low=table["difference"] - Z * table["se"], high=table["difference"] + Z * table["se"])
    column = Column()
    column.write(f"{experiment} against {reference}", weight="bold")
    column.write(f"{pool['fold']}: {len(table):,} series, {int(pool['n']):,} days of series", color=SOFT)
    column.space(6)
    if len(table) <= NAMED:
        axes, centres = column.rows([*table["series"], POOL])
        _draw_intervals(axes, centres, table)
    else:
        axes, centres = column.rows([f"each of {len(table):,} series", POOL], heights={0: CATERPILLAR})
        places = np.linspace(4, CATERPILLAR - 4, len(table))
        axes.hlines(places, table["low"], table["high"], color=UNDECIDED, lw=min(0.5 * CATERPILLAR / len(table), 1.4))
        axes.plot(table["difference"], places, color=INK, lw=2)
    axes.axvspan(-margin, margin, color=TOO_SMALL, lw=0)
    axes.axvline(0, color=INK, lw=1.2)
    _draw_diamond(axes, centres[-1], pool)
    _signed(axes)
    column.write("difference in AUC, with its interval", color=SOFT)
    column.legend([({"color": TOO_SMALL, "lw": 12, "solid_capstyle": "butt"}, f"too small to matter: {margin:g}")])
    if len(table) > NAMED:
        column.write(_by_chance(table), color=SOFT)
    above = int((table["difference"] > 0).sum())
    title = f"{experiment} against {reference}, {pool['fold']}: above on {above:,} of {len(table):,} series"
    return column.finish(), title, f"{_in_words(POOL, *pool[['auc_difference', 'low', 'high']])}."


def _draw_intervals(axes, centres, table):
    """A circle with an interval for each series."""
    for row, centre in zip(table.itertuples(), centres):
        axes.plot([row.low, row.high], [centre, centre], color=UNDECIDED, lw=1.4)
        value = f"{VALUE}{_in_words(row.series, row.difference, row.low, row.high)}"
        axes.plot(row.difference, centre, marker="o", ms=5.5, mfc=PAPER, mew=1.4, color=UNDECIDED, gid=value)


def _draw_diamond(axes, centre, pool):
    low, middle, high = pool["low"], pool["auc_difference"], pool["high"]
    x, y = [low, middle, high, middle], [centre + dy for dy in (0, -6, 0, 6)]
    axes.fill(x, y, color=INK, lw=0, gid=f"{VALUE}{_in_words(POOL, middle, low, high)}")


def _by_chance(table):
    """How many intervals leave zero, and how many would by chance."""
    known = table[table["se"] > 0]
    above, below = int((known["low"] > 0).sum()), int((known["high"] < 0).sum())
    return (
        f"{above:,} intervals lie above zero and {below:,} below. If no series differed, about "
        f"{0.025 * len(known):,.0f} would lie on each side by chance."
    )


def _in_words(name, difference, low, high):
    return f"{name}: {number(difference)}, interval {number(low)} to {number(high)}"


def _signed(axes):
    """Numbers below `axes` with their signs."""
    axes.xaxis.set_major_formatter(lambda value, _: _with_sign(value))


def _with_sign(value):
    return f"{'+' if value > 0 else ''}{value:.3g}".replace("-", MINUS)


def draw_experiments(wide, pools, means, cast, fold):
    """All experiments on all series, with the title and the description of the figure.

    A heat map of at most `NAMED` series; of more, the distribution over series of each experiment.

    Parameters
    ----------
    wide : DataFrame, shape (series, experiments)
        Differences in AUC to the reference; NaN where a series has none.
    pools : Series
        The difference of all series together, by experiment.
    means : Series
        Its mean over the folds, by which every figure sorts and chooses the experiments.
    cast : Cast
    fold : str
    """
    draw, most = (_draw_spread, ROWS) if len(wide) > NAMED else (_draw_map, ACROSS)
    shown = cast.choose(means[wide.columns], {name: name for name in wide}, most)
    column = Column()
    column.write(f"Difference in AUC to {cast.named(cast.reference, cast.reference)}", weight="bold")
    column.write(f"{fold}: {wide.notna().any(axis=1).sum():,} series", color=SOFT)
    column.space(6)
    draw(column, wide[shown], pools[shown], cast)
    if left_out := rest(len(shown), wide.shape[1]):
        column.write(left_out, color=SOFT)
    title = f"Differences of {len(shown)} experiments on {len(wide):,} series, {fold}"
    return (
        column.finish(),
        title,
        f"{POOL}: {', '.join(f'{cast.named(name, name)} {number(pools[name])}' for name in shown)}.",
    )


def _draw_map(column, wide, pools, cast):
    """Add a row of cells for each series, the largest mean on top, and one for all of them together."""
    column.space(HEADS)
    best_first = wide.mean(axis=1).sort_values(ascending=False, kind="stable").index
    rows = [*((name, wide.loc[name]) for name in best_first), (POOL, pools)]
    axes, centres = column.rows([name for name, _ in rows], right=WIDTH, below=6)
    axes.set(xlim=(0, len(pools)), xticks=[])
    axes.spines["bottom"].set_visible(False)
    for place in range(len(pools)):
        axes.text(place + 0.5, -4, str(place + 1), ha="center", va="bottom")
    edges = [0, *(np.add(centres[1:], centres[:-1]) / 2), axes.get_ylim()[0]]
    for (name, differences), top, bottom, centre in zip(rows, edges, edges[1:], centres):
        said = "; ".join(f"{place}: {number(value)}" for place, value in enumerate(differences, 1))
        axes.broken_barh(
            [(x, 1) for x in range(len(pools))],
            (top, bottom - top),
            facecolors=[DIFFERENCE_CLASSES[heat_level(value) + len(LEVELS)] for value in differences],
            edgecolor=HAIR,
            lw=0.5,
            clip_on=False,
            gid=f"{VALUE}{name} – {said}",
        )
        for x in np.flatnonzero(differences.isna()):
            axes.text(x + 0.5, centre, NONE, ha="center", va="center", color=SOFT)
    axes.axhline(edges[-2], color=INK, lw=1.2)
    _draw_scale(column)
    if wide.isna().any(axis=None):
        column.write(f"{NONE} no AUC: the event happened every day or never", color=SOFT)
    column.space(4)
    for place, name in enumerate(pools.index, 1):
        column.write(f"{place} {cast.named(name, name)}")


def _draw_scale(column):
    """Add the colours of the map with the numbers between them, and a mark at zero."""
    column.space(6)
    axes = column.panel(12, left=MARGIN)
    side = len(LEVELS)
    edges = [*range(side + 1), *range(side + 2, 2 * side + 3)]  # the class in the middle is wider, for its numbers
    for colour, left, right in zip(DIFFERENCE_CLASSES, edges, edges[1:]):
        axes.bar(left, 1, right - left, color=colour, lw=0.5, edgecolor=HAIR, align="edge")
    axes.plot([side + 1] * 2, [0, 1], color=INK, lw=1.2)
    labels = [_with_sign(value) for value in (*(-size for size in LEVELS[::-1]), 0, *LEVELS)]
    places = sorted([*edges[1:-1], side + 1])
    axes.set(xlim=(0, edges[-1]), ylim=(0, 1), yticks=[], xticks=places, xticklabels=labels)
    axes.spines[["left", "bottom"]].set_visible(False)


def _draw_spread(column, wide, pools, cast):
    """Add a row for each experiment, with quantiles over the series."""
    axes, centres = column.rows([cast.named(name, name) for name in wide])
    for (name, quantiles), centre in zip(wide.quantile([0.05, 0.25, 0.75, 0.95]).items(), centres):
        lowest, low, high, highest = quantiles
        said = (
            f"{cast.named(name, name)}: {POOL} {number(pools[name])}; half of the series from {number(low)} to "
            f"{number(high)}, nine of ten from {number(lowest)} to {number(highest)}"
        )
        axes.plot([lowest, highest], [centre, centre], color=UNDECIDED, lw=1.4)
        axes.plot([low, high], [centre, centre], color=UNDECIDED, lw=7, solid_capstyle="butt")
        axes.plot(pools[name], centre, marker="D", ms=5, color=INK, mec=PAPER, mew=0.8, gid=f"{VALUE}{said}")
    axes.axvline(0, color=INK, lw=1.2, zorder=1)
    _signed(axes)
    column.legend(
        [
            ({"marker": "D", "ls": "", "ms": 5, "color": INK}, POOL),
            ({"color": UNDECIDED, "lw": 7, "solid_capstyle": "butt"}, "the middle half of the series"),
            ({"color": UNDECIDED, "lw": 1.4}, "nine of ten series"),
        ]
    )


if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    series, comparisons = read_series(files.series), pd.read_csv(files.comparisons)
    comparisons = comparisons[comparisons["against"] == "reference"]
    cast = Cast.read(files.experiments, params.reference, params.names)
    folders = {name: Path(snakemake.output[name]) for name in ("one", "all")}
    for folder in folders.values():
        folder.mkdir()
    shown = [fold for fold in series["fold"].unique() if not is_walk_forward(fold) and fold != POOLED]
    series = series[series["fold"].isin(shown)]
    names, pooled = series["series"].unique(), pooled_differences(series)
    means = pooled.groupby("experiment").mean()
    for fold, block in series.groupby("fold", sort=False):
        experiment = leading(list(block["experiment"].unique()), params.primary, cast.evidence)
        table = block[block["experiment"] == experiment]
        (pool,) = (row for _, row in comparisons.iterrows() if (row["fold"], row["experiment"]) == (fold, experiment))
        save_figure(*draw_series(table, pool, cast, params.margin), table, folders["one"] / fold)
        wide, experiments = wide_table(block), list(pooled[fold].index)
        lacking = [name for name in names if name not in wide.index] if len(names) <= NAMED else []
        shown = wide[experiments].reindex([*wide.index, *lacking])
        figure = draw_experiments(shown, pooled[fold], means, cast, fold)
        save_figure(*figure, wide.reset_index(), folders["all"] / fold)
