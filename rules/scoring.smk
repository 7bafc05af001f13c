# In: what the models store under results/{dataset}/forecasts/. Out: results/{dataset}/predictions/{experiment}/, one
# file per fold. Baselines write theirs themselves; the distributions of Lag-Llama are scored in lag_llama.smk.


include: "functions/scoring.smk"


rule score_forecasts:
    input:
        quantiles="results/{dataset}/forecasts/{experiment}/quantiles.parquet",
        dataset="results/{dataset}/data/dataset.parquet",
        origins="results/{dataset}/data/origins.parquet",
    output:
        directory("results/{dataset}/predictions/{experiment}"),
    log:
        "results/{dataset}/logs/score_forecasts/{experiment}.log",
    benchmark:
        "results/{dataset}/benchmarks/score_forecasts/{experiment}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_storing(DECILES)),
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/score_forecasts.py"),
        input_series=input_series,
        targets=config["targets"],
        labels=config["labels"],
    script:
        "../scripts/score_forecasts.py"


rule fit_probe:
    input:
        states=states_of,
        dataset="results/{dataset}/data/dataset.parquet",
        origins="results/{dataset}/data/origins.parquet",
    output:
        directory("results/{dataset}/predictions/{experiment}"),
    log:
        "results/{dataset}/logs/fit_probe/{experiment}.log",
    benchmark:
        "results/{dataset}/benchmarks/fit_probe/{experiment}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_storing(STATES)),
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/fit_probe.py"),
        seeds=of_experiment("seeds", default=[]),
        settings=of_experiment("settings"),
        fit=of_experiment("fit"),
        targets=config["targets"],
        labels=config["labels"],
    script:
        "../scripts/fit_probe.py"


rule gather_seeds:
    input:
        scores=all_trainings(".parquet"),
        curves=all_trainings("-curve.csv"),
        origins="results/{dataset}/data/origins.parquet",
    output:
        directory("results/{dataset}/predictions/{experiment}"),
    log:
        "results/{dataset}/logs/gather_seeds/{experiment}.log",
    benchmark:
        "results/{dataset}/benchmarks/gather_seeds/{experiment}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_storing(TRAINED)),
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/gather_seeds.py"),
    script:
        "../scripts/gather_seeds.py"
