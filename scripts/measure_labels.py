"""Measure cheap baselines and stored forecasts on a family of labels, and draw the AUCs."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from fd01.data.origins import sealed_days, splits
from fd01.evaluation.label_family import family, measure_label
from fd01.models.baselines import METHODS
from fd01.report.figures import message_figure, pyplot, save_figure
from fd01.report.palette import AUC_MAP, BETWEEN_TARGETS, ON_DARK, ON_LIGHT
from fd01.scoring.distributions import read_forecasters
from fd01.study.folds import headline_fold, is_walk_forward
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, read_table

COLUMNS = ["fold", "target", "threshold", "horizon", "experiment", "n", "positives", "auc", "chance", "reason"]
LABEL = ["target", "threshold", "horizon"]


def baseline_scores(dataset, label, split, settings):
    """Scores of the evaluation days of `split` by a baseline that is fitted to the label; Series by row.

    `settings` belong to the baseline's experiment in the configuration.
    """
    options = {key: value for key, value in settings.items() if key != "method"}
    score = METHODS[settings["method"]].score
    scores = score(dataset, split, split.training, split.evaluation, label.as_target, label.labels, **options)
    return pd.Series(scores, index=split.evaluation)


def family_table(dataset, sealed, forecasters, params):
    """`COLUMNS` of every label, fold, cheap baseline and forecaster.

    Parameters
    ----------
    dataset : DataFrame, the table `dataset.parquet`
    sealed : bool array, shape (days,), from `fd01.data.origins.sealed_days`
    forecasters : list of `fd01.scoring.distributions.Forecaster`
    params : the params of the rule `measure_labels`
    """
    rows = []
    folds = {fold: dates for fold, dates in params.folds.items() if not is_walk_forward(fold)}
    for label in family(dataset, sealed, params.thresholds, folds, params.labels, params.origins):
        for split in splits(label.origins, **label.as_target):
            blocks = list(label.outcomes(split.train_end))
            for name, settings in params.baselines.items():
                if METHODS[settings["method"]].for_family:
                    score = partial(baseline_scores, dataset, label, split, settings)
                    rows += measure_label(label, blocks, name, score)
            for forecaster in forecasters:
                score = partial(forecaster.exceedance, label.as_target, split.training, dataset, label.labels)
                rows += measure_label(label, blocks, forecaster.experiment, score)
    return pd.DataFrame(rows, columns=COLUMNS)


def label_name(target, threshold, horizon):
    """A label in a few words."""
    size = "" if np.isnan(threshold) else f" {100 * threshold:g} %"
    return f"{target}{size}, h = {horizon}"


def draw(table):
    """A heat map of one fold: one row per label, one column per experiment that has an AUC for any label."""
    table = table.dropna(subset="auc")
    if table.empty:
        return message_figure("No label of which both outcomes occur has been scored.")
    table = table.assign(label=[label_name(*label) for label in zip(*(table[name] for name in LABEL))])
    wide = table.pivot(index="label", columns="experiment", values="auc")
    wide = wide.loc[table["label"].unique(), table["experiment"].unique()]
    figure, axes = pyplot().subplots(figsize=(2.2 + 0.65 * wide.shape[1], 1.8 + 0.24 * len(wide)))
    axes.pcolormesh(wide, cmap=AUC_MAP, vmin=0.2, vmax=0.8)  # 0.5, guessing, is the middle
    axes.invert_yaxis()
    for (i, j), auc in np.ndenumerate(wide.to_numpy()):
        if np.isfinite(auc):
            colour = ON_DARK if abs(auc - 0.5) > 0.2 else ON_LIGHT
            axes.text(j + 0.5, i + 0.5, f"{auc:.2f}", ha="center", va="center", fontsize=7, color=colour)
    targets = table.drop_duplicates("label")["target"].to_numpy()
    for i in np.flatnonzero(targets[1:] != targets[:-1]):
        axes.axhline(i + 1, color=BETWEEN_TARGETS, lw=1.5)
    axes.set_xticks(np.arange(wide.shape[1]) + 0.5, wide.columns, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(np.arange(len(wide)) + 0.5, wide.index)
    axes.set_title(f"AUC on {table['fold'].iloc[0]}")
    return figure


if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    dataset, (_, seal) = read_frame(files.dataset), read_table(files.outcomes)
    forecasters = list(read_forecasters(files.forecasts, params.forecasters))
    table = family_table(dataset, sealed_days(dataset["Date"], seal["blocks"]), forecasters, params)
    with replacing(snakemake.output.table) as path:
        table.to_csv(path, index=False)
    shown = table[table["fold"] == headline_fold(table["fold"], params.fold)]
    save_figure(draw(shown), shown, Path(snakemake.output.svg).with_suffix(""))
