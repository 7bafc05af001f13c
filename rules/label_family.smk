# In: stored forecasts, dataset, outcomes. Out: metrics/labels.csv and a heat map, the AUC on other events, thresholds
# and horizons.


include: "functions/label_family.smk"


rule measure_labels:
    input:
        forecasts=distribution_files,
        dataset="results/{dataset}/data/dataset.parquet",
        outcomes="results/{dataset}/data/outcomes.parquet",
        experiments="results/{dataset}/metrics/experiments.csv",
    output:
        table="results/{dataset}/metrics/labels.csv",
        svg=report(
            "results/{dataset}/figures/labels.svg",
            category="Results",
            labels={"what": "other events on the same days", "days": "one block", "dataset": "{dataset}"},
            caption="../report/captions/labels.rst",
        ),
        csv="results/{dataset}/figures/labels.csv",
    log:
        "results/{dataset}/logs/measure_labels.log",
    benchmark:
        "results/{dataset}/benchmarks/measure_labels.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/measure_labels.py"),
        forecasters=forecasters,
        baselines=running_baselines,
        thresholds=config["label_family"]["thresholds"],
        folds=of_dataset("folds"),
        labels=config["labels"],
        origins=config["origins"],
        fold=config["decision"]["fold"],
        reference=of_dataset("reference"),
        names=names_of(config["experiments"]),
    script:
        "../scripts/measure_labels.py"
