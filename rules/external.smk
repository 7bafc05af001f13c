# In: a file of forecasts that were made elsewhere, dataset, origins. Out: the predictions of each `external` experiment.


include: "functions/external.smk"


rule score_external:
    input:
        file=external_file,
        dataset="results/{dataset}/data/dataset.parquet",
        origins="results/{dataset}/data/origins.parquet",
    output:
        directory("results/{dataset}/predictions/{experiment}"),
    log:
        "results/{dataset}/logs/score_external/{experiment}.log",
    benchmark:
        "results/{dataset}/benchmarks/score_external/{experiment}.tsv"
    wildcard_constraints:
        experiment=one_of(experiments_of(EXTERNAL)),
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/score_external.py"),
        content=content_of(external_file),
        settings=of_experiment("settings"),
        targets=config["targets"],
        labels=config["labels"],
    script:
        "../scripts/score_external.py"
