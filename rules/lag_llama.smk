# In: dataset, origins, weights. Out: the distributions and hidden states of Lag-Llama, the scores of its trainings, and
# the predictions from its distributions; scoring.smk makes the other predictions.


include: "functions/lag_llama.smk"


rule run_lag_llama:
    input:
        dataset="results/{dataset}/data/dataset.parquet",
        # `ancient`: another threshold changes the targets in this file; its days, which alone matter here, stay.
        origins=ancient("results/{dataset}/data/origins.parquet"),
        manifest=lag_llama_manifest,
        answers=lag_llama_answers,
    output:
        "results/{dataset}/forecasts/lag-llama/{weights}-{input}-{context}.parquet",
    log:
        "results/{dataset}/logs/run_lag_llama/{weights}-{input}-{context}.log",
    benchmark:
        "results/{dataset}/benchmarks/run_lag_llama/{weights}-{input}-{context}.tsv"
    wildcard_constraints:
        weights="pretrained|untrained",
        input="return|high",
        context=r"\d+",
    priority: 4  # by how long the jobs take, so that the longest start first
    conda:
        "../envs/lag-llama.yaml"
    resources:
        gpu=GPU,
    params:
        code=code_of("scripts/run_lag_llama.py"),
        seeds=lag_llama_seeds,
        states=lag_llama_states,
        folds=of_dataset("folds"),
        min_history=config["origins"]["min_history"],
    script:
        "../scripts/run_lag_llama.py"


rule score_lag_llama:
    input:
        run=lag_llama_run,
        dataset="results/{dataset}/data/dataset.parquet",
        origins="results/{dataset}/data/origins.parquet",
    output:
        directory("results/{dataset}/predictions/{experiment}"),
    log:
        "results/{dataset}/logs/score_lag_llama/{experiment}.log",
    benchmark:
        "results/{dataset}/benchmarks/score_lag_llama/{experiment}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_storing(STUDENT_T)),
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/score_lag_llama.py"),
        seeds=of_experiment("seeds", default=[]),
        input_series=input_series,
        targets=config["targets"],
        labels=config["labels"],
    script:
        "../scripts/score_lag_llama.py"


rule train_lag_llama:
    input:
        dataset="results/{dataset}/data/dataset.parquet",
        origins="results/{dataset}/data/origins.parquet",
        manifest=manifest_of("lag-llama"),
        answers=answers_of("lag-llama"),
    output:
        scores="results/{dataset}/forecasts/{experiment}/{train_end}/seed-{seed}.parquet",
        curve="results/{dataset}/forecasts/{experiment}/{train_end}/seed-{seed}-curve.csv",
        weights="results/{dataset}/forecasts/{experiment}/{train_end}/seed-{seed}-weights.safetensors",
    log:
        "results/{dataset}/logs/train_lag_llama/{experiment}/{train_end}/seed-{seed}.log",
    benchmark:
        "results/{dataset}/benchmarks/train_lag_llama/{experiment}/{train_end}/seed-{seed}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_of("lag-llama-trained")),
    priority: 1  # by how long the jobs take, so that the longest start first
    conda:
        "../envs/lag-llama.yaml"
    resources:
        gpu=GPU,
    params:
        code=code_of("scripts/train_lag_llama.py"),
        settings=of_experiment("settings"),
        targets=config["targets"],
        labels=config["labels"],
    script:
        "../scripts/train_lag_llama.py"
