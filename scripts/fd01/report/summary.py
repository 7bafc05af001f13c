"""The first page of the report as data: summary.json. docs/explanation/question-and-protocol.md has the rules.

Every sentence follows from the tables of a run. `schemas/summary.schema.json` says what the parts are.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import ndtri

from fd01.data.origins import EVALUATION
from fd01.data.targets import describe, target_column
from fd01.evaluation.alignment import ALIGNED, NOT_APPLICABLE, is_accusation
from fd01.evaluation.alignment import UNDECIDED as UNKNOWN_DAY
from fd01.evaluation.blocks import AFTER_CUTOFF
from fd01.evaluation.comparison import BETTER, EQUIVALENT, NO_VERDICT, VERDICTS, WORSE
from fd01.evaluation.evidence import OF_STATUS, by_label, doubts
from fd01.evaluation.evidence import PRETRAINED as PRETRAINED_LEVELS
from fd01.evaluation.exposure import CLEAN, last_day
from fd01.evaluation.metrics import ALL_SEEDS
from fd01.evaluation.paired_comparisons import PRIMARY
from fd01.evaluation.protocol import ORIGINAL_TARGET, ORIGINAL_THRESHOLD
from fd01.models.known_answers import REFUSED, VERIFIED
from fd01.report.groups import BASELINES, GROUPS, PRETRAINED, group_of
from fd01.report.html import number
from fd01.report.not_run import WEIGHTS, causes
from fd01.scoring.predictions import of_target
from fd01.study.folds import is_walk_forward
from fd01.study.names import display_name, model_of
from fd01.study.systems import EXTERNAL, SYSTEMS

SCHEMA_VERSION = "1.0"
YES, NO, UNDECIDED, UNANSWERED = "yes", "no", "undecided", "unanswered"
OK, ATTENTION, FAILED, NOT_DONE = "ok", "attention", "failed", "not done"
NOT_RUN = "not run"
ROWS = 8  # of a panel of the figure, if there are not more pre-trained models
MOST_PRETRAINED = 16  # rows of pre-trained models
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


@dataclass(frozen=True)
class Study:
    """What is asked, from the configuration.

    Attributes
    ----------
    dataset : str
    experiments, decision, statistics, labels : dict, these sections
    target : dict with `target` and `horizon`, the first of the section `targets`
    titles : dict of dataset to its title
    cut_off : str or None
        The month after which days are clean, from `fd01.study.systems.cut_off`.
    """

    dataset: str
    experiments: dict
    decision: dict
    statistics: dict
    labels: dict
    target: dict
    titles: dict
    cut_off: str | None

    def name(self, experiment):
        """An experiment in words."""
        return display_name(experiment, self.experiments[experiment])

    def label(self, experiment):
        """An experiment in words, as figures have room for: without its own name, but for a model of the question."""
        in_full = self.in_question(experiment) or "name" not in self.experiments[experiment]
        return self.name(experiment) if in_full else self.experiments[experiment]["name"]

    def model(self, experiment):
        """The network of an experiment in words."""
        return model_of(experiment, self.experiments)

    @property
    def reference(self):
        """The network of the reference in words."""
        return self.model(self.decision["reference"])

    def in_question(self, experiment):
        """Whether an experiment has pre-trained weights of a model that the question names, or stands for one."""
        entry = self.experiments[experiment]
        if "stands_for" in entry:
            return self.in_question(entry["stands_for"])
        return SYSTEMS[entry["system"]].in_question and entry["settings"].get("weights") == "pretrained"

    @property
    def models(self):
        """The models of the question in words, those of the primary experiments first."""
        names = [*self.decision["primary"], *self.experiments]
        return list(dict.fromkeys(self.model(name) for name in names if self.in_question(name)))

    @property
    def of_question(self):
        """Whether the dataset is the one of the question."""
        return self.dataset == self.decision["dataset"]

    @property
    def event_of_question(self):
        """Whether the event is the one of the question."""
        return self.target == ORIGINAL_TARGET and self.labels["threshold"] == ORIGINAL_THRESHOLD


@dataclass(frozen=True)
class Results:
    """What was measured: `verdict.json`, `dataset.json`, and tables of `metrics/` by their names, as DataFrames.

    Attributes
    ----------
    outcomes : DataFrame, the table `outcomes.parquet`
    checks : dict of experiment to its health checks
    audit : DataFrame or None, the table of the leakage audit
    outdated : list of str
        Experiments whose predictions changed after the audit.
    """

    verdict: dict
    description: dict
    metrics: pd.DataFrame
    experiments: pd.DataFrame
    comparisons: pd.DataFrame
    power: pd.DataFrame
    labels: pd.DataFrame
    ledger: pd.DataFrame
    alignment: pd.DataFrame
    outcomes: pd.DataFrame
    checks: dict
    audit: pd.DataFrame | None = None
    outdated: list = field(default_factory=list)

    @property
    def pretrained(self):
        """Experiments with a score whose model is pre-trained or made its forecasts elsewhere."""
        scored = self.experiments["status"] != NOT_RUN
        return list(self.experiments.loc[scored & self.experiments["evidence"].isin(PRETRAINED_LEVELS), "experiment"])

    @property
    def judged(self):
        """The comparisons; a pair that cannot be judged has the verdict `NO_VERDICT`, and no interval."""
        rows = self.comparisons.dropna(subset="auc_difference")
        silent = rows["reason"].notna()
        intervals = rows[["adjusted_low", "adjusted_high"]].mask(silent)
        return rows.assign(**intervals, verdict=rows["verdict"].mask(silent, NO_VERDICT))

    def optimistic(self, experiment):
        """Whether the training of an experiment was stopped on an evaluation block."""
        return bool(self.experiments.set_index("experiment")["optimistic"].eq(True).get(experiment, False))

    def group(self, experiment):
        """The group of a scored experiment, one of `fd01.report.groups.GROUPS`."""
        return group_of(self.experiments.set_index("experiment")["evidence"][experiment])

    def has_clean_days(self, cut_off):
        """Whether any evaluation day lies after a month, whether or not its outcome is sealed or known."""
        days = self.outcomes.loc[self.outcomes["role"] == EVALUATION, "origin"]
        return bool((days > last_day(cut_off or "unknown")).any())

    @property
    def off_their_day(self):
        """Experiments with a forecast that is late or knows the future."""
        return set(self.alignment.loc[self.alignment["verdict"].map(is_accusation), "experiment"])


def summarise(study, results):
    """The summary of a `Study` and its `Results`: a dict, ready for JSON."""
    event = describe(**study.target, labels=study.labels)
    shown = periods(study, results)
    rows, not_shown = figure_rows(study, results, shown)
    blind = direction(study, results, shown)
    status, reason = answer(study, results, shown)
    absent = causes(results.experiments, study.experiments)
    title = results.description["title"]
    return {
        "schema_version": SCHEMA_VERSION,
        "study": "FD-01",
        "question": results.verdict["question"],
        "title": f"{title}. The event: {event}",
        "status": status,
        "status_word": status.capitalize(),
        "reason": reason,
        "caveats": caveats(study, results),
        "messages": messages(study, results, shown, status, blind, event),
        "dataset": {
            "name": study.dataset,
            "title": title,
            "first_date": results.description["first_date"],
            "last_date": results.description["last_date"],
            "of_question": study.of_question,
        },
        "event": study.target | {"text": event, "of_question": study.event_of_question},
        "reference": {"experiment": study.decision["reference"], "name": study.name(study.decision["reference"])},
        "margin": study.statistics["margin"],
        "periods": shown,
        "rows": rows,
        "not_shown": not_shown,
        "groups": [group for group in GROUPS if any(row["group"] == group for row in rows)],
        "direction": blind,
        "trust": trust(study, results, shown),
        "limitations": limitations(study, results, shown),
        "next": next_command(study, results, absent),
        "not_run": absent,
    }


# Words


def _listed(parts, last="and"):
    """Parts in a row, such as "a, b and c"."""
    *before, end = parts
    return f"{', '.join(before)} {last} {end}" if before else end


def _count(number_of, what):
    return f"{number_of:,} {what}{'' if number_of == 1 else 's'}"


def _by_model(study, experiments):
    """Experiments in few words: by its name if a model has one of them, else the model and their number."""
    names = {}
    for experiment in experiments:
        names.setdefault(study.model(experiment), []).append(experiment)
    return _listed(
        [study.name(own[0]) if len(own) == 1 else f"{model} ({len(own)} ways)" for model, own in names.items()]
    )


def _who(study, experiments):
    """`_by_model`; of models whose forecasts were all made elsewhere, it says so."""
    here = [name for name in experiments if study.experiments[name]["system"] != EXTERNAL]
    models = {study.model(name) for name in experiments} - {study.model(name) for name in here}
    parts = [_by_model(study, here)] if here else []
    return _listed([*parts, *(f"forecasts of {model} that were made elsewhere" for model in sorted(models))])


def _verdicts(rows):
    """Verdicts in words, such as "1 worse, 2 inconclusive"."""
    verdicts = list(rows["verdict"])
    return ", ".join(f"{verdicts.count(one)} {one}" for one in [*VERDICTS, NO_VERDICT] if one in verdicts)


# Periods


def periods(study, results):
    """The periods of days that were looked at: all clean days together first, then each block, the protocol's first."""
    column = target_column(**study.target)
    days = results.outcomes[(results.outcomes["role"] == EVALUATION) & results.outcomes[column].notna()]
    clean = days["origin"] > last_day(study.cut_off or "unknown")
    parts = {AFTER_CUTOFF: days[clean].drop_duplicates("origin")}
    parts |= {block["fold"]: days[days["fold"] == block["fold"]] for block in results.verdict["blocks"]}
    parts = {fold: part for fold, part in parts.items() if len(part) and not is_walk_forward(fold)}
    titles = _titles({fold: (part["origin"].min(), part["origin"].max()) for fold, part in parts.items()})
    return [
        {
            "fold": fold,
            "title": titles[fold],
            "first": f"{part['origin'].min():%Y-%m-%d}",
            "last": f"{part['origin'].max():%Y-%m-%d}",
            "n": len(part),
            "positives": int(part[column].sum()),
            "base_rate": float(part[column].mean()),
            "clean": bool(clean[part.index].all()),
        }
        for fold, part in parts.items()
    ]


def _titles(spans):
    """A title per fold from its first and last day: years, or months where two periods have the same years."""
    years = {fold: f"{a.year}–{b.year}" if a.year < b.year else f"{a.year}" for fold, (a, b) in spans.items()}
    months = {fold: f"{a:%b %Y} to {b:%b %Y}" for fold, (a, b) in spans.items()}
    titles = {}
    for fold in spans:
        others = [years[other] for other in spans if other not in (fold, AFTER_CUTOFF)]
        titles[fold] = months[fold] if years[fold] in others else years[fold]
        if [months[other] for other in spans if other != AFTER_CUTOFF].count(titles[fold]) > 1:
            titles[fold] = f"{titles[fold]} ({fold})"
    if AFTER_CUTOFF in spans:
        titles[AFTER_CUTOFF] = f"clean days, {months[AFTER_CUTOFF]}"
    return titles


# The figure


def _against_reference(results, shown):
    """Comparisons with the reference in the periods, without optimistic experiments."""
    rows = results.judged
    rows = rows[(rows["against"] == "reference") & rows["fold"].isin([period["fold"] for period in shown])]
    return rows[~rows["optimistic"].eq(True)]


def figure_rows(study, results, shown):
    """The rows of the forest plot, the same experiments in each period, and how many compared ones it leaves out.

    All pre-trained models are there, up to `MOST_PRETRAINED`, primary ones first. Models of the question that did not
    run have one empty row each. Of the other groups the best of the first period are shown.
    """
    table = _against_reference(results, shown)
    first = table[table["fold"] == shown[0]["fold"]] if shown else table
    differences = first.set_index("experiment")["auc_difference"]
    best_first = sorted(table["experiment"].unique(), key=lambda name: -differences.get(name, -np.inf))
    groups = {group: [] for group in GROUPS}
    for name in best_first:
        groups[results.group(name)].append(name)
    primary = study.decision["primary"]
    pretrained = sorted(groups[PRETRAINED], key=lambda name: name not in primary)[:MOST_PRETRAINED]
    models = [*study.models, *map(study.model, pretrained)]
    entries = [(name, study.model(name), study.label(name)) for name in groups[PRETRAINED] if name in pretrained]
    entries = sorted(entries + _empty_rows(study, results), key=lambda entry: models.index(entry[1]))
    leaders = [groups[group][0] for group in GROUPS[1:] if groups[group]]
    rest = [name for name in best_first if name not in [*groups[PRETRAINED], *leaders]]
    kept = {*leaders, *rest[: max(ROWS - len(entries) - len(leaders), 0)]}
    named = [(name, label, PRETRAINED) for name, _, label in entries]
    named += [(name, study.label(name), group) for group in GROUPS[1:] for name in groups[group] if name in kept]
    doubted, rows = doubts(results.experiments), []
    for period in shown:
        of_period = table[table["fold"] == period["fold"]].set_index("experiment")
        for name, label, group in named:
            row = {"fold": period["fold"], "experiment": name, "name": label, "group": group}
            rows.append(row | _estimate(of_period, name) | {"doubt": doubted.get(name)})
    compared = results.comparisons.loc[results.comparisons["against"] == "reference", "experiment"]
    return rows, len(set(compared) - kept - set(pretrained))


def _estimate(table, name):
    """What the figure shows of an experiment in one period; nothing where it was not compared."""
    if name not in table.index:
        return dict.fromkeys(["difference", "low", "high", "verdict", "exposure"]) | {"status": NOT_RUN}
    row = table.loc[name]
    return {
        "status": "ok",
        "difference": float(row["auc_difference"]),
        "low": None if pd.isna(row["adjusted_low"]) else float(row["adjusted_low"]),
        "high": None if pd.isna(row["adjusted_high"]) else float(row["adjusted_high"]),
        "verdict": None if row["verdict"] == NO_VERDICT else row["verdict"],
        "exposure": row["exposure"] if isinstance(row["exposure"], str) else None,
    }


def _ways(study, results, model):
    """Experiments of a model of the question: those with a score, and those that were asked for and have none."""
    own = [name for name in study.experiments if study.in_question(name) and study.model(name) == model]
    tried = set(results.experiments.loc[results.experiments["model"].notna(), "experiment"])
    scored = [name for name in own if name in results.pretrained]
    asked = [name for name in own if name in tried or study.experiments[name]["run"] == "gpu"]
    return scored, [name for name in asked if name not in scored]


def _empty_rows(study, results):
    """Of each model of the question that did not run in all ways: no experiment, the model, and the text of its row."""
    rows = []
    for model in study.models:
        scored, waiting = _ways(study, results, model)
        if waiting or not scored:
            ways = f" ({_count(len(waiting), 'more way' if scored else 'way')})" if len(waiting) > 1 or scored else ""
            rows.append((None, model, f"{model}, pre-trained{ways}"))
    return rows


def direction(study, results, shown):
    """The best AUC on the event and on true direction in each period, and what guessing gives the best of k scores.

    The band of guessing holds whatever the scores have in common. Its lower end is that of one score, which the best of
    k equal scores has. Its upper end is the 97.5 % quantile of the best of k independent scores, with the k-th root of
    the probability (Sidak 1967): scores that resemble each other stay below it more often.
    """
    if study.target["target"] == "direction":
        return []
    scored, found, doubted = results.labels.dropna(subset="auc"), [], doubts(results.experiments)
    scored = scored[scored["horizon"] == study.target["horizon"]]
    sized = np.isclose(scored["threshold"], study.labels["threshold"]) | scored["threshold"].isna()

    def named(experiment):
        return ", ".join(filter(None, [study.label(experiment), doubted.get(experiment)]))

    for period in shown:
        here = scored[sized & (scored["fold"] == period["fold"])]
        blind, event = (here[here["target"] == name] for name in ("direction", study.target["target"]))
        if blind.empty:
            continue
        tried, chance = len(blind), blind["chance"].iloc[0]
        factor = ndtri(0.975 ** (1 / tried)) / ndtri(0.975)
        best, of_event = (rows.loc[rows["auc"].idxmax()] if len(rows) else None for rows in (blind, event))
        found.append(
            {
                "fold": period["fold"],
                "title": period["title"],
                "event_auc": None if of_event is None else float(of_event["auc"]),
                "event_experiment": None if of_event is None else of_event["experiment"],
                "event_name": None if of_event is None else named(of_event["experiment"]),
                "direction_auc": float(best["auc"]),
                "direction_experiment": best["experiment"],
                "direction_name": named(best["experiment"]),
                "tried": tried,
                "chance_low": None if pd.isna(chance) else float(0.5 - chance),
                "chance_high": None if pd.isna(chance) else float(0.5 + chance * factor),
            }
        )
    return found


# The status


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
    scored = [name for model in models for name in _ways(study, results, model)[0]]
    if not models:
        return UNANSWERED, "The configuration has no model of the question."
    if not scored:
        others = _others_that_ran(study, results, shown)
        if len(models) == 1:
            return UNANSWERED, f"{models[0]} did not run with its pre-trained weights{others}."
        return UNANSWERED, f"Neither {_listed(models, 'nor')} ran with its pre-trained weights{others}."
    rows = evidence_rows(study, results)
    if rows.empty:
        return UNDECIDED, f"{_who(study, scored)} ran, but {_why_no_evidence(study, results, shown)}."
    who = _who(study, rows["experiment"])
    days = f"the {_count(int(rows['n'].max()), 'day')} after the end of all training data"
    better = rows[rows["verdict"] == BETTER]
    if len(better):
        best = better.loc[better["auc_difference"].idxmax()]
        size = f"is better than {study.reference} by {best['auc_difference']:.2f} in AUC on {days}"
        count = f"; of {_count(len(rows), 'way')} that ran, {_verdicts(rows)}" if len(rows) > 1 else ""
        return YES, f"{study.name(best['experiment'])} {size}{count}."
    silent = [model for model in models if model not in set(map(study.model, rows["experiment"]))]
    if not silent and set(rows["verdict"]) <= {WORSE, EQUIVALENT}:
        return NO, f"On {days}, none of {who} is better than {study.reference}: {_verdicts(rows)}."
    lacking = f"; {_listed(silent)}: no valid score in a way that the plan names" if silent else ""
    return UNDECIDED, f"On {days}, {who} against {study.reference}: {_verdicts(rows)}{lacking}."


def _others_that_ran(study, results, shown):
    """A clause on pre-trained models that the question does not name; "" without one."""
    others = [name for name in results.pretrained if not study.in_question(name)]
    models = list(dict.fromkeys(map(study.model, others)))
    if not others:
        return ""
    if len(models) > 1:
        return f". Other pre-trained models ran: {_listed(models)}"
    rows = _against_reference(results, shown)
    verdicts = _per_period(rows[rows["experiment"].isin(others)], shown)
    found = rows.loc[rows["experiment"].isin(others), "verdict"].unique()
    said = found[0] if len(found) == 1 else verdicts or "nothing to compare"
    return f". Another pre-trained model, {models[0]}, ran; against {study.reference}: {said}"


def _per_period(rows, shown):
    """Verdicts in words, with the periods in which they were found."""
    titles = {}
    for period in shown:
        for verdict in rows.loc[rows["fold"] == period["fold"], "verdict"]:
            titles.setdefault(verdict, []).append(period["title"])
    return ", ".join(f"{verdict} in {_listed(list(dict.fromkeys(where)))}" for verdict, where in titles.items())


def _why_no_evidence(study, results, shown):
    if _against_reference(results, shown).empty:
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
    found += [f"{label.capitalize()}: {_by_model(study, names)} ({text})." for label, text, names in by_label(labels)]
    if off := [name for name in scored if name in results.off_their_day]:
        found.append(f"Not counted, as their forecasts do not lie on their day: {_by_model(study, off)}.")
    protocol = results.verdict["protocol"]
    for one in protocol["results"] if protocol["status"] == "decided" else []:
        if one["decides"]:
            found.append(f"The original study's protocol says: {one['outcome']}.")
    return found


# Messages


def messages(study, results, shown, status, blind, event):
    """Three key messages: what was asked, what was found, and what follows."""
    return [
        {"title": "What was asked", "text": _asked(study, event)},
        {"title": "What was found", "text": _found(study, results, shown)},
        {"title": "What follows", "text": _follows(study, results, shown, status, blind)},
    ]


def _asked(study, event):
    models = _listed(study.models, "or") if study.models else "a pre-trained model"
    return (
        f"Can {models}, trained by others on other data, tell better than {study.reference}, trained for this task, "
        f"which days come before the event? The event: {event}. AUC says how often a model ranks a day with the event "
        "above a day without: 0.5 is guessing, 1 is perfect."
    )


def _found(study, results, shown):
    rows, models = _against_reference(results, shown), {}
    for name in results.pretrained:
        models.setdefault(study.model(name), []).append(name)
    labels, text = doubts(results.experiments), []
    for model, names in models.items():
        own = rows[rows["experiment"].isin(names)]
        said = _per_period(own, shown) if len(names) == 1 else _counts_per_period(own, shown)
        label = {labels[name] for name in names if name in labels}
        who = study.name(names[0]) if len(names) == 1 else f"{model}, {len(names)} ways"
        exposed = " (it may know these days)" if len(own) and (own["exposure"] != CLEAN).all() else ""
        worse = _worse_than_baseline(results, names, shown)
        text.append(
            f"{who}{f', {_listed(sorted(label))}' if label else ''}: {said or 'no score to compare'}{exposed}{worse}."
        )
    absent = _empty_rows(study, results)
    if absent:
        text.append(f"Not run: {_listed([label.replace(', pre-trained', '') for _, _, label in absent])}.")
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
    return "".join(f"; {count}worse than the simple baseline in {_listed(titles)}" for count, titles in where.items())


def _counts_per_period(rows, shown):
    parts = [(rows[rows["fold"] == period["fold"]], period["title"]) for period in shown]
    return "; ".join(f"{_verdicts(part)} in {title}" for part, title in parts if len(part))


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
    found = _listed([f"{auc} ({', '.join(said)})" if said else auc for auc, *said in others])
    same = f", {names[0]}," if len(set(names)) == 1 else ""
    baseline = f"the simple baseline chosen on training data{same}"
    return f" {study.reference} has AUC {_listed(own)}; {baseline} has {found}."


def _baseline_alone(study, results, titles):
    """A sentence on the AUC of the baseline chosen on training data, where the reference has no score; "" without."""
    found = {}
    for block in results.verdict["blocks"]:
        if block["fold"] in titles and (baseline := block["baseline"]):
            auc = f"{number(baseline['auc'])} in {titles[block['fold']]}"
            found.setdefault(study.name(baseline["experiment"]), []).append(auc)
    if not found:
        return ""
    aucs = "; ".join(f"{name} has {_listed(own)}" for name, own in found.items())
    return f" {study.reference} has no score. AUC of the simple baseline chosen on training data: {aucs}."


def _follows(study, results, shown, status, blind):
    models = _listed(study.models, "or") if study.models else "a pre-trained model"
    same = "this event on these days. It need not hold for another event, market or time"
    text = {
        UNANSWERED: f"Nothing follows for or against {models}.",
        UNDECIDED: f"Nothing is shown for or against {models}. “Inconclusive” does not mean “equal”.",
        YES: f"A pre-trained model can help with {same}.",
        NO: f"No pre-trained model is better than {study.reference} for {same}.",
    }[status]
    rows = _against_reference(results, shown)
    better = rows[rows["verdict"] == BETTER]
    better = better.loc[[results.group(name) == BASELINES for name in better["experiment"]]]
    if names := set(better["experiment"]):
        beaten = "one of them is" if len(names) == 1 else f"{len(names)} of them are"
        where = _listed([period["title"] for period in shown if period["fold"] in set(better["fold"])])
        text += f" A model should first beat simple baselines: {beaten} better than {study.reference} in {where}."
    known = [one for one in blind if one["chance_high"] is not None]
    if known and study.target["target"] != "direction":
        over = [one["title"] for one in known if one["direction_auc"] > one["chance_high"]]
        found = f"better than guessing gives in {_listed(over)}" if over else "no better than guessing gives"
        best = f"the best of {max(one['tried'] for one in known)} scores is {found}"
        text += f" The event says how far the price moves, not whether it ends higher: on true direction {best}."
    return f"{text} A good ranking is not a profit."


# Trust


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
    parts = [f"Verified by published answers: {_by_model(study, verified)}."] if verified else []
    parts += [
        f"{label.capitalize()}: {_by_model(study, names)} ({meaning})." for label, meaning, names in by_label(labels)
    ]
    if refused:
        parts.append(f"Refused: {_by_model(study, refused)}; the weights do not load or give other answers.")
    if not parts:
        return NOT_DONE, "No pre-trained model ran, so there were no weights to check."
    if not any(study.in_question(name) for name in [*results.pretrained, *refused]) and study.models:
        parts.append(f"{_listed(study.models)}: none to check.")
    return FAILED if refused else ATTENTION if labels else OK, " ".join(parts)


def _power(study, results, shown):
    rows = _against_reference(results, shown).merge(
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
    sizes = _listed([f"{size:.2f} in {title}" for title, size in typical.items()])
    enough = max(typical.values()) <= margin
    return OK if enough else ATTENTION, (
        f"A difference in AUC of {sizes} is found with a chance of {100 * power:g} %, after the correction for many "
        f"tests (median over {whose})."
    )


def _leakage(study, results):
    rows = results.alignment[results.alignment["verdict"] != NOT_APPLICABLE]
    accused = sorted(results.off_their_day)
    late = (
        f"late or ahead: {_listed(list(map(study.name, accused)))}" if accused else "none is shown to be late or ahead"
    )
    counts = [int((rows["verdict"] == verdict).sum()) for verdict in (ALIGNED, UNKNOWN_DAY)]
    told = f"{counts[0]} lie on their day, {counts[1]} do not tell"
    day = (
        f"Of {_count(len(rows), 'forecast')}, {told}; {late}."
        if len(rows)
        else "No forecast shows on which day it lies."
    )
    if results.audit is None:
        return FAILED if accused else NOT_DONE, f"The leakage audit was not done. {day}"
    broken = list(results.audit.loc[results.audit["ok"].eq(False), "check"])
    if broken:
        return FAILED, f"The leakage audit found something that looks ahead: {_listed(broken)}. {day}"
    if results.outdated:
        old = _listed([study.name(name) if name in study.experiments else name for name in results.outdated])
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
    return ATTENTION if luck else OK, f"{_listed(parts)}."


def _failed_checks(study, results):
    failed, passed = {}, 0
    for name, group in results.checks.items():
        checks = {check["check"]: check["ok"] for check in group}
        if checks.get("ran") is False:
            continue  # it is among those that did not run
        faults = [check for check, ok in checks.items() if ok is False]
        passed += not faults
        if faults:
            failed[name] = _listed([FAULTS.get(check, check) for check in faults])
    if not failed:
        return (OK, f"All checks of {_count(passed, 'experiment')} passed.") if passed else (NOT_DONE, "Nothing ran.")
    reference = study.decision["reference"]
    parts = [f"the reference itself, {study.name(reference)}: {failed[reference]}"] if reference in failed else []
    parts += [f"{study.name(name)}: {fault}" for name, fault in failed.items() if name != reference][:3]
    more = len(failed) - len(parts)
    text = f"{'; '.join(parts)}{f'; and {more} more' if more else ''}."
    return FAILED, f"{text[0].upper()}{text[1:]} {_count(passed, 'other experiment')} passed."


# Limits


def limitations(study, results, shown):
    """What limits the answer, in sentences that follow from the run."""
    found, sealed = [], results.verdict["sealed"]
    if sealed["folds"] or sealed["left_out"]:
        found.append(f"Not looked at: {_listed(list(dict.fromkeys([*sealed['folds'], *sealed['left_out']])))}.")
    if shown and not results.has_clean_days(study.cut_off):
        end = f" (the models of the question: {study.cut_off})" if study.cut_off else ""
        found.append(
            f"No day lies after the end of what pre-trained models were trained on{end}: they may have seen the days "
            "that they are judged on."
        )
    elsewhere = [name for name in results.pretrained if study.experiments[name]["system"] == EXTERNAL]
    if elsewhere:
        found.append(f"Made elsewhere: {_by_model(study, elsewhere)}; how, only their makers know.")
    points = [name for name in elsewhere if "point" in study.experiments[name]["settings"]]
    if points and study.target["target"] != "direction":
        found.append(
            "A forecast of one number ranks days by the return that it expects, not by how wide the day may be."
        )
    blocks = [period for period in shown if period["fold"] != AFTER_CUTOFF]
    events = sum(period["positives"] for period in blocks)
    ahead, spans = _count(study.target["horizon"], "day"), _count(len(blocks), "period")
    found.append(f"One series of prices, {ahead} ahead, {_count(events, 'day')} with the event in {spans}.")
    return found


def next_command(study, results, absent):
    """The next command to type, and what it does; `absent` as `causes` returns it."""
    verdict, config = results.verdict, f"--config dataset={study.dataset}"
    if verdict["without_weights"]:
        waiting = [group for group in absent if group["cause"] == WEIGHTS]
        count = _count(sum(len(group["experiments"]) for group in waiting), "experiment")
        text = f"tries to fetch the weights; the next run then adds {count}, untrained twins included"
        return {"command": "snakemake weights", "text": text}
    if verdict["refused_weights"]:
        text = "says which published answers the refused weights do not give, and what to do"
        return {"command": "snakemake weights", "text": text}
    if verdict["sealed"]["folds"]:
        text = "prints the digest of your analysis plan; once it is fixed in the configuration, the sealed days open"
        return {"command": f"snakemake digests {config}", "text": text}
    if results.audit is None or results.outdated:
        text = "changes the prices after one day and checks that no earlier number moves; it takes as long as the run"
        return {"command": f"snakemake audit {config}", "text": text}
    if not study.of_question:
        text = "asks the same of the prices of the question, if you have their file"
        return {"command": f"snakemake --config dataset={study.decision['dataset']}", "text": text}
    if not results.outcomes["fold"].map(is_walk_forward).any():
        text = "asks the same on block after block through history; it takes hours"
        return {"command": f"snakemake {config} walk_forward=True", "text": text}
    return {"command": f"snakemake explore {config}", "text": "makes a notebook with a closer look at these results"}
