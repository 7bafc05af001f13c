"""Render the report: one self-contained HTML page."""

from pathlib import Path

import pandas as pd

from fd01.data.targets import TARGETS, describe
from fd01.evaluation.alignment import LEVEL, SHIFTS, SKILL, alignment_check
from fd01.evaluation.audit import outdated
from fd01.evaluation.calibration import CLIP
from fd01.evaluation.evidence import by_label, doubts
from fd01.models.known_answers import MISSING
from fd01.report.citation import bibtex, in_words
from fd01.report.costs import by_experiment, by_rule, in_all, read_costs
from fd01.report.figures import Cast
from fd01.report.files import embedded, files_of_run
from fd01.report.glossary import read_glossary
from fd01.report.html import inline_svg, render_page
from fd01.report.licences import licences, prices_from
from fd01.report.palette import style as figure_style
from fd01.report.sections import LAYERS, SECTIONS
from fd01.report.series import heat_tables, leading, read_series
from fd01.report.tables import (
    MEASURES,
    baselines_of,
    check_names,
    experiment_rows,
    imported,
    meanings,
    messages,
    opponent_rows,
    outside_its_seeds,
    report_blocks,
    score_kinds,
    table_order,
)
from fd01.scoring.predictions import of_target
from fd01.study.folds import is_walk_forward
from fd01.study.names import names_of
from fd01.study.seal import HOW_TO_OPEN, LEFT_OUT
from fd01.study.systems import twins_of
from fd01.workflow.files import read_json, write_json, write_text
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame
from fd01.workflow.record import digests

# The tables that can be saved from the page, for those who have nothing else.
EMBEDDED = ["metrics.csv", "comparisons.csv", "experiments.csv"]


def read_tables(paths):
    """Rows of CSV files, as dicts, by the name of the file."""
    return {Path(path).stem: pd.read_csv(path).to_dict("records") for path in paths}


def read_figures(paths):
    """Inline SVG by the name of the file."""
    return {Path(path).stem: inline_svg(path) for path in paths}


def _of_folds(folder, folds):
    """The figures in a folder with one for each of some of the folds, in their order; list of path."""
    return [path for fold in folds if (path := Path(folder) / f"{fold}.svg").is_file()]


def read_audit(path, predictions):
    """The table of the leakage audit, and the experiments whose predictions changed after it; None without a table."""
    if not path:
        return None
    table = pd.read_csv(path)
    return {"rows": table.to_dict("records"), "outdated": outdated(table, predictions)}


def read_results(paths, metrics, experiments, order, primary):
    """What the section with the results shows.

    Parameters
    ----------
    paths : dict of the name of a table to its file
    metrics : DataFrame, rows of one target
    experiments : DataFrame
    order : list of str, the folds in the order of the report
    primary : list of str

    Returns
    -------
    dict
        `folds`, the blocks from left to right, and what `fd01.report.tables` makes of them: `rows`, `opponents`,
        `baselines` and `example`.
    """
    intervals, comparisons = (pd.read_csv(paths[name]) for name in ("intervals", "comparisons"))
    folds = table_order(intervals["fold"], order)
    intervals = pd.concat([intervals[intervals["fold"] == fold] for fold in folds]) if folds else intervals[:0]
    comparisons = comparisons[comparisons["fold"].isin(folds)]
    rows = experiment_rows(intervals, comparisons, metrics, experiments, primary)
    chosen = comparisons[comparisons["against"] == "baseline"]
    return {
        "folds": folds,
        "rows": rows,
        "opponents": opponent_rows(comparisons, rows),
        "baselines": list(baselines_of(rows, folds, dict(zip(chosen["fold"], chosen["other"])))),
        "example": outside_its_seeds(rows),
    }


if __name__ == "__main__":
    configure_logging(snakemake)
    files = snakemake.input
    summary, verdict, provenance = (read_json(files[name]) for name in ("summary", "verdict", "provenance"))
    config = provenance["config"]
    outcomes, description = read_frame(files.outcomes), read_json(files.description)
    experiments = pd.read_csv(files.experiments)
    scored = set(experiments.loc[experiments["status"] != "not run", "experiment"])
    target = {"target": verdict["target"], "horizon": verdict["horizon"]}
    order = [block["fold"] for block in verdict["blocks"]]
    metrics = of_target(pd.read_csv(files.metrics), **target)
    blocks = list(report_blocks(metrics, outcomes, target))
    blocks.sort(key=lambda block: order.index(block["name"]))
    cast = Cast.read(files.experiments, verdict["reference"], names_of(config["experiments"]))
    checks = {name: read_json(Path(files.checks) / f"{name}.json") for name in sorted(scored)}
    tables = read_tables(files.tables)
    for name, group in checks.items():
        group.append(alignment_check([row for row in tables["alignment"] if row["experiment"] == name]))
    doubtful = doubts(experiments)
    # Benchmark files are no input: that would run again what lacks them, such as imported predictions.
    params = snakemake.params
    costs = [job for folder, jobs in params.jobs.items() for job in read_costs(folder, set(jobs), set(params.rules))]
    cost_by_rule = by_rule(costs)
    cost_by_rule.to_csv(snakemake.output.costs, index=False, float_format="%.2f")
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
        results=read_results(
            {Path(path).stem: path for path in files.tables}, metrics, experiments, order, config["decision"]["primary"]
        ),
        measures=MEASURES,
        meanings=meanings(MEASURES),
        score_kinds=score_kinds(blocks),
        twins=sorted(scored & set(twins_of(config["experiments"]).values())),
        with_covariates=[name for name in sorted(scored) if "covariates" in config["experiments"][name]["settings"]],
        experiments=experiments.to_dict("records"),
        optimistic=list(experiments.loc[experiments["optimistic"].eq(True), "experiment"]),
        doubts=doubtful,
        doubts_by_label=list(by_label(doubtful)),
        alignment={
            "skill": SKILL,
            "level": LEVEL,
            "shifts": [f"{shift:+d}" for shift in SHIFTS],
            "ahead": [shift for shift in SHIFTS if shift > 0],
        },
        clip=CLIP,
        check_names=check_names(checks),
        failed_checks=[(name, check) for name, group in checks.items() for check in group if check["ok"] is False],
        checks={name: {check["check"]: check for check in group} for name, group in checks.items()},
        dataset=description,
        provenance=provenance,
        config=config,
        imported=imported(provenance["experiments"]),
        not_run=summary["not_run"],
        messages=messages(experiments),
        known_answers=[one for path in files.known_answers if (one := read_json(path))["status"] != MISSING],
        cost=in_all(costs),
        cost_by_rule=cost_by_rule.to_dict("records"),
        cost_by_experiment=by_experiment(
            costs,
            params.passes,
            {name: entry["forecasts"] for name, entry in provenance["experiments"].items()},
        ),
        glossary=read_glossary(Path(files.glossary).read_text(encoding="utf-8")),
        prices_from=prices_from(description),
        licences=licences(params.citation, description, config, provenance["experiments"]),
        citation_text=in_words(params.citation),
        bibtex=bibtex(params.citation),
        erratum=read_json(files.erratum),
        reproduction=read_json(files.reproduction) if files.reproduction else None,
        audit=read_audit(files.audit, files.predictions),
        walk_forward_blocks=[fold for fold in outcomes["fold"].unique() if is_walk_forward(fold)],
        files=files_of_run(files, Path(files.verdict).parent),
        embedded={path.name: embedded(path) for path in map(Path, files) if path.name in EMBEDDED},
        tables=tables,
        titles={period["fold"]: period["title"] for period in summary["periods"]},
        names=names_of(config["experiments"]),
        series_tables=heat_tables(read_series(files.series), order, cast),
        series_leading=leading(
            [row["experiment"] for row in tables["heterogeneity"]],
            config["decision"]["primary"],
            experiments.set_index("experiment")["evidence"].to_dict(),
        ),
        series_figures=read_figures(_of_folds(files.series_figures, order)),
        map_figures=read_figures(_of_folds(files.map_figures, order)),
        figures=read_figures(files.figures),
        answer_figures=read_figures(Path(files.answer_figures).glob("*.svg")),
        block_figures={Path(folder).name: read_figures(Path(folder).glob("*.svg")) for folder in files.block_figures},
    )
    write_text(snakemake.output.page, page)
    root = Path(files.verdict).parent
    made_of = [path for folder in files.predictions for path in root.glob(f"*/{Path(folder).name}")]
    write_json(snakemake.output.record, digests([*files, *snakemake.output, *made_of, root / "data"], root))
