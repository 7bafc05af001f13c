"""Provenance of a result: the commit of the code, and the network and the device that made it."""

import logging
import os
import subprocess
from pathlib import Path

from fd01.workflow.environment import versions
from fd01.workflow.files import digest


def git_commit():
    """Commit of this code, with `+dirty` at the end when tracked files have changed; None if git does not tell it.

    Changes of the trial ledger, which every run may extend, and of the profiles, which only say where jobs run, are
    ignored.
    """
    root = Path(__file__).resolve().parents[3]

    def git(*arguments):
        return subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, check=True).stdout

    try:
        git("ls-files", "--error-unmatch", __file__)  # a copy may lie in another repository
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
    digest of `params` without `code`, the digest of the code
    """
    settings = {name: value for name, value in params.items() if name != "code"}
    return {**versions(*packages), "git_commit": git_commit(), "config_sha256": digest(settings)}


def describe_network(network):
    """What the provenance records of a torch module; also logs the line `loaded`.

    Returns
    -------
    dict with `parameters` (int, their number), `device` (str, such as `cpu` or `cuda`) and `loaded` (str, one line).
    """
    parameters = list(network.parameters())
    count = sum(parameter.numel() for parameter in parameters)
    loaded = f"Model loaded successfully: {count:,} parameters"
    logging.info(loaded)
    device = parameters[0].device.type
    warn_without_gpu(device)
    return {"parameters": count, "device": device, "loaded": loaded}


def warn_without_gpu(device):
    """Log a warning when a network is on the `device` `cpu` although jobs should use a GPU (FD01_GPU=1)."""
    if device == "cpu" and os.environ.get("FD01_GPU") == "1":
        logging.warning(
            "this job should run on a GPU (FD01_GPU=1), but torch cannot use one, so it runs on the CPU: the driver "
            "may be too old for this build of torch, or the build may be for CPUs only"
        )
