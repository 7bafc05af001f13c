"""Take over predictions from another machine, if they were made on the same tables with the same settings."""

import hashlib
import json
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fd01.scoring.archive import check_tables, difference
from fd01.scoring.predictions import SCHEMA_TEXT
from fd01.workflow.errors import UserError
from fd01.workflow.files import sha256, write_json
from fd01.workflow.logs import configure_logging

LARGEST = 500_000_000  # bytes of an archive when it is unpacked; those of all experiments have some megabytes
REMEDY = "Run both machines with the same --configfile."


def read_archive(path):
    """The manifest of the archive `path`, and the bytes of its prediction files by experiment and name.

    Raises
    ------
    UserError
        If the file is not such an archive.
    """
    if Path(path).is_dir():
        raise UserError(f"{path} is a folder: name the archive itself, the .zip file that was exported")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_sizes(archive.infolist())
            manifest = json.loads(archive.read("manifest.json"))
            _check_shape(manifest)
            contents = {
                name: {file: archive.read(f"predictions/{name}/{file}") for file in entry["files"]}
                for name, entry in manifest["experiments"].items()
            }
        for name, entry in manifest["experiments"].items():
            for file, checksum in entry["files"].items():
                _check_content(f"predictions/{name}/{file}", contents[name][file], checksum)
    except Exception as error:  # zipfile, json and pyarrow raise many types, depending on the damage
        said = str(error).partition("\n")[0]
        raise UserError(f"{path} is not an archive of `snakemake export_predictions`: {said}") from error
    return manifest, contents


def _check_sizes(entries):
    twice = [name for name, count in Counter(entry.filename for entry in entries).items() if count > 1]
    if twice:
        raise ValueError(f"it has {twice[0]} twice")
    if sum(entry.file_size for entry in entries) > LARGEST:
        raise ValueError(f"unpacked it would have more than {LARGEST // 10**6} MB")


def _check_shape(manifest):
    experiments = manifest["experiments"].values()
    texts = [manifest[key] for key in ("dataset", "dataset_sha256", "origins_sha256", "exported", "platform")]
    texts += [text for entry in experiments for file in entry["files"].items() for text in file]
    texts += [manifest["git_commit"] or "", *manifest["schema"]]
    right = all(isinstance(text, str) for text in texts)
    if not (right and all(isinstance(entry["settings"], dict) for entry in experiments)):
        raise ValueError("a value of its manifest has another type")


def _check_content(name, content, checksum):
    if hashlib.sha256(content).hexdigest() != checksum:
        raise ValueError(f"{name} has another SHA-256 than its manifest says")
    pq.read_table(pa.BufferReader(content))


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
