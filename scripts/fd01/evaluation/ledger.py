"""The trial ledger: one line per configuration ever evaluated on a block, and what luck alone makes of the best."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from fd01.data.origins import EVALUATION
from fd01.data.targets import target_column
from fd01.data.touch import CLOSE_EXCEEDANCE
from fd01.evaluation.metrics import ALL_SEEDS
from fd01.models.known_answers import checksums
from fd01.scoring.predictions import of_target
from fd01.workflow.errors import UserError
from fd01.workflow.files import digest, replacing

TRIAL = ["fold", "experiment", "score_kind", "target", "horizon"]
COLUMNS = ["first_seen", "dataset", "dataset_sha256", *TRIAL, "trial", "plan", "git_commit"]


def list_trials(metrics, experiments, weights, study, folds, dataset_sha256):
    """The trials of one run: what was measured on an evaluation block, and with which settings.

    Parameters
    ----------
    metrics : DataFrame
        As the rule `evaluate` writes it.
    experiments : dict, that section of the configuration
    weights : dict of experiment to the `weights` of its provenance, or the SHA-256 of its forecasts made elsewhere
    study : dict of the sections `labels` and `origins` of the configuration
    folds : dict of fold to its dates
    dataset_sha256 : str

    Returns
    -------
    DataFrame
        `TRIAL` and `trial`, the digest of everything that determines the score. The name of an experiment does not, nor
        do horizons that are not forecast: what is only renamed is not a new trial.
    """
    # A probability before the touch correction ranks the days as the corrected one does: it is no trial of its own.
    counted = (metrics["status"] == "ok") & (metrics["seed"] == ALL_SEEDS) & (metrics["score_kind"] != CLOSE_EXCEEDANCE)
    rows = metrics.loc[counted, TRIAL]
    labels = {name: value for name, value in study["labels"].items() if name != "horizons"}
    digests = [
        digest(
            {
                **{key: experiments[row["experiment"]].get(key) for key in ("system", "seeds", "fit", "settings")},
                "weights": _identity(weights[row["experiment"]]),
                "labels": labels,
                "origins": study["origins"],
                "fold": folds[row["fold"]],
                "dataset": dataset_sha256,
                **{key: row[key] for key in ("score_kind", "target", "horizon")},
            }
        )
        for row in rows.to_dict("records")
    ]
    return rows.assign(trial=digests).sort_values(TRIAL).drop_duplicates(["fold", "trial"]).reset_index(drop=True)


def _identity(weights):
    """The checksums of pre-trained weights, without the rest of their manifest; other `weights` unchanged."""
    return checksums(weights) if isinstance(weights, dict) else weights


def record(path, trials, **run):
    """Add to the ledger those `trials` that it lacks; returns the whole ledger, a DataFrame.

    Parameters
    ----------
    path : path of the ledger, a CSV file, which is replaced in one move
    trials : DataFrame, from `list_trials`
    run : the other `COLUMNS`, one value each

    Raises
    ------
    UserError
        If the file is not a ledger.
    """
    path = Path(path)
    ledger = pd.read_csv(path, dtype=str, keep_default_na=False) if path.exists() else pd.DataFrame(columns=COLUMNS)
    if list(ledger.columns) != COLUMNS:
        raise UserError(
            f"{path} is not a trial ledger: it has the columns {', '.join(ledger.columns)}, not {', '.join(COLUMNS)}. "
            "Restore it from your version control, or move it away to start a new ledger."
        )
    recorded = set(zip(ledger["fold"], ledger["trial"]))
    new = trials[[trial not in recorded for trial in zip(trials["fold"], trials["trial"])]]
    ledger = pd.concat([ledger, new.assign(**run)[COLUMNS].astype(str)], ignore_index=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        ledger.to_csv(temporary, index=False)
    return ledger.astype({"horizon": int})


def expected_maximum(trials, positives, negatives):
    """The AUC to expect of the best of several scores that know nothing.

    0.5 + s m, with m the mean of the largest of `trials` standard normals and s = sqrt((P + N + 1) / (12 P N)), the
    standard deviation of the AUC on P positive and N negative days when score and outcome are independent and there are
    no ties (Mann and Whitney, Annals of Mathematical Statistics 1947). Of several series, s^2 is the sum of w^2 times
    the s^2 of each; w is its share of the pairs P N, its weight in the AUC. For scores that resemble each other the
    best is lower; where days depend on each other, or series of one day do, s and with it the best are larger.

    Parameters
    ----------
    trials : int
    positives, negatives : int, or int arrays of shape (series,)

    Returns
    -------
    float
        NaN without a trial, or where no series has both classes.

    Examples
    --------
    >>> round(expected_maximum(25, 101, 401), 4)
    0.5632
    >>> expected_maximum(1, 101, 401)
    0.5
    """
    positives, negatives = np.atleast_1d(positives), np.atleast_1d(negatives)
    pairs = positives * negatives
    ranked = pairs > 0
    if not (trials and ranked.any()):
        return float("nan")
    largest = stats.order_statistic(stats.Normal(), r=trials, n=trials).mean()
    variances = (positives[ranked] + negatives[ranked] + 1) / (12 * pairs[ranked])
    deviation = np.sqrt(((pairs[ranked] / pairs.sum()) ** 2 * variances).sum())
    return float(0.5 + deviation * largest)


def multiplicity(ledger, trials, outcomes, targets):
    """How many trials each block has seen, and what luck alone makes of the best of them.

    Parameters
    ----------
    ledger : DataFrame, from `record`
    trials : DataFrame, from `list_trials` of this run
    outcomes : DataFrame, the table `outcomes.parquet`
    targets : list of dict with `target` and `horizon`

    Returns
    -------
    DataFrame
        A row per block and target: fold, target, horizon, the number of trials `ever` and `now`, the days `n` with a
        known outcome, of all series, `positives`, and the `expected_maximum` of `ever` trials.
    """
    rows = []
    evaluation = outcomes[outcomes["role"] == EVALUATION]
    for fold, block in evaluation.groupby("fold", sort=False):
        for target in targets:
            y = block.dropna(subset=target_column(**target))
            of_series = y.groupby("series", observed=True)[target_column(**target)].agg(["sum", "size"]).astype(int)
            positives = of_series["sum"].to_numpy()
            negatives = of_series["size"].to_numpy() - positives
            ever, now = (len(of_target(table[table["fold"] == fold], **target)) for table in (ledger, trials))
            rows.append(
                {"fold": fold, **target, "ever": ever, "now": now, "n": len(y), "positives": int(positives.sum())}
                | {"expected_maximum": expected_maximum(ever, positives, negatives)}
            )
    return pd.DataFrame(rows)
