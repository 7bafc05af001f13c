"""Copy the imported predictions of an experiment to where the run expects its predictions."""

from pathlib import Path

from fd01.scoring.archive import check_tables
from fd01.scoring.predictions import read_predictions, write_predictions
from fd01.workflow.errors import UserError
from fd01.workflow.files import read_json, sha256
from fd01.workflow.logs import configure_logging

if __name__ == "__main__":
    configure_logging(snakemake)
    path, wildcards = Path(snakemake.input.manifest), snakemake.wildcards
    manifest = read_json(path)
    tables = {name: snakemake.input[name] for name in ("dataset", "origins")}
    check_tables(f"the imported {wildcards.experiment}", manifest, wildcards.dataset, tables)
    folder = Path(snakemake.output[0])
    folder.mkdir(parents=True)
    for name, checksum in manifest["files"].items():
        file = path.parent / name
        if not file.is_file() or sha256(file) != checksum:
            raise UserError(f"{file} is gone or has changed: import {manifest['imported']['archive']} again")
        frame, provenance = read_predictions(file)
        not_run = provenance.pop("not_run")
        write_predictions(folder / name, frame, provenance | {"imported": manifest["imported"]}, not_run)
