"""Take over predictions from another machine, if they were made on the same tables with the same settings."""

import json
import shutil
import zipfile
from pathlib import Path

from fd01.scoring.archive import check_tables, difference
from fd01.scoring.predictions import SCHEMA_TEXT
from fd01.workflow.errors import UserError
from fd01.workflow.files import sha256, write_json
from fd01.workflow.logs import configure_logging

REMEDY = "Run both machines with the same --configfile."


def read_archive(path):
    """The manifest of the archive `path`, and the bytes of its prediction files by experiment and name.

    Raises
    ------
    UserError
        If the file is not such an archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read("manifest.json"))
            contents = {
                name: {file: archive.read(f"predictions/{name}/{file}") for file in entry["files"]}
                for name, entry in manifest["experiments"].items()
            }
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError) as error:
        raise UserError(f"{path} is not an archive of `snakemake export_predictions`: {error}") from error
    return manifest, contents


def check_archive(path, manifest, dataset, settings, tables):
    """Check that the predictions would have come out the same on this machine.

    Parameters
    ----------
    path : path of the archive, for the messages
    manifest : dict, as `read_archive` returns it
    dataset : str, name of the dataset of this run
    settings : dict of experiment to what `fd01.scoring.archive.settings_of` gives for it
    tables : dict of the paths of `dataset` and `origins`

    Raises
    ------
    UserError
        With the first difference.
    """
    if manifest["schema"] != SCHEMA_TEXT:
        raise UserError(f"{path}: its prediction files have the columns {manifest['schema']}, not {SCHEMA_TEXT}")
    if manifest["dataset"] != dataset:
        there = manifest["dataset"]
        raise UserError(
            f"{path} has predictions on the dataset {there}, and this run is on {dataset}. "
            f"To import them: --config dataset={there}"
        )
    for name, entry in manifest["experiments"].items():
        if name not in settings:
            raise UserError(
                f"{path} has predictions of {name}, which is no TimesFM experiment of this configuration. {REMEDY}"
            )
        if differing := difference(entry["settings"], settings[name]):
            raise UserError(f"{path} has predictions of {name} with other settings: {differing}. {REMEDY}")
    check_tables(path, manifest, dataset, tables)
    for name, entry in manifest["experiments"].items():
        if set(entry["files"]) != {f"{fold}.parquet" for fold in settings[name]["folds"]}:
            raise UserError(f"{path} does not have one file per fold of {name}: {', '.join(entry['files'])}")


def store(folder, contents, manifest):
    """Write the prediction files of one experiment and their manifest into `folder`; delete an earlier import of it.

    `contents` maps file names to bytes.
    """
    shutil.rmtree(folder.parent, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    write_json(folder / "manifest.json", manifest)  # last: only with a manifest it counts as imported


if __name__ == "__main__":
    configure_logging(snakemake)
    path, params = Path(snakemake.input.archive), snakemake.params
    manifest, contents = read_archive(path)
    tables = {name: snakemake.input[name] for name in ("dataset", "origins")}
    check_archive(path, manifest, params.dataset, params.settings, tables)
    source = {"archive": path.name, "sha256": sha256(path)}
    source |= {key: manifest[key] for key in ("exported", "platform", "git_commit")}
    checksums = {key: manifest[key] for key in ("dataset_sha256", "origins_sha256")}
    for name, entry in manifest["experiments"].items():
        store(Path(params.folders[name]), contents[name], {"imported": source, **checksums, **entry})
    print(f"Imported: {', '.join(contents)}. The next run uses these predictions.")
