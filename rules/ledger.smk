# In: metrics. Out: ledger/{dataset}.csv, a line for every configuration that was ever evaluated on a block, and
# metrics/ledger.csv, how many there are per block.


rule record_trials:
    input:
        predictions=all_predictions,
        metrics="results/{dataset}/metrics/metrics.csv",
        outcomes="results/{dataset}/data/outcomes.parquet",
        about="results/{dataset}/data/dataset.json",
    output:
        report(
            "results/{dataset}/metrics/ledger.csv",
            category="Checks",
            labels={"what": "how often these days have been looked at", "days": "all", "dataset": "{dataset}"},
            caption="../report/captions/ledger.rst",
        ),
    log:
        "results/{dataset}/logs/record_trials.log",
    benchmark:
        "results/{dataset}/benchmarks/record_trials.tsv"
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/record_trials.py"),
        # Not an output: Snakemake deletes outputs before a job, after a failed job, and when it cleans up.
        ledger="ledger/{dataset}.csv",
        experiments=config["experiments"],
        study={section: config[section] for section in ("labels", "origins")},
        folds=of_dataset("folds"),
        targets=config["targets"],
        plan=plan_digest_of,
    script:
        "../scripts/record_trials.py"
