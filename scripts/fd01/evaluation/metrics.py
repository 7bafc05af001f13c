"""Measures of one score against the outcomes of one block: ranking, probabilities, and yes-or-no decisions.

`sklearn.metrics` is imported where it is used: it takes a second, and many jobs that import this module use none of it.
"""

import numpy as np
import pandas as pd

from fd01.data.series import rows_of_each

NAN = float("nan")
FEW_GROUPS = 10  # up to which scikit-learn ranks each, in milliseconds; more of them are ranked at once
ALL_SEEDS = "all"  # in the column `seed`: the mean score over seeds, or the one score of a deterministic experiment
DECISION_MEASURES = ("precision", "recall", "f1", "mcc")
LOSS_MEASURES = ("brier", "brier_skill", "log_loss", "log_loss_skill")
MEASURES = (
    *("n", "positives", "train_prevalence", "auc", "average_precision"),
    *LOSS_MEASURES,
    *(f"{name}_at_half" for name in DECISION_MEASURES),
    "threshold",
    *(f"{name}_at_threshold" for name in DECISION_MEASURES),
    *("spread", "distinct"),
)


def auc(y, score):
    """AUC, the area under the ROC curve, of `score` for outcomes `y`, both shape (n,); NaN with one class only."""
    from sklearn.metrics import roc_auc_score

    return NAN if y.min() == y.max() else roc_auc_score(y, score)


def auc_within(y, score, group):
    """AUC among days of the same group: over all pairs of a day with the event and one without, both of one group.

    It is the mean of the groups' AUCs, weighted by their number of such pairs; NaN without any such pair. Arrays of
    shape (n,).
    """
    codes, names = pd.factorize(np.asarray(group))
    if len(names) <= FEW_GROUPS:
        return _mean_within(y, score, group, auc, lambda positives, negatives: positives * negatives)
    ranks = pd.Series(score).groupby(codes).rank().to_numpy()
    positives, days = np.bincount(codes, y), np.bincount(codes)
    pairs = (positives * (days - positives)).sum()
    # Of a group: the pairs in the right order, ties as halves (Mann and Whitney 1947).
    right = np.bincount(codes, ranks * y) - positives * (positives + 1) / 2
    return float(right.sum() / pairs) if pairs else NAN


def precision_within(y, score, group):
    """Average precision of each group, weighted by its positive days, of the groups with both classes."""
    from sklearn.metrics import average_precision_score

    codes, names = pd.factorize(np.asarray(group))
    if len(names) <= FEW_GROUPS:
        return _mean_within(y, score, group, average_precision_score, lambda positives, _: positives)
    order = np.lexsort([-score, codes])
    codes, score, y = codes[order], score[order], y[order]
    # Of each distinct score of a group, the last row: the days of the group with at least this score are called.
    last = np.flatnonzero(np.diff(codes, append=-1) | (np.diff(score, append=np.nan) != 0))
    days, positives, own = np.bincount(codes), np.bincount(codes, y), codes[last]
    days_before, positives_before = np.cumsum(days) - days, np.cumsum(positives) - positives  # of the groups before
    hits = np.cumsum(y)[last] - positives_before[own]
    precision = hits / (last + 1 - days_before[own])
    gained = np.where(np.diff(own, prepend=-1), hits, np.diff(hits, prepend=0))
    both = (positives > 0) & (positives < days)
    return float((gained * precision)[both[own]].sum() / positives[both].sum()) if both.any() else NAN


def _mean_within(y, score, group, measure, weight):
    values, weights = [], []
    for rows in rows_of_each(group):
        positives = y[rows].sum()
        if 0 < positives < len(rows):
            values.append(measure(y[rows], score[rows]))
            weights.append(weight(positives, len(rows) - positives))
    if len(values) < 2:
        return float(values[0]) if values else NAN  # exactly, without the rounding of a weight
    return float(np.average(values, weights=weights))


def _mean(values):
    """The mean, of equal values exactly."""
    return float(np.ravel(values)[0] if np.ptp(values) == 0 else np.mean(values))


def ranking_measures(y, score, series):
    """AUC and average precision of `score` for outcomes `y`, among days of the same series; NaN with one class only.

    All of shape (n,). The measures of several series are weighted as `auc_within` and `precision_within` say.
    """
    return {"auc": auc_within(y, score, series), "average_precision": precision_within(y, score, series)}


def loss_measures(y, probability, prevalence):
    """Brier score and log-loss (nats) of probabilities, and their skill against the training prevalence.

    Skill is 1 - loss / loss of the constant forecast `prevalence` (Murphy, Monthly Weather Review
    1988): 1 is perfect, 0 is no better than the constant, NaN if the constant is never wrong. `prevalence` is a float,
    or that of the series of each day, shape (n,).
    """
    from sklearn.metrics import brier_score_loss, log_loss

    constant = np.full(len(y), prevalence)
    brier, brier_of_constant = brier_score_loss(y, probability), brier_score_loss(y, constant)
    loss, loss_of_constant = (log_loss(y, p, labels=[0, 1]) for p in (probability, constant))
    faultless = brier_of_constant == 0
    return {
        "brier": brier,
        "brier_skill": NAN if faultless else 1 - brier / brier_of_constant,
        "log_loss": loss,
        "log_loss_skill": NAN if faultless else 1 - loss / loss_of_constant,
    }


def decision_measures(y, score, threshold):
    """Precision, recall, F1 and MCC when days with `score >= threshold` are called positive.

    NaN where a measure is undefined: precision when no day is called positive, recall when no day is positive, F1 when
    neither is, MCC when all days have one outcome or one call.
    """
    from sklearn.metrics import confusion_matrix, matthews_corrcoef

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
    """The threshold with the best F1 when days with `score >= threshold` are called positive; the highest of equals."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, thresholds = precision_recall_curve(y, score)
    with np.errstate(invalid="ignore"):
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))[:-1]
    # Different F1 of n days differ by more than 1 / (2 n)^2, equal ones by rounding.
    return float(thresholds[np.flatnonzero(np.isclose(f1, f1.max(), rtol=1e-12, atol=0))[-1]])


def sweep(y, score):
    """Precision, recall and F1 with every distinct score as threshold; DataFrame, thresholds ascending."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, thresholds = precision_recall_curve(y, score)
    table = pd.DataFrame({"threshold": thresholds, "precision": precision[:-1], "recall": recall[:-1]})
    table["f1"] = 2 * table["precision"] * table["recall"] / (table["precision"] + table["recall"])
    return table


def all_measures(y, score, series, is_probability, prevalence, threshold):
    """All `MEASURES` of one score on one block, a flat dict.

    Parameters
    ----------
    y : array of 0 and 1, shape (n,)
    score : array, shape (n,)
    series : array, shape (n,)
        The series of each day: only days of one series are ranked against each other.
    is_probability : bool
        If not, Brier score, log-loss and the decisions at 0.5 are NaN.
    prevalence : array, shape (n,)
        Share of training days with the target, of the series of each day; the skills compare with it as a constant
        forecast.
    threshold : float
        Chosen on training data; NaN if none could be chosen.
    """
    undecided = dict.fromkeys(DECISION_MEASURES, NAN)
    losses = loss_measures(y, score, prevalence) if is_probability else dict.fromkeys(LOSS_MEASURES, NAN)
    at_half = decision_measures(y, score, 0.5) if is_probability else undecided
    at_threshold = undecided if np.isnan(threshold) else decision_measures(y, score, threshold)
    return (
        {"n": len(y), "positives": int(y.sum()), "train_prevalence": _mean(prevalence)}
        | ranking_measures(y, score, series)
        | losses
        | {f"{name}_at_half": value for name, value in at_half.items()}
        | {"threshold": threshold}
        | {f"{name}_at_threshold": value for name, value in at_threshold.items()}
        | {"spread": float(np.ptp(score)), "distinct": len(np.unique(score))}
    )
