# In: predictions and outcomes. Out: metrics/calibration.csv and the reliability curves.


rule calibrate_scores:
    input:
        predictions=all_predictions,
        outcomes="results/{dataset}/data/outcomes.parquet",
        checks="results/{dataset}/checks",
        experiments="results/{dataset}/metrics/experiments.csv",
    output:
        table="results/{dataset}/metrics/calibration.csv",
        svg=report(
            "results/{dataset}/figures/reliability.svg",
            category="Results",
            labels={"what": "do probabilities mean what they say", "days": "one block", "dataset": "{dataset}"},
            caption="../report/captions/reliability.rst",
        ),
        csv="results/{dataset}/figures/reliability.csv",
    log:
        "results/{dataset}/logs/calibrate_scores.log",
    benchmark:
        "results/{dataset}/benchmarks/calibrate_scores.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/calibrate_scores.py"),
        target=config["targets"][0],
        fold=config["decision"]["fold"],
        reference=of_dataset("reference"),
        names=names_of(config["experiments"]),
        alpha=config["statistics"]["alpha"],
        seed=config["statistics"]["seed"],
    script:
        "../scripts/calibrate_scores.py"
