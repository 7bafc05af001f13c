# In: predictions, outcomes, metrics, comparisons. Out: results/{dataset}/verdict.json, the answer to the question of
# FD-01; the report presents it.


rule decide:
    input:
        predictions=all_predictions,
        outcomes="results/{dataset}/data/outcomes.parquet",
        metrics="results/{dataset}/metrics/metrics.csv",
        experiments="results/{dataset}/metrics/experiments.csv",
        comparisons="results/{dataset}/metrics/comparisons.csv",
    output:
        "results/{dataset}/verdict.json",
    log:
        "results/{dataset}/logs/decide.log",
    benchmark:
        "results/{dataset}/benchmarks/decide.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/decide.py"),
        experiments=config["experiments"],
        decision=decision_on,
        target=config["targets"][0],
    script:
        "../scripts/decide.py"
