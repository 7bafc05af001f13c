rule check_predictions:
    input:
        predictions=all_predictions,
        outcomes="results/{dataset}/data/outcomes.parquet",
        pins=workflow.source_path("../envs/requirements.txt"),
        lib=shared("check_predictions"),
    output:
        directory("results/{dataset}/checks"),
    log:
        "results/{dataset}/logs/check_predictions.log",
    benchmark:
        "results/{dataset}/benchmarks/check_predictions.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
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
        lib=shared("evaluate"),
    output:
        metrics="results/{dataset}/metrics/metrics.csv",
        experiments="results/{dataset}/metrics/experiments.csv",
    log:
        "results/{dataset}/logs/evaluate.log",
    benchmark:
        "results/{dataset}/benchmarks/evaluate.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        off=switched_off,
    script:
        "../scripts/evaluate.py"


rule record_trials:
    input:
        predictions=all_predictions,
        metrics="results/{dataset}/metrics/metrics.csv",
        outcomes="results/{dataset}/data/outcomes.parquet",
        about="results/{dataset}/data/dataset.json",
        lib=shared("record_trials"),
    output:
        "results/{dataset}/metrics/ledger.csv",
    log:
        "results/{dataset}/logs/record_trials.log",
    benchmark:
        "results/{dataset}/benchmarks/record_trials.tsv"
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        # No output: Snakemake deletes those before a job, after a failed one, and when it cleans up.
        ledger="ledger/{dataset}.csv",
        experiments=config["experiments"],
        study={section: config[section] for section in ("labels", "origins")},
        folds=lookup(dpath="datasets/{dataset}/folds", within=config),
        targets=config["targets"],
        plan=PLAN_DIGEST,
    script:
        "../scripts/record_trials.py"


rule compare_experiments:
    input:
        predictions=all_predictions,
        outcomes="results/{dataset}/data/outcomes.parquet",
        metrics="results/{dataset}/metrics/metrics.csv",
        experiments="results/{dataset}/metrics/experiments.csv",
        lib=shared("compare_experiments"),
    output:
        comparisons="results/{dataset}/metrics/comparisons.csv",
        intervals="results/{dataset}/metrics/intervals.csv",
        power="results/{dataset}/metrics/power.csv",
        walk_forward="results/{dataset}/metrics/walk-forward.csv",
    log:
        "results/{dataset}/logs/compare_experiments.log",
    benchmark:
        "results/{dataset}/benchmarks/compare_experiments.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        statistics=config["statistics"],
        reference=config["decision"]["reference"],
        target=config["targets"][0],
        systems=systems(),
        twins=twins(),
    script:
        "../scripts/compare_experiments.py"


rule simulate_protocol:
    input:
        predictions=all_predictions,
        outcomes="results/{dataset}/data/outcomes.parquet",
        metrics="results/{dataset}/metrics/metrics.csv",
        lib=shared("simulate_protocol"),
    output:
        "results/{dataset}/metrics/protocol-errors.csv",
    log:
        "results/{dataset}/logs/simulate_protocol.log",
    benchmark:
        "results/{dataset}/benchmarks/simulate_protocol.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        statistics=config["statistics"],
        decision=config["decision"],
        target=config["targets"][0],
        systems=systems(),
    script:
        "../scripts/simulate_protocol.py"


rule compare_losses:
    input:
        predictions=all_predictions,
        outcomes="results/{dataset}/data/outcomes.parquet",
        experiments="results/{dataset}/metrics/experiments.csv",
        lib=shared("compare_losses"),
    output:
        "results/{dataset}/metrics/losses.csv",
    log:
        "results/{dataset}/logs/compare_losses.log",
    benchmark:
        "results/{dataset}/benchmarks/compare_losses.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        statistics=config["statistics"],
        reference=config["decision"]["reference"],
        target=config["targets"][0],
    script:
        "../scripts/compare_losses.py"


rule decide:
    input:
        predictions=all_predictions,
        outcomes="results/{dataset}/data/outcomes.parquet",
        metrics="results/{dataset}/metrics/metrics.csv",
        experiments="results/{dataset}/metrics/experiments.csv",
        comparisons="results/{dataset}/metrics/comparisons.csv",
        lib=shared("decide"),
    output:
        "results/{dataset}/verdict.json",
    log:
        "results/{dataset}/logs/decide.log",
    benchmark:
        "results/{dataset}/benchmarks/decide.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        experiments=config["experiments"],
        decision=config["decision"],
        target=config["targets"][0],
    script:
        "../scripts/decide.py"


rule recompute_published:
    input:
        dataset="results/{dataset}/data/dataset.parquet",
        study_predictions=config.get("study_predictions", []),
        lib=shared("recompute_published"),
    output:
        "results/{dataset}/erratum.json",
    log:
        "results/{dataset}/logs/recompute_published.log",
    benchmark:
        "results/{dataset}/benchmarks/recompute_published.tsv"
    conda:
        "../envs/analysis.yaml"
    script:
        "../scripts/recompute_published.py"


rule measure_truth:
    input:
        predictions=all_predictions,
        outcomes="results/{dataset}/data/outcomes.parquet",
        dataset="results/{dataset}/data/dataset.parquet",
        simulated="results/{dataset}/data/simulated.parquet",
        lib=shared("measure_truth"),
    output:
        "results/{dataset}/metrics/truth.csv",
    log:
        "results/{dataset}/logs/measure_truth.log",
    benchmark:
        "results/{dataset}/benchmarks/measure_truth.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        targets=config["targets"],
        labels=config["labels"],
    script:
        "../scripts/measure_truth.py"
