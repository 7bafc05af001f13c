"""The rules of the workflow, as text."""

import re

from helpers.paths import ROOT

RULE_FILES = sorted((ROOT / "rules").rglob("*.smk"))
TEXT = "\n".join(path.read_text() for path in RULE_FILES)
RULES = {name: body for name, body in re.findall(r"^rule (\w+):\n((?:    .*\n|\n)+)", TEXT, re.MULTILINE)}
INHERITED = {new: old for old, new in re.findall(r"^use rule (\w+) as (\w+) with:$", TEXT, re.MULTILINE)}


def script_of(rule):
    """Path of the script or the notebook that a rule runs."""
    (name,) = re.findall(
        r'^    (?:script|notebook):\n        "\.\./(.*)"$', RULES[INHERITED.get(rule, rule)], re.MULTILINE
    )
    return ROOT / name
