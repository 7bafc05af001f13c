# In: the dataset, and the original study's file of TimesFM forecasts if there is one. Out: erratum.json, the figures
# that the original study published, recomputed without any model.


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
