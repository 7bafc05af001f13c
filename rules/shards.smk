# In: dataset and origins of many series, and the forecasts of each shard. Out: the shards, some of the series each, to
# which the rules of the models apply as to a dataset of its own; and what these rules made, put together.


ruleorder: unpack_predictions > gather_predictions > run_baseline
ruleorder: gather_predictions > score_forecasts
ruleorder: gather_predictions > score_lag_llama
ruleorder: gather_predictions > fit_probe
ruleorder: gather_predictions > gather_seeds
ruleorder: gather_forecasts > forecast_timesfm
ruleorder: gather_forecasts > encode_timesfm
ruleorder: gather_forecasts > run_lag_llama
ruleorder: gather_forecasts > forecast_fracast


rule split_dataset:
    input:
        dataset="results/{dataset}/data/dataset.parquet",
        # `ancient`: another threshold changes the targets in this file; which series have origins, it does not.
        origins=ancient("results/{dataset}/data/origins.parquet"),
    output:
        "results/{dataset}/shards/{shard}/data/dataset.parquet",
    log:
        "results/{dataset}/shards/{shard}/logs/split_dataset.log",
    benchmark:
        "results/{dataset}/shards/{shard}/benchmarks/split_dataset.tsv"
    wildcard_constraints:
        dataset=one_of(SHARDS),
        shard=r"\d+",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/split_dataset.py"),
        shards=number_of_shards,
        folds=of_dataset("folds"),
        origins=config["origins"],
        horizon=max(config["labels"]["horizons"]),
    script:
        "../scripts/split_dataset.py"


rule split_origins:
    input:
        shard="results/{dataset}/shards/{shard}/data/dataset.parquet",
        origins="results/{dataset}/data/origins.parquet",
    output:
        "results/{dataset}/shards/{shard}/data/origins.parquet",
    log:
        "results/{dataset}/shards/{shard}/logs/split_origins.log",
    benchmark:
        "results/{dataset}/shards/{shard}/benchmarks/split_origins.tsv"
    wildcard_constraints:
        dataset=one_of(SHARDS),
        shard=r"\d+",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/split_origins.py"),
    script:
        "../scripts/split_origins.py"


rule gather_forecasts:
    input:
        forecasts=of_shards("forecasts/{forecast}.parquet"),
        datasets=of_shards("data/dataset.parquet"),
    output:
        "results/{dataset}/forecasts/{forecast}.parquet",
    log:
        "results/{dataset}/logs/gather_forecasts/{forecast}.log",
    benchmark:
        "results/{dataset}/benchmarks/gather_forecasts/{forecast}.tsv"
    wildcard_constraints:
        dataset=one_of(SHARDS),
        forecast=r"[^/]+/(quantiles|states)|lag-llama/[^/]+",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/gather_forecasts.py"),
    script:
        "../scripts/gather_forecasts.py"


rule gather_predictions:
    input:
        of_shards("predictions/{experiment}"),
    output:
        directory("results/{dataset}/predictions/{experiment}"),
    log:
        "results/{dataset}/logs/gather_predictions/{experiment}.log",
    benchmark:
        "results/{dataset}/benchmarks/gather_predictions/{experiment}.tsv"
    wildcard_constraints:
        dataset=one_of(SHARDS),
        experiment=one_of(made_in_shards()),
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/gather_predictions.py"),
        folds=of_dataset("folds"),
    script:
        "../scripts/gather_predictions.py"
