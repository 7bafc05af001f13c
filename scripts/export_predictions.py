"""Pack the predictions of the TimesFM experiments into an archive that another machine can import."""

import datetime
import json
import logging
import platform
import zipfile
from pathlib import Path

from fd01.scoring.predictions import SCHEMA_TEXT, read_experiment
from fd01.workflow.errors import UserError
from fd01.workflow.files import replacing, sha256
from fd01.workflow.logs import configure_logging
from fd01.workflow.provenance import git_commit


def folders_with_scores(folders):
    """The `folders` of predictions that hold scores.

    Raises
    ------
    UserError
        If none holds any, with the reasons.
    """
    ran, reasons = [], {}
    for folder in map(Path, folders):
        frame, metadata = read_experiment(folder, ["score"])
        if len(frame):
            ran.append(folder)
            continue
        not_run = {entry["reason"] for of_fold in metadata.values() for entry in of_fold["not_run"]}
        reasons[folder.name] = ", ".join(sorted(not_run))
        logging.warning("%s is left out: not run: %s", folder.name, reasons[folder.name])
    if not ran:
        raise UserError(f"There is nothing to export. {'; '.join(f'{name}: {why}' for name, why in reasons.items())}")
    return ran


if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    folders = folders_with_scores(files.predictions)
    manifest = {
        "schema": SCHEMA_TEXT,
        "dataset": params.dataset,
        "dataset_sha256": sha256(files.dataset),
        "origins_sha256": sha256(files.origins),
        "exported": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "platform": platform.platform(),
        "git_commit": git_commit(),
        "experiments": {
            folder.name: {
                "settings": params.settings[folder.name],
                "files": {path.name: sha256(path) for path in sorted(folder.glob("*.parquet"))},
            }
            for folder in folders
        },
    }
    with replacing(snakemake.output[0]) as path, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", json.dumps(manifest, indent=2))
        archive.write(files.weights, "weights/manifest.json")
        archive.write(files.answers, "weights/known-answers.json")
        for folder in folders:
            for file in manifest["experiments"][folder.name]["files"]:
                archive.write(folder / file, f"predictions/{folder.name}/{file}")
    print(f"{snakemake.output[0]}: {', '.join(manifest['experiments'])}")
