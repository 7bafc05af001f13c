# Of the rules in archive.smk: which predictions of TimesFM were made on another machine and imported.

from snakemake.logging import logger

from fd01.workflow.files import read_json
from fd01.scoring.archive import difference, imported_folder, settings_of

TIMESFM = experiments_of(*(name for name, system in SYSTEMS.items() if system.weights == "timesfm"))
TIMESFM_SETTINGS = {name: settings_of(config, config["dataset"], name) for name in TIMESFM}


def imported_manifest(wildcards):
    """The manifest of the imported predictions of an experiment; it exists if any were made with its settings."""
    return str(imported_folder(config, wildcards.dataset, wildcards.experiment) / "manifest.json")


def is_imported(dataset, experiment):
    """Whether predictions of an experiment, made on another machine with its settings, have been imported."""
    return experiment in TIMESFM and (imported_folder(config, dataset, experiment) / "manifest.json").exists()


def of_timesfm(predictions):
    """Those of the folders of predictions that TimesFM made."""
    return [folder for folder in predictions if Path(folder).name in TIMESFM]


def timesfm_predictions(wildcards):
    """Predictions of every TimesFM experiment that runs on a dataset."""
    return of_timesfm(all_predictions(wildcards))


def archive_to_import(wildcards):
    """The archive that the command line names."""
    if "archive" not in config:
        raise WorkflowError("Which archive? snakemake import_predictions --config archive=path/of/the/archive.zip")
    return config["archive"]


# Without a word, hours of training might begin.
for name in TIMESFM if workflow.is_main_process else []:
    for path in Path("results", config["dataset"], "imported", name).glob("*/manifest.json"):
        found = difference(read_json(path)["settings"], TIMESFM_SETTINGS[name])
        if found:
            logger.warning(f"The imported predictions of {name} do not count, as its settings differ: {found}.")
