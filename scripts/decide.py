"""Answer FD-01 from the metrics: verdict.json."""

from pathlib import Path

import pandas as pd

from fd01.comparison import VERDICTS
from fd01.files import write_json
from fd01.folds import is_walk_forward
from fd01.logs import configure_logging
from fd01.outcomes import mean_scores
from fd01.predictions import read_experiment
from fd01.protocol import apply_protocol, best_baseline, primary, reach, seed_aucs, why_unscored
from fd01.tables import read_table

PAIRED = ["fold", "experiment", "against", "other", "auc_difference", "p_holm", "detectable", "verdict"]
OPEN = {"sealed": {}, "reason": None}


def measured(row, metrics):
    """The figures of one row of the metrics that the verdict quotes; None without a row."""
    if row is None:
        return None
    figures = {name: row[name] for name in ("experiment", "fold", "score_kind")} | {"auc": float(row["auc"])}
    # Beside rows that were not run, and have no counts, pandas reads counts as floats.
    counts = {name: int(row[name]) for name in ("n", "positives", "seeds")}
    return figures | counts | {"seed_aucs": seed_aucs(metrics, row)}


def compare_published(experiments, dataset, metrics, statuses, scores):
    """Each published figure beside the measured one on the same block, or the reason for its absence.

    `scores(experiment, fold)` gives the outcomes and the mean score of each day.
    """
    for name, entry in experiments.items():
        if "published" not in entry:
            continue
        published = entry["published"]
        line = {"experiment": name, "published": published, "measured": None, "reach": None, "reason": None}
        rows = primary(metrics, published["fold"], "up", 1)
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


def paired_verdicts(comparisons, pretrained, reference):
    """The comparisons that answer the question, as dicts: those of `pretrained`, and the reference's with the baseline.

    Of walk-forward blocks only those of all together.
    """
    rows = comparisons[~comparisons["fold"].map(is_walk_forward).astype(bool)]
    names = rows["experiment"].isin(pretrained) | ((rows["experiment"] == reference) & (rows["against"] == "baseline"))
    rows = rows.loc[names, PAIRED].astype(object)
    return rows.where(rows.notna(), None).to_dict("records")


def decide(dataset, experiments, decision, target, metrics, table, comparisons, folds, scores, seal=OPEN):
    """The verdict on `dataset`, ready for JSON; see docs/method.md for its parts.

    `seal` is what the table of outcomes says of itself: the folds with closed days, and why.
    """
    statuses = table.set_index("experiment")["reason"].fillna("").to_dict()
    systems = {name: entry["system"] for name, entry in experiments.items()}
    folds = sorted(folds, key=lambda fold: fold != decision["fold"])  # the block of the protocol first
    blocks = []
    for fold in folds:
        rows = primary(metrics, fold, **target)
        reference = rows[rows["experiment"] == decision["reference"]]
        blocks.append(
            {
                "fold": fold,
                "reference": measured(reference.iloc[0] if len(reference) else None, metrics),
                "baseline": measured(best_baseline(rows, systems), metrics),
            }
        )
    # Of the models that the question names.
    pretrained = sorted(
        name
        for name in table.loc[table["weights"] == "pre-trained", "experiment"]
        if systems[name].startswith(("timesfm", "lag-llama"))
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


if __name__ == "__main__":
    configure_logging(snakemake)
    origins, seal = read_table(snakemake.input.outcomes)
    paths = {Path(path).name: path for path in snakemake.input.predictions}

    def scores(experiment, fold):
        frame, _ = read_experiment(paths[experiment])
        rows = mean_scores(frame[frame["fold"] == fold], origins, "up", 1)
        return rows["y"].to_numpy(), rows["score"].to_numpy()

    params = snakemake.params
    verdict = decide(
        snakemake.wildcards.dataset,
        params.experiments,
        params.decision,
        params.target,
        pd.read_csv(snakemake.input.metrics),
        pd.read_csv(snakemake.input.experiments),
        pd.read_csv(snakemake.input.comparisons),
        [fold for fold in origins["fold"].unique() if not is_walk_forward(fold)],
        scores,
        seal,
    )
    write_json(snakemake.output[0], verdict)
