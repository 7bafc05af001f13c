"""The first page of the report as data: summary.json.

Every sentence follows from the tables of a run. `schemas/summary.schema.json` says what the parts are.
"""

from fd01.data.targets import describe
from fd01.report.direction import direction
from fd01.report.forest import figure_rows
from fd01.report.groups import GROUPS
from fd01.report.limits import limitations, next_command
from fd01.report.messages import messages
from fd01.report.not_run import causes
from fd01.report.periods import periods
from fd01.report.status import answer, caveats
from fd01.report.trust import trust

SCHEMA_VERSION = "1.1"


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
