"""Compare the AUC of every experiment on simulated prices with the AUC that the known truth lets it expect."""

import numpy as np
import pandas as pd

from fd01.data.synthetic import expected_auc_within, true_probability
from fd01.data.targets import threshold_return
from fd01.evaluation.metrics import auc_within
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

COLUMNS = ["target", "horizon", "fold", "experiment", "n", "best", "expected", "auc", "standard_error", "z"]


def true_probabilities(dataset, simulated, target, labels):
    """True probability of the target with this name after each day of the dataset; Series by series and day.

    Parameters
    ----------
    dataset : DataFrame
        As `fd01.data.prices.build_dataset` returns it for `simulated`.
    simulated : DataFrame
        As `fd01.data.synthetic.simulate` returns it.
    target : str
    labels : dict, that section of the configuration
    """
    key = ["series", "Date"] if "series" in simulated else ["Date"]  # the dataset may name an only series otherwise
    variance = dataset[key].merge(simulated[[*key, "next_variance"]], how="left", validate="1:1")["next_variance"]
    probability = true_probability(variance.to_numpy(), target, threshold_return(dataset, target, labels))
    return pd.Series(probability, pd.MultiIndex.from_arrays([dataset["series"].astype(str), dataset["Date"]]))


def truth_rows(matrix, probability):
    """A row per experiment of a `ScoreMatrix`, as dicts: the AUC it can expect, the AUC it has, and the best possible.

    Days are ranked within their series. `probability` is the true one, as `true_probabilities` returns it.
    """
    for experiment, own in matrix.each():
        p, y, scores = probability.loc[own.keys].to_numpy(), own.y.to_numpy(), own.scores[experiment].to_numpy()
        auc = auc_within(y, scores, own.series)
        if np.isnan(auc):
            continue
        (best, _), (expected, error) = (expected_auc_within(p, score, y, own.series, own.days) for score in (p, scores))
        varies = pd.Series(scores).groupby(own.series).nunique().max() > 1
        z = (auc - expected) / error if varies else 0.0  # a constant has the AUC 0.5, without error
        row = {"experiment": experiment, "n": len(p), "best": best, "expected": expected}
        yield row | {"auc": auc, "standard_error": error, "z": z}


if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    dataset, simulated, outcomes = (read_frame(path) for path in (files.dataset, files.simulated, files.outcomes))
    rows = []
    for target in params.targets:
        if target["horizon"] > 1:
            continue  # beyond the next day, the true probability has no closed form
        probability = true_probabilities(dataset, simulated, target["target"], params.labels)
        for fold, matrix in read_score_matrices(files.predictions, outcomes, target).items():
            rows += [target | {"fold": fold} | row for row in truth_rows(matrix, probability)]
    with replacing(snakemake.output[0]) as path:
        pd.DataFrame(rows, columns=COLUMNS).to_csv(path, index=False)
