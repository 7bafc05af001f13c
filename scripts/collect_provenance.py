"""Record where every number comes from: code, packages, machine, and the time of each experiment."""

import datetime
import json
import platform
import sys
from importlib.metadata import distributions
from pathlib import Path

from fd01.scoring.predictions import read_experiment
from fd01.workflow.files import digest, write_json
from fd01.workflow.logs import configure_logging
from fd01.workflow.provenance import git_commit


def of_experiment(metadata):
    """Provenance of one experiment, the same for all its folds."""
    about = next(iter(metadata.values()))
    return {key: value for key, value in about.items() if key != "not_run"}


if __name__ == "__main__":
    configure_logging(snakemake)
    config = json.loads(snakemake.params.config)
    record = {
        "collected": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "git_commit": git_commit(),
        "config_sha256": digest(config),
        "config": config,
        "python": platform.python_version(),
        "interpreter": sys.executable,
        "platform": platform.platform(),
        "experiments": {
            Path(path).name: of_experiment(read_experiment(path)[1]) for path in snakemake.input.predictions
        },
        "installed": {package.name: package.version for package in sorted(distributions(), key=lambda d: d.name)},
    }
    write_json(snakemake.output[0], record)
