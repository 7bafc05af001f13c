"""Where a result comes from."""

import logging
import subprocess
from pathlib import Path


def git_commit():
    """Commit of this repository, `+dirty` appended when tracked files differ; None outside git.

    Left out are the trial ledger, which every run may add to, and the profiles, which say where jobs run.
    """
    root = Path(__file__).resolve().parents[2]

    def git(*arguments):
        return subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, check=True).stdout

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ":!ledger", ":!profiles")
        return git("rev-parse", "HEAD").strip() + ("+dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def about_loaded(network):
    """Parameter count, device and a line on the success for the provenance; the line is also logged.

    `network` is a torch module.
    """
    parameters = list(network.parameters())
    count = sum(parameter.numel() for parameter in parameters)
    loaded = f"Model loaded successfully: {count:,} parameters"
    logging.info(loaded)
    return {"parameters": count, "device": parameters[0].device.type, "loaded": loaded}
