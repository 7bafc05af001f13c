"""Every job notes as it ends which modules of the shared package it has loaded, and which Snakemake tracks for it."""

import atexit
import json
import os
import sys
from pathlib import Path

FOLDER = "FD01_TESTS_LOADED_MODULES"  # names the folder of the notes


def write_at_exit():
    """Write the note when this process ends, if it is a job and a folder is named."""
    if FOLDER in os.environ:
        atexit.register(_write)


def _write():
    # Snakemake puts it into the script; imports inside functions have been made by now.
    job = getattr(sys.modules["__main__"], "snakemake", None)
    if not hasattr(job, "rule"):
        return
    tracked = [job.input.lib] if isinstance(job.input.lib, str) else job.input.lib
    note = {
        "rule": job.rule,
        "loaded": [name for name in sys.modules if name.startswith("fd01.") and name.count(".") == 2],
        "tracked": [".".join(Path(path).with_suffix("").parts[-3:]) for path in tracked],
    }
    Path(os.environ[FOLDER], f"{job.rule}-{os.getpid()}.json").write_text(json.dumps(note))
