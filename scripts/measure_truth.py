"""Compare the AUC of every experiment on simulated prices with the AUC that the known truth lets it expect."""

import pandas as pd
from sklearn.metrics import roc_auc_score

from fd01.data.synthetic import expected_auc, true_probability
from fd01.data.targets import threshold_return
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

COLUMNS = ["target", "horizon", "fold", "experiment", "n", "best", "expected", "auc", "standard_error", "z"]


def true_probabilities(dataset, simulated, target, labels):
    """True probability of the target with this name after each day of the dataset; Series by day.

    Parameters
    ----------
    dataset : DataFrame
        As `fd01.data.prices.build_dataset` returns it for `simulated`.
    simulated : DataFrame
        As `fd01.data.synthetic.simulate` returns it.
    target : str
    labels : dict, that section of the configuration
    """
    variance = simulated.set_index("Date")["next_variance"].loc[dataset["Date"]]
    threshold = threshold_return(dataset, target, labels)
    return pd.Series(true_probability(variance.to_numpy(), target, threshold), variance.index)


def truth_rows(matrix, probability):
    """A row per experiment of a `ScoreMatrix`, as dicts: the AUC it can expect, the AUC it has, and the best possible.

    `probability` is the true one, a Series by day.
    """
    for experiment, own in matrix.each():
        p, scores = probability.loc[own.days].to_numpy(), own.scores[experiment]
        best, _ = expected_auc(p, p)
        expected, error = expected_auc(p, scores.to_numpy())
        auc = roc_auc_score(own.y, scores)
        z = (auc - expected) / error if scores.nunique() > 1 else 0.0  # a constant has the AUC 0.5, without error
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
            if matrix.y.nunique() == 2:
                rows += [target | {"fold": fold} | row for row in truth_rows(matrix, probability)]
    with replacing(snakemake.output[0]) as path:
        pd.DataFrame(rows, columns=COLUMNS).to_csv(path, index=False)
