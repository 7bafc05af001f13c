"""The rules of the workflow, as text."""

import re

from helpers.paths import ROOT

RULE_FILES = sorted((ROOT / "rules").rglob("*.smk"))
RULES = {
    name: body
    for path in RULE_FILES
    for name, body in re.findall(r"^rule (\w+):\n((?:    .*\n|\n)+)", path.read_text(), re.MULTILINE)
}
