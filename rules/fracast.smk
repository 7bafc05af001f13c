# In: dataset and origins. Out: the quantiles that Fracast forecasts; scoring.smk turns them into predictions.


rule forecast_fracast:
    input:
        dataset="results/{dataset}/data/dataset.parquet",
        origins=ancient("results/{dataset}/data/origins.parquet"),
    output:
        "results/{dataset}/forecasts/{experiment}/quantiles.parquet",
    log:
        "results/{dataset}/logs/forecast_fracast/{experiment}.log",
    benchmark:
        "results/{dataset}/benchmarks/forecast_fracast/{experiment}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_of("fracast")),
    priority: 2  # by how long the jobs take, so that the longest start first
    conda:
        "../envs/fracast.yaml"
    params:
        code=code_of("scripts/forecast_fracast.py"),
        settings=of_experiment("settings"),
        seeds=of_experiment("seeds", default=[]),
        folds=of_dataset("folds"),
        min_history=config["origins"]["min_history"],
    script:
        "../scripts/forecast_fracast.py"
