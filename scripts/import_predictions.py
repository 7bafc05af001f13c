"""Take over predictions that were made on another machine, if they rest on the same data and settings."""

import json
import logging
import shutil
import zipfile
from pathlib import Path

from fd01.scoring.archive import check_tables, difference
from fd01.scoring.predictions import COLUMNS
from fd01.workflow.errors import UserError
from fd01.workflow.files import sha256, write_json
from fd01.workflow.logs import configure_logging


def read_archive(path):
    """The manifest of the archive `path`, and the bytes of its prediction files by experiment and name."""
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read("manifest.json"))
            contents = {
                name: {file: archive.read(f"predictions/{name}/{file}") for file in about["files"]}
                for name, about in manifest["experiments"].items()
            }
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError) as error:
        raise UserError(f"{path} is not an archive of `snakemake export_predictions`: {error}") from error
    return manifest, contents


def check_archive(path, manifest, dataset, settings, tables):
    """Raise `UserError` unless the predictions would have come out the same here.

    Parameters
    ----------
    settings : dict of dict, what `fd01.scoring.archive.settings_of` gives for the experiments of this configuration
    tables : paths of `dataset` and `origins`
    """
    if manifest["schema"] != COLUMNS:
        raise UserError(f"{path}: its prediction files have the columns {manifest['schema']}, wanted are {COLUMNS}")
    if manifest["dataset"] != dataset:
        there = manifest["dataset"]
        raise UserError(f"{path} is about the dataset {there}, this run about {dataset}: --config dataset={there}")
    for name, about in manifest["experiments"].items():
        if name not in settings:
            raise UserError(f"{path} has predictions of {name}, which is no TimesFM experiment of this configuration")
        if found := difference(about["settings"], settings[name]):
            raise UserError(f"{path} has predictions of {name} with other settings: {found}")
    check_tables(path, manifest, dataset, tables)
    for name, about in manifest["experiments"].items():
        if set(about["files"]) != {f"{fold}.parquet" for fold in settings[name]["folds"]}:
            raise UserError(f"{path} does not have one file per fold of {name}: {', '.join(about['files'])}")


def store(folder, contents, manifest):
    """Put the prediction files of one experiment into `folder`; what had been imported of it before goes."""
    shutil.rmtree(folder.parent, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    write_json(folder / "manifest.json", manifest)  # last: without it there is nothing imported


if __name__ == "__main__":
    configure_logging(snakemake)
    path, params = Path(snakemake.input.archive), snakemake.params
    manifest, contents = read_archive(path)
    tables = {name: snakemake.input[name] for name in ("dataset", "origins")}
    check_archive(path, manifest, params.dataset, params.settings, tables)
    imported = {"archive": path.name, "sha256": sha256(path)}
    imported |= {key: manifest[key] for key in ("exported", "platform", "git_commit")}
    for name, about in manifest["experiments"].items():
        checksums = {key: manifest[key] for key in ("dataset_sha256", "origins_sha256")}
        store(Path(params.folders[name]), contents[name], {"imported": imported, **checksums, **about})
    logging.info("imported: %s. The next run takes them for its own.", ", ".join(contents))
