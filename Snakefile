# FD-01: can pre-trained time-series foundation models beat a task-specific PatchTST on SPY?
# This file is the table of contents; the study is described in config.yaml.

from snakemake.utils import min_version

min_version("9.27.1")


configfile: "config.yaml"


report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/functions/archive.smk"
# From prices to predictions.
include: "rules/data.smk"
include: "rules/weights.smk"
include: "rules/baselines.smk"
include: "rules/patchtst.smk"
include: "rules/timesfm.smk"
include: "rules/lag_llama.smk"
include: "rules/fracast.smk"
include: "rules/external.smk"
include: "rules/scoring.smk"
include: "rules/shards.smk"
# From predictions to the report.
include: "rules/metrics.smk"
include: "rules/alignment.smk"
include: "rules/comparisons.smk"
include: "rules/label_family.smk"
include: "rules/calibration.smk"
include: "rules/explanation.smk"
include: "rules/contamination.smk"
include: "rules/truth.smk"
include: "rules/ledger.smk"
include: "rules/original_study.smk"
include: "rules/verdict.smk"
include: "rules/figures.smk"
include: "rules/audit.smk"
include: "rules/summary.smk"
include: "rules/report.smk"
# Beside the report.
include: "rules/archive.smk"
include: "rules/series.smk"
include: "rules/explore.smk"
include: "rules/exports.smk"


rule all:
    default_target: True
    input:
        f"results/{config['dataset']}/report/index.html",
    localrule: True
    message:
        f"Report: {{input}}. To see the verdict here: snakemake {workflow.modifier.modify_rulename('show')}"


rule timesfm:
    input:
        f"results/{config['dataset']}/checks-timesfm",
    localrule: True
