"""Fetch the weights of a model, and write their manifest; without them, the manifest says why they are missing."""

import logging
from pathlib import Path

from fd01.models.weights import WeightsMissing, fetch, missing
from fd01.workflow.errors import UserError
from fd01.workflow.files import write_json
from fd01.workflow.logs import configure_logging

if __name__ == "__main__":
    configure_logging(snakemake)
    model, entry = snakemake.wildcards.model, snakemake.params.about
    path = Path(snakemake.output[0])
    try:
        manifest = fetch(path.parent, model, entry)
    except WeightsMissing as reason:
        hint = f"To use your own copy, set weights/models/{model}/path in the configuration."
        if snakemake.params.missing == "fail":
            raise UserError(f"{reason}. {hint} To run without them, set weights/missing: skip.") from reason
        logging.warning(
            "%s. Experiments with these weights will be shown as not run. To try again: snakemake weights. %s",
            reason,
            hint,
        )
        manifest = missing(model, entry, str(reason))
    write_json(path, manifest)
