# In: the dataset of the original study, its outcomes, and the original study's file of TimesFM forecasts if there is one.
# Out: erratum.json, the figures that the original study published, recomputed without any model.


rule recompute_published:
    input:
        dataset="results/{dataset}/data/dataset.parquet",
        outcomes="results/{dataset}/data/outcomes.parquet",
        study_predictions=lookup(dpath="datasets/{dataset}/study_predictions", within=config, default=[]),
        lib=shared("recompute_published"),
    output:
        "results/{dataset}/erratum.json",
    log:
        "results/{dataset}/logs/recompute_published.log",
    benchmark:
        "results/{dataset}/benchmarks/recompute_published.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        original=config["decision"]["dataset"],
    script:
        "../scripts/recompute_published.py"
