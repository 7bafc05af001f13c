# In: predictions, stored forecasts, outcomes. Out: metrics/explanation.csv and terciles.csv, what each score knows
# beyond volatility.


rule explain_scores:
    input:
        predictions=all_predictions,
        forecasts=distribution_files,
        dataset="results/{dataset}/data/dataset.parquet",
        outcomes="results/{dataset}/data/outcomes.parquet",
        checks="results/{dataset}/checks",
        experiments="results/{dataset}/metrics/experiments.csv",
    output:
        table="results/{dataset}/metrics/explanation.csv",
        terciles="results/{dataset}/metrics/terciles.csv",
        svg=report(
            "results/{dataset}/figures/explanation.svg",
            category="Results",
            labels={"what": "what is left beyond volatility", "days": "one block", "dataset": "{dataset}"},
            caption="../report/captions/explanation.rst",
        ),
        csv="results/{dataset}/figures/explanation.csv",
    log:
        "results/{dataset}/logs/explain_scores.log",
    benchmark:
        "results/{dataset}/benchmarks/explain_scores.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/explain_scores.py"),
        target=config["targets"][0],
        fold=config["decision"]["fold"],
        reference=of_dataset("reference"),
        names=names_of(config["experiments"]),
        forecasters=forecasters,
        labels=config["labels"],
        statistics={name: config["statistics"][name] for name in ("alpha", "smallest_gain")},
    script:
        "../scripts/explain_scores.py"
