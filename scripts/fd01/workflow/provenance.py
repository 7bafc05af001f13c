"""Where a result comes from."""

import logging
import os
import subprocess
from pathlib import Path

from fd01.workflow.environment import versions
from fd01.workflow.files import digest


def git_commit():
    """Commit of this repository, `+dirty` appended when tracked files differ; None outside git.

    Left out are the trial ledger, which every run may add to, and the profiles, which say where jobs run.
    """
    root = Path(__file__).resolve().parents[3]

    def git(*arguments):
        return subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, check=True).stdout

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ":!ledger", ":!profiles")
        return git("rev-parse", "HEAD").strip() + ("+dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def describe_job(params, *packages):
    """What decides the result of a job besides its input files, for the provenance.

    Parameters
    ----------
    params : the `params` of the job
    packages : str
        Names of the packages whose versions matter.

    Returns
    -------
    dict with `prefix` and `packages` (`fd01.workflow.environment.versions`), `git_commit`, and `config_sha256`, the
    digest of `params`
    """
    return {**versions(*packages), "git_commit": git_commit(), "config_sha256": digest(dict(params))}


def describe_network(network):
    """Parameter count, device and a line on the success for the provenance; the line is also logged.

    `network` is a torch module.
    """
    parameters = list(network.parameters())
    count = sum(parameter.numel() for parameter in parameters)
    loaded = f"Model loaded successfully: {count:,} parameters"
    logging.info(loaded)
    device = parameters[0].device.type
    warn_without_gpu(device)
    return {"parameters": count, "device": device, "loaded": loaded}


def warn_without_gpu(device):
    """Warn of a network on the CPU where jobs are to find a GPU; `device` is `cpu` or another."""
    if device == "cpu" and os.environ.get("FD01_GPU") == "1":
        logging.warning(
            "a GPU was asked for, but torch can use none, so this runs on the CPU: is the driver too old, or torch a "
            "build for CPUs?"
        )
