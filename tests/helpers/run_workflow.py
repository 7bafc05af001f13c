"""Run the workflow in a folder, as a person does: Snakemake on the command line."""

import re
import subprocess
import sys

from helpers.hub import with_hub
from helpers.paths import IN_EVERY_JOB, ROOT

QUIET = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def command(folder, *arguments):
    """The command line of Snakemake in `folder`."""
    study = ["--snakefile", ROOT / "Snakefile", "--directory", folder, "--cores", "2"]
    return [sys.executable, "-m", "snakemake", "--resources", "gpu=2", *study, *arguments]


def environment(hub=None, **variables):
    """Variables under which `timesfm` is tiny, there is no GPU, and the model hub is `hub`, or refuses."""
    return with_hub(hub, PYTHONPATH=str(IN_EVERY_JOB), CUDA_VISIBLE_DEVICES="", FD01_GPU="0") | variables


def snakemake(folder, *arguments, check=True, hub=None, **variables):
    """Run Snakemake in `folder`; its exit status and everything that it printed."""
    output = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    done = subprocess.run(command(folder, *arguments), cwd=ROOT, env=environment(hub, **variables), **output)
    assert not check or done.returncode == 0, done.stdout
    return done


def snakemake_in(project, *arguments):
    """Run the workflow of a copy of this repository in it, with the profile that lies there."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    output = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    done = subprocess.run(command, cwd=project, env=environment(), **output)
    assert done.returncode == 0, done.stdout
    return done


def planned(folder, *arguments, run=snakemake):
    """How many jobs of each rule Snakemake would run."""
    output = run(folder, "--dry-run", "--quiet", "rules", *arguments).stdout
    table = re.search(r"^job +count\n[- ]+\n(.*?)^total", output, re.MULTILINE | re.DOTALL)
    return {} if table is None else {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", table[1], re.MULTILINE)}
