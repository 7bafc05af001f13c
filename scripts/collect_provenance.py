"""Record the provenance of a run: configuration, code, packages, machine, and where experiments come from."""

import datetime
import json
import platform
import sys
from importlib.metadata import distributions
from pathlib import Path

from fd01.data.origins import ORIGIN_KEY
from fd01.scoring.predictions import read_experiment
from fd01.workflow.files import digest, write_json
from fd01.workflow.logs import configure_logging
from fd01.workflow.provenance import git_commit

FORECAST = [*ORIGIN_KEY, "seed"]  # what tells forecasts apart


def experiment_provenance(path):
    """The provenance in the prediction files of one experiment, the folder `path`; it is the same for all folds.

    Added is `forecasts`, the number of its forecasts: days, once for each seed.
    """
    scores, metadata = read_experiment(path, FORECAST)
    first = next(iter(metadata.values()))
    counted = {"forecasts": len(scores[FORECAST].drop_duplicates())}
    return {key: value for key, value in first.items() if key != "not_run"} | counted


if __name__ == "__main__":
    configure_logging(snakemake)
    config, output = json.loads(snakemake.params.config), Path(snakemake.output[0])
    experiments = {Path(path).name: experiment_provenance(path) for path in snakemake.input.predictions}
    record = {
        "collected": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "git_commit": git_commit(),
        "config_sha256": digest(config),
        "config": config,
        "plan_digest": snakemake.params.plan_digest,
        "python": platform.python_version(),
        "interpreter": sys.executable,
        "platform": platform.platform(),
        "experiments": experiments,
        "installed": {package.name: package.version for package in sorted(distributions(), key=lambda d: d.name)},
    }
    write_json(output, record)
