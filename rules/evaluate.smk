rule check_predictions:
    input:
        predictions=all_predictions,
        origins="results/{dataset}/data/origins.parquet",
        lib=shared("predictions", "outcomes", "origins", "files"),
    output:
        directory("results/{dataset}/checks"),
    params:
        targets=config["targets"],
        collapse_spread=config["decision"]["collapse_spread"],
    log:
        "results/{dataset}/logs/check_predictions.log",
    benchmark:
        "results/{dataset}/benchmarks/check_predictions.tsv"
    conda:
        "../envs/analysis.yaml"
    script:
        "../scripts/check_predictions.py"


rule evaluate:
    input:
        predictions=all_predictions,
        origins="results/{dataset}/data/origins.parquet",
        checks="results/{dataset}/checks",
        lib=shared("metrics", "predictions", "outcomes", "origins", "files"),
    output:
        metrics="results/{dataset}/metrics/metrics.csv",
        experiments="results/{dataset}/metrics/experiments.csv",
    params:
        off=switched_off,
    log:
        "results/{dataset}/logs/evaluate.log",
    benchmark:
        "results/{dataset}/benchmarks/evaluate.tsv"
    conda:
        "../envs/analysis.yaml"
    script:
        "../scripts/evaluate.py"


rule decide:
    input:
        predictions=all_predictions,
        origins="results/{dataset}/data/origins.parquet",
        metrics="results/{dataset}/metrics/metrics.csv",
        experiments="results/{dataset}/metrics/experiments.csv",
        lib=shared("protocol", "metrics", "predictions", "outcomes", "files"),
    output:
        "results/{dataset}/verdict.json",
    params:
        experiments=config["experiments"],
        decision=config["decision"],
        target=config["targets"][0],
    log:
        "results/{dataset}/logs/decide.log",
    benchmark:
        "results/{dataset}/benchmarks/decide.tsv"
    conda:
        "../envs/analysis.yaml"
    script:
        "../scripts/decide.py"
