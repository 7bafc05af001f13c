# In: the verdict and the tables behind it. Out: results/{dataset}/summary.json, the first page of the report as data: the
# status of the question, the reason, and what the figures of the answer show.


include: "functions/summary.smk"


SUMMARY_TABLES = ["metrics", "experiments", "comparisons", "power", "labels", "ledger", "alignment"]


rule summarise:
    input:
        verdict="results/{dataset}/verdict.json",
        tables=expand("results/{{dataset}}/metrics/{table}.csv", table=SUMMARY_TABLES),
        checks="results/{dataset}/checks",
        outcomes="results/{dataset}/data/outcomes.parquet",
        description="results/{dataset}/data/dataset.json",
        predictions=all_predictions,
        audit=audit_table,
    output:
        "results/{dataset}/summary.json",
    log:
        "results/{dataset}/logs/summarise.log",
    benchmark:
        "results/{dataset}/benchmarks/summarise.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/summarise.py"),
        study=asked_of,
    script:
        "../scripts/summarise.py"
