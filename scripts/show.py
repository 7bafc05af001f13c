"""Print the verdict, the path of the report, and what did not run."""

import csv
from pathlib import Path

from fd01.study.seal import HOW_TO_OPEN, LEFT_OUT
from fd01.workflow.errors import UserError
from fd01.workflow.files import read_json
from fd01.workflow.logs import configure_logging
from fd01.workflow.record import changes


def last_words(verdict, summary, alignment, report):
    """What is to be seen of a run when it has ended, paragraph by paragraph.

    Parameters
    ----------
    verdict, summary : dict, the content of `verdict.json` and `summary.json`
    alignment : iterable of dict of str, the rows of `alignment.csv`
    report : path
    """
    yield verdict["sentence"]
    sealed = verdict["sealed"]
    if sealed["folds"]:
        yield f"WARNING: not evaluated: {', '.join(sealed['folds'])} ({sealed['reason']}). {HOW_TO_OPEN}"
    if sealed["left_out"]:
        yield f"WARNING: {', '.join(sealed['left_out'])}: {LEFT_OUT}."
    for row in alignment:
        if row["k"]:  # days that a forecast is away from its own
            yield f"WARNING: the {row['what']} that {row['experiment']} forecasts: {row['verdict']}."
    yield f"Report: {Path(report).resolve()}"
    if summary["not_run"]:
        groups = (f"\n- {group['text']}: {', '.join(group['experiments'])}" for group in summary["not_run"])
        yield f"Not run, or in part:{''.join(groups)}"
    if verdict["without_weights"] or verdict["refused_weights"]:
        command, text = summary["next"]["command"], summary["next"]["text"]
        yield f"This {text}:\nsource .venv/bin/activate && {command}"


def require_unchanged(root):
    """Raise `UserError` if a file that the report in the folder `root` rests on is gone or has changed."""
    if found := changes(root):
        more = f", and {len(found) - 5} more" if len(found) > 5 else ""
        raise UserError(
            f"since the report was made from them, {', '.join(found[:5])}{more}. So the report is not up to date. Put "
            "them back, or delete those that have changed (of a folder of predictions, the folder) and make the report "
            "again: snakemake show --forcerun render_report"
        )


if __name__ == "__main__":
    configure_logging(snakemake)
    paths = snakemake.input
    require_unchanged(Path(paths.verdict).parent)
    with open(paths.alignment, encoding="utf-8", newline="") as file:
        paragraphs = last_words(read_json(paths.verdict), read_json(paths.summary), csv.DictReader(file), paths.report)
        print("\n" + "\n\n".join(paragraphs))
