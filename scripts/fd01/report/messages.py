"""The three key messages: what was asked, what was found, and what follows."""

from fd01.evaluation.comparison import BETTER, WORSE
from fd01.evaluation.evidence import doubts
from fd01.evaluation.exposure import CLEAN
from fd01.report.forest import against_reference, empty_rows
from fd01.report.groups import BASELINES
from fd01.report.html import number
from fd01.report.status import NO, UNANSWERED, UNDECIDED, YES
from fd01.report.words import counted_verdicts, listed, per_period


def messages(study, results, shown, status, blind, event):
    """Three key messages: what was asked, what was found, and what follows."""
    return [
        {"title": "What was asked", "text": _asked(study, event)},
        {"title": "What was found", "text": _found(study, results, shown)},
        {"title": "What follows", "text": _follows(study, results, shown, status, blind)},
    ]


def _asked(study, event):
    models = listed(study.models, "or") if study.models else "a pre-trained model"
    return (
        f"Can {models}, trained by others on other data, tell better than {study.reference}, trained for this task, "
        f"which days come before the event? The event: {event}. AUC says how often a model ranks a day with the event "
        "above a day without: 0.5 is guessing, 1 is perfect."
    )


def _found(study, results, shown):
    rows, models = against_reference(results, shown), {}
    for name in results.pretrained:
        models.setdefault(study.model(name), []).append(name)
    labels, text = doubts(results.experiments), []
    for model, names in models.items():
        own = rows[rows["experiment"].isin(names)]
        said = per_period(own, shown) if len(names) == 1 else _counts_per_period(own, shown)
        label = {labels[name] for name in names if name in labels}
        who = study.name(names[0]) if len(names) == 1 else f"{model}, {len(names)} ways"
        exposed = " (it may know these days)" if len(own) and (own["exposure"] != CLEAN).all() else ""
        worse = _worse_than_baseline(results, names, shown)
        text.append(
            f"{who}{f', {listed(sorted(label))}' if label else ''}: {said or 'no score to compare'}{exposed}{worse}."
        )
    absent = empty_rows(study, results)
    if absent:
        text.append(f"Not run: {listed([label.replace(', pre-trained', '') for _, _, label in absent])}.")
    against = f"Against {study.reference}: " if models else "No pre-trained model ran. "
    return f"{against}{' '.join(text)}{_reference_and_baseline(study, results, rows, shown)}"


def _worse_than_baseline(results, names, shown):
    """A clause that says in which periods these experiments are worse than the chosen baseline; "" if in none."""
    rows = results.judged
    rows = rows[(rows["against"] == "baseline") & rows["experiment"].isin(names) & (rows["verdict"] == WORSE)]
    where = {}
    for period in shown:
        if count := int((rows["fold"] == period["fold"]).sum()):
            where.setdefault("" if len(names) == 1 else f"{count} ", []).append(period["title"])
    return "".join(f"; {count}worse than the simple baseline in {listed(titles)}" for count, titles in where.items())


def _counts_per_period(rows, shown):
    parts = [(rows[rows["fold"] == period["fold"]], period["title"]) for period in shown]
    return "; ".join(f"{counted_verdicts(part)} in {title}" for part, title in parts if len(part))


def _reference_and_baseline(study, results, rows, shown):
    """A sentence on the AUC of the reference and of the baseline chosen on training data, in each block."""
    titles = {period["fold"]: period["title"] for period in shown}
    own, others, names = [], [], []
    for block in results.verdict["blocks"]:
        reference, baseline = block["reference"], block["baseline"]
        if block["fold"] in titles and reference and baseline:
            pair = rows[(rows["fold"] == block["fold"]) & (rows["experiment"] == baseline["experiment"])]
            own.append(f"{number(reference['auc'])} in {titles[block['fold']]}")
            others.append((number(baseline["auc"]), *pair["verdict"]))
            names.append(study.name(baseline["experiment"]))
    if not own:
        return _baseline_alone(study, results, titles)
    if len(set(names)) > 1:
        others = [(auc, name, *verdict) for (auc, *verdict), name in zip(others, names)]
    found = listed([f"{auc} ({', '.join(said)})" if said else auc for auc, *said in others])
    same = f", {names[0]}," if len(set(names)) == 1 else ""
    baseline = f"the simple baseline chosen on training data{same}"
    return f" {study.reference} has AUC {listed(own)}; {baseline} has {found}."


def _baseline_alone(study, results, titles):
    """A sentence on the AUC of the baseline chosen on training data, where the reference has no score; "" without."""
    found = {}
    for block in results.verdict["blocks"]:
        if block["fold"] in titles and (baseline := block["baseline"]):
            auc = f"{number(baseline['auc'])} in {titles[block['fold']]}"
            found.setdefault(study.name(baseline["experiment"]), []).append(auc)
    if not found:
        return ""
    aucs = "; ".join(f"{name} has {listed(own)}" for name, own in found.items())
    return f" {study.reference} has no score. AUC of the simple baseline chosen on training data: {aucs}."


def _follows(study, results, shown, status, blind):
    models = listed(study.models, "or") if study.models else "a pre-trained model"
    same = "this event on these days. It need not hold for another event, market or time"
    text = {
        UNANSWERED: f"Nothing follows for or against {models}.",
        UNDECIDED: f"Nothing is shown for or against {models}. “Inconclusive” does not mean “equal”.",
        YES: f"A pre-trained model can help with {same}.",
        NO: f"No pre-trained model is better than {study.reference} for {same}.",
    }[status]
    rows = against_reference(results, shown)
    better = rows[rows["verdict"] == BETTER]
    better = better.loc[[results.group(name) == BASELINES for name in better["experiment"]]]
    if names := set(better["experiment"]):
        beaten = "one of them is" if len(names) == 1 else f"{len(names)} of them are"
        where = listed([period["title"] for period in shown if period["fold"] in set(better["fold"])])
        text += f" A model should first beat simple baselines: {beaten} better than {study.reference} in {where}."
    known = [one for one in blind if one["chance_high"] is not None]
    if known and study.target["target"] != "direction":
        over = [one["title"] for one in known if one["direction_auc"] > one["chance_high"]]
        found = f"better than guessing gives in {listed(over)}" if over else "no better than guessing gives"
        best = f"the best of {max(one['tried'] for one in known)} scores is {found}"
        text += f" The event says how far the price moves, not whether it ends higher: on true direction {best}."
    return f"{text} A good ranking is not a profit."
