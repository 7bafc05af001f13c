"""Stop unless every experiment is scored on the same days; write its health checks."""

import logging
from pathlib import Path

from fd01.evaluation.health import health_checks
from fd01.scoring.predictions import check_same_origins, read_experiment
from fd01.workflow.files import write_json
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_table


def read_pins(path):
    """Version by package, names in lower case, from the lines `name==version` of a requirements file."""
    lines = (line.split("==") for line in Path(path).read_text().splitlines() if "==" in line)
    return {name.partition("[")[0].lower(): version for name, version in lines}


if __name__ == "__main__":
    configure_logging(snakemake)
    outcomes, seal = read_table(snakemake.input.outcomes)
    directory, params = Path(snakemake.output[0]), snakemake.params
    directory.mkdir()
    pins = read_pins(snakemake.input.pins)
    for path in snakemake.input.predictions:
        experiment = Path(path).name
        scores, metadata = read_experiment(path)
        check_same_origins(experiment, scores, metadata, outcomes, params.targets, params.seeds[experiment])
        checks = health_checks(scores, metadata, outcomes, params.collapse_spread, pins, seal["sealed"])
        write_json(directory / f"{experiment}.json", checks)
        failed = [check["check"] for check in checks if check["ok"] is False]
        logging.info("%s: %s", experiment, f"failed: {', '.join(failed)}" if failed else "healthy")
