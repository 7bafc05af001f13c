# For external.smk: the file of forecasts of an experiment.


def study_forecasts(dataset):
    """Path of the original study's stored forecasts with their dates; date_study_forecasts writes it."""
    return f"results/{dataset}/forecasts/original-study/point.parquet"


def forecast_file(dataset, experiment):
    """Path of the file that an `external` experiment names."""
    path = config["experiments"][experiment]["settings"]["file"]
    if path != study_forecasts(dataset) and not Path(path).is_file():
        raise WorkflowError(
            f"There is no file {path}: put the forecasts there, or name another file in "
            f"experiments/{experiment}/settings/file of the configuration."
        )
    return path


def external_file(wildcards):
    """Input function: the `forecast_file` of the experiment of a job."""
    return forecast_file(wildcards.dataset, wildcards.experiment)


# Called for the error alone, as `price_files` is: Snakemake accepts a missing file as long as the results exist.
for name in sorted(set(experiments_of(EXTERNAL)) & set(running(config["dataset"]))):
    forecast_file(config["dataset"], name)
