"""Try to fetch the weights of every model; the next run then adds the experiments whose weights were missing."""

from pathlib import Path

from fd01.models.weights import fetch
from fd01.workflow.errors import UserError
from fd01.workflow.files import read_json, write_json
from fd01.workflow.logs import configure_logging

if __name__ == "__main__":
    configure_logging(snakemake)
    failures = []
    for model, entry in snakemake.params.models.items():
        path = Path(snakemake.params.folder) / model / "manifest.json"
        try:
            manifest = fetch(path.parent, model, entry)
        except UserError as error:
            failures.append(f"{model}: {error}")
            continue
        # To write an equal manifest again would rerun every job that reads it.
        if not path.exists() or read_json(path) != manifest:
            write_json(path, manifest)
    if failures:
        hint = "To use your own copy, set weights/models/.../path in the configuration."
        raise UserError("\n".join([*failures, hint]))
