"""Measures of a score against the outcomes of a block."""

import numpy as np
import pandas as pd
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    log_loss,
    matthews_corrcoef,
    precision_recall_curve,
    roc_auc_score,
)

NAN = float("nan")
ALL_SEEDS = "all"  # in the column `seed`: the mean score over seeds, or the only one of a deterministic experiment
DECISIONS = ("precision", "recall", "f1", "mcc")
MEASURES = (
    *("n", "positives", "train_prevalence", "auc", "average_precision"),
    *("brier", "brier_skill", "log_loss", "log_loss_skill"),
    *(f"{name}_at_half" for name in DECISIONS),
    "threshold",
    *(f"{name}_at_threshold" for name in DECISIONS),
    *("spread", "distinct"),
)


def ranking(y, score):
    """AUC and average precision of `score` for outcomes `y`, both shape (n,); NaN with one class only."""
    if y.min() == y.max():
        return {"auc": NAN, "average_precision": NAN}
    return {"auc": roc_auc_score(y, score), "average_precision": average_precision_score(y, score)}


def probability(y, score, prevalence):
    """Brier score and log-loss (nats) of probabilities, and their skill over the training prevalence.

    Skill is 1 - loss / loss of the constant forecast `prevalence` (Murphy, Monthly Weather Review
    1988): 1 is perfect, 0 is no better than the constant, NaN if the constant is never wrong.
    """
    constant = np.full(len(y), prevalence)
    brier, reference = brier_score_loss(y, score), brier_score_loss(y, constant)
    loss, reference_loss = (log_loss(y, p, labels=[0, 1]) for p in (score, constant))
    faultless = reference == 0
    return {
        "brier": brier,
        "brier_skill": NAN if faultless else 1 - brier / reference,
        "log_loss": loss,
        "log_loss_skill": NAN if faultless else 1 - loss / reference_loss,
    }


def decisions(y, score, threshold):
    """Precision, recall, F1 and MCC when days with `score >= threshold` are called positive.

    NaN where a measure is undefined: precision without a positive call, recall without a positive day,
    MCC when all days
    have one outcome or one call.
    """
    called = score >= threshold
    (_, false_positive), (false_negative, true_positive) = confusion_matrix(y, called, labels=[0, 1])

    def share(part, whole):
        return part / whole if whole else NAN

    return {
        "precision": share(true_positive, true_positive + false_positive),
        "recall": share(true_positive, true_positive + false_negative),
        "f1": share(2 * true_positive, 2 * true_positive + false_positive + false_negative),
        "mcc": matthews_corrcoef(y, called) if np.ptp(y) and np.ptp(called.astype(float)) else NAN,
    }


def best_f1_threshold(y, score):
    """The score at which calling days positive from it on gives the best F1; the highest of equals."""
    precision, recall, thresholds = precision_recall_curve(y, score)
    with np.errstate(invalid="ignore"):
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))[:-1]
    # Different F1 of n days differ by more than 1 / (2 n)^2, equal ones by rounding.
    return float(thresholds[np.flatnonzero(np.isclose(f1, f1.max(), rtol=1e-12, atol=0))[-1]])


def sweep(y, score):
    """Precision, recall and F1 at every distinct score used as threshold; DataFrame, ascending."""
    precision, recall, thresholds = precision_recall_curve(y, score)
    table = pd.DataFrame({"threshold": thresholds, "precision": precision[:-1], "recall": recall[:-1]})
    table["f1"] = 2 * table["precision"] * table["recall"] / (table["precision"] + table["recall"])
    return table


def evaluate(y, score, is_probability, prevalence, threshold):
    """All `MEASURES` of one score on one block, a flat dict.

    Parameters
    ----------
    y : array of 0 and 1, shape (n,)
    score : array, shape (n,)
    is_probability : bool
        Brier, log-loss and the decisions at 0.5 are NaN otherwise.
    prevalence : float
        Of the target in the training period, the reference of the skills.
    threshold : float
        Chosen on training data; NaN if none could be.
    """
    none = dict.fromkeys(("brier", "brier_skill", "log_loss", "log_loss_skill"), NAN)
    undecided = dict.fromkeys(DECISIONS, NAN)
    at_half = decisions(y, score, 0.5) if is_probability else undecided
    at_chosen = undecided if np.isnan(threshold) else decisions(y, score, threshold)
    return (
        {"n": len(y), "positives": int(y.sum()), "train_prevalence": prevalence}
        | ranking(y, score)
        | (probability(y, score, prevalence) if is_probability else none)
        | {f"{name}_at_half": value for name, value in at_half.items()}
        | {"threshold": threshold}
        | {f"{name}_at_threshold": value for name, value in at_chosen.items()}
        | {"spread": float(np.ptp(score)), "distinct": len(np.unique(score))}
    )
