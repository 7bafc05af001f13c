"""The original study's decision protocol, and its published figures beside the ones that were measured here."""

from fd01.evaluation.metrics import sweep
from fd01.evaluation.metrics_table import compared_rows, measured, why_unscored

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
    rows = compared_rows(metrics, decision["fold"], "up", 1)
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


def compare_published(experiments, dataset, metrics, statuses, scores):
    """Each published figure beside the measured one on the same block, or the reason for its absence.

    `scores(experiment, fold)` gives the outcomes and the mean score of each day.
    """
    for name, entry in experiments.items():
        if "published" not in entry:
            continue
        published = entry["published"]
        line = {"experiment": name, "published": published, "measured": None, "reach": None, "reason": None}
        rows = compared_rows(metrics, published["fold"], "up", 1)
        # What a forecaster published is the score of the study.
        rows = rows[rows["experiment"] == name].sort_values("score_kind", key=lambda kind: kind != "study")
        if dataset != published["dataset"]:
            line["reason"] = f"published for the dataset {published['dataset']}, and this is {dataset}"
        elif rows.empty:
            reason = statuses[name] or why_unscored(metrics, name, published["fold"])
            line["reason"] = reason or f"up, h = 1 is not scored on {published['fold']}"
        else:
            line["measured"] = measured(rows.iloc[0], metrics)
            if "precision" in published:
                line["reach"] = reach(*scores(name, published["fold"]), published["precision"], published["recall"])
        yield line


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
