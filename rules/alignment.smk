# In: predictions, prices and outcomes. Out: metrics/alignment.csv, which says of every forecast of a location or a scale
# whether it lies on its day, late, or knows the future.


rule check_alignment:
    input:
        predictions=all_predictions,
        dataset="results/{dataset}/data/dataset.parquet",
        outcomes="results/{dataset}/data/outcomes.parquet",
        checks="results/{dataset}/checks",
    output:
        report(
            "results/{dataset}/metrics/alignment.csv",
            category="Checks",
            labels={"what": "does each forecast lie on its day", "days": "all", "dataset": "{dataset}"},
            caption="../report/captions/alignment.rst",
        ),
    log:
        "results/{dataset}/logs/check_alignment.log",
    benchmark:
        "results/{dataset}/benchmarks/check_alignment.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/check_alignment.py"),
        target=config["targets"][0],
    script:
        "../scripts/check_alignment.py"
