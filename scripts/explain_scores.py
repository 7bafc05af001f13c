"""Ask of every experiment whether its scores know anything beyond volatility, and draw the answer."""

from pathlib import Path

import pandas as pd

from fd01.data.origins import CALIBRATION, splits
from fd01.evaluation.explanation import SWAPS, explanation_rows, fit_volatility, judge, tercile_rows, terciles
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.report.figures import GUESS_LINE, ROWS, Cast, Column, message_figure, rest, save_figure
from fd01.report.html import number
from fd01.report.palette import ALL_DAYS, CHANGE, SIMILAR_VOLATILITY, SOFT
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


def draw(table, cast):
    """AUC on all days and among days of similar volatility, a row per experiment; its title and its description.

    Of more than `ROWS` experiments it shows those of `fd01.report.figures.CHOICE`.
    """
    table = table.dropna(subset="auc").set_index("experiment")
    if table.empty:
        return message_figure("No block in which both outcomes occur has been scored.")
    fold = table["fold"].iloc[0]
    shown = cast.choose(table["auc"], {name: name for name in table.index}, ROWS)
    rows, names = table.loc[shown], [cast.named(name, name) for name in shown]
    looks = (
        ("auc", {"color": ALL_DAYS, "marker": "o", "ms": 7, "ls": ""}, "all days"),
        ("auc_within", {"color": SIMILAR_VOLATILITY, "marker": "D", "ms": 6, "ls": ""}, "days of similar volatility"),
    )
    column = Column()
    column.write(f"AUC on {fold}", weight="bold")
    column.legend([(look, words) for _, look, words in looks])
    column.space(4)
    axes, centres = column.rows(names)
    axes.axvline(0.5, **GUESS_LINE)
    axes.hlines(centres, rows["auc_within"], rows["auc"], color=CHANGE, lw=1)
    for measure, look, _ in looks:
        axes.plot(rows[measure], centres, **look)
    column.write("0.5, the vertical line, is guessing", color=SOFT)
    if left_out := rest(len(shown), len(table)):
        column.write(left_out, color=SOFT)
    best, within = (number(rows[measure].max()) for measure in ("auc", "auc_within"))
    title = f"AUC on {fold}: at most {best} on all days, at most {within} among days of similar volatility"
    pairs = (f"{name} {number(a)} and {number(b)}" for name, a, b in zip(names, rows["auc"], rows["auc_within"]))
    return column.finish(), title, f"On all days, and among days of similar volatility: {', '.join(pairs)}."


if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    target, labels = params.target, params.labels
    dataset, outcomes = read_frame(files.dataset), main_folds(read_frame(files.outcomes))
    forecasters = {one.experiment: one for one in read_forecasters(files.forecasts, params.forecasters, days=1)}
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
            in_terciles += tercile_rows(
                fold, matrix, terciles(model.forecast.loc[matrix.keys].to_numpy(), matrix.series)
            )
    none = pd.DataFrame(columns=COLUMNS)
    for path, table in (
        (snakemake.output.table, pd.concat(tables.values()) if tables else none),
        (snakemake.output.terciles, pd.DataFrame(in_terciles, columns=TERCILE_COLUMNS)),
    ):
        with replacing(path) as temporary:
            table.to_csv(temporary, index=False)
    shown = tables.get(headline_fold(tables, params.fold), none)
    cast = Cast.read(files.experiments, params.reference, params.names)
    save_figure(*draw(shown, cast), shown, Path(snakemake.output.svg).with_suffix(""))
