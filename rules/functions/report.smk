# For the rules in report.smk: the sections of the report, and their tables and figures.

from fd01.study.folds import is_walk_forward

# Sections in their order. A section uses tables and figures by the names below.
REPORT_OPENING = ["power"]  # above the results
REPORT_SECTIONS = [
    *("comparisons", "walk-forward", "truth", "labels", "explanation", "calibration", "losses", "contamination"),
    *("audit", "ledger"),
]
REPORT_TABLES = [
    *("power", "protocol-errors", "comparisons", "walk-forward", "losses"),
    *("labels", "calibration", "explanation", "terciles", "contamination", "ledger"),
]
REPORT_FIGURES = ["labels", "reliability", "explanation"]


def report_tables(wildcards):
    """Input function: the tables for the sections of the report on a dataset."""
    truth = ["truth"] if wildcards.dataset in datasets_from("synthetic") else []
    return expand("results/{dataset}/metrics/{table}.csv", dataset=wildcards.dataset, table=REPORT_TABLES + truth)


def report_figures(wildcards):
    """Input function: the figures for the sections of the report on a dataset."""
    walk_forward = ["walk-forward"] if any(map(is_walk_forward, folds_of(wildcards))) else []
    return expand(
        "results/{dataset}/figures/{figure}.svg", dataset=wildcards.dataset, figure=REPORT_FIGURES + walk_forward
    )
