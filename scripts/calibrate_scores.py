"""Measure the calibration of every experiment, as it is and recalibrated on the calibration tail, and draw it."""

from pathlib import Path

import numpy as np
import pandas as pd

from fd01.data.origins import CALIBRATION, EVALUATION
from fd01.evaluation.calibration import (
    RECALIBRATIONS,
    brier_decomposition,
    consistency_band,
    cox,
    log_losses,
    recalibrated_frequency,
)
from fd01.evaluation.metrics import ranking
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.report.figures import message_figure, pyplot, save_figure, small_multiples
from fd01.report.palette import CALIBRATED, RAW, RECALIBRATED, SHARE_OF_DAYS
from fd01.study.folds import headline, main_folds
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

MEASURES = ["brier", "log_loss", "auc", "slope", "intercept", "in_the_large"]
PARTS = ["miscalibration", "discrimination", "uncertainty"]
COLUMNS = ["fold", "experiment", "arm", "n", "positives", *MEASURES, *PARTS, "reason"]
RESAMPLES = 1000  # of a consistency band


def arms(experiment, panel, tail):
    """The probabilities of an experiment by arm, raw and recalibrated; of an arm that it cannot have, the reason.

    `panel` is of the evaluation block, `tail` of the calibration tail, or None.
    """
    scores, is_probability = panel.scores[experiment], panel.is_probability[experiment]
    yield "raw", scores if is_probability else "a ranking, not a probability"
    for arm, fit in RECALIBRATIONS.items():
        if tail is None or experiment not in tail.scores:
            yield arm, "it has no scores of the calibration tail"
        elif tail.y.nunique() < 2:
            yield arm, "the calibration tail does not have both outcomes"
        else:
            recalibrate = fit(tail.scores[experiment], tail.y, is_probability)
            yield arm, pd.Series(recalibrate(scores), index=scores.index)


def measure(y, probability):
    """The calibration of probabilities, shape (n,), by the names of `MEASURES` and `PARTS`."""
    y, probability = y.to_numpy(), probability.to_numpy()
    losses = {"brier": np.mean((probability - y) ** 2), "log_loss": log_losses(y, probability).mean()}
    ranked = {"auc": ranking(y, probability)["auc"]}
    return losses | ranked | cox(y, probability) | brier_decomposition(y, probability)


def calibration_table(panels, tails):
    """`COLUMNS` of every fold, experiment and arm."""
    rows = []
    for fold, panel in panels.items():
        about = {"fold": fold, "n": len(panel.y), "positives": int(panel.y.sum())}
        for experiment in panel.scores:
            for arm, found in arms(experiment, panel, tails.get(fold)):
                measured = {"reason": found} if isinstance(found, str) else measure(panel.y, found)
                rows.append(about | {"experiment": experiment, "arm": arm} | measured)
    return pd.DataFrame(rows, columns=COLUMNS)


def reliability_table(fold, panel, tail, level, seed):
    """Points of the reliability curves of one fold: forecast, frequency, days, and the band of the raw ones."""
    rng, tables = np.random.default_rng(seed), []
    for experiment in panel.scores:
        for arm, found in arms(experiment, panel, tail):
            if isinstance(found, str) or arm == "isotonic":  # a staircase, which tells little
                continue
            points = pd.DataFrame({"forecast": found, "frequency": recalibrated_frequency(panel.y, found)})
            points = points.groupby("forecast")["frequency"].agg(["first", "size"]).reset_index()
            points.columns = ["forecast", "frequency", "days"]
            if arm == "raw":
                _, points["low"], points["high"] = consistency_band(found, level, RESAMPLES, rng)
            tables.append(points.assign(fold=fold, label=experiment, arm=arm))
    return pd.concat(tables) if tables else pd.DataFrame(columns=["label"])


def draw(table):
    """Reliability curves, one panel per experiment.

    Behind them: the consistency band of the raw probabilities, and bars, the share of days by forecast.
    """
    if table.empty:
        return message_figure("No probabilities of a block whose outcomes are known.")
    figure, panels = small_multiples(table)
    for experiment, axes in panels:
        rows = table[table["label"] == experiment]
        axes.plot([0, 1], [0, 1], color=CALIBRATED, lw=0.8)
        for arm, colour in (("raw", RAW), ("platt", RECALIBRATED)):
            curve = rows[rows["arm"] == arm]
            steps = curve["frequency"].diff().ne(0) | curve["frequency"].diff(-1).ne(0)  # the ends of each level
            axes.plot(curve.loc[steps, "forecast"], curve.loc[steps, "frequency"], color=colour, lw=1.5)
            if arm == "raw":
                band = curve.iloc[:: max(1, len(curve) // 100)]
                axes.fill_between(band["forecast"], band["low"], band["high"], color=colour, alpha=0.2, lw=0)
                share = curve["days"] / curve["days"].sum()
                axes.hist(curve["forecast"], np.linspace(0, 1, 21), weights=share, color=SHARE_OF_DAYS, zorder=0)
        axes.set(xlim=(0, 1), ylim=(0, 1))
    handles = [pyplot().Line2D([], [], color=colour) for colour in (RAW, RECALIBRATED)]
    title = "upwards: frequency of the event; to the right: forecast probability; bars: share of days"
    names = ["raw, with its band", "recalibrated (Platt)"]
    figure.legend(handles, names, loc="outside lower center", ncols=2, title=title)
    return figure


if __name__ == "__main__":
    configure_logging(snakemake)
    params = snakemake.params
    outcomes = main_folds(read_frame(snakemake.input.outcomes))
    panels, tails = (
        read_score_matrices(snakemake.input.predictions, outcomes, params.target, role)
        for role in (EVALUATION, CALIBRATION)
    )
    with replacing(snakemake.output.table) as path:
        calibration_table(panels, tails).to_csv(path, index=False)
    fold = headline(panels, params.fold)
    curves = pd.DataFrame(columns=["label"])
    if fold is not None:
        curves = reliability_table(fold, panels[fold], tails.get(fold), 1 - params.alpha, params.seed)
    save_figure(draw(curves), curves, Path(snakemake.output.svg).with_suffix(""))
