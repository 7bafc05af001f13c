"""Predictions that travel from one machine to another.

An archive is a zip of `manifest.json`, `weights/manifest.json` and `predictions/{experiment}/{fold}.parquet`. Its
manifest says what these predictions rest on; they count elsewhere only where that is the same:

- schema: the columns of a prediction file
- dataset, dataset_sha256, origins_sha256: the tables that the models were given
- experiments: {name: {settings, files}}; `settings` is what `settings_of` gives, `files` maps names to SHA-256

Once imported, the files of an experiment lie in the folder that `imported_folder` names, beside a manifest of their
own. The folder is named after the settings, so that under other settings nothing is imported.
"""

from pathlib import Path

from fd01.workflow.errors import UserError
from fd01.workflow.files import digest, sha256

TABLES = {"dataset": "prices", "origins": "origins"}
WAYS_OUT = "Import an archive made on these, or delete results/{dataset}/imported to run its experiments here."


def settings_of(config, dataset, experiment):
    """All that the configuration says about the predictions of a TimesFM `experiment` on `dataset`, a dict for JSON."""
    entry = config["experiments"][experiment]
    weights = config["weights"]["models"].get("timesfm", {})
    pretrained = entry["settings"].get("weights") != "untrained"
    return {
        "settings": entry["settings"],
        "seeds": entry.get("seeds", []),
        "system": entry["system"],
        "weights": {key: weights[key] for key in ("repository", "revision", "files")} if pretrained else None,
        "targets": config["targets"],
        "labels": config["labels"],
        "origins": config["origins"],
        "folds": config["datasets"][dataset]["folds"],
    }


def imported_folder(config, dataset, experiment):
    """Where the imported predictions of an experiment lie, if there are any that were made with its settings."""
    name = digest(settings_of(config, dataset, experiment))[:16]
    return Path("results", dataset, "imported", experiment, name)


def difference(there, here, key=""):
    """The first key under which two nested dicts differ, with both values, in words; None if they are equal."""
    if isinstance(there, dict) and isinstance(here, dict):
        names = sorted({*there, *here})
        found = (difference(there.get(name), here.get(name), f"{key}/{name}".lstrip("/")) for name in names)
        return next(filter(None, found), None)
    return None if there == here else f"{key} is {there!r} there and {here!r} here"


def check_tables(what, about, dataset, paths):
    """Stop unless the tables `paths`, by name, are those that predictions were made on.

    `what` begins the message of the `UserError`; `about` holds the checksums that were noted.
    """
    for name, path in paths.items():
        there, here = about[f"{name}_sha256"], sha256(path)
        if there != here:
            raise UserError(
                f"{what} was made on other {TABLES[name]}: {Path(path).name} has the SHA-256 {there} there and {here} "
                f"here. {WAYS_OUT.format(dataset=dataset)}"
            )
