"""Compare everything that was known by one day, from the real prices and from prices that differ after that day."""

import logging
from pathlib import Path

import pandas as pd

from fd01.evaluation.audit import (
    audit_features,
    audit_folds,
    audit_scores,
    audit_targets,
    choose_cut,
    fingerprint,
    made_elsewhere,
)
from fd01.scoring.predictions import read_experiment
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame


def audit_experiments(paths, scrambled_paths, folds, cut):
    """A row per experiment: its scores up to the cut, and a digest of the prediction files that were compared.

    Parameters
    ----------
    paths, scrambled_paths : lists of folders of prediction files, in the same order
    folds : dict of fold to its dates
    cut : Timestamp
    """
    comparable = [fold for fold, dates in folds.items() if pd.Timestamp(dates["train_end"]) <= cut]
    left_out = [fold for fold in folds if fold not in comparable]
    note = f"; not comparable, trained on rows after it: {', '.join(left_out)}" if left_out else ""
    for path, scrambled_path in zip(paths, scrambled_paths):
        experiments = [read_experiment(folder) for folder in (path, scrambled_path)]
        before, after = ((rows[rows["fold"].isin(comparable)], metadata) for rows, metadata in experiments)
        row = audit_scores(before, after, cut)
        detail = f"{row['detail']} up to {cut:%Y-%m-%d}{note}" if row["compared"] else row["detail"]
        yield row | {"check": Path(path).name, "detail": detail, "predictions": fingerprint(path)}


if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    paths = (files.dataset, files.scrambled_dataset, files.origins, files.scrambled_origins)
    dataset, scrambled_dataset, origins, scrambled_origins = map(read_frame, paths)
    cut = choose_cut(origins)
    table = pd.DataFrame(
        [
            *audit_experiments(files.predictions, files.scrambled_predictions, params.folds, cut),
            *(made_elsewhere(path) for path in files.made_elsewhere),
            *audit_features(dataset, scrambled_dataset, params.labels, cut),
            *audit_targets(origins, scrambled_origins, params.labels, cut),
            *audit_folds(origins, dataset, params.folds, params.labels, targets=params.targets, **params.origins),
        ]
    )
    with replacing(snakemake.output[0]) as path:
        table.to_csv(path, index=False)
    for row in table[table["ok"] == False].to_dict("records"):  # noqa: E712
        logging.error("%(check)s: %(detail)s", row)
