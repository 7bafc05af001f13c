"""The verdict: what the study answers, from its metrics and comparisons. docs/reference/files.md lists its parts."""

from fd01.evaluation.comparison import VERDICTS
from fd01.evaluation.metrics_table import best_baseline, compared_rows, measured
from fd01.evaluation.protocol import apply_protocol, compare_published
from fd01.study.folds import is_walk_forward
from fd01.study.systems import SYSTEMS

PAIRED = ["fold", "experiment", "against", "other", "auc_difference", "p_holm", "detectable", "verdict"]
OPEN = {"sealed": {}, "reason": None}


def decide(dataset, experiments, decision, target, metrics, table, comparisons, folds, scores, seal=OPEN):
    """The verdict on `dataset`, ready for JSON.

    `seal` is what the table of outcomes says of itself: the folds with closed days, and why.
    """
    statuses = table.set_index("experiment")["reason"].fillna("").to_dict()
    systems = {name: entry["system"] for name, entry in experiments.items()}
    folds = sorted(folds, key=lambda fold: fold != decision["fold"])  # the block of the protocol first
    blocks = []
    for fold in folds:
        rows = compared_rows(metrics, fold, **target)
        reference = rows[rows["experiment"] == decision["reference"]]
        blocks.append(
            {
                "fold": fold,
                "reference": measured(reference.iloc[0] if len(reference) else None, metrics),
                "baseline": measured(best_baseline(rows, systems), metrics),
            }
        )
    pretrained = sorted(
        name
        for name in table.loc[table["weights"] == "pre-trained", "experiment"]
        if SYSTEMS[systems[name]].in_question
    )
    verdict = {
        "question": "Can pre-trained time-series foundation models (Lag-Llama, TimesFM 2.5) beat a task-specific "
        "PatchTST on SPY direction prediction?",
        "dataset": dataset,
        **target,
        "pretrained": pretrained,
        "protocol": apply_protocol(metrics, table, dataset, decision),
        "reference": decision["reference"],
        "sealed": {"folds": seal["sealed"], "reason": seal["reason"]},
        "blocks": blocks,
        "comparisons": paired_verdicts(comparisons, pretrained, decision["reference"]),
        "published": list(compare_published(experiments, dataset, metrics, statuses, scores)),
        "not_run": [
            {"experiment": row["experiment"], "reason": row["reason"]}
            for row in table[table["status"] != "ok"].to_dict("records")
        ],
        "without_weights": table.loc[table["weights"] == "missing", "experiment"].to_list(),
    }
    return {"sentence": sentence(verdict), **verdict}


def paired_verdicts(comparisons, pretrained, reference):
    """The comparisons that answer the question, as dicts: those of `pretrained`, and the reference's with the baseline.

    Of walk-forward blocks only those of all together.
    """
    rows = comparisons[~comparisons["fold"].map(is_walk_forward).astype(bool)]
    names = rows["experiment"].isin(pretrained) | ((rows["experiment"] == reference) & (rows["against"] == "baseline"))
    rows = rows.loc[names, PAIRED].astype(object)
    return rows.where(rows.notna(), None).to_dict("records")


def sentence(verdict):
    """The verdict in one sentence, and what it rests on."""
    protocol = verdict["protocol"]
    if protocol["status"] == "decided":
        (result,) = (result for result in protocol["results"] if result["decides"])
        answer = (
            f"By the study's protocol: {result['outcome']} ({protocol['experiment']} reaches AUC {result['auc']:.3f} "
            f"with a spread of {result['spread']:.4f})."
        )
    elif not verdict["pretrained"]:
        answer = "FD-01 is open: neither TimesFM nor Lag-Llama has run on this dataset with its pre-trained weights."
    else:
        answer = f"The study's protocol gives no answer: {protocol['reason']}."
    if verdict["sealed"]["folds"]:
        closed = ", ".join(verdict["sealed"]["folds"])
        answer = f"{answer} Not looked at: {closed}, since the analysis plan or its settings have changed."
    lines = [_comparison(block) for block in verdict["blocks"] if block["reference"] and block["baseline"]]
    if not lines:
        return f"{answer} The reference, {verdict['reference']}, has no score to compare with."
    return (
        f"{answer} AUC of PatchTST trained for the task ({verdict['reference']}) against the simple baseline chosen on "
        f"training data: {'; '.join(lines)}.{_paired(verdict)}"
    )


def _comparison(block):
    reference, baseline = block["reference"], block["baseline"]
    return f"{reference['auc']:.3f} against {baseline['auc']:.3f} ({baseline['experiment']}) on {block['fold']}"


def _paired(verdict):
    reference, rows = verdict["reference"], verdict["comparisons"]
    of_reference = [row for row in rows if row["experiment"] == reference]
    of_pretrained = [row for row in rows if row["against"] == "reference"]
    parts = [f"{reference} against the baseline is {_counts(of_reference, one=True)}"] if of_reference else []
    parts += [f"pre-trained experiments against {reference}: {_counts(of_pretrained)}"] if of_pretrained else []
    return f" Paired tests: {'; '.join(parts)}." if parts else ""


def _counts(rows, one=False):
    """Verdicts in words, block by block; `one` if each block has a single row."""
    texts = []
    for fold in dict.fromkeys(row["fold"] for row in rows):
        found = [row["verdict"] for row in rows if row["fold"] == fold]
        counts = [f"{found.count(name)} {name}" for name in VERDICTS if name in found]
        texts.append(f"{found[0] if one else ', '.join(counts)} on {fold}")
    return ", ".join(texts) if one else "; ".join(texts)
