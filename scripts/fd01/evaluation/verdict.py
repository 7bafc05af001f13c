"""The verdict: what this study answers, from its metrics and comparisons. docs/reference/files.md lists its parts."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from fd01.evaluation.blocks import AFTER_CUTOFF
from fd01.evaluation.comparison import INCONCLUSIVE, VERDICTS
from fd01.evaluation.evidence import ELSEWHERE, by_label, doubts
from fd01.evaluation.exposure import CLEAN
from fd01.evaluation.metrics_table import best_baseline, with_seed_aucs
from fd01.evaluation.paired_comparisons import PRIMARY
from fd01.evaluation.protocol import ORIGINAL_TARGET, apply_protocol, compare_published, quote
from fd01.models.known_answers import MISSING, REFUSED
from fd01.scoring.predictions import of_target
from fd01.study.folds import is_walk_forward
from fd01.study.seal import LEFT_OUT, NOT_FIXED
from fd01.study.systems import SYSTEMS

QUESTION = (
    "Can pre-trained time-series foundation models (Lag-Llama, TimesFM 2.5) beat a task-specific PatchTST on SPY "
    "direction prediction?"
)
POINT_FORECAST = (
    "A point forecast tells whether the event follows high expected returns. It tells neither how likely the event is, "
    "nor how wide the next day may be, on which this event depends most."
)
QUOTED = [
    *("fold", "experiment", "against", "other", "family", "exposure", "n", "positives"),
    *("auc_difference", "low", "high", "adjusted_low", "adjusted_high"),
    *("p_holm", "p_equivalence", "detectable", "equivalence_power"),
    *("twin_seeds", "twin_seeds_below", "verdict", "small_difference", "reason"),
]


@dataclass(frozen=True)
class Study:
    """What is asked, from the configuration.

    Attributes
    ----------
    dataset : str
    experiments, decision : dict, these sections
    target : dict with `target` and `horizon`, the first of the section `targets`
    """

    dataset: str
    experiments: dict
    decision: dict
    target: dict


@dataclass(frozen=True)
class Results:
    """What was measured.

    Attributes
    ----------
    metrics, experiments : DataFrame, as the rule `evaluate` writes them
    comparisons : DataFrame, as the rule `compare_experiments` writes it
    folds : list of str
        The folds to report, without walk-forward ones.
    seal : dict
        The metadata of `outcomes.parquet`: `sealed`, the folds with sealed days, `left_out`, the folds that would learn
        from them, and `reason`.
    read_scores : function
        Outcomes and mean scores, arrays of shape (n,), of an experiment on a fold.
    """

    metrics: pd.DataFrame
    experiments: pd.DataFrame
    comparisons: pd.DataFrame
    folds: list
    seal: dict
    read_scores: Callable


def decide(study, results):
    """The verdict of a `Study` from its `Results`; a dict, ready for JSON."""
    decision, table = study.decision, results.experiments
    systems = {name: entry["system"] for name, entry in study.experiments.items()}
    measured = with_seed_aucs(results.metrics)
    rows, original_rows = (of_target(measured, **target) for target in (study.target, ORIGINAL_TARGET))

    def on_block(experiment, fold):
        """Rows of an experiment on a block for the original study's target, and the reason if there are none."""
        of_block = (original_rows["experiment"] == experiment) & (original_rows["fold"] == fold)
        return original_rows[of_block], why_unscored(results, experiment, fold)

    pretrained = sorted(
        name
        for name in table.loc[table["weights"] == "pre-trained", "experiment"]
        if SYSTEMS[systems[name]].in_question
    )

    scored = (table["status"] == "ok") & table["weights"].isin(["pre-trained", ELSEWHERE])
    others = sorted(set(table.loc[scored, "experiment"]) - set(pretrained))

    def protocol_of(experiment):
        """What the protocol answers for an experiment on its block."""
        answer = apply_protocol(
            decision | {"experiment": experiment},
            study.dataset,
            *on_block(experiment, decision["fold"]),
            scored=not of_target(results.metrics, **ORIGINAL_TARGET).empty,
        )
        return answer | {"exposure": exposure_of(results.comparisons, experiment, decision["fold"])}

    protocol = protocol_of(decision["experiment"])
    verdict = {
        "question": QUESTION,
        "dataset": study.dataset,
        **study.target,
        "pretrained": pretrained,
        "other_pretrained": others,
        "doubts": {name: label for name, label in doubts(table).items() if name in pretrained},
        "protocol": protocol,
        "stand_ins": [
            {"source": entry["settings"]["source"]} | protocol_of(name)
            for name, entry in study.experiments.items()
            if protocol["status"] == "pending" and entry.get("stands_for") == decision["experiment"]
        ],
        "reference": decision["reference"],
        "sealed": {"folds": results.seal["sealed"]} | {key: results.seal[key] for key in ("left_out", "reason")},
        "blocks": [
            reference_and_baseline(rows, fold, decision["reference"], systems)
            for fold in sorted(results.folds, key=lambda fold: fold != decision["fold"])  # the protocol's block first
        ],
        "comparisons": quoted_comparisons(results.comparisons, [*pretrained, *others], decision["reference"]),
        "published": [
            compare_published(
                name,
                entry["published"],
                *on_block(name, entry["published"]["fold"]),
                results.read_scores,
            )
            for name, entry in study.experiments.items()
            if entry.get("published", {}).get("dataset") == study.dataset
        ],
        "not_run": table.loc[table["status"] != "ok", ["experiment", "reason"]].to_dict("records"),
        "without_weights": table.loc[table["weights"] == MISSING, "experiment"].to_list(),
        "refused_weights": table.loc[table["weights"] == REFUSED, "experiment"].to_list(),
    }
    return {"sentence": sentence(verdict), **verdict}


def why_unscored(results, experiment, fold):
    """Why an experiment has no score of the original study's target on a block; "" if no table gives a reason."""
    table, metrics = results.experiments, of_target(results.metrics, **ORIGINAL_TARGET)
    if experiment not in set(table["experiment"]):
        return f"{experiment} is not in the table of experiments (config.yaml)"
    if fold in results.seal["left_out"]:
        return f"{fold} is {LEFT_OUT}"
    of_experiment = table.loc[table["experiment"] == experiment, "reason"].dropna()
    of_block = metrics.loc[(metrics["experiment"] == experiment) & (metrics["fold"] == fold), "reason"].dropna()
    return next(iter([*of_experiment, *of_block]), "")


def reference_and_baseline(rows, fold, reference, systems):
    """What is measured for the reference and for the best baseline on one block, each None where nothing is."""
    rows = rows[rows["fold"] == fold]
    of_reference = rows[rows["experiment"] == reference]
    return {
        "fold": fold,
        "reference": quote(of_reference.iloc[0] if len(of_reference) else None),
        "baseline": quote(best_baseline(rows, systems)),
    }


def exposure_of(comparisons, experiment, fold):
    """Whether a pre-trained experiment may have seen the days of a block (`EXPOSURES`); None if it was not compared."""
    rows = comparisons[(comparisons["experiment"] == experiment) & (comparisons["fold"] == fold)]
    return next(iter(rows["exposure"].dropna()), None)


def quoted_comparisons(comparisons, pretrained, reference):
    """The comparisons that a reader asks for, as dicts: all of `pretrained`, and the reference with the baseline.

    Of the walk-forward blocks only the pooled comparison is quoted.
    """
    rows = comparisons[~comparisons["fold"].map(is_walk_forward).astype(bool)]
    names = rows["experiment"].isin(pretrained) | ((rows["experiment"] == reference) & (rows["against"] == "baseline"))
    rows = rows.loc[names, QUOTED].astype(object)
    return rows.where(rows.notna(), None).to_dict("records")


def sentence(verdict):
    """The verdict in words: the protocol's answer, what is sealed, the AUCs, and the paired tests."""
    protocol = verdict["protocol"]
    stand_ins = [answer for answer in verdict["stand_ins"] if answer["status"] == "decided"]
    if protocol["status"] == "decided":
        answer = f"By the original study's protocol: {_decided(protocol, verdict)}."
    elif stand_ins:
        answer = _of_stand_ins(stand_ins, verdict)
    elif not verdict["pretrained"]:
        answer = (
            "FD-01 is unanswered: neither TimesFM nor Lag-Llama has run on this dataset with its pre-trained weights."
        )
    else:
        answer = f"The original study's protocol gives no answer: {protocol['reason']}."
    answer += _doubts(verdict["doubts"])
    if verdict["sealed"]["folds"]:
        closed = ", ".join(dict.fromkeys([*verdict["sealed"]["folds"], *verdict["sealed"]["left_out"]]))
        answer = f"{answer} Not looked at: {closed}, since {NOT_FIXED}."
    pairs = [
        f"{block['reference']['auc']:.3f} against {block['baseline']['auc']:.3f} ({block['baseline']['experiment']}) "
        f"on {block['fold']}"
        for block in verdict["blocks"]
        if block["reference"] and block["baseline"]
    ]
    if not pairs:
        return f"{answer} The reference, {verdict['reference']}, has no score to compare with."
    return (
        f"{answer} AUC of PatchTST trained for the task ({verdict['reference']}) against the simple baseline chosen on "
        f"training data: {'; '.join(pairs)}.{_paired_tests(verdict)}{_others(verdict)}"
    )


def _decided(answer, verdict):
    """The outcome of the protocol, with the figures that it rests on."""
    (result,) = (result for result in answer["results"] if result["decides"])
    same = {key: verdict[key] for key in ORIGINAL_TARGET} == ORIGINAL_TARGET
    return (
        f"{result['outcome']} ({answer['experiment']} reaches AUC {result['auc']:.3f} with a spread of "
        f"{result['spread']:.4f} on {answer['fold']}{'' if same else ' for the target up, h = 1'}"
        f"{_seen(answer['exposure'])})"
    )


def _of_stand_ins(answers, verdict):
    """The protocol's answer for forecasts that were made elsewhere, where its own experiment has no score."""
    sources = ", ".join(dict.fromkeys(answer["source"] for answer in answers))
    only_points = all(len(answer["results"]) == 1 for answer in answers)  # a distribution also has an exceedance
    return (
        f"{verdict['protocol']['experiment']} has no score here. By the original study's protocol, forecasts made "
        f"elsewhere ({sources}) give: {'; '.join(_decided(answer, verdict) for answer in answers)}."
        f"{f' {POINT_FORECAST}' if only_points else ''}"
    )


def _seen(exposure):
    return "" if exposure in (None, CLEAN) else f", {exposure}: the model may have been trained on these days"


def _doubts(labels):
    """What speaks against pre-trained weights, label by label."""
    return "".join(
        f" {label.capitalize()}: {', '.join(names)} ({meaning})." for label, meaning, names in by_label(labels)
    )


def _paired_tests(verdict):
    """The paired tests in words. Of pre-trained experiments only clean days count."""
    reference, rows = verdict["reference"], verdict["comparisons"]
    of_reference = [row for row in rows if row["experiment"] == reference]
    text = f" Paired tests: {reference} against the baseline is {_counts(of_reference)}." if of_reference else ""
    primary = [row for row in rows if row["against"] == "reference" and row["family"] == PRIMARY]
    if not primary:
        return text
    clean = [row for row in primary if row["fold"] == AFTER_CUTOFF]
    if not clean:
        return (
            f"{text} Pre-trained experiments have no score on days after the end of their training data: what they "
            "reach on days that they may have seen answers nothing."
        )
    days = f"{clean[0]['n']} days after the end of all training data, {clean[0]['positives']} with the event"
    undecided = " These days do not decide." if {row["verdict"] for row in clean} == {INCONCLUSIVE} else ""
    return (
        f"{text} Pre-trained experiments against {reference} on the clean days ({days}): {_counts(clean)}.{undecided}"
    )


def _others(verdict):
    """The paired tests of the other pre-trained models in words, without stand-ins for one of the question."""
    names = set(verdict["other_pretrained"]) - {answer["experiment"] for answer in verdict["stand_ins"]}
    rows = [row for row in verdict["comparisons"] if row["experiment"] in names and row["against"] == "reference"]
    if not rows:
        return ""
    named = ", ".join(sorted({row["experiment"] for row in rows}))
    seen = "" if all(row["exposure"] == CLEAN for row in rows) else " These days may be in the training data."
    return f" Pre-trained, but not of the question: {named} against {verdict['reference']}: {_counts(rows)}.{seen}"


def _counts(rows):
    """Verdicts in words, block by block."""
    texts = []
    for fold in dict.fromkeys(row["fold"] for row in rows):
        verdicts = [row["verdict"] for row in rows if row["fold"] == fold]
        counts = [f"{verdicts.count(name)} {name}" for name in VERDICTS if name in verdicts]
        texts.append(f"{verdicts[0] if len(verdicts) == 1 else ', '.join(counts)} on {fold}")
    return ", ".join(texts)
