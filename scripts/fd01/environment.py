"""The environment that a job runs in.

Under `--sdm conda` Snakemake goes on with its own Python when an activation fails, and appends its own path to that of
every script, where a package that an environment lacks would be found: neither may go unnoticed.
"""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from fd01.errors import UserError

UNDER_CONDA = "FD01_UNDER_CONDA"  # rules/common.smk sets it for the jobs
CODE = Path(__file__).parents[1]


def keep_to_environment():
    """Under `--sdm conda`, stop a job outside its environment, and hide the packages of Snakemake from one inside."""
    if UNDER_CONDA not in os.environ:
        return
    if not Path(f"{sys.prefix}.env_setup_done").exists():  # Snakemake's mark of an environment that it has built
        raise UserError(
            f"this job runs on the Python in {sys.prefix}, which is no conda environment of Snakemake's: the "
            "activation has failed. Mend what conda says above (try `conda info`), or run without --sdm conda."
        )
    sys.path[:] = [entry for entry in sys.path if _inside(entry, sys.prefix) or _inside(entry, CODE)]


def stack(*names):
    """Where Python lies, its version and that of each package, for the provenance.

    A missing package stops the job; under `--sdm conda` so does one that was imported from outside the environment.
    """
    try:
        versions = {name: distribution(name).version for name in names}
    except PackageNotFoundError as error:
        raise UserError(
            f"the environment {sys.prefix} lacks {error.name}. If envs/*.yaml names it, delete the environment and run "
            "again; if not, add it in envs/requirements.in and call make lock."
        ) from None
    if UNDER_CONDA in os.environ:
        for name in names:
            for place in _imported_from(distribution(name)):
                if not _inside(place, sys.prefix):
                    raise UserError(
                        f"{name} was imported from {place}, outside the environment {sys.prefix}. "
                        "Unset PYTHONPATH, set PYTHONNOUSERSITE=1 and run again."
                    )
    return {"prefix": sys.prefix, "packages": {"python": platform.python_version()} | versions}


def _imported_from(package):
    """Where the modules of a package were imported from, those that have been."""
    modules = {file.parts[0].removesuffix(".py") for file in package.files or []} & set(sys.modules)
    return filter(None, (getattr(sys.modules[name], "__file__", None) for name in modules))


def _inside(path, folder):
    return Path(path).resolve().is_relative_to(Path(folder).resolve())
