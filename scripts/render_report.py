"""Render the report: one self-contained HTML page."""

from pathlib import Path

import pandas as pd

from fd01.data.targets import TARGETS, describe
from fd01.evaluation.alignment import LEVEL, SKILL, alignment_check
from fd01.evaluation.audit import outdated
from fd01.evaluation.evidence import by_label, doubts
from fd01.report.files import embedded, files_of_run
from fd01.report.html import inline_svg, render_page
from fd01.report.palette import style as figure_style
from fd01.report.sections import LAYERS, SECTIONS
from fd01.report.tables import RESULT_COLUMNS, check_names, imported, meanings, result_tables, score_kinds
from fd01.study.folds import is_walk_forward
from fd01.study.names import display_name
from fd01.study.seal import HOW_TO_OPEN, LEFT_OUT
from fd01.study.systems import twins_of
from fd01.workflow.files import read_json, write_text
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

# The tables that can be saved from the page, for those who have nothing else.
EMBEDDED = ["metrics.csv", "comparisons.csv", "experiments.csv"]


def read_tables(paths):
    """Rows of CSV files, as dicts, by the name of the file."""
    return {Path(path).stem: pd.read_csv(path).to_dict("records") for path in paths}


def read_figures(paths):
    """Inline SVG by the name of the file."""
    return {Path(path).stem: inline_svg(path) for path in paths}


def read_audit(path, predictions):
    """The table of the leakage audit, and the experiments whose predictions changed after it; None without a table."""
    if not path:
        return None
    table = pd.read_csv(path)
    return {"rows": table.to_dict("records"), "outdated": outdated(table, predictions)}


if __name__ == "__main__":
    configure_logging(snakemake)
    files = snakemake.input
    summary, verdict, provenance = (read_json(files[name]) for name in ("summary", "verdict", "provenance"))
    config, ran = provenance["config"], list(provenance["experiments"])
    outcomes = read_frame(files.outcomes)
    experiments = pd.read_csv(files.experiments)
    scored = set(experiments.loc[experiments["status"] != "not run", "experiment"])
    target = {"target": verdict["target"], "horizon": verdict["horizon"]}
    order = [block["fold"] for block in verdict["blocks"]]
    blocks = list(result_tables(pd.read_csv(files.metrics), experiments, outcomes, target))
    blocks.sort(key=lambda block: order.index(block["name"]))
    checks = {path.stem: read_json(path) for path in sorted(Path(files.checks).glob("*.json"))}
    tables = read_tables(files.tables)
    for name, group in checks.items():
        group.append(alignment_check([row for row in tables["alignment"] if row["experiment"] == name]))
    doubtful = doubts(experiments)
    page = render_page(
        Path(files.template).parent,
        SECTIONS,
        layers=LAYERS,
        style=Path(files.style).read_text(encoding="utf-8") + figure_style(),
        script=Path(files.script).read_text(encoding="utf-8"),
        summary=summary,
        verdict=verdict,
        headline=verdict["blocks"][0],
        left_out=LEFT_OUT,
        how_to_open=HOW_TO_OPEN,
        event=describe(**target, labels=config["labels"]),
        events={name: describe(name, target["horizon"], config["labels"]) for name in TARGETS},
        blocks=blocks,
        result_columns=RESULT_COLUMNS,
        meanings=meanings(RESULT_COLUMNS),
        score_kinds=score_kinds(blocks),
        twins=sorted(scored & set(twins_of(config["experiments"]).values())),
        with_covariates=[name for name in ran if "covariates" in config["experiments"][name]["settings"]],
        experiments=experiments.to_dict("records"),
        optimistic=list(experiments.loc[experiments["optimistic"].eq(True), "experiment"]),
        doubts=doubtful,
        doubts_by_label=list(by_label(doubtful)),
        alignment={"skill": SKILL, "level": LEVEL},
        check_names=check_names(checks),
        checks={name: {check["check"]: check for check in group} for name, group in checks.items()},
        dataset=read_json(files.description),
        provenance=provenance,
        config=config,
        imported=imported(provenance["experiments"]),
        erratum=read_json(files.erratum),
        reproduction=read_json(files.reproduction) if files.reproduction else None,
        audit=read_audit(files.audit, files.predictions),
        walk_forward_blocks=[fold for fold in outcomes["fold"].unique() if is_walk_forward(fold)],
        files=files_of_run(files, Path(files.verdict).parent),
        embedded={path.name: embedded(path) for path in map(Path, files) if path.name in EMBEDDED},
        tables=tables,
        names={name: display_name(name, entry) for name, entry in config["experiments"].items()},
        figures=read_figures(files.figures),
        answer_figures=read_figures(Path(files.answer_figures).glob("*.svg")),
        block_figures={Path(folder).name: read_figures(Path(folder).glob("*.svg")) for folder in files.block_figures},
    )
    write_text(snakemake.output[0], page)
