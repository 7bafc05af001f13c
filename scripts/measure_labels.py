"""Measure cheap predictors and stored forecasts on a family of labels, and draw the AUCs."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from fd01.data.origins import splits
from fd01.evaluation.label_family import family
from fd01.models.baselines import METHODS
from fd01.report.figures import message_figure, pyplot, save_figure
from fd01.report.palette import AUC_MAP, BETWEEN_TARGETS, ON_DARK, ON_LIGHT
from fd01.scoring.distributions import read_forecasters
from fd01.study.folds import headline, main_folds
from fd01.workflow.errors import NotRun
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

COLUMNS = ["fold", "target", "threshold", "horizon", "experiment", "n", "positives", "auc", "chance", "reason"]
CHEAP = ("last-return", "drawdown", "range", "ewma", "har", "logistic")  # methods that are fitted in no time
LABEL = ["target", "threshold", "horizon"]


def baseline(dataset, label, split, settings):
    """Scores by row of the evaluation days of `split`, by a baseline fitted to the label; Series."""
    score, options = METHODS[settings["method"]].score, {key: settings[key] for key in settings if key != "method"}
    scores = score(dataset, split, split.training, split.evaluation, label.name, label.labels, **options)
    return pd.Series(scores, index=split.evaluation)


def measure(label, blocks, experiment, scores):
    """A row per block, of one experiment on one label; `scores` is called once."""
    try:
        scores, reason = scores(), None
    except NotRun as why:
        scores, reason = pd.Series(), str(why)
    for fold, y in blocks:
        row = dict(zip(COLUMNS, (fold, label.target, label.threshold, label.horizon, experiment, len(y), int(y.sum()))))
        if y.empty:
            yield row | {"reason": "no outcome of this block is known yet"}
        elif reason or not y.index.isin(scores.index).all():
            yield row | {"reason": reason or "some days of the block have no forecast"}
        elif y.nunique() < 2:
            yield row | {"reason": "the days do not have both outcomes"}
        else:
            yield row | {
                "auc": roc_auc_score(y.to_numpy(), scores.loc[y.index].to_numpy()),
                "chance": chance(y, label.horizon),
            }


def chance(y, horizon):
    """Half-width of the interval around 0.5 in which 95 % of the AUCs of a score lie that knows nothing of `y`.

    Mann and Whitney (Annals of Mathematical Statistics 1947), for independent days: NaN where horizons overlap.
    """
    positives = y.sum()
    return 1.96 * np.sqrt((len(y) + 1) / (12 * positives * (len(y) - positives))) if horizon == 1 else np.nan


def family_table(dataset, outcomes, forecasters, params):
    """The AUC of every baseline and forecaster on every label and fold, `COLUMNS`."""
    rows = []
    folds = {fold: params.folds[fold] for fold in outcomes["fold"].unique()}
    for label in family(dataset, outcomes, params.thresholds, folds, params.labels, params.origins):
        for split in splits(label.origins, **label.name):
            blocks = list(label.outcomes(split.train_end))
            for name, settings in params.baselines.items():
                if settings["method"] in CHEAP:
                    rows += measure(label, blocks, name, partial(baseline, dataset, label, split, settings))
            for forecaster in forecasters:
                scores = partial(forecaster.exceedance, label.name, dataset, label.labels)
                rows += measure(label, blocks, forecaster.experiment, scores)
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
    dataset, outcomes = (read_frame(path) for path in (files.dataset, files.outcomes))
    forecasters = list(read_forecasters(files.forecasts, params.forecasters))
    table = family_table(dataset, main_folds(outcomes), forecasters, params)
    with replacing(snakemake.output.table) as path:
        table.to_csv(path, index=False)
    shown = table[table["fold"] == headline(table["fold"], params.fold)]
    save_figure(draw(shown), shown, Path(snakemake.output.svg).with_suffix(""))
