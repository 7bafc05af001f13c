"""The level of evidence of an experiment, its label in the report, and its health checks."""

import pandas as pd
import pytest
from helpers.made_up_data import UP, block, score_rows
from jinja2 import UndefinedError

from fd01.evaluation.evidence import LABELS, MEANINGS, doubts, evidence
from fd01.evaluation.health import health_checks
from fd01.report.html import render
from fd01.study.systems import SYSTEMS

UNTRAINED = "none: random"


def pretrained(status=None, passed=3, cases=4, differing=()):
    """The `weights` of a pre-trained experiment; without a status as in archives before known answers."""
    weights = {"revision": "r", "files": {}}
    answers = {"status": status, "passed": passed, "cases": cases, "differing": list(differing)}
    return weights | ({"known_answers": answers} if status else {})


@pytest.mark.parametrize(
    ("weights", "system", "level"),
    [
        (pretrained("verified"), "timesfm", "pre-trained, verified by known answers"),
        (pretrained("unverified"), "lag-llama-probe", "pre-trained, unverified"),
        (pretrained("off"), "timesfm", "pre-trained, not verified"),
        (pretrained("not verified"), "timesfm-finetuned", "pre-trained, not verified"),
        (pretrained(), "timesfm", "pre-trained, not verified"),
        (UNTRAINED, "timesfm", "untrained twin"),
        (UNTRAINED, "lag-llama-probe", "untrained twin"),
        (f"{UNTRAINED}, then trained", "lag-llama-trained", "trained here"),
        ("none: trained from scratch", "patchtst", "trained here"),
        (None, "baseline", "baseline"),
        ("missing", "timesfm", None),
        ("refused", "timesfm-finetuned", None),
    ],
)
def test_evidence_says_what_scores_rest_on(weights, system, level):
    assert system in SYSTEMS
    assert evidence({"weights": weights}, system) == level


def test_forecasts_from_elsewhere_are_named_as_such():
    about = {"source": "a colleague"}
    assert evidence({"weights": None, "external": about | {"days": 500}}, "external") == "made elsewhere"
    assert evidence({"weights": None, "external": about}, "external") is None  # there was no file


def test_only_doubtful_experiments_have_a_label_and_every_label_is_explained():
    levels = ["pre-trained, unverified", "pre-trained, not verified", "made elsewhere"]
    rows = {**dict(zip("ABC", levels)), "D": "pre-trained, verified by known answers", "E": None, "F": "baseline"}
    table = pd.DataFrame({"experiment": rows.keys(), "evidence": rows.values()})
    assert doubts(table) == {"A": "unverified", "B": "not verified", "C": "made elsewhere"}
    assert doubts(table[table["experiment"] == "E"]) == {}
    assert set(LABELS.values()) == set(MEANINGS)


def test_label_stands_behind_the_name(tmp_path):
    (tmp_path / "page.j2").write_text("{{ name }}{{ name | doubt }}")
    labels = {"A & B": "unverified"}
    page = render(tmp_path, "page.j2", name="A & B", doubts=labels)
    assert page == 'A &amp; B <span class="seen doubt">unverified</span>'
    assert render(tmp_path, "page.j2", name="A", doubts=labels) == render(tmp_path, "page.j2", name="A") == "A"
    with pytest.raises(UndefinedError):
        render(tmp_path, "page.j2", doubts=labels)


def checks_of(weights):
    outcomes = block("test", "evaluation", [0, 1])
    scores = score_rows(outcomes, [0.1, 0.2])
    about = {"weights": weights, "not_run": [], "packages": {}, "loaded": "loaded"}
    return {check["check"]: check for check in health_checks(scores, {"test": about}, outcomes, 0.001, {})}


@pytest.mark.parametrize(
    ("status", "ok", "detail"),
    [
        ("verified", True, "3 of 4"),
        ("unverified", False, "3 of 4"),
        ("off", None, "off"),
        ("not verified", None, "not verified"),
        (None, None, "not verified"),
    ],
)
def test_health_checks_count_the_known_answers(status, ok, detail):
    checks = checks_of(pretrained(status))
    assert (checks["known answers"]["ok"], checks["known answers"]["detail"]) == (ok, detail)
    assert "weights as recorded" not in checks


def test_file_that_differs_from_its_record_is_a_failed_check_with_both_values():
    text = "lag-llama.ckpt has the SHA-256 1, expected: the SHA-256 2 (one public record)"
    check = checks_of(pretrained("verified", differing=[text]))["weights as recorded"]
    assert (check["ok"], check["detail"]) == (False, text)
    assert {"known answers", "weights as recorded"}.isdisjoint(checks_of(UNTRAINED))


@pytest.mark.parametrize("weights", ["missing", "refused"])
def test_model_that_was_not_loaded_says_why(weights):
    outcomes = block("test", "evaluation", [0, 1])
    about = {"weights": weights, "not_run": [{**UP, "reason": "a reason"}], "packages": {}}
    empty = score_rows(outcomes, [0.1, 0.2]).iloc[:0]
    checks = {check["check"]: check for check in health_checks(empty, {"test": about}, outcomes, 0.001, {})}
    assert (checks["model loads"]["ok"], checks["model loads"]["detail"]) == (False, f"its weights are {weights}")
