# In: the dataset of the original study, its outcomes, and the original study's file of TimesFM forecasts if there is one.
# Out: erratum.json, the figures that the original study published, recomputed without any model; its forecasts with their
# dates, which the experiments TFM-01-published and TFM-01-published-realigned score; and reproduction.json, whether the
# published weights give these forecasts again.


rule recompute_published:
    input:
        dataset="results/{dataset}/data/dataset.parquet",
        outcomes="results/{dataset}/data/outcomes.parquet",
        study_predictions=of_dataset("study_predictions", default=[]),
    output:
        "results/{dataset}/erratum.json",
    log:
        "results/{dataset}/logs/recompute_published.log",
    benchmark:
        "results/{dataset}/benchmarks/recompute_published.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/recompute_published.py"),
        content=content_of(of_dataset("study_predictions", default=[])),
        original=config["decision"]["dataset"],
    script:
        "../scripts/recompute_published.py"


rule date_study_forecasts:
    input:
        dataset="results/{dataset}/data/dataset.parquet",
        outcomes="results/{dataset}/data/outcomes.parquet",
        study_predictions=of_dataset("study_predictions", default=[]),
    output:
        "results/{dataset}/forecasts/original-study/point.parquet",
    log:
        "results/{dataset}/logs/date_study_forecasts.log",
    benchmark:
        "results/{dataset}/benchmarks/date_study_forecasts.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/date_study_forecasts.py"),
        content=content_of(of_dataset("study_predictions", default=[])),
    script:
        "../scripts/date_study_forecasts.py"


rule reproduce_published:
    input:
        dataset="results/{dataset}/data/dataset.parquet",
        outcomes="results/{dataset}/data/outcomes.parquet",
        study_predictions=of_dataset("study_predictions", default=[]),
        manifest=manifest_path("timesfm"),
        answers=answers_path("timesfm"),
    output:
        "results/{dataset}/reproduction.json",
    log:
        "results/{dataset}/logs/reproduce_published.log",
    benchmark:
        "results/{dataset}/benchmarks/reproduce_published.tsv"
    conda:
        "../envs/timesfm.yaml"
    resources:
        gpu=GPU,
    params:
        code=code_of("scripts/reproduce_published.py"),
        content=content_of(of_dataset("study_predictions", default=[])),
    script:
        "../scripts/reproduce_published.py"
