# For archive.smk, and for common.smk, which asks `is_imported` and so needs this file first: the predictions of TimesFM
# that were made on another machine and imported here.

from snakemake.logging import logger

from fd01.workflow.files import read_json
from fd01.scoring.archive import difference, imported_folder, settings_of

TIMESFM = experiments_of(*(name for name, system in SYSTEMS.items() if system.weights == "timesfm"))
TIMESFM_SETTINGS = {name: settings_of(config, config["dataset"], name) for name in TIMESFM}


def imported_manifest(wildcards):
    """Input function: the manifest of the imported predictions of an experiment, made with its present settings."""
    return str(imported_folder(config, wildcards.dataset, wildcards.experiment) / "manifest.json")


def is_imported(dataset, experiment):
    """Whether predictions of an experiment, made on another machine with its present settings, have been imported."""
    return experiment in TIMESFM and (imported_folder(config, dataset, experiment) / "manifest.json").exists()


def only_timesfm(predictions):
    """The folders among `predictions` that belong to TimesFM experiments."""
    return [folder for folder in predictions if Path(folder).name in TIMESFM]


def timesfm_predictions(wildcards):
    """Input function: predictions of every TimesFM experiment that runs on a dataset."""
    return only_timesfm(all_predictions(wildcards))


def archive_to_import(wildcards):
    """Input function: the archive that the command line names."""
    if "archive" not in config:
        raise WorkflowError(
            "No archive is named. Call: snakemake import_predictions --config dataset=spy archive=path/to/archive.zip"
        )
    return config["archive"]


# Without this warning, a changed setting could silently start hours of training.
IMPORTED = Path("results", config["dataset"], "imported")
for path in IMPORTED.glob("*/*/manifest.json") if workflow.is_main_process else []:
    name = path.parent.parent.name
    if name not in TIMESFM:
        logger.warning(f"The imported predictions of {name} are not used: it is no TimesFM experiment here.")
    elif changed := difference(read_json(path)["settings"], TIMESFM_SETTINGS[name]):
        logger.warning(f"The imported predictions of {name} are not used, because its settings differ: {changed}.")
