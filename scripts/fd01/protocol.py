"""The decision of FD-01: the study's own protocol, and what was measured beside it."""

import numpy as np

from fd01.metrics import ALL_SEEDS, sweep
from fd01.predictions import of_target

NO_RULE = "no rule of the protocol applies"


def rules(decision):
    """The study's protocol in words, from the thresholds of the configuration."""
    above, low, bad = (decision[key] for key in ("investigate_above", "finetune_from", "unsuitable_below"))
    return [
        {"if": f"AUC > {above}", "then": "investigate further, run TFM-03"},
        {"if": f"{low} <= AUC <= {above}", "then": "fine-tune (TFM-03, TFM-04)"},
        {
            "if": f"AUC < {bad} and spread <= {decision['collapse_spread']}",
            "then": "foundation models not suitable, conclude FD-01",
        },
        {"if": "anything else", "then": NO_RULE},
    ]


def outcome(auc, spread, decision):
    """What the study's protocol says of a score with this AUC and spread (max - min)."""
    investigate, finetune, unsuitable, otherwise = (rule["then"] for rule in rules(decision))
    if auc > decision["investigate_above"]:
        return investigate
    if auc >= decision["finetune_from"]:
        return finetune
    if auc < decision["unsuitable_below"] and spread <= decision["collapse_spread"]:
        return unsuitable
    return otherwise


def apply_protocol(metrics, experiments, dataset, decision):
    """The protocol's answer on `dataset`.

    Parameters
    ----------
    metrics, experiments : DataFrames, as the rule `evaluate` writes them
    dataset : str
    decision : dict, the `decision` of the configuration

    Returns
    -------
    dict with `status` (`decided`, `pending` or `not applicable`), `reason`, `rules`, and `results`, one
    per score kind: the score of the study decides, others are shown beside it as ours.
    """
    name = decision["experiment"]
    answer = {"experiment": name, "fold": decision["fold"], "rules": rules(decision), "results": []}
    if dataset != decision["dataset"]:
        reason = f"the protocol judges {name} on the dataset {decision['dataset']}, and this is {dataset}"
        return {"status": "not applicable", "reason": reason, **answer}
    rows = primary(metrics, decision["fold"], "up", 1)
    rows = rows[rows["experiment"] == name]
    for row in rows[rows["score_kind"].isin(["study", "exceedance"])].to_dict("records"):
        answer["results"].append(
            {
                "score_kind": row["score_kind"],
                "decides": row["score_kind"] == "study",
                "auc": row["auc"],
                "spread": row["spread"],
                "outcome": outcome(row["auc"], row["spread"], decision),
            }
        )
    if any(result["decides"] for result in answer["results"]):
        return {"status": "decided", "reason": None, **answer}
    reasons = experiments.loc[experiments["experiment"] == name, "reason"].fillna("")
    if reasons.empty:
        reason = f"{name} is not in the table of experiments (config.yaml)"
    else:
        reason = reasons.iloc[0] or why_unscored(metrics, name, decision["fold"])
        reason = reason or f"{name} has no AUC of the score `study` for up, h = 1 on {decision['fold']}"
    return {"status": "pending", "reason": reason, **answer}


def primary(metrics, fold, target, horizon):
    """The rows of `metrics` that experiments are compared by: one block, all seeds, both outcomes."""
    rows = of_target(metrics, target, horizon)
    return rows[rows["auc"].notna() & (rows["fold"] == fold) & (rows["seed"] == ALL_SEEDS)]


def why_unscored(metrics, experiment, fold):
    """The reason in `metrics` why an experiment has no score of `up`, h = 1 on `fold`; empty without one."""
    rows = of_target(metrics, "up", 1)
    reasons = rows.loc[(rows["experiment"] == experiment) & (rows["fold"] == fold), "reason"].dropna()
    return next(iter(reasons), "")


def best_baseline(rows, systems):
    """The baseline with the best AUC on the calibration tail, or None; the block reported has no say.

    `rows` are those of `primary`; `systems` maps experiments to their system.
    """
    rows = rows[rows["experiment"].map(systems) == "baseline"].dropna(subset="calibration_auc")
    return rows.loc[rows["calibration_auc"].idxmax()] if len(rows) else None


def reach(y, score, precision, recall):
    """Whether some threshold gives a published pair of precision and recall, to two decimals.

    Returns
    -------
    dict with `threshold`, the highest that gives the pair or None, and `best_precision`, the highest
    precision at any threshold whose recall is at least the published one.
    """
    table = sweep(y, score)
    hit = table[(table["precision"].round(2) == precision) & (table["recall"].round(2) == recall)]
    return {
        "threshold": float(hit["threshold"].max()) if len(hit) else None,
        "best_precision": float(table.loc[table["recall"].round(2) >= recall, "precision"].max()),
    }


def seed_aucs(metrics, row):
    """Lowest, mean and highest AUC of the single seeds behind `row`, or None for a deterministic score."""
    same = np.logical_and.reduce(
        [metrics[name] == row[name] for name in ("experiment", "fold", "target", "horizon", "score_kind")]
    )
    aucs = metrics.loc[same & (metrics["seed"] != ALL_SEEDS), "auc"]
    return {name: float(aucs.agg(name)) for name in ("min", "mean", "max")} if len(aucs) else None
