# In: dataset and origins. Out: the scores and the learning curve of each training of PatchTST; scoring.smk makes
# predictions of them.


include: "functions/patchtst.smk"


rule train_patchtst:
    input:
        dataset="results/{dataset}/data/dataset.parquet",
        origins="results/{dataset}/data/origins.parquet",
    output:
        scores="results/{dataset}/forecasts/{experiment}/{train_end}/seed-{seed}.parquet",
        curve="results/{dataset}/forecasts/{experiment}/{train_end}/seed-{seed}-curve.csv",
    log:
        "results/{dataset}/logs/train_patchtst/{experiment}/{train_end}/seed-{seed}.log",
    benchmark:
        "results/{dataset}/benchmarks/train_patchtst/{experiment}/{train_end}/seed-{seed}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_of("patchtst")),
    priority: 3  # by how long the jobs take, so that the longest start first
    conda:
        "../envs/patchtst.yaml"
    resources:
        gpu=GPU,
    params:
        code=code_of("scripts/train_patchtst.py"),
        settings=of_experiment("settings"),
        fit=of_experiment("fit"),
        targets=config["targets"],
        study_fold=of_dataset("study_fold"),
        sealed_blocks=sealed_blocks_to_stop_on,
    script:
        "../scripts/train_patchtst.py"
