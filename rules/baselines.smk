# In: dataset and origins. Out: the predictions of each baseline.


rule run_baseline:
    input:
        dataset="results/{dataset}/data/dataset.parquet",
        origins="results/{dataset}/data/origins.parquet",
    output:
        directory("results/{dataset}/predictions/{experiment}"),
    log:
        "results/{dataset}/logs/run_baseline/{experiment}.log",
    benchmark:
        "results/{dataset}/benchmarks/run_baseline/{experiment}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_of("baseline")),
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/run_baseline.py"),
        settings=of_experiment("settings"),
        fit=of_experiment("fit"),
        targets=config["targets"],
        labels=config["labels"],
    script:
        "../scripts/run_baseline.py"
