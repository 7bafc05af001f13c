# In: predictions on simulated prices. Out: metrics/truth.csv, the AUC that each score could expect there, and the AUC
# that was measured.


rule measure_truth:
    input:
        predictions=all_predictions,
        outcomes="results/{dataset}/data/outcomes.parquet",
        dataset="results/{dataset}/data/dataset.parquet",
        simulated="results/{dataset}/data/simulated.parquet",
    output:
        "results/{dataset}/metrics/truth.csv",
    log:
        "results/{dataset}/logs/measure_truth.log",
    benchmark:
        "results/{dataset}/benchmarks/measure_truth.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/measure_truth.py"),
        targets=config["targets"],
        labels=config["labels"],
    script:
        "../scripts/measure_truth.py"
