# In: the predictions of the TimesFM experiments. Out: an archive of them, after checks, to carry to another machine.
# There the reverse. In: the archive. Out: its predictions, so that the experiments need not run there.


# An imported experiment has two rules for its predictions: the imported ones win.
ruleorder: unpack_predictions > score_forecasts
ruleorder: unpack_predictions > fit_probe
ruleorder: unpack_predictions > gather_seeds


use rule check_predictions as check_timesfm with:
    input:
        predictions=timesfm_predictions,
        outcomes="results/{dataset}/data/outcomes.parquet",
        pins=PINS,
    output:
        directory("results/{dataset}/checks-timesfm"),
    log:
        "results/{dataset}/logs/check_timesfm.log",
    benchmark:
        "results/{dataset}/benchmarks/check_timesfm.tsv"


rule export_predictions:
    input:
        predictions=only_timesfm(predictions_on(config["dataset"])),
        checks=f"results/{config['dataset']}/checks-timesfm",
        dataset=f"results/{config['dataset']}/data/dataset.parquet",
        origins=f"results/{config['dataset']}/data/origins.parquet",
        weights=manifest_path("timesfm"),
        answers=answers_path("timesfm"),
    output:
        f"results/{config['dataset']}/export/timesfm-{config['dataset']}.zip",
    log:
        f"results/{config['dataset']}/logs/export_predictions.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/export_predictions.py"),
        dataset=config["dataset"],
        settings=TIMESFM_SETTINGS,
    script:
        "../scripts/export_predictions.py"


rule import_predictions:
    input:
        archive=archive_to_import,
        dataset=f"results/{config['dataset']}/data/dataset.parquet",
        origins=f"results/{config['dataset']}/data/origins.parquet",
    log:
        f"results/{config['dataset']}/logs/import_predictions.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/import_predictions.py"),
        dataset=config["dataset"],
        settings=TIMESFM_SETTINGS,
        folders={name: str(imported_folder(config, config["dataset"], name)) for name in TIMESFM},
    script:
        "../scripts/import_predictions.py"


rule unpack_predictions:
    input:
        manifest=imported_manifest,
        dataset="results/{dataset}/data/dataset.parquet",
        origins="results/{dataset}/data/origins.parquet",
    output:
        directory("results/{dataset}/predictions/{experiment}"),
    log:
        "results/{dataset}/logs/unpack_predictions/{experiment}.log",
    benchmark:
        "results/{dataset}/benchmarks/unpack_predictions/{experiment}.tsv"
    wildcard_constraints:
        experiment=one_of(TIMESFM),
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/unpack_predictions.py"),
    script:
        "../scripts/unpack_predictions.py"
