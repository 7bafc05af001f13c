"""Make the page of one series: its days, and every experiment on it beside all series together."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from fd01.evaluation.evidence import doubts
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.report.figures import GUESS_LINE, ROWS, Cast, Column, save_svg
from fd01.report.glossary import read_glossary
from fd01.report.html import inline_svg, number, render_page
from fd01.report.one_series import experiment_table, find_series, page_name
from fd01.report.palette import INK, PAPER, SOFT, UNDECIDED
from fd01.report.palette import style as figure_style
from fd01.report.sections import LAYERS, ONE_SERIES
from fd01.report.series import leading, read_series
from fd01.report.svg import VALUE
from fd01.report.tables import report_blocks
from fd01.workflow.errors import UserError
from fd01.workflow.files import read_json, write_text
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame


def draw_aucs(table, cast, name, title):
    """The AUC of the experiments on one series and on all, with the title and the description of the figure.

    Parameters
    ----------
    table : DataFrame, from `fd01.report.one_series.experiment_table`
    cast : Cast
    name : str, of the series
    title : str, of the period
    """
    shown = cast.choose(table["auc"], {one: one for one in table.index}, ROWS)
    column = Column()
    column.write(f"AUC on {name}, {title}", weight="bold")
    column.space(6)
    axes, centres = column.rows([cast.named(one, one) for one in shown])
    axes.axvline(0.5, **GUESS_LINE)
    for (one, row), centre in zip(table.loc[shown].iterrows(), centres):
        own = f"{number(row['auc'])}, interval {number(row['low'])} to {number(row['high'])}"
        said = f"{cast.named(one, one)}: {own}; all series together {number(row['all_auc'])}"
        axes.plot([row["low"], row["high"]], [centre, centre], color=UNDECIDED, lw=1.4)
        axes.plot(row["all_auc"], centre, marker="D", ms=5, color=INK, mec=PAPER, mew=0.8)
        axes.plot(row["auc"], centre, marker="o", ms=5.5, mfc=PAPER, mew=1.4, color=UNDECIDED, gid=f"{VALUE}{said}")
    column.legend(
        [
            (
                {"marker": "o", "ls": "", "ms": 5.5, "mfc": PAPER, "mew": 1.4, "color": UNDECIDED},
                f"{name}, with its interval",
            ),
            ({"marker": "D", "ls": "", "ms": 5, "color": INK}, "all series together"),
            (GUESS_LINE, "guessing"),
        ]
    )
    if len(shown) < len(table):
        column.write(f"{len(shown)} of {len(table)} experiments; the table has all.", color=SOFT)
    best = table.index[0]
    description = f"The highest AUC on {name}: {cast.named(best, best)}, {number(table['auc'].iloc[0])}."
    return column.finish(), f"AUC of {len(shown)} experiments on {name} and on all series, {title}", description


if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    summary, description = read_json(files.summary), read_json(files.description)
    names = [one["name"] for one in description["series"]]
    if len(names) == 1:
        raise UserError(f"{params.dataset} has one series, {names[0]}: its page is the report, {files.report}")
    name = find_series(params.asked, names)
    outcomes, experiments = read_frame(files.outcomes), pd.read_csv(files.experiments)
    metrics, comparisons, intervals = (pd.read_csv(files[one]) for one in ("metrics", "comparisons", "intervals"))
    titles = {period["fold"]: period["title"] for period in summary["periods"]}
    cast = Cast.read(files.experiments, params.reference, params.names)
    own_outcomes, series = outcomes[outcomes["series"] == name], read_series(files.series)
    all_blocks, blocks = (  # a sealed block has no day with an outcome
        {one["name"]: one for one in report_blocks(metrics, rows, params.target) if one["n"]}
        for rows in (outcomes, own_outcomes)
    )
    matrices = read_score_matrices(files.predictions, own_outcomes, params.target, series=name)
    matrices = {fold: matrix for fold, matrix in matrices.items() if len(matrix.kinds)}
    rows_of, figures = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for fold, block in blocks.items():
            if fold not in matrices or not 0 < block["positives"] < block["n"]:
                continue
            own = series[series["series"] == name]
            table = experiment_table(fold, matrices[fold], own, intervals, comparisons, params.alpha)
            rows_of[fold] = table.reset_index(names="experiment").to_dict("records")
            path = Path(folder) / f"{fold}.svg"
            save_svg(*draw_aucs(table, cast, name, titles.get(fold, fold)), path)
            figures[fold] = inline_svg(path)
    compared = [row["experiment"] for rows in rows_of.values() for row in rows if pd.notna(row["difference"])]
    page = render_page(
        Path(files.template).parent,
        ONE_SERIES,
        doubts(experiments),
        layers=LAYERS,
        style=Path(files.style).read_text(encoding="utf-8") + figure_style(),
        script=Path(files.script).read_text(encoding="utf-8"),
        summary=summary | {"title": f"{name}, {description['title']}"},
        description=description,
        series=next(one for one in description["series"] if one["name"] == name),
        blocks=blocks,
        all_blocks=all_blocks,
        titles={fold: titles.get(fold, fold) for fold in all_blocks},
        rows_of=rows_of,
        figures=figures,
        leading=leading(list(dict.fromkeys(compared)), params.primary, cast.evidence),
        reference=params.reference,
        level=1 - params.alpha,
        made=datetime.now(UTC),
        not_run=summary["not_run"],
        names=params.names,
        glossary=read_glossary(Path(files.glossary).read_text(encoding="utf-8")),
    )
    path = Path(files.report).parent / "series" / page_name(name, names)
    path.parent.mkdir(exist_ok=True)
    write_text(path, page)
    print(f"Page of {name}: {path.resolve()}")
