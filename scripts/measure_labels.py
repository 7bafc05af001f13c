"""Measure cheap baselines and stored forecasts on a family of labels, and draw the AUCs."""

from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from fd01.data.indicators import INDICATORS
from fd01.data.origins import sealed_days, splits
from fd01.evaluation.label_family import ORDER, family, measure_label, of_blocks
from fd01.models.baselines import METHODS
from fd01.report.figures import WIDTH, Cast, Column, message_figure, rest, save_figure, text_width
from fd01.report.html import number
from fd01.report.palette import AUC_CLASSES, INK, SOFT
from fd01.scoring.distributions import read_forecasters
from fd01.study.folds import headline_fold, is_walk_forward
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, read_metadata

COLUMNS = ["fold", "target", "threshold", "horizon", "experiment", "n", "positives", "auc", "chance", "reason"]
LABEL = ["target", "threshold", "horizon"]
CLASSES = [0.25, 0.35, 0.45, 0.55, 0.65, 0.75]  # between the colours of the heat map
ROWS, ACROSS = 10, 10  # at most, rows and columns of a panel


def baseline_scores(score, label, split):
    """Scores of the evaluation days of `split` by a baseline that is fitted to the label; Series by row.

    `score` is what the function of the baseline in `METHODS` returns for the dataset.
    """
    scores = score(split, split.training, split.evaluation, label.as_target, label.labels)
    return pd.Series(scores, index=split.evaluation)


def read_baselines(dataset, settings):
    """The functions that score by each cheap baseline; a dict by the experiments of `settings`."""
    found = {}
    for name, options in settings.items():
        method = METHODS[options["method"]]
        if method.for_family:
            found[name] = method.of_days(dataset, **{key: value for key, value in options.items() if key != "method"})
    return found


def family_table(dataset, baselines, sealed, forecasters, params):
    """`COLUMNS` of every label, fold, cheap baseline and forecaster.

    Parameters
    ----------
    dataset : DataFrame, the table `dataset.parquet`; of its columns, series, dates and prices are enough
    baselines : dict, from `read_baselines`
    sealed : bool array, shape (days,), from `fd01.data.origins.sealed_days`
    forecasters : iterable of `fd01.scoring.distributions.Forecaster`
    params : the params of the rule `measure_labels`
    """
    rows = {target: [] for target in ORDER}
    folds = {fold: dates for fold, dates in params.folds.items() if not is_walk_forward(fold)}
    labels = family(dataset, sealed, params.thresholds, folds, params.labels, params.origins)
    first = next(labels)
    forecasters, labels = of_blocks(forecasters, first.origins), chain([first], labels)
    del first  # many series need the memory
    for label in labels:
        for split in splits(label.origins, **label.as_target):
            blocks = list(label.outcomes(split.train_end))
            for name, score in baselines.items():
                rows[label.target] += measure_label(label, blocks, name, partial(baseline_scores, score, label, split))
            for forecaster in forecasters[split.train_end]:
                score = partial(forecaster.exceedance, label.as_target, split.training, dataset, label.labels)
                rows[label.target] += measure_label(label, blocks, forecaster.experiment, score)
    return pd.DataFrame([row for of_target in rows.values() for row in of_target], columns=COLUMNS)


def label_name(target, threshold):
    """A label of one horizon in a few words."""
    return target if np.isnan(threshold) else f"{target} {100 * threshold:g} %"


def draw(table, cast):
    """A heat map of one fold, its title and its description: for each horizon a row per experiment, a column per label.

    Of more than `ROWS` experiments it shows those of `fd01.report.figures.CHOICE`, by the mean AUC over the labels.
    """
    table = table.dropna(subset="auc")
    if table.empty:
        return message_figure("No label of which both outcomes occur has been scored.")
    table = table.assign(label=[label_name(*label) for label in zip(table["target"], table["threshold"])])
    targets, fold = table.drop_duplicates("label").set_index("label")["target"], table["fold"].iloc[0]
    means = table.groupby("experiment")["auc"].mean()
    shown = cast.choose(means, {name: name for name in means.index}, ROWS)
    column, best = Column(), []
    column.write(f"AUC on {fold}", weight="bold")
    column.write(
        "The stronger the colour, the farther from 0.5, guessing. Empty: the forecast says nothing.", color=SOFT
    )
    for horizon, rows in table.groupby("horizon"):
        top = rows.loc[rows["auc"].idxmax()]
        name = cast.named(top["experiment"], top["experiment"])
        best.append(f"{days_ahead(horizon)}: {number(top['auc'])} on {top['label']} by {name}")
        wide = rows.pivot(index="experiment", columns="label", values="auc").reindex(index=shown).dropna(how="all")
        for start in range(0, len(targets), ACROSS):
            column.space(10)
            column.write(days_ahead(horizon), weight="bold")
            draw_panel(column, wide.reindex(columns=targets.index[start : start + ACROSS]), targets, cast)
    if left_out := rest(len(shown), len(means)):
        column.write(left_out, color=SOFT)
    title = f"AUC on other events, {fold}; the highest {'; '.join(best)}"
    overall = ", ".join(f"{cast.named(name, name)} {number(means[name])}" for name in shown)
    return column.finish(), title, f"Mean AUC over all events: {overall}."


def days_ahead(horizon):
    """A horizon in words."""
    return f"{horizon} day{'s' if horizon > 1 else ''} ahead"


def draw_panel(column, wide, targets, cast):
    """Add a panel of the heat map: `wide` has a row per experiment and a column per label."""
    heads = max(text_width(label) for label in wide.columns)
    column.space(heads)
    axes, centres = column.rows([cast.named(name, name) for name in wide.index], right=WIDTH, below=2)
    axes.set(xlim=(0, len(wide.columns)), xticks=[])
    for j, label in enumerate(wide.columns):
        axes.text(j + 0.5, -3, label, rotation=90, ha="center", va="bottom")
    edges = [0, *(np.add(centres[1:], centres[:-1]) / 2), axes.get_ylim()[0]]
    aucs = wide.to_numpy()
    classes = np.digitize(aucs, CLASSES)
    for level, colour in enumerate(AUC_CLASSES):
        for i, j in np.argwhere((classes == level) & np.isfinite(aucs)):
            axes.bar(j + 0.5, edges[i + 1] - edges[i], 1, edges[i], color=colour, lw=0, clip_on=False)
    for i, j in np.argwhere(np.isfinite(aucs)):
        axes.text(j + 0.5, centres[i], number(aucs[i, j], 2).removeprefix("0"), ha="center", va="center")
    kinds = targets[wide.columns].to_numpy()
    for j in np.flatnonzero(kinds[1:] != kinds[:-1]):
        axes.axvline(j + 1, color=INK, lw=1.2)


if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    dataset, seal = read_frame(files.dataset), read_metadata(files.outcomes)
    baselines = read_baselines(dataset, params.baselines)
    dataset = dataset.drop(columns=INDICATORS)  # many series need the memory
    sealed = sealed_days(dataset["Date"], seal["blocks"])
    forecasters = read_forecasters(files.forecasts, params.forecasters)
    table = family_table(dataset, baselines, sealed, forecasters, params)
    with replacing(snakemake.output.table) as path:
        table.to_csv(path, index=False)
    shown = table[table["fold"] == headline_fold(table["fold"], params.fold)]
    cast = Cast.read(files.experiments, params.reference, params.names)
    save_figure(*draw(shown, cast), shown, Path(snakemake.output.svg).with_suffix(""))
