"""Fit and score one baseline on every fold."""

import logging
import time

import pandas as pd

from fd01.baselines import METHODS
from fd01.errors import NotRun
from fd01.files import digest
from fd01.logs import configure_logging
from fd01.origins import CALIBRATION, EVALUATION, splits
from fd01.predictions import concat_scores, scores_frame, write_folds
from fd01.provenance import git_commit, packages


def score_all(dataset, origins, settings, targets, labels):
    """Scores of a baseline for every train end and target.

    Calibration origins are scored by a fit that has not seen them, evaluation origins by a fit on
    the whole training period.

    Returns
    -------
    frames, not_run : dicts by train end, as `fd01.predictions.write_folds` takes them
    """
    method = METHODS[settings["method"]]
    options = {key: value for key, value in settings.items() if key != "method"}
    frames, not_run = {}, {}
    for target in targets:
        for split in splits(origins, **target):
            frame = []
            try:
                for role, train, rows in (
                    (CALIBRATION, split.inner, split.calibration),
                    (EVALUATION, split.training, split.evaluation),
                ):
                    scores = method.score(dataset, split, train, rows, target, labels, **options)
                    kind = dict(score_kind=method.score_kind, is_probability=method.is_probability)
                    frame.append(scores_frame(origins, rows, role, scores, target=target, **kind))
                frames.setdefault(split.train_end, []).extend(frame)
            except NotRun as reason:
                logging.warning("%s, train end %s: not run: %s", target, split.train_end, reason)
                not_run.setdefault(split.train_end, []).append({**target, "reason": str(reason)})
    return {end: concat_scores(frames.get(end)) for end in origins["train_end"].unique()}, not_run


if __name__ == "__main__":
    configure_logging(snakemake)
    params = snakemake.params
    start = time.perf_counter()
    origins = pd.read_parquet(snakemake.input.origins)
    frames, not_run = score_all(
        pd.read_parquet(snakemake.input.dataset), origins, params.settings, params.targets, params.labels
    )
    method = METHODS[params.settings["method"]]
    provenance = {
        "model": params.settings["method"],
        "weights": None,
        "fitted_on": "training period" if method.fitted else "nothing to fit",
        "optimistic": False,
        "constant": method.constant,
        "device": "cpu",
        "dtype": "float64",
        "seconds": time.perf_counter() - start,
        "packages": packages("numpy", "scipy", "scikit-learn", "arch"),
        "git_commit": git_commit(),
        "config_sha256": digest(dict(params)),
    }
    write_folds(snakemake.output[0], frames, origins, provenance, not_run)
