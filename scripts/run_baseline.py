"""Fit and score one baseline on every fold."""

import time

from fd01.models.baselines import METHODS
from fd01.scoring.fold_scores import fit_folds
from fd01.scoring.predictions import write_folds
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame
from fd01.workflow.provenance import describe_job


def score_all(dataset, origins, settings, targets, labels):
    """Scores of a baseline for every train end and target, see `fd01.scoring.fold_scores.fit_folds`.

    `settings` has `method`, a key of `METHODS`, and the settings of that method.
    """
    method = METHODS[settings["method"]]
    options = {key: value for key, value in settings.items() if key != "method"}
    columns = dict(score_kind=method.score_kind, is_probability=method.is_probability)

    def fit(split, target, train, rows):
        yield method.score(dataset, split, train, rows, target, labels, **options), columns

    return fit_folds(origins, targets, fit)


if __name__ == "__main__":
    configure_logging(snakemake)
    params = snakemake.params
    start = time.perf_counter()
    origins = read_frame(snakemake.input.origins)
    frames, not_run = score_all(
        read_frame(snakemake.input.dataset), origins, params.settings, params.targets, params.labels
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
        **describe_job(params, "numpy", "scipy", "scikit-learn", "arch"),
    }
    write_folds(snakemake.output[0], frames, origins, provenance, not_run)
