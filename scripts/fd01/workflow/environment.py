"""The environment that a job runs in.

Under `--sdm conda` Snakemake goes on with its own Python when an activation fails, and appends its own path to that of
every script, where a package that an environment lacks would be found: neither may go unnoticed.
"""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType

from fd01.workflow.errors import UserError

UNDER_CONDA = "FD01_UNDER_CONDA"  # rules/common.smk sets it for the jobs
CODE = Path(__file__).parents[2]


def keep_to_environment():
    """Under `--sdm conda`, stop a job outside its environment, and hide the packages of Snakemake from one inside.

    A package that the job has imported from outside by then stops it too.
    """
    if UNDER_CONDA not in os.environ:
        return
    if not Path(f"{sys.prefix}.env_setup_done").exists():  # Snakemake's mark of an environment that it has built
        raise UserError(
            f"this job runs on the Python in {sys.prefix}, which is no conda environment of Snakemake's: the "
            "activation has failed. Mend what conda says above (try `conda info`), or run without --sdm conda."
        )
    for name in sorted(_imported()):
        place = getattr(sys.modules.get(name), "__file__", None)
        if place and not _inside(place, sys.prefix):
            raise UserError(f"{name} was imported from {place}: {_lacks(name)}")
    sys.path[:] = [entry for entry in sys.path if _inside(entry, sys.prefix) or _inside(entry, CODE)]


def versions(*names):
    """Where Python lies, its version and that of each package, for the provenance; a missing one stops the job."""
    try:
        found = {name: distribution(name).version for name in names}
    except PackageNotFoundError as error:
        raise UserError(_lacks(error.name)) from None
    return {"prefix": sys.prefix, "packages": {"python": platform.python_version()} | found}


def _lacks(name):
    return (
        f"the environment {sys.prefix} lacks {name}. If envs/*.yaml names it, delete the environment and run again; "
        "if not, add it in envs/requirements.in and call make lock."
    )


def _imported():
    """Packages that the script of this job and our modules have imported; those that hand the script to us left out."""
    ours = [module for name, module in sys.modules.items() if name.partition(".")[0] in ("__main__", "fd01")]
    values = [value for module in ours for value in vars(module).values()]
    names = (getattr(value, "__name__" if isinstance(value, ModuleType) else "__module__", None) for value in values)
    roots = {name.partition(".")[0] for name in names if isinstance(name, str)}
    return roots - sys.stdlib_module_names - {"__main__", "fd01", "snakemake"}


def _inside(path, folder):
    return Path(path).resolve().is_relative_to(Path(folder).resolve())
