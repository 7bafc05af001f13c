"""Ask of every experiment whether it knows anything beyond volatility."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from fd01.data.origins import CALIBRATION, splits
from fd01.evaluation.calibration import predictor
from fd01.evaluation.comparison import holm
from fd01.evaluation.explanation import added, auc_within, diebold_mariano, terciles
from fd01.evaluation.metrics import ranking
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.models.baselines import har_logit
from fd01.models.har import har_distribution, har_volatility
from fd01.report.figures import GUESS_LINE, message_figure, pyplot, save_figure
from fd01.report.palette import ALL_DAYS, CHANGE, SIMILAR_VOLATILITY
from fd01.scoring.distributions import read_forecasters, swapped
from fd01.study.folds import headline, main_folds
from fd01.workflow.errors import NotRun
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

SWAPS = {"har_scale": (False, True), "har_location": (True, False), "har_both": (True, True)}  # of location, of width
COLUMNS = [
    *("fold", "experiment", "score_kind", "n", "positives", "auc", "width_auc", *SWAPS, "swap_reason"),
    *("auc_within", "har_within", "har_auc", "joint_auc", "coefficient", "gain", "p", "p_holm", "added_reason"),
]
TERCILES = ["quiet", "middle", "restless"]
IN_TERCILES = ["fold", "experiment", "volatility", "n", "positives", "auc"]


@dataclass(frozen=True)
class Har:
    """HAR as fitted for one train end: its probabilities of the calibration tail and of the evaluation days, and its
    forecast of volatility; Series by day."""

    train: np.ndarray  # rows
    tail: pd.Series
    block: pd.Series
    volatility: pd.Series


def fit_har(dataset, split, target, labels):
    """HAR fitted for one `split`; raises `NotRun` where there is nothing to tell apart."""

    def by_day(values, rows):
        return pd.Series(values, index=pd.DatetimeIndex(dataset["Date"].iloc[rows]))

    tail = har_logit(dataset, split, split.inner, split.calibration, target, labels)
    block = har_logit(dataset, split, split.training, split.evaluation, target, labels)
    volatility = har_volatility(dataset, split.training)[split.evaluation]
    return Har(
        split.training,
        by_day(tail, split.calibration),
        by_day(block, split.evaluation),
        by_day(volatility, split.evaluation),
    )


def swaps(forecaster, har, dataset, target, labels):
    """Probabilities by day with HAR's location, scale, or both, in the place of the forecaster's: Series by `SWAPS`."""
    if target["horizon"] > 1:
        raise NotRun("swapped are distributions of the next day")
    unit = 100 if forecaster.is_student_t else 1
    median, width = (unit * values for values in har_distribution(dataset, har.train, forecaster.input))
    for name, (of_location, of_width) in SWAPS.items():
        frame = swapped(forecaster.frame, median if of_location else None, width if of_width else None)
        scores = replace(forecaster, frame=frame).exceedance(target, dataset, labels)
        yield name, scores.set_axis(dataset["Date"].iloc[scores.index])


def swap_aucs(forecaster, har, panel, dataset, target, labels):
    """AUC by `SWAPS`, or the reason why there are none."""
    if forecaster is None:
        return {"swap_reason": "it stores no predictive distribution"}
    try:
        found = dict(swaps(forecaster, har, dataset, target, labels))
    except NotRun as why:
        return {"swap_reason": str(why)}
    return {name: ranking(panel.y, scores.loc[panel.days])["auc"] for name, scores in found.items()}


def addition(experiment, har, panel, tail):
    """What a score adds to HAR on the block, both fitted to the calibration tail; or why that is not known."""
    is_probability = panel.is_probability[experiment]
    if tail is None or experiment not in tail.scores:
        return {"added_reason": "it has no scores of the calibration tail"}
    if tail.y.nunique() < 2:
        return {"added_reason": "the calibration tail does not have both outcomes"}
    if tail.scores[experiment].nunique() == 1:
        return {"added_reason": "its score is the same every day"}
    pairs = [
        (predictor(har_scores.loc[part.days], True), predictor(part.scores[experiment], is_probability))
        for part, har_scores in ((tail, har.tail), (panel, har.block))
    ]
    if np.allclose(*pairs[0]):
        return {"added_reason": "it is HAR itself"}
    base, joint, coefficient = added(tail.y, pairs[0], panel.y, pairs[1])
    gain, p = diebold_mariano(panel.y, base, joint)
    aucs = {"har_auc": ranking(panel.y, base)["auc"], "joint_auc": ranking(panel.y, joint)["auc"]}
    return aucs | {"coefficient": coefficient, "gain": gain, "p": p}


def within_table(fold, panel, group):
    """AUC of every experiment in each tercile of volatility; `group` numbers the tercile of each day."""
    for experiment in panel.scores:
        for number, name in enumerate(TERCILES):
            y, score = panel.y[group == number], panel.scores.loc[group == number, experiment]
            yield dict(zip(IN_TERCILES, (fold, experiment, name, len(y), int(y.sum()), ranking(y, score)["auc"])))


def explain(fold, panel, tail, widths, har, forecasters, dataset, target, labels):
    """One row of `COLUMNS` per experiment of a fold; `har` is a `Har`, or the reason why it could not be fitted."""
    y = panel.y
    for experiment in panel.scores:
        score = panel.scores[experiment]
        row = {"fold": fold, "experiment": experiment, "score_kind": panel.kinds[experiment], "n": len(y)}
        row |= {"positives": int(y.sum()), "auc": ranking(y, score)["auc"]}
        if widths is not None and experiment in widths.scores:
            row["width_auc"] = ranking(y, widths.scores[experiment])["auc"]
        if isinstance(har, str):
            yield row | {"swap_reason": har, "added_reason": har}
            continue
        group = terciles(har.volatility.loc[panel.days])
        for name, values in (("auc_within", score), ("har_within", har.block.loc[panel.days])):
            row[name] = auc_within(y.to_numpy(), values.to_numpy(), group)
        row |= swap_aucs(forecasters.get(experiment), har, panel, dataset, target, labels)
        yield row | addition(experiment, har, panel, tail)


def draw(table):
    """AUC on all days and among days of similar volatility, one row per experiment."""
    table = table.dropna(subset="auc").sort_values("auc")
    if table.empty:
        return message_figure("No block in which both outcomes occur has been scored.")
    figure, axes = pyplot().subplots(figsize=(6.5, 1.2 + 0.26 * len(table)))
    axes.axvline(0.5, **GUESS_LINE)
    places = range(len(table))
    axes.hlines(places, table["auc_within"], table["auc"], color=CHANGE, lw=2, zorder=0)
    axes.scatter(table["auc"], places, color=ALL_DAYS, label="all days")
    axes.scatter(table["auc_within"], places, color=SIMILAR_VOLATILITY, label="among days of similar volatility")
    axes.set_yticks(places, table["experiment"])
    axes.set(title=f"AUC on {table['fold'].iloc[0]}")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    target, labels = params.target, params.labels
    dataset, outcomes = read_frame(files.dataset), main_folds(read_frame(files.outcomes))
    forecasters = {found.experiment: found for found in read_forecasters(files.forecasts, params.forecasters)}
    panels, tails, widths = (
        read_score_matrices(files.predictions, outcomes, target, **options)
        for options in ({}, {"role": CALIBRATION}, {"kinds": ["width"]})
    )
    hars = {}
    for split in splits(outcomes, **target):
        try:
            hars[split.train_end] = fit_har(dataset, split, target, labels)
        except NotRun as why:
            hars[split.train_end] = str(why)
    train_ends = outcomes.groupby("fold")["train_end"].first()
    tables, within = {}, []
    for fold, panel in panels.items():
        har = hars[train_ends[fold]]
        rows = explain(fold, panel, tails.get(fold), widths.get(fold), har, forecasters, dataset, target, labels)
        tables[fold] = pd.DataFrame(rows, columns=COLUMNS).assign(p_holm=lambda table: holm(table["p"]))
        if not isinstance(har, str):
            within += within_table(fold, panel, terciles(har.volatility.loc[panel.days]))
    none = pd.DataFrame(columns=COLUMNS)
    for path, table in (
        (snakemake.output.table, pd.concat(tables.values()) if tables else none),
        (snakemake.output.terciles, pd.DataFrame(within, columns=IN_TERCILES)),
    ):
        with replacing(path) as temporary:
            table.to_csv(temporary, index=False)
    shown = tables.get(headline(tables, params.fold), none)
    save_figure(draw(shown), shown, Path(snakemake.output.svg).with_suffix(""))
