"""The status of the question, and the reason. docs/explanation/question-and-protocol.md has the rules."""

from fd01.evaluation.blocks import AFTER_CUTOFF
from fd01.evaluation.comparison import BETTER, EQUIVALENT, WORSE
from fd01.evaluation.evidence import by_label, doubts
from fd01.evaluation.exposure import CLEAN
from fd01.evaluation.paired_comparisons import PRIMARY
from fd01.report.forest import against_reference, ways_of
from fd01.report.words import by_model, counted, counted_verdicts, listed, per_period, who_made

YES, NO, UNDECIDED, UNANSWERED = "yes", "no", "undecided", "unanswered"


def evidence_rows(study, results):
    """The comparisons that may answer the question: with the reference, on clean days, of primary experiments.

    Forecasts that were made elsewhere stand in for a primary experiment that has no comparison of its own. What does
    not lie on its day, or was trained on the block, counts for nothing.
    """
    rows = results.judged
    if results.optimistic(study.decision["reference"]):
        return rows[:0]
    rows = rows[(rows["fold"] == AFTER_CUTOFF) & (rows["against"] == "reference") & (rows["exposure"] == CLEAN)]
    rows = rows[~rows["optimistic"].eq(True) & ~rows["experiment"].isin(results.off_their_day)]
    own = set(rows.loc[rows["family"] == PRIMARY, "experiment"])

    def counts(name):
        stands_for = study.experiments[name].get("stands_for")
        return name in own or (stands_for in study.decision["primary"] and stands_for not in own)

    return rows.loc[[counts(name) for name in rows["experiment"]]]


def answer(study, results, shown):
    """The status of the question and the reason for it, one sentence or two."""
    status, reason = _answer_here(study, results, shown)
    if status == UNANSWERED or (study.of_question and study.event_of_question):
        return status, reason
    other = "other prices" if not study.of_question else "another event"
    return UNANSWERED, f"The question is about {other}. Here the answer would be “{status}”: {reason}"


def _answer_here(study, results, shown):
    """The status and its reason if dataset and event were those of the question."""
    models = study.models
    scored = [name for model in models for name in ways_of(study, results, model)[0]]
    if not models:
        return UNANSWERED, "The configuration has no model of the question."
    if not scored:
        others = _others_that_ran(study, results, shown)
        if len(models) == 1:
            return UNANSWERED, f"{models[0]} did not run with its pre-trained weights{others}."
        return UNANSWERED, f"Neither {listed(models, 'nor')} ran with its pre-trained weights{others}."
    rows = evidence_rows(study, results)
    if rows.empty:
        return UNDECIDED, f"{who_made(study, scored)} ran, but {_why_no_evidence(study, results, shown)}."
    who = who_made(study, rows["experiment"])
    days = f"the {counted(int(rows['n'].max()), 'day')} after the end of all training data"
    better = rows[rows["verdict"] == BETTER]
    if len(better):
        best = better.loc[better["auc_difference"].idxmax()]
        size = f"is better than {study.reference} by {best['auc_difference']:.2f} in AUC on {days}"
        count = f"; of {counted(len(rows), 'way')} that ran, {counted_verdicts(rows)}" if len(rows) > 1 else ""
        return YES, f"{study.name(best['experiment'])} {size}{count}."
    silent = [model for model in models if model not in set(map(study.model, rows["experiment"]))]
    if not silent and set(rows["verdict"]) <= {WORSE, EQUIVALENT}:
        return NO, f"On {days}, none of {who} is better than {study.reference}: {counted_verdicts(rows)}."
    lacking = f"; {listed(silent)}: no valid score in a way that the plan names" if silent else ""
    return UNDECIDED, f"On {days}, {who} against {study.reference}: {counted_verdicts(rows)}{lacking}."


def _others_that_ran(study, results, shown):
    """A clause on pre-trained models that the question does not name; "" without one."""
    others = [name for name in results.pretrained if not study.in_question(name)]
    models = list(dict.fromkeys(map(study.model, others)))
    if not others:
        return ""
    if len(models) > 1:
        return f". Other pre-trained models ran: {listed(models)}"
    rows = against_reference(results, shown)
    verdicts = per_period(rows[rows["experiment"].isin(others)], shown)
    found = rows.loc[rows["experiment"].isin(others), "verdict"].unique()
    said = found[0] if len(found) == 1 else verdicts or "nothing to compare"
    return f". Another pre-trained model, {models[0]}, ran; against {study.reference}: {said}"


def _why_no_evidence(study, results, shown):
    if against_reference(results, shown).empty:
        return f"nothing can be compared with {study.reference}"
    if results.optimistic(study.decision["reference"]):
        return f"the training of {study.reference} was stopped on days that it is judged on"
    if any(period["fold"] == AFTER_CUTOFF for period in shown):
        return "none of the ways that the plan names has a valid score on the days after the end of all training data"
    if results.verdict["sealed"]["folds"] and results.has_clean_days(study.cut_off):
        return "the days after the end of all training data are sealed"
    return "every day here may have been in their training data: a good score on such days proves nothing"


def caveats(study, results):
    """What a reader must know with the reason: other data or event, what the models rest on, what the protocol says."""
    found = []
    if not study.of_question:
        title = study.titles.get(study.decision["dataset"], study.decision["dataset"])
        found.append(
            f"This dataset is not that of the question ({title}): how the models compare on it does not answer FD-01."
        )
    if not study.event_of_question:
        found.append(
            "This event is not that of the question, nor of the original study's protocol and figures: the target up, "
            "one day ahead."
        )
    scored = [name for name in results.pretrained if study.in_question(name)]
    labels = {name: label for name, label in doubts(results.experiments).items() if name in scored}
    found += [f"{label.capitalize()}: {by_model(study, names)} ({text})." for label, text, names in by_label(labels)]
    if off := [name for name in scored if name in results.off_their_day]:
        found.append(f"Not counted, as their forecasts do not lie on their day: {by_model(study, off)}.")
    protocol = results.verdict["protocol"]
    for one in protocol["results"] if protocol["status"] == "decided" else []:
        if one["decides"]:
            found.append(f"The original study's protocol says: {one['outcome']}.")
    return found
