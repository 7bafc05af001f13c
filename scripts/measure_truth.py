"""Compare the AUC of every experiment with the one that the known truth of made-up prices gives it."""

import pandas as pd
from sklearn.metrics import roc_auc_score

from fd01.data.synthetic import expected_auc, true_probability
from fd01.data.targets import threshold_return
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

COLUMNS = ["target", "horizon", "fold", "experiment", "n", "best", "expected", "auc", "standard_error", "z"]


def probabilities(dataset, simulated, target, labels):
    """True probability of `target` after each day of the dataset; a Series by date."""
    variance = simulated.set_index("Date")["next_variance"].loc[dataset["Date"]]
    return pd.Series(
        true_probability(variance.to_numpy(), target, threshold_return(dataset, target, labels)), variance.index
    )


def truth(panel, probability):
    """One row per experiment of a block: what its scores can expect, what they got, and what the best would get."""
    known = probability.loc[panel.days].to_numpy()
    best, _ = expected_auc(known, known)
    for experiment, scores in panel.scores.items():
        expected, error = expected_auc(known, scores.to_numpy())
        auc = roc_auc_score(panel.y, scores)
        z = (auc - expected) / error if scores.nunique() > 1 else 0.0  # of a constant nothing differs
        about = {"experiment": experiment, "n": len(known), "best": best, "expected": expected}
        yield about | {"auc": auc, "standard_error": error, "z": z}


if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    dataset, simulated, outcomes = (read_frame(path) for path in (files.dataset, files.simulated, files.outcomes))
    rows = []
    for target in params.targets:
        if target["horizon"] > 1:
            continue  # the truth of later days is not in closed form
        probability = probabilities(dataset, simulated, target["target"], params.labels)
        for fold, panel in read_score_matrices(files.predictions, outcomes, target).items():
            if panel.y.nunique() == 2:
                rows += [target | {"fold": fold} | row for row in truth(panel, probability)]
    with replacing(snakemake.output[0]) as path:
        pd.DataFrame(rows, columns=COLUMNS).to_csv(path, index=False)
