"""Fetch the weights of every model anew; what rests on weights that were missing then runs."""

from pathlib import Path

from fd01.models.weights import fetch
from fd01.workflow.errors import UserError
from fd01.workflow.files import read_json, write_json
from fd01.workflow.logs import configure_logging

if __name__ == "__main__":
    configure_logging(snakemake)
    failures = []
    for model, about in snakemake.params.models.items():
        path = Path(snakemake.params.folder) / model / "manifest.json"
        try:
            manifest = fetch(path.parent, model, about)
        except UserError as error:
            failures.append(f"{model}: {error}")
            continue
        # Rewritten, it would rerun whatever reads it.
        if not path.exists() or read_json(path) != manifest:
            write_json(path, manifest)
    if failures:
        own = "To use a copy of yours: weights/models/.../path of the configuration."
        raise UserError("\n".join([*failures, own]))
