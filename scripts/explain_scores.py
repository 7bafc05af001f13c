"""Ask of every experiment whether its scores know anything beyond volatility, and draw the answer."""

from pathlib import Path

import pandas as pd

from fd01.data.origins import CALIBRATION, splits
from fd01.evaluation.explanation import SWAPS, explanation_rows, fit_volatility, judge, tercile_rows, terciles
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.report.figures import GUESS_LINE, message_figure, pyplot, save_figure
from fd01.report.palette import ALL_DAYS, CHANGE, SIMILAR_VOLATILITY
from fd01.scoring.distributions import read_forecasters
from fd01.study.folds import headline_fold, main_folds
from fd01.workflow.errors import NotRun
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

COLUMNS = [
    *("fold", "experiment", "score_kind", "n", "positives", "auc", "width_auc", *SWAPS, "swap_reason"),
    *("auc_within", "volatility_within", "volatility_auc", "joint_auc", "coefficient"),
    *("gain", "se", "low", "high", "p", "p_holm", "verdict", "added_reason"),
]
TERCILE_COLUMNS = ["fold", "experiment", "volatility", "n", "positives", "auc"]


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
    forecasters = {one.experiment: one for one in read_forecasters(files.forecasts, params.forecasters)}
    matrices, tails, widths = (
        read_score_matrices(files.predictions, outcomes, target, **options)
        for options in ({}, {"role": CALIBRATION}, {"kinds": ["width"]})
    )
    models = {}
    for split in splits(outcomes, **target):
        try:
            models[split.train_end] = fit_volatility(dataset, split, target, labels)
        except NotRun as reason:
            models[split.train_end] = str(reason)
    train_ends = outcomes.groupby("fold")["train_end"].first()
    tables, in_terciles = {}, []
    for fold, matrix in matrices.items():
        model = models[train_ends[fold]]
        rows = explanation_rows(
            fold, matrix, tails.get(fold), widths.get(fold), model, forecasters, params.statistics["alpha"]
        )
        tables[fold] = judge(pd.DataFrame(rows, columns=COLUMNS), **params.statistics)
        if not isinstance(model, str):
            in_terciles += tercile_rows(fold, matrix, terciles(model.forecast.loc[matrix.days]))
    none = pd.DataFrame(columns=COLUMNS)
    for path, table in (
        (snakemake.output.table, pd.concat(tables.values()) if tables else none),
        (snakemake.output.terciles, pd.DataFrame(in_terciles, columns=TERCILE_COLUMNS)),
    ):
        with replacing(path) as temporary:
            table.to_csv(temporary, index=False)
    shown = tables.get(headline_fold(tables, params.fold), none)
    save_figure(draw(shown), shown, Path(snakemake.output.svg).with_suffix(""))
