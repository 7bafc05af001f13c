# In: dataset, origins, weights. Out: the quantiles of TimesFM, its hidden states, or the scores of its trainings;
# scoring.smk turns them into predictions.


rule forecast_timesfm:
    input:
        dataset="results/{dataset}/data/dataset.parquet",
        # `ancient`: another threshold changes the targets in this file; its days, which alone matter here, stay.
        origins=ancient("results/{dataset}/data/origins.parquet"),
        manifest=manifest_of("timesfm"),
        answers=answers_of("timesfm"),
    output:
        "results/{dataset}/forecasts/{experiment}/quantiles.parquet",
    log:
        "results/{dataset}/logs/forecast_timesfm/{experiment}.log",
    benchmark:
        "results/{dataset}/benchmarks/forecast_timesfm/{experiment}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_of("timesfm")),
    priority: 5  # by how long the jobs take, so that the longest start first
    conda:
        "../envs/timesfm.yaml"
    resources:
        gpu=GPU,
    params:
        code=code_of("scripts/forecast_timesfm.py"),
        settings=of_experiment("settings"),
        seeds=of_experiment("seeds", default=[]),
        folds=of_dataset("folds"),
        min_history=config["origins"]["min_history"],
        horizon=max(config["labels"]["horizons"]),
    script:
        "../scripts/forecast_timesfm.py"


rule encode_timesfm:
    input:
        dataset="results/{dataset}/data/dataset.parquet",
        origins=ancient("results/{dataset}/data/origins.parquet"),
        manifest=manifest_of("timesfm"),
        answers=answers_of("timesfm"),
    output:
        "results/{dataset}/forecasts/{experiment}/states.parquet",
    log:
        "results/{dataset}/logs/encode_timesfm/{experiment}.log",
    benchmark:
        "results/{dataset}/benchmarks/encode_timesfm/{experiment}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_of("timesfm-probe")),
    conda:
        "../envs/timesfm.yaml"
    resources:
        gpu=GPU,
    params:
        code=code_of("scripts/encode_timesfm.py"),
        settings=settings_without("head"),
        seeds=of_experiment("seeds", default=[]),
        folds=of_dataset("folds"),
        min_history=config["origins"]["min_history"],
    script:
        "../scripts/encode_timesfm.py"


rule finetune_timesfm:
    input:
        dataset="results/{dataset}/data/dataset.parquet",
        origins="results/{dataset}/data/origins.parquet",
        manifest=manifest_of("timesfm"),
        answers=answers_of("timesfm"),
    output:
        scores="results/{dataset}/forecasts/{experiment}/{train_end}/lr-{lr}/seed-{seed}.parquet",
        curve="results/{dataset}/forecasts/{experiment}/{train_end}/lr-{lr}/seed-{seed}-curve.csv",
        weights="results/{dataset}/forecasts/{experiment}/{train_end}/lr-{lr}/seed-{seed}-weights.safetensors",
    log:
        "results/{dataset}/logs/finetune_timesfm/{experiment}/{train_end}/lr-{lr}/seed-{seed}.log",
    benchmark:
        "results/{dataset}/benchmarks/finetune_timesfm/{experiment}/{train_end}/lr-{lr}/seed-{seed}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_of("timesfm-finetuned")),
    conda:
        "../envs/timesfm.yaml"
    resources:
        gpu=GPU,
    params:
        code=code_of("scripts/finetune_timesfm.py"),
        settings=settings_without("lr_sweep"),
        targets=config["targets"],
        labels=config["labels"],
    script:
        "../scripts/finetune_timesfm.py"
