"""The last lines of a run."""

import pytest
from show import last_words

OPEN = {"folds": [], "reason": None, "left_out": []}
VERDICT = {"sentence": "FD-01 is unanswered.", "sealed": OPEN, "without_weights": [], "refused_weights": []}
NOT_RUN = [
    {
        "cause": "weights missing",
        "text": "The weights of A could not be downloaded: no network",
        "experiments": ["A", "A-2"],
    },
    {"cause": "switched off", "text": "Switched off in the configuration", "experiments": ["B"]},
]
NEXT = {"command": "snakemake weights", "text": "tries to fetch the weights"}
ALIGNED = {"what": "scale", "experiment": "A", "verdict": "as it should be", "k": ""}


def words(summary=(), alignment=(), **verdict):
    summary = {"not_run": [], "next": NEXT} | dict(summary)
    return list(last_words(VERDICT | verdict, summary, [ALIGNED, *alignment], "/run/index.html"))


def test_without_any_trouble_the_path_of_the_report_is_last():
    assert words() == ["FD-01 is unanswered.", "Report: /run/index.html"]


@pytest.mark.parametrize("reason", ["without_weights", "refused_weights"])
def test_what_did_not_run_stands_below_the_report_by_its_cause(reason):
    assert words({"not_run": NOT_RUN}, **{reason: ["A"]})[1:] == [
        "Report: /run/index.html",
        "Not run, or in part:\n"
        "- The weights of A could not be downloaded: no network: A, A-2\n"
        "- Switched off in the configuration: B",
        "This tries to fetch the weights:\nsource .venv/bin/activate && snakemake weights",
    ]
    assert words({"not_run": NOT_RUN})[-1].startswith("Not run")


def test_warnings_stand_between_the_verdict_and_the_report():
    late = ALIGNED | {"verdict": "one day late", "k": "1"}
    found = words(alignment=[late], sealed={"folds": ["test"], "reason": "no plan", "left_out": ["later"]})
    assert [line.split(":")[0] for line in found] == ["FD-01 is unanswered.", *["WARNING"] * 3, "Report"]
    assert found[1].startswith("WARNING: not evaluated: test (no plan). ")
    assert found[3] == "WARNING: the scale that A forecasts: one day late."
