"""Fit and score one baseline on every fold."""

import time
from functools import partial

from fd01.data.touch import CLOSE_EXCEEDANCE, level_corrected, needs_touch, touch_exponent, touch_exponents
from fd01.models.baselines import METHODS
from fd01.scoring.fold_scores import fit_folds
from fd01.scoring.predictions import write_folds
from fd01.study.systems import ALWAYS_EACH, EACH
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame
from fd01.workflow.provenance import describe_job


def score_all(dataset, origins, settings, targets, labels, each=False):
    """Scores of a baseline for every train end and target, see `fd01.scoring.fold_scores.fit_folds`.

    `settings` has `method`, a key of `METHODS`, and the settings of that method. `each` says whether a method for which
    both is possible has one fit per series.
    """
    method = METHODS[settings["method"]]
    options = {key: value for key, value in settings.items() if key != "method"}

    def fit_of(days):
        score = method.of_days(days, **options)

        def fit(split, target, train, rows):
            scores = score(split, train, rows, target, labels)
            own = CLOSE_EXCEEDANCE if method.of_close and needs_touch(target) else method.score_kind
            exponent = partial(touch_exponent, target, train, days, labels)
            for kind, values in level_corrected({own: scores}, rows, exponent).items():
                yield values, dict(score_kind=kind, is_probability=method.is_probability)

        return fit

    return fit_folds(dataset, origins, targets, fit_of, each or settings["method"] in ALWAYS_EACH)


if __name__ == "__main__":
    configure_logging(snakemake)
    params = snakemake.params
    start = time.perf_counter()
    dataset, origins = (read_frame(path) for path in (snakemake.input.dataset, snakemake.input.origins))
    frames, not_run = score_all(dataset, origins, params.settings, params.targets, params.labels, params.fit == EACH)
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
    if method.of_close:
        provenance["touch_exponents"] = touch_exponents(origins, params.targets, dataset, params.labels)
    write_folds(snakemake.output[0], frames, origins, provenance, not_run)
