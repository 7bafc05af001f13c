"""Measure the calibration of every experiment, as it is and recalibrated on the calibration tail, and draw it."""

from pathlib import Path

import numpy as np
import pandas as pd

from fd01.data.origins import CALIBRATION
from fd01.data.touch import CLOSE_EXCEEDANCE
from fd01.evaluation.calibration import (
    calibration_measures,
    consistency_band,
    consistency_band_of_dates,
    recalibrated_frequency,
    recalibrations,
)
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.report.figures import CURVES, Cast, Column, message_figure, rest, save_figure
from fd01.report.html import number
from fd01.report.palette import BAND, CALIBRATED, RAW, RECALIBRATED, SHARE_OF_DAYS, SOFT
from fd01.study.folds import headline_fold, main_folds
from fd01.workflow.errors import NotRun
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

MEASURES = ["brier", "log_loss", "auc", "slope", "intercept", "in_the_large"]
PARTS = ["miscalibration", "discrimination", "uncertainty"]
COLUMNS = ["fold", "experiment", "arm", "n", "positives", *MEASURES, *PARTS, "reason"]
RESAMPLES = 1000  # of a consistency band
DIGITS = 3  # of the forecasts in the curves of several series: more would be a point per row, and show no more
LOOKS = {  # of the curves
    "raw": ("raw, with its band", {"color": RAW, "lw": 1.8}),
    "platt": ("recalibrated (Platt)", {"color": RECALIBRATED, "lw": 1.6, "ls": (0, (4, 1.5))}),
}


def calibration_table(matrices, tails, uncorrected):
    """`COLUMNS` of every fold, experiment and recalibration, the column `arm`.

    The arm `close-exceedance` is the probability before the touch correction, for the experiments that have one.

    Parameters
    ----------
    matrices, tails, uncorrected : dicts of fold to ScoreMatrix
        Of the evaluation blocks, of the calibration tails, and of the scores of kind `close-exceedance` on the blocks.
    """
    rows = []
    for fold, matrix in matrices.items():
        before = {name: own.scores[name] for name, own in uncorrected[fold].each()} if fold in uncorrected else {}
        for experiment, own in matrix.each():  # an experiment that lacks days is measured on those that it has
            block = {"fold": fold, "n": len(own.y), "positives": int(own.y.sum())}
            arms = list(recalibrations(experiment, own, tails.get(fold)))
            if experiment in before:
                arms.append((CLOSE_EXCEEDANCE, before[experiment], None))
            for name, probability, reason in arms:
                try:
                    measures = {"reason": reason} if reason else calibration_measures(own.y, probability, own.series)
                except NotRun as not_measured:
                    measures = {"reason": str(not_measured)}
                rows.append(block | {"experiment": experiment, "arm": name} | measures)
    return pd.DataFrame(rows, columns=COLUMNS)


def reliability_table(fold, matrix, tail, level, seed):
    """The reliability curves of one fold, and the consistency band of the curves that are not recalibrated.

    Parameters
    ----------
    fold : str
    matrix, tail : ScoreMatrix of the evaluation block, and of the calibration tail or None
    level : float, of the band
    seed : int, for the band

    Returns
    -------
    DataFrame
        A row per point: forecast, frequency, days with this forecast, low and high of the band, fold, label, arm. With
        several series, a point has all rows of a forecast, rounded to `DIGITS`.
    """
    tables = []
    for experiment, own in matrix.each():
        # Its own numbers: another experiment that comes, or lacks a day, moves no band of this one.
        rng = np.random.default_rng([seed, *experiment.encode()])
        for name, probability, reason in recalibrations(experiment, own, tail):
            if reason or name == "isotonic":  # an isotonic curve has a few steps and shows little
                continue
            several = len(set(own.series)) > 1
            if several:
                probability = probability.round(DIGITS)
            points = pd.DataFrame({"forecast": probability, "frequency": recalibrated_frequency(own.y, probability)})
            points = points.groupby("forecast")["frequency"].agg(["first", "size"]).reset_index()
            points.columns = ["forecast", "frequency", "days"]
            if name == "raw":
                if several:
                    y, p = own.y.to_numpy(), probability.to_numpy()
                    band = consistency_band_of_dates(y, p, own.days, level, RESAMPLES, rng)
                else:
                    band = consistency_band(probability, level, RESAMPLES, rng)
                _, points["low"], points["high"] = band
            tables.append(points.assign(fold=fold, label=experiment, arm=name))
    return pd.concat(tables) if tables else pd.DataFrame(columns=["label"])


def draw(table, measures, cast):
    """Reliability curves, one panel per experiment, their title and their description.

    Behind them: the consistency band of the raw probabilities, and bars, the share of days by forecast. Of more than
    `CURVES` experiments it shows those of `fd01.report.figures.CHOICE`.

    Parameters
    ----------
    table : DataFrame of `reliability_table`
    measures : DataFrame of `calibration_table`, of the same fold
    cast : fd01.report.figures.Cast
    """
    if table.empty:
        return message_figure("No probabilities of a block whose outcomes are known.")
    fold, labels = table["fold"].iloc[0], table["label"].unique()
    aucs = measures.dropna(subset="auc").groupby("experiment")["auc"].first().reindex(labels)
    shown = cast.choose(aucs, {label: label for label in labels}, CURVES)
    column = Column()
    column.write(f"Reliability on {fold}", weight="bold")
    column.write("upwards: frequency of the event; to the right: forecast probability; both from 0 to 1", color=SOFT)
    column.legend([(look, words) for words, look in LOOKS.values()])
    bars = {"color": SHARE_OF_DAYS, "lw": 8, "solid_capstyle": "butt"}
    column.legend([({"color": CALIBRATED, "lw": 1}, "calibrated"), (bars, "share of days with this forecast")])
    column.space(6)
    for experiment, axes in zip(shown, column.multiples([cast.named(label, label) for label in shown], 150)):
        rows = table[table["label"] == experiment]
        axes.plot([0, 1], [0, 1], color=CALIBRATED, lw=1)
        for arm, (_, look) in LOOKS.items():
            curve = rows[rows["arm"] == arm]
            steps = curve["frequency"].diff().ne(0) | curve["frequency"].diff(-1).ne(0)  # the ends of each level
            axes.plot(curve.loc[steps, "forecast"], curve.loc[steps, "frequency"], **look)
            if arm == "raw":
                band = curve.iloc[:: max(1, len(curve) // 40)]
                axes.fill_between(band["forecast"], band["low"], band["high"], color=BAND, lw=0, zorder=0.5)
                share = curve["days"] / curve["days"].sum()
                heights, edges = np.histogram(curve["forecast"], np.linspace(0, 1, 21), weights=share)
                axes.stairs(heights, edges, fill=True, color=SHARE_OF_DAYS, zorder=0)
        axes.set(xlim=(0, 1), ylim=(0, 1), xticks=[0, 0.5, 1], yticks=[])
    if left_out := rest(len(shown), len(labels)):
        column.write(left_out, color=SOFT)
    raw = measures[(measures["arm"] == "raw") & measures["slope"].notna()].set_index("experiment")["slope"]
    extreme = [cast.named(label, label) for label in shown if label in raw and raw[label] < 1]
    slopes = ", ".join(f"{cast.named(label, label)} {number(raw[label], 2)}" for label in shown if label in raw)
    title = (
        f"Reliability on {fold}: of {sum(label in raw for label in shown)} raw probabilities, {len(extreme)} are too "
        "extreme (slope below 1)"
    )
    return column.finish(), title, f"Slopes of the raw probabilities, 1 is calibrated: {slopes or 'none'}."


if __name__ == "__main__":
    configure_logging(snakemake)
    params = snakemake.params
    outcomes = main_folds(read_frame(snakemake.input.outcomes))
    matrices, tails, uncorrected = (
        read_score_matrices(snakemake.input.predictions, outcomes, params.target, **options)
        for options in ({}, {"role": CALIBRATION}, {"kinds": [CLOSE_EXCEEDANCE]})
    )
    measures = calibration_table(matrices, tails, uncorrected)
    with replacing(snakemake.output.table) as path:
        measures.to_csv(path, index=False)
    fold = headline_fold(matrices, params.fold)
    curves = pd.DataFrame(columns=["label"])
    if fold is not None:
        curves = reliability_table(fold, matrices[fold], tails.get(fold), 1 - params.alpha, params.seed)
    cast = Cast.read(snakemake.input.experiments, params.reference, params.names)
    drawn = draw(curves, measures[measures["fold"] == fold], cast)
    save_figure(*drawn, curves, Path(snakemake.output.svg).with_suffix(""))
