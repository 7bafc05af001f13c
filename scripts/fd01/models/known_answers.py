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
REFUSED = "refused"  # the weights do not load, or another file than the published one gives other answers
VERIFIED = "verified"
UNVERIFIED = "unverified"  # the published file, but an answer differs: the quotation may be wrong
OFF = "off"  # `known_answers: off` in the configuration
NOT_VERIFIED = "not verified"  # no published answers, or nobody has compared them
# Published answers are float32. The tolerance of any other number format is a guess, so it refuses no weights.
DECISIVE = "float32"


def judge(cases, files):
    """The status of weights that were run: one of `VERIFIED`, `UNVERIFIED`, `REFUSED`, `NOT_VERIFIED`.

    The cases in `DECISIVE` decide alone. A wrong answer of a file that several independent sources know by its SHA-256
    may be a wrong quotation. A wrong answer of any other file says that it holds other weights.

    Parameters
    ----------
    cases, files : lists of dict, as `fd01.models.verification.verify` gives them
    """
    decisive = _cases_in(cases, DECISIVE)
    if not decisive:
        return NOT_VERIFIED
    if all(case["ok"] for case in decisive):
        return VERIFIED
    return UNVERIFIED if is_pinned(files) else REFUSED


def status_in(answers, dtype):
    """The status of weights for experiments in one number format.

    In another format than `DECISIVE` weights are verified only if no answer in either format differs, and never without
    a case in this format.
    """
    status, cases = answers["status"], _cases_in(answers["cases"], dtype)
    if dtype == DECISIVE or status in (MISSING, REFUSED, OFF):
        return status
    if not cases:
        return NOT_VERIFIED
    return VERIFIED if status != UNVERIFIED and all(case["ok"] for case in cases) else UNVERIFIED


def _cases_in(cases, dtype):
    return [case for case in cases if case["dtype"] == dtype]


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


def summary(answers, dtype):
    """What the provenance of an experiment in a number format says.

    These are `status_in` this format, `passed` of `cases` in this format, and `differing`, lines on files.
    """
    cases = _cases_in(answers["cases"], dtype)
    return {
        "status": status_in(answers, dtype),
        "passed": sum(case["ok"] for case in cases),
        "cases": len(cases),
        "differing": differing_files(answers),
    }


def refusal(answers):
    """Why refused weights are not run."""
    if "reason" in answers:
        return f"these weights do not load: {answers['reason']}"
    counts = summary(answers, DECISIVE)
    return f"these weights do not give the published answers ({counts['passed']} of {counts['cases']} agree)"


def stop_if_refused(answers, done=""):
    """Raise `UserError` if the weights are refused; `done` is a sentence on what was done about it."""
    if answers["status"] == REFUSED:
        model = answers["model"]
        key = f"weights/models/{model}"
        remedy = f"Use the published file: correct {key}/path, or delete this key and call snakemake weights."
        if "reason" in answers:
            what = f"do not load: {answers['reason']}."
        else:
            what = f"do not give the published answers. Other answers: {wrong(answers)}."
            remedy += f" If these are other weights on purpose, set {key}/known_answers: off."
        remedy += " A run goes on without them with weights/missing: skip."
        raise UserError(" ".join(filter(None, [f"The weights of {model} {what}", done, remedy])))


def wrong(answers):
    """The cases with other answers than published, as text."""
    return "; ".join(f"{case['name']} in {case['dtype']}" for case in answers["cases"] if not case["ok"])


def warnings(answers):
    """What a person should see: a line for each file that differs, for a refusal, and for each format that differs."""
    model = answers["model"]
    texts = [f"{model}: {line}" for line in differing_files(answers)]
    if "reason" in answers:
        texts.append(f"{model} is refused: {refusal(answers)}")
    names = {}
    for case in answers["cases"]:
        if not case["ok"]:
            names.setdefault(case["dtype"], []).append(case["name"])
    return texts + [
        f"{model} in {dtype} is {status_in(answers, dtype)}: other answers than published: {'; '.join(different)}"
        for dtype, different in names.items()
    ]


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
    if "reason" in answers:
        return [f"{model}: refused: {refusal(answers)}"]
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
