"""Make the scores of forecasts that were made elsewhere."""

import logging
import time
from functools import partial

from fd01.data.touch import touch_exponent, touch_exponents
from fd01.scoring.external import distances, read_forecasts, read_note, score_blocks, scores
from fd01.scoring.predictions import write_blocks
from fd01.workflow.errors import NotRun
from fd01.workflow.files import sha256
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame
from fd01.workflow.provenance import describe_job

ABOUT = ("source", "license", "trained_until", "released", "date_is", "values")


def score_file(path, settings, dataset, origins, targets, labels):
    """The `blocks` of `fd01.scoring.external.score_blocks`, and what the provenance says of the forecasts, a dict."""
    about = {"file": path, "sha256": sha256(path)} | {key: settings[key] for key in ABOUT}
    note, exponents = read_note(path), []
    exponent_of = partial(touch_exponent, dataset=dataset, labels=labels)
    if "not_run" in note:
        rows = []

        def scores_of(target):
            raise NotRun(note["not_run"])

    else:
        forecasts = read_forecasts(path, settings, dataset)
        rows = forecasts.rows
        about |= {"days": len(rows), "crossed": forecasts.crossed} | distances(forecasts, dataset)
        if forecasts.crossed:
            logging.warning("the quantiles of %d days cross and are sorted", forecasts.crossed)
        if forecasts.levels is not None:
            of_next_day = [target for target in targets if target["horizon"] == 1]
            exponents = touch_exponents(origins, of_next_day, dataset, labels, forecasts.series)
        event = settings.get("event")
        scores_of = partial(scores, forecasts, event=event, dataset=dataset, labels=labels)
    allowed = settings.get("allow_missing", False)
    blocks, lacking = score_blocks(rows, origins, targets, scores_of, exponent_of, allowed, note.get("note"))
    return blocks, {"external": about, "lacking": lacking, "touch_exponents": exponents}


if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    start = time.perf_counter()
    dataset, origins = (read_frame(path) for path in (files.dataset, files.origins))
    blocks, about = score_file(files.file, params.settings, dataset, origins, params.targets, params.labels)
    provenance = {
        "model": params.settings["source"],
        "weights": None,
        **about,
        "fitted_on": f"made elsewhere, on data until {params.settings['trained_until']}",
        "optimistic": False,
        "device": "elsewhere",
        "dtype": "float64",
        "seconds": time.perf_counter() - start,
        **describe_job(params, "numpy", "scipy", "pandas"),
    }
    write_blocks(snakemake.output[0], blocks, provenance)
