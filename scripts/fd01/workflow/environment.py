"""The Python environment of a job: which versions it holds, and whether the job really runs inside it.

With `--sdm conda` two things can go wrong in silence. If the activation of an environment fails, Snakemake runs the job
on its own Python. And it appends its own packages to the path of every script, so that a package which the environment
lacks is imported from there.
"""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType

from fd01.workflow.errors import UserError

UNDER_CONDA = "FD01_UNDER_CONDA"  # rules/common.smk sets this variable for the jobs
SCRIPTS = Path(__file__).parents[2]


def enforce_environment():
    """Under `--sdm conda`, make sure that a job uses the packages of its environment and no others.

    Packages from outside the environment are removed from the search path.

    Raises
    ------
    UserError
        When the job does not run on the Python of an environment that Snakemake has built, or when it has already
        imported a package from outside.
    """
    if UNDER_CONDA not in os.environ:
        return
    if not Path(f"{sys.prefix}.env_setup_done").exists():  # Snakemake writes this file next to each environment
        raise UserError(
            f"this job runs on the Python in {sys.prefix}, which is not a conda environment made by Snakemake: the "
            "activation of the environment has failed. Solve the problem that conda reports above (try `conda info`), "
            "or run without --sdm conda."
        )
    for name in sorted(_imported_packages()):
        file = getattr(sys.modules.get(name), "__file__", None)
        if file and not _is_inside(file, sys.prefix):
            raise UserError(f"{name} was imported from {file}: {_missing(name)}")
    sys.path[:] = [entry for entry in sys.path if _is_inside(entry, sys.prefix) or _is_inside(entry, SCRIPTS)]


def versions(*names):
    """The folder of this Python, its version, and the version of each package in `names`, for the provenance.

    Returns
    -------
    dict with `prefix`, a path, and `packages`, a dict from name to version.

    Raises
    ------
    UserError
        When a package is not installed.
    """
    try:
        installed = {name: distribution(name).version for name in names}
    except PackageNotFoundError as error:
        raise UserError(_missing(error.name)) from None
    return {"prefix": sys.prefix, "packages": {"python": platform.python_version()} | installed}


def _missing(name):
    return (
        f"the environment {sys.prefix} lacks the package {name}. If envs/*.yaml lists it, delete the environment and "
        "run again. If not, add it to envs/requirements.in and run make lock."
    )


def _imported_packages():
    """Names of the packages from which the script of this job and the fd01 modules have imported something.

    The modules in which Snakemake passes a job to its script are imported too, but not by our code.
    """
    ours = [module for name, module in sys.modules.items() if name.partition(".")[0] in ("__main__", "fd01")]
    values = [value for module in ours for value in vars(module).values()]
    names = (getattr(value, "__name__" if isinstance(value, ModuleType) else "__module__", None) for value in values)
    packages = {name.partition(".")[0] for name in names if isinstance(name, str)}
    return packages - sys.stdlib_module_names - {"__main__", "fd01", "snakemake"}


def _is_inside(path, folder):
    return Path(path).resolve().is_relative_to(Path(folder).resolve())
