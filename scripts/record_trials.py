"""Enter what was evaluated into the trial ledger, and count how many trials each block has seen."""

import datetime
import logging
from pathlib import Path

import pandas as pd

from fd01.evaluation.ledger import list_trials, multiplicity, record
from fd01.scoring.predictions import read_experiment_metadata
from fd01.workflow.files import read_json, replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame
from fd01.workflow.provenance import git_commit

if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    dataset_sha256 = read_json(files.about)["sha256"]
    weights = {}
    for path in files.predictions:
        provenance = next(iter(read_experiment_metadata(path).values()))  # the same in all folds
        weights[Path(path).name] = provenance["weights"] or provenance.get("external", {}).get("sha256")
    metrics = pd.read_csv(files.metrics)
    trials = list_trials(metrics, params.experiments, weights, params.study, params.folds, dataset_sha256)
    ledger = record(
        params.ledger,
        trials,
        first_seen=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        dataset=snakemake.wildcards.dataset,
        dataset_sha256=dataset_sha256,
        plan=params.plan,
        git_commit=git_commit() or "",
    )
    counts = multiplicity(ledger, trials, read_frame(files.outcomes), params.targets)
    with replacing(snakemake.output[0]) as temporary:
        counts.to_csv(temporary, index=False)
    logging.info("%s: %d trials, %d of them in this run", params.ledger, len(ledger), len(trials))
