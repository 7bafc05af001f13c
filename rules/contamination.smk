# In: predictions and outcomes. Out: metrics/contamination.csv, the AUC on the days of each block before and after the
# end of a model's training data.


rule slice_contamination:
    input:
        predictions=all_predictions,
        outcomes="results/{dataset}/data/outcomes.parquet",
        checks="results/{dataset}/checks",
    output:
        "results/{dataset}/metrics/contamination.csv",
    log:
        "results/{dataset}/logs/slice_contamination.log",
    benchmark:
        "results/{dataset}/benchmarks/slice_contamination.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/slice_contamination.py"),
        target=config["targets"][0],
        reference=of_dataset("reference"),
        statistics=config["statistics"],
    script:
        "../scripts/slice_contamination.py"
