"""Known answers: what a check of pre-trained weights against published forecasts has found, and what follows from it.

`fd01.models.verification` makes the check and gives its result as a dict. The result lies beside the manifest of the
weights, `known-answers.json`. Every job that opens the weights reads it there.
"""

from pathlib import Path

from fd01.workflow.errors import UserError
from fd01.workflow.files import read_json

FILE = "known-answers.json"
# What may be known of weights. Without weights nothing is, and refused weights are not run.
MISSING = "missing"
REFUSED = "refused"
VERIFIED = "verified"
UNVERIFIED = "unverified"  # the published file, but an answer differs: the quotation may be wrong
OFF = "off"  # `known_answers: off` in the configuration
NOT_VERIFIED = "not verified"  # no published answers, or nobody has compared them


def judge(cases, files):
    """The status of weights that were run: one of `VERIFIED`, `UNVERIFIED`, `REFUSED`, `NOT_VERIFIED`.

    A wrong answer of a file that several independent sources know by its SHA-256 may be a wrong quotation. A wrong
    answer of any other file says that it holds other weights.

    Parameters
    ----------
    cases, files : lists of dict, as `fd01.models.verification.verify` gives them
    """
    if not cases:
        return NOT_VERIFIED
    if all(case["ok"] for case in cases):
        return VERIFIED
    return UNVERIFIED if is_pinned(files) else REFUSED


def is_pinned(files):
    """Whether these are the published files, by SHA-256 values that several independent sources give."""
    return bool(files) and all(file["certain"] and file["ok"] for file in files)


def read_answers(manifest):
    """The result of the check of the weights of a manifest, a path; `NOT_VERIFIED` if these were never checked."""
    path = Path(manifest).with_name(FILE)
    answers = read_json(path) if path.exists() else None
    if answers and answers["checked"] == checksums(read_json(manifest)):
        return answers
    return {"status": NOT_VERIFIED, "files": [], "cases": []}


def checksums(manifest):
    """SHA-256 by name of the files that a manifest, a dict, lists."""
    return {name: file["sha256"] for name, file in manifest.get("files", {}).items()}


def summary(answers):
    """What the provenance of an experiment says: status, `passed` of `cases`, and `differing`, lines on files."""
    return {
        "status": answers["status"],
        "passed": sum(case["ok"] for case in answers["cases"]),
        "cases": len(answers["cases"]),
        "differing": differing_files(answers),
    }


def refusal(answers):
    """Why refused weights are not run."""
    counts = summary(answers)
    return f"these weights do not give the published answers ({counts['passed']} of {counts['cases']} agree)"


def stop_if_refused(answers):
    """Raise `UserError` if the weights are refused."""
    if answers["status"] == REFUSED:
        model = answers["model"]
        key = f"weights/models/{model}"
        raise UserError(
            f"The weights of {model} do not give the published answers. Other answers: {wrong(answers)}. "
            f"Use the published file: correct {key}/path, or delete this key and call snakemake weights. If these are "
            f"other weights on purpose, set {key}/known_answers: off. A run goes on without them with weights/missing: "
            "skip."
        )


def wrong(answers):
    """The cases with other answers than published, as text."""
    return "; ".join(f"{case['name']} in {case['dtype']}" for case in answers["cases"] if not case["ok"])


def differing_files(answers):
    """One line for each file that differs from what is published of it."""
    return [
        f"{file['name']} has {_words(file['found'])}, expected: {_words(file['expected'])} ({file['source']})"
        for file in answers["files"]
        if not file["ok"]
    ]


def _words(file):
    words = (f"{file[key]:,} bytes" if key == "bytes" else f"the SHA-256 {file[key]}" for key in file)
    return " and ".join(words) or "no file of this name"


def lines(answers):
    """The result in words: one line a case, or one line that says why there is none."""
    model = answers["model"]
    if not answers["cases"]:
        reasons = {
            MISSING: "not checked: the weights are missing",
            OFF: "not checked: known_answers is off",
            NOT_VERIFIED: "not checked: there are no known answers of this model",
        }
        return [f"{model}: {reasons[answers['status']]}"]
    return [f"{model}: {case['name']} in {case['dtype']}: {_compared(case)}" for case in answers["cases"]]


def _compared(case):
    unit = "of the input's standard deviation"
    if case["difference"] is None:
        return "DIFFERS: the forecast is not finite"
    found = f"largest difference {case['difference']:.1g} {unit}, {case['tolerance']:g} allowed"
    return f"{'agrees' if case['ok'] else 'DIFFERS'}: {found}"
