"""Put the imported predictions of an experiment where its model would have put its own."""

from pathlib import Path

from fd01.scoring.archive import check_tables
from fd01.scoring.predictions import read_predictions, write_predictions
from fd01.workflow.errors import UserError
from fd01.workflow.files import read_json, sha256
from fd01.workflow.logs import configure_logging

if __name__ == "__main__":
    configure_logging(snakemake)
    manifest, wildcards = Path(snakemake.input.manifest), snakemake.wildcards
    tables = {name: snakemake.input[name] for name in ("dataset", "origins")}
    about = read_json(manifest)
    check_tables(f"the imported {wildcards.experiment}", about, wildcards.dataset, tables)
    folder = Path(snakemake.output[0])
    folder.mkdir(parents=True)
    for name, wanted in about["files"].items():
        path = manifest.parent / name
        if not path.is_file() or sha256(path) != wanted:
            raise UserError(f"{path} is gone or has changed: import {about['imported']['archive']} again")
        frame, provenance = read_predictions(path)
        not_run = provenance.pop("not_run")
        write_predictions(folder / name, frame, provenance | {"imported": about["imported"]}, not_run)
