"""Whether a reader may trust the first page, in five lines."""

from fd01.evaluation.alignment import ALIGNED, NOT_APPLICABLE
from fd01.evaluation.alignment import UNDECIDED as UNKNOWN_DAY
from fd01.evaluation.evidence import OF_STATUS, by_label, doubts
from fd01.evaluation.metrics import ALL_SEEDS
from fd01.models.known_answers import REFUSED, VERIFIED
from fd01.report.forest import against_reference
from fd01.report.html import number
from fd01.report.words import by_model, counted, listed
from fd01.scoring.predictions import of_target

OK, ATTENTION, FAILED, NOT_DONE = "ok", "attention", "failed", "not done"
# What a failed health check (fd01.evaluation.health) says.
FAULTS = {
    "packages as pinned": "other package versions than the pinned ones",
    "model loads": "its network cannot be checked",
    "known answers": "its weights do not give every published answer",
    "weights as recorded": "a file of its weights differs from what is recorded",
    "stopped early": "its training ended at the longest time allowed",
    "every day": "some days have no forecast",
    "near the Close": "some forecasts lie far from the Close",
    "finite": "some scores are not finite",
    "spread": "its scores hardly differ",
    "distinct": "fewer than a tenth of its days have different scores",
    "AUC computable": "a block does not have both outcomes",
}


def trust(study, results, shown):
    """Five lines on whether a reader may trust the page."""
    return [
        {"what": what, "state": state, "text": text}
        for what, (state, text) in {
            "Are these the published weights?": _weights(study, results),
            "Are there enough days?": _power(study, results, shown),
            "Does anything look into the future?": _leakage(study, results),
            "How many attempts were made?": _attempts(study, results, shown),
            "Did checks fail?": _failed_checks(study, results),
        }.items()
    ]


def _weights(study, results):
    table = results.experiments
    scored = table[table["experiment"].isin(results.pretrained)]
    verified = list(scored.loc[scored["evidence"] == OF_STATUS[VERIFIED], "experiment"])
    refused = list(table.loc[table["weights"] == REFUSED, "experiment"])
    labels = {name: label for name, label in doubts(scored).items()}
    parts = [f"Verified by published answers: {by_model(study, verified)}."] if verified else []
    parts += [
        f"{label.capitalize()}: {by_model(study, names)} ({meaning})." for label, meaning, names in by_label(labels)
    ]
    if refused:
        parts.append(f"Refused: {by_model(study, refused)}; the weights do not load or give other answers.")
    if not parts:
        return NOT_DONE, "No pre-trained model ran, so there were no weights to check."
    if not any(study.in_question(name) for name in [*results.pretrained, *refused]) and study.models:
        parts.append(f"{listed(study.models)}: none to check.")
    return FAILED if refused else ATTENTION if labels else OK, " ".join(parts)


def _power(study, results, shown):
    rows = against_reference(results, shown).merge(
        results.power[["fold", "experiment", "against", "detectable_holm"]], on=["fold", "experiment", "against"]
    )
    rows = rows.dropna(subset="detectable_holm")
    of_question = rows["experiment"].map(study.in_question).astype(bool) if len(rows) else []
    whose = "the models of the question" if any(of_question) else "what ran here"
    rows = rows[of_question] if any(of_question) else rows
    if rows.empty:
        return NOT_DONE, f"Nothing was compared with {study.reference}."
    typical = {
        period["title"]: rows.loc[rows["fold"] == period["fold"], "detectable_holm"].median() for period in shown
    }
    typical = {title: size for title, size in typical.items() if size == size}
    margin, power = study.statistics["margin"], study.statistics["power"]
    sizes = listed([f"{size:.2f} in {title}" for title, size in typical.items()])
    enough = max(typical.values()) <= margin
    return OK if enough else ATTENTION, (
        f"A difference in AUC of {sizes} is found with a chance of {100 * power:g} %, after the correction for many "
        f"tests (median over {whose})."
    )


def _leakage(study, results):
    rows = results.alignment[results.alignment["verdict"] != NOT_APPLICABLE]
    accused = sorted(results.off_their_day)
    late = (
        f"late or ahead: {listed(list(map(study.name, accused)))}" if accused else "none is shown to be late or ahead"
    )
    counts = [int((rows["verdict"] == verdict).sum()) for verdict in (ALIGNED, UNKNOWN_DAY)]
    told = f"{counts[0]} lie on their day, {counts[1]} do not tell"
    day = (
        f"Of {counted(len(rows), 'forecast')}, {told}; {late}."
        if len(rows)
        else "No forecast shows on which day it lies."
    )
    if results.audit is None:
        return FAILED if accused else NOT_DONE, f"The leakage audit was not done. {day}"
    broken = list(results.audit.loc[results.audit["ok"].eq(False), "check"])
    if broken:
        return FAILED, f"The leakage audit found something that looks ahead: {listed(broken)}. {day}"
    if results.outdated:
        old = listed([study.name(name) if name in study.experiments else name for name in results.outdated])
        return FAILED if accused else ATTENTION, f"The leakage audit is older than the forecasts of {old}. {day}"
    return FAILED if accused else OK, f"The leakage audit found nothing that looks ahead. {day}"


def _attempts(study, results, shown):
    """How many configurations were tried on each block, and what luck alone makes of the best of them."""
    ledger = of_target(results.ledger, **study.target)
    scores = of_target(results.metrics, **study.target)
    scores, parts, luck = scores[scores["seed"] == ALL_SEEDS], [], False
    for period in shown:
        for row in ledger[(ledger["fold"] == period["fold"]) & (ledger["ever"] > 0)].itertuples():
            best = scores.loc[scores["fold"] == row.fold, "auc"].max()
            luck |= not best > row.expected_maximum
            by_luck = f"best AUC {number(best, 2)}; by luck {number(row.expected_maximum, 2)}"
            parts.append(f"{row.ever:,} in {period['title']} ({by_luck})")
    if not parts:
        return NOT_DONE, "Nothing was scored."
    return ATTENTION if luck else OK, f"{listed(parts)}."


def _failed_checks(study, results):
    failed, passed = {}, 0
    for name, group in results.checks.items():
        checks = {check["check"]: check["ok"] for check in group}
        if checks.get("ran") is False:
            continue  # it is among those that did not run
        faults = [check for check, ok in checks.items() if ok is False]
        passed += not faults
        if faults:
            failed[name] = listed([FAULTS.get(check, check) for check in faults])
    if not failed:
        return (OK, f"All checks of {counted(passed, 'experiment')} passed.") if passed else (NOT_DONE, "Nothing ran.")
    reference = study.decision["reference"]
    parts = [f"the reference itself, {study.name(reference)}: {failed[reference]}"] if reference in failed else []
    parts += [f"{study.name(name)}: {fault}" for name, fault in failed.items() if name != reference][:3]
    more = len(failed) - len(parts)
    text = f"{'; '.join(parts)}{f'; and {more} more' if more else ''}."
    return FAILED, f"{text[0].upper()}{text[1:]} {counted(passed, 'other experiment')} passed."
