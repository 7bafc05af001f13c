"""Archives of predictions, by which one machine takes over what another has computed.

An archive is a zip of `manifest.json`, `predictions/{experiment}/{fold}.parquet`, `weights/manifest.json` and
`weights/known-answers.json`. Its manifest says what the predictions depend on. They are accepted elsewhere only if all
of it is the same there:

- schema: the columns of a prediction file
- dataset, dataset_sha256, origins_sha256: the tables that the models were given
- experiments: {name: {settings, files}}; `settings` is what `settings_of` gives, `files` maps names to SHA-256

After the import, the files of an experiment and a manifest of them lie in the folder that `imported_folder` names. Its
name contains a digest of the settings, so that an import made with other settings is not found.
"""

from pathlib import Path

from fd01.data.touch import RULE
from fd01.workflow.errors import UserError
from fd01.workflow.files import digest, sha256

TABLES = {"dataset": "prices", "origins": "origins"}
REMEDY = "Import an archive made on these, or delete results/{dataset}/imported to run its experiments here."


def settings_of(config, dataset, experiment):
    """What the predictions of a TimesFM experiment on a dataset depend on in the configuration; dict of JSON values."""
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
        "touch correction": RULE,  # archives of version 0.1.0 have probabilities by another rule
    }


def imported_folder(config, dataset, experiment):
    """The folder for imported predictions of an experiment under its present settings; it may not exist."""
    name = digest(settings_of(config, dataset, experiment))[:16]
    return Path("results", dataset, "imported", experiment, name)


def difference(there, here, key=""):
    """The first key under which two nested dicts differ, with both values, as text; None if they are equal.

    `key` is the path of the two dicts in the whole.
    """
    if isinstance(there, dict) and isinstance(here, dict):
        for name in sorted({*there, *here}):
            if text := difference(there.get(name), here.get(name), f"{key}/{name}".lstrip("/")):
                return text
        return None
    return None if there == here else f"{key} is {there!r} there and {here!r} here"


def check_tables(what, manifest, dataset, paths):
    """Check that the tables of this run are the ones that predictions were made on.

    Parameters
    ----------
    what : what was made on them; the error message begins with it
    manifest : dict with `dataset_sha256` and `origins_sha256`
    dataset : str, name of the dataset
    paths : dict of the paths of `dataset` and `origins`

    Raises
    ------
    UserError
        If a table is another one.
    """
    for name, path in paths.items():
        there, here = manifest[f"{name}_sha256"], sha256(path)
        if there != here:
            raise UserError(
                f"{what} was made on other {TABLES[name]}: {Path(path).name} has the SHA-256 {there} there and {here} "
                f"here. {REMEDY.format(dataset=dataset)}"
            )
