# FD-01: can pre-trained time-series foundation models beat a task-specific PatchTST on SPY?
# This file is the table of contents; the study is described in config.yaml.

from snakemake.utils import min_version

min_version("9.27.1")


configfile: "config.yaml"


report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/imported.smk"
include: "rules/data.smk"
include: "rules/weights.smk"
include: "rules/baselines.smk"
include: "rules/patchtst.smk"
include: "rules/timesfm.smk"
include: "rules/lag_llama.smk"
include: "rules/fracast.smk"
include: "rules/scores.smk"
include: "rules/evaluate.smk"
include: "rules/audit.smk"
include: "rules/labels.smk"
include: "rules/calibration.smk"
include: "rules/explanation.smk"
include: "rules/contamination.smk"
include: "rules/figures.smk"
include: "rules/report.smk"
include: "rules/transfer.smk"
include: "rules/explore.smk"


rule all:
    default_target: True
    input:
        f"results/{config['dataset']}/report/index.html",
    localrule: True


rule timesfm:
    input:
        f"results/{config['dataset']}/checks-timesfm",
    localrule: True
