"""Every job notes as it ends which modules of the shared package it has loaded."""

import atexit
import importlib.abc
import json
import os
import sys
from pathlib import Path

FOLDER = "FD01_TESTS_LOADED_MODULES"  # names the folder of the notes


class Registrar(importlib.abc.MetaPathFinder):
    """Has the note written when this process ends, once it has begun to load the shared package.

    No sooner, for a notebook's kernel forgets `snakemake` as it ends, before anything that was registered earlier.
    """

    def find_spec(self, name, path, target=None):
        if name == "fd01":
            sys.meta_path.remove(self)
            atexit.register(_write)


def note_at_exit():
    """Write the note when this process ends, if it is a job and a folder is named."""
    if FOLDER in os.environ:
        sys.meta_path.insert(0, Registrar())


def _write():
    # Snakemake puts it into the script; imports inside functions have been made by now.
    job = getattr(sys.modules["__main__"], "snakemake", None)
    if not hasattr(job, "rule"):
        return
    note = {
        "rule": job.rule,
        "loaded": [name for name in sys.modules if name.startswith("fd01.") and name.count(".") == 2],
    }
    Path(os.environ[FOLDER], f"{job.rule}-{os.getpid()}.json").write_text(json.dumps(note))
