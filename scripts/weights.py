"""Try to fetch the weights of every model, and compare them with published answers.

The next run then adds the experiments whose weights were missing.
"""

import logging
from pathlib import Path

from fd01.models.known_answers import FILE, REFUSED, lines, read_answers, stop_if_refused, warnings
from fd01.models.verification import load_cases, verify
from fd01.models.weights import fetch, read_manifest
from fd01.workflow.errors import UserError
from fd01.workflow.files import read_json, write_json
from fd01.workflow.logs import configure_logging


def get_and_verify(path, model, params):
    """Fetch the weights of a model, write their manifest `path` and, beside it, their known answers.

    Weights that others keep are checked and used as they are.

    Raises `UserError` if they cannot be fetched or are refused. With `missing: fail`, refused weights leave no answers,
    so that the next run stops too. Refused files of the hub are deleted if the configuration has no SHA-256 of them:
    `fetch` would keep them.
    """
    if model in params.kept:
        read_manifest(path)
        print("\n".join(lines(read_answers(path))))
        return
    entry = params.models[model]
    manifest = fetch(path.parent, model, entry)
    write_if_other(path, manifest)
    answers = verify(path, load_cases(params.cases[model], model), **params.checks[model])
    print("\n".join(lines(answers)))
    for line in warnings(answers):
        logging.warning(line)
    if answers["status"] != REFUSED or params.missing == "skip":
        write_if_other(path.with_name(FILE), answers)
    done = ""
    if answers["status"] == REFUSED and (names := delete_unpinned(path.parent, entry)):
        done = f"Deleted: {', '.join(names)}, whose SHA-256 is not known. The next snakemake weights fetches it again."
    stop_if_refused(answers, done)


def delete_unpinned(folder, entry):
    """Delete the fetched files of which the configuration has no SHA-256; their names. Own copies are left alone."""
    names = [name for name, checksum in entry["files"].items() if checksum is None and "path" not in entry]
    for name in names:
        (folder / name).unlink()
    return names


def write_if_other(path, content):
    """Write a JSON file. An equal one is left alone: to write it again would rerun every job that reads it."""
    if not path.exists() or read_json(path) != content:
        write_json(path, content)


if __name__ == "__main__":
    configure_logging(snakemake)
    failures = []
    for model in snakemake.params.models:
        try:
            get_and_verify(Path(snakemake.params.folder) / model / "manifest.json", model, snakemake.params)
        except UserError as error:
            failures.append(f"{model}: {error}")
    if failures:
        hint = "To use your own copy, set weights/models/.../path in the configuration."
        raise UserError("\n".join([*failures, hint]))
