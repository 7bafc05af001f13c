"""The trial ledger: one line per configuration that was ever evaluated on a block."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from fd01.data.origins import EVALUATION
from fd01.data.targets import target_column
from fd01.evaluation.metrics import ALL_SEEDS
from fd01.scoring.predictions import of_target
from fd01.workflow.errors import UserError
from fd01.workflow.files import digest, replacing

TRIAL = ["fold", "experiment", "score_kind", "target", "horizon"]
COLUMNS = ["first_seen", "dataset", "dataset_sha256", *TRIAL, "trial", "plan", "git_commit"]


def list_trials(metrics, experiments, weights, study, folds, dataset_sha256):
    """The trials of one run: what has been measured on an evaluation block, and under which settings.

    Parameters
    ----------
    metrics : DataFrame, as the rule `evaluate` writes it
    experiments : dict, the section of the configuration
    weights : dict of experiment to what its provenance says of its weights
    study : dict with `labels` and `origins` of the configuration
    folds : dict of the dates of each fold
    dataset_sha256 : str

    Returns
    -------
    DataFrame with `TRIAL` and `trial`, the digest of all that determines the score. The name of an experiment
    does not, nor do horizons that are not forecast: what is only renamed is no new trial.
    """
    rows = metrics.loc[(metrics["status"] == "ok") & (metrics["seed"] == ALL_SEEDS), TRIAL]
    labels = {name: value for name, value in study["labels"].items() if name != "horizons"}
    digests = [
        digest(
            {
                **{key: experiments[row["experiment"]].get(key) for key in ("system", "seeds", "settings")},
                "weights": _sums(weights[row["experiment"]]),
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


def _sums(weights):
    """Of pre-trained weights their checksums, whatever else their manifest says."""
    if not isinstance(weights, dict):
        return weights
    return {name: file["sha256"] for name, file in weights["files"].items()}


def record(path, trials, **about):
    """Add the `trials` that the ledger `path` lacks, with the columns `about`, in one move; the whole ledger.

    Raises `UserError` when the file is not a ledger.
    """
    path = Path(path)
    known = pd.read_csv(path, dtype=str, keep_default_na=False) if path.exists() else pd.DataFrame(columns=COLUMNS)
    if list(known.columns) != COLUMNS:
        raise UserError(
            f"{path} is no trial ledger: it has the columns {', '.join(known.columns)}, not {', '.join(COLUMNS)}. "
            "Put it back from your version control, or move it away to begin anew."
        )
    seen = set(zip(known["fold"], known["trial"]))
    new = trials[[pair not in seen for pair in zip(trials["fold"], trials["trial"])]]
    ledger = pd.concat([known, new.assign(**about)[COLUMNS].astype(str)], ignore_index=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        ledger.to_csv(temporary, index=False)
    return ledger.astype({"horizon": int})


def expected_maximum(trials, positives, negatives):
    """AUC to expect of the best of several scores that know nothing.

    0.5 + s m, with m the mean of the largest of `trials` standard normals and s = sqrt((P + N + 1) / (12 P N)), the
    standard deviation of the AUC of P and N days when score and outcome are independent and there are no ties (Mann
    and Whitney, Annals of Mathematical Statistics 1947). Scores that resemble each other have a lower best; days that
    depend on each other make s, and with it the best, larger.

    Parameters
    ----------
    trials, positives, negatives : int

    Returns
    -------
    float; NaN without a trial, or without both outcomes

    Examples
    --------
    >>> round(expected_maximum(25, 101, 401), 4)
    0.5632
    >>> expected_maximum(1, 101, 401)
    0.5
    """
    if not (trials and positives and negatives):
        return float("nan")
    largest = stats.order_statistic(stats.Normal(), r=trials, n=trials).mean()
    deviation = np.sqrt((positives + negatives + 1) / (12 * positives * negatives))
    return float(0.5 + deviation * largest)


def multiplicity(ledger, trials, outcomes, targets):
    """One row per block: how many trials it has seen, and what luck alone makes of the best.

    Parameters
    ----------
    ledger : DataFrame, as `record` returns it
    trials : DataFrame, those of this run
    outcomes : DataFrame, as the rule `seal_outcomes` writes it
    targets : list of dict with `target` and `horizon`

    Returns
    -------
    DataFrame with fold, target, horizon, the trials `ever` and `now`, the known days `n`, `positives`, and the
    `expected_maximum` of `ever` trials.
    """
    rows = []
    evaluation = outcomes[outcomes["role"] == EVALUATION]
    for fold, block in evaluation.groupby("fold", sort=False):
        for target in targets:
            y = block[target_column(**target)].dropna()
            positives, negatives = int((y == 1).sum()), int((y == 0).sum())
            ever, now = (len(of_target(table[table["fold"] == fold], **target)) for table in (ledger, trials))
            rows.append(
                {"fold": fold, **target, "ever": ever, "now": now, "n": len(y), "positives": positives}
                | {"expected_maximum": expected_maximum(ever, positives, negatives)}
            )
    return pd.DataFrame(rows)
