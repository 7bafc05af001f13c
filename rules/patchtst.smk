# In: dataset and origins. Out: the scores and the learning curve of each training of PatchTST; scoring.smk makes
# predictions of them.


include: "functions/patchtst.smk"


rule train_patchtst:
    input:
        dataset="results/{dataset}/data/dataset.parquet",
        origins="results/{dataset}/data/origins.parquet",
        lib=shared("train_patchtst"),
    output:
        scores="results/{dataset}/forecasts/{experiment}/{train_end}/seed-{seed}.parquet",
        curve="results/{dataset}/forecasts/{experiment}/{train_end}/seed-{seed}-curve.csv",
    log:
        "results/{dataset}/logs/train_patchtst/{experiment}/{train_end}/seed-{seed}.log",
    benchmark:
        "results/{dataset}/benchmarks/train_patchtst/{experiment}/{train_end}/seed-{seed}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_of("patchtst")),
    conda:
        "../envs/patchtst.yaml"
    resources:
        gpu=GPU,
    params:
        settings=lookup(dpath="experiments/{experiment}/settings", within=config),
        targets=config["targets"],
        study_fold=lookup(dpath="datasets/{dataset}/study_fold", within=config, default=None),
        sealed_blocks=sealed_blocks_to_stop_on,
    script:
        "../scripts/train_patchtst.py"
