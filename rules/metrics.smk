# In: predictions and outcomes. Out: the health checks of every experiment, and metrics/metrics.csv and experiments.csv.


rule check_predictions:
    input:
        predictions=all_predictions,
        outcomes="results/{dataset}/data/outcomes.parquet",
        pins=PINS,
    output:
        directory("results/{dataset}/checks"),
    log:
        "results/{dataset}/logs/check_predictions.log",
    benchmark:
        "results/{dataset}/benchmarks/check_predictions.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/check_predictions.py"),
        content=content_of(PINS),
        targets=config["targets"],
        seeds={name: entry.get("seeds", []) for name, entry in config["experiments"].items()},
        collapse_spread=config["decision"]["collapse_spread"],
    script:
        "../scripts/check_predictions.py"


rule evaluate:
    input:
        predictions=all_predictions,
        outcomes="results/{dataset}/data/outcomes.parquet",
        checks="results/{dataset}/checks",
    output:
        metrics=report(
            "results/{dataset}/metrics/metrics.csv",
            category="Results",
            labels={"what": "every measure of every experiment", "days": "all", "dataset": "{dataset}"},
            caption="../report/captions/metrics.rst",
        ),
        experiments=report(
            "results/{dataset}/metrics/experiments.csv",
            category="Checks",
            labels={"what": "what ran, and what did not", "days": "all", "dataset": "{dataset}"},
            caption="../report/captions/experiments.rst",
        ),
    log:
        "results/{dataset}/logs/evaluate.log",
    benchmark:
        "results/{dataset}/benchmarks/evaluate.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/evaluate.py"),
        off=switched_off,
        systems=systems(),
    script:
        "../scripts/evaluate.py"
