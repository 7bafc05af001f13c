"""Score pre-trained experiments before and after the end of the data that their weights were trained on."""

from pathlib import Path

import pandas as pd

from fd01.evaluation.contamination import measure_slice, slices
from fd01.evaluation.exposure import training_dates
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.study.folds import main_folds
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

COLUMNS = ["experiment", "trained_until", "released", "fold", "slice", "first", "last", "n", "positives", "auc"]
COLUMNS += ["reference_auc", "difference", "se", "low", "high", "p", "reason"]


def contamination_table(matrices, manifests, reference, statistics):
    """`COLUMNS` of every block, pre-trained experiment and slice.

    Parameters
    ----------
    matrices : dict of fold to ScoreMatrix
    manifests : dict of experiment to `fd01.evaluation.exposure.training_dates`
    reference : str, an experiment
    statistics : dict, that section of the configuration
    """
    rows = []
    for fold, matrix in matrices.items():
        own_days = dict(matrix.each())  # an experiment and the reference are compared on the days that both have
        for experiment, manifest in manifests.items():
            if experiment not in own_days:
                continue
            own = own_days[experiment]
            dates = {name: manifest.get(name, "unknown") for name in ("trained_until", "released")}
            pair = own.only({experiment, reference})
            for name, mask in slices(own.days, **dates):
                measures = measure_slice(pair.on(mask), experiment, reference, statistics)
                rows.append({"experiment": experiment, "fold": fold, **dates, "slice": name} | measures)
    return pd.DataFrame(rows, columns=COLUMNS)


if __name__ == "__main__":
    configure_logging(snakemake)
    params, paths = snakemake.params, snakemake.input.predictions
    outcomes = main_folds(read_frame(snakemake.input.outcomes))
    manifests = {Path(path).name: dates for path in paths if (dates := training_dates(path)) is not None}
    matrices = read_score_matrices(paths, outcomes, params.target)
    table = contamination_table(matrices, manifests, params.reference, params.statistics)
    with replacing(snakemake.output[0]) as path:
        table.to_csv(path, index=False)
