"""The original study's decision protocol, and its published figures next to those measured here.

Both are about one target, `up` at h = 1. What is measured here comes as rows of
`fd01.evaluation.metrics_table.with_seed_aucs`.
"""

from fd01.evaluation.metrics import sweep

ORIGINAL_TARGET = {"target": "up", "horizon": 1}
ORIGINAL_THRESHOLD = 0.01  # of that target, a simple return
NO_RULE = "no rule of the protocol applies"


def rules(decision):
    """The protocol in words, with the thresholds of the configuration; list of dict with `if` and `then`.

    `decision` is that section of the configuration.
    """
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
    """The protocol's answer for a score with this AUC and spread (max - min)."""
    investigate, finetune, unsuitable, otherwise = (rule["then"] for rule in rules(decision))
    if auc > decision["investigate_above"]:
        return investigate
    if auc >= decision["finetune_from"]:
        return finetune
    if auc < decision["unsuitable_below"] and spread <= decision["collapse_spread"]:
        return unsuitable
    return otherwise


def apply_protocol(decision, dataset, rows, why_unscored, scored):
    """The protocol's answer on `dataset`.

    Parameters
    ----------
    decision : dict, that section of the configuration
    dataset : str
    rows : DataFrame
        What is measured for the protocol's experiment on its block.
    why_unscored : str
        Why that experiment has no score there, "" if nothing says so.
    scored : bool
        Whether the run scores the original study's target at all.

    Returns
    -------
    dict
        `status` (`decided`, `pending` or `not applicable`), `reason`, `experiment`, `fold`, `rules`, and `results`, one
        for each of the scores `study` and `exceedance`. The score `study`, which the original study used, decides; the
        other is shown for comparison.
    """
    name, fold = decision["experiment"], decision["fold"]
    answer = {"experiment": name, "fold": fold, "rules": rules(decision), "results": []}
    if dataset != decision["dataset"]:
        reason = f"the protocol judges {name} on the dataset {decision['dataset']}, and this is {dataset}"
        return {"status": "not applicable", "reason": reason, **answer}
    if not scored:
        reason = "the protocol is about the target up, h = 1, which this run does not score"
        return {"status": "not applicable", "reason": reason, **answer}
    answer["results"] = [
        {
            "score_kind": row["score_kind"],
            "decides": row["score_kind"] == "study",
            "auc": row["auc"],
            "spread": row["spread"],
            "outcome": outcome(row["auc"], row["spread"], decision),
        }
        for row in rows[rows["score_kind"].isin(["study", "exceedance"])].to_dict("records")
    ]
    if any(result["decides"] for result in answer["results"]):
        return {"status": "decided", "reason": None, **answer}
    reason = why_unscored or f"{name} has no AUC of the score `study` for up, h = 1 on {fold}"
    return {"status": "pending", "reason": reason, **answer}


def compare_published(experiment, published, rows, why_unscored, read_scores):
    """What the original study published for an experiment, and what is measured here on the same block.

    Parameters
    ----------
    experiment : str
    published : dict, that key of the experiment in the configuration
    rows : DataFrame
        What is measured for the experiment on the block `published["fold"]`.
    why_unscored : str
        Why the experiment has no score there, "" if nothing says so.
    read_scores : function
        Outcomes and mean scores, arrays of shape (n,), of an experiment on a fold.

    Returns
    -------
    dict
        `experiment`, `published`, `measured` (what `quote` returns) or the `reason` for its absence, and `reach` (what
        `reach` returns) if a pair of precision and recall was published.
    """
    line = {"experiment": experiment, "published": published, "measured": None, "reach": None, "reason": None}
    if rows.empty:
        line["reason"] = why_unscored or f"up, h = 1 is not scored on {published['fold']}"
    else:
        # For a forecaster the original study published the AUC of its score `study`.
        line["measured"] = quote(rows.sort_values("score_kind", key=lambda kind: kind != "study").iloc[0])
        if "precision" in published:
            y, score = read_scores(experiment, published["fold"])
            line["reach"] = reach(y, score, published["precision"], published["recall"])
    return line


def quote(row):
    """What the verdict quotes from one row, ready for JSON; None without a row."""
    if row is None:
        return None
    names = {name: row[name] for name in ("experiment", "fold", "score_kind")}
    # Rows of what did not run have no counts, so pandas reads counts as floats.
    counts = {name: int(row[name]) for name in ("n", "positives", "seeds")}
    return names | {"auc": float(row["auc"])} | counts | {"seed_aucs": row["seed_aucs"]}


def reach(y, score, precision, recall):
    """Whether some threshold gives a published pair of precision and recall, to two decimals.

    Returns
    -------
    dict
        `threshold`, the highest that gives the pair or None, and `best_precision`, the highest precision at any
        threshold whose recall is at least the published one.
    """
    table = sweep(y, score)
    hit = table[(table["precision"].round(2) == precision) & (table["recall"].round(2) == recall)]
    return {
        "threshold": float(hit["threshold"].max()) if len(hit) else None,
        "best_precision": float(table.loc[table["recall"].round(2) >= recall, "precision"].max()),
    }
