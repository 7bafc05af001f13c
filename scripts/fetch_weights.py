"""Fetch the weights of a model, or write down why they cannot be had."""

import logging
from pathlib import Path

from fd01.models.weights import WeightsMissing, fetch, missing
from fd01.workflow.errors import UserError
from fd01.workflow.files import write_json
from fd01.workflow.logs import configure_logging

if __name__ == "__main__":
    configure_logging(snakemake)
    model, about = snakemake.wildcards.model, snakemake.params.about
    path = Path(snakemake.output[0])
    try:
        manifest = fetch(path.parent, model, about)
    except WeightsMissing as reason:
        own = f"To use a copy of yours: weights/models/{model}/path of the configuration."
        if snakemake.params.missing == "fail":
            raise UserError(f"{reason}. {own} To go on without: weights/missing: skip.") from reason
        logging.warning(
            "%s. Experiments with these weights will be shown as not run. To try again: snakemake weights. %s",
            reason,
            own,
        )
        manifest = missing(model, about, str(reason))
    write_json(path, manifest)
