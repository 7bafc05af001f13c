"""Write the pages of docs/reference that follow from other files.

    python docs/generate.py

`configuration.md` comes from schemas/config.schema.yaml and config.yaml, `workflow.md` from the rules.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
MADE = "<!-- Made by docs/generate.py from {}. -->"

BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}
TYPES = {
    "array": "a list",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "`true` or `false`",
    "object": "a table",
}
SHOWN = 4  # a key with more values than these in config.yaml has no single default to show
LONGEST = 30  # characters of a value

# The boxes of the picture: files of rules/ in words. Another file has its own name.
STAGES = {
    "data": "Prices, indicators and targets",
    "weights": "Pre-trained weights",
    "baselines": "Baselines",
    "patchtst": "PatchTST",
    "timesfm": "TimesFM",
    "lag_llama": "Lag-Llama",
    "fracast": "Fracast",
    "external": "Forecasts from elsewhere",
    "scoring": "Scores from what models store",
    "shards": "Many series, split into jobs",
    "metrics": "Health checks and metrics",
    "alignment": "Forecasts on their day",
    "comparisons": "Paired comparisons",
    "label_family": "Other events and horizons",
    "calibration": "Calibration",
    "explanation": "Beyond volatility",
    "contamination": "Before and after the end of a model's data",
    "truth": "Against the known truth of simulated prices",
    "ledger": "Trial ledger",
    "original_study": "Figures of the original study, recomputed",
    "verdict": "Verdict",
    "figures": "Figures",
    "audit": "Leakage audit",
    "summary": "The first page as data",
    "report": "Report",
    "series": "Page of one series",
    "archive": "Predictions to and from another machine",
    "explore": "Notebook for a closer look",
    "exports": "First page on paper, and research object",
}


@dataclass
class Branch:
    """Keys that exist only where a key beside them has certain values."""

    path: str
    node: dict
    conditions: list = field(default_factory=list)  # (path of a table, its key, the values)


class Schema:
    """The keys that the JSON schema of the configuration allows."""

    def __init__(self, schema):
        self.schema = schema

    def resolve(self, node):
        """`node` with what its `$ref` names; `allowed` is what the latter says of a pattern."""
        if "$ref" not in node:
            return node
        target = self.schema
        for part in node["$ref"].split("/")[1:]:
            target = target[part]
        text = {"allowed": target["description"]} if "pattern" in target else {}
        return self.resolve(target) | text | {key: value for key, value in node.items() if key != "$ref"}

    def keys(self, node, path, branches, conditions=()):
        """(path, node, whether it is required) of every key below `node`; what depends on a key goes to `branches`."""
        node = self.resolve(node)
        for rule in node.get("allOf", []):
            tests = rule["if"].get("properties", {})
            if "required" in rule["if"] or len(tests) != 1:
                continue  # whether there are seeds: the description says it in words
            ((name, test),) = tests.items()
            values = test.get("enum", [test.get("const")])
            branches.append(Branch(path, rule["then"], [*conditions, (path, name, values)]))
        for name, child in node.get("properties", {}).items():
            if child is True or "not" in child:
                continue
            child, below = self.resolve(child), f"{path}/{name}".lstrip("/")
            yield below, child, name in node.get("required", [])
            yield from self.keys(child, below, branches, conditions)
        for entry, name in ((node.get("additionalProperties"), "name"), (node.get("items"), "item")):
            if isinstance(entry, dict):
                name = path.split("/")[-1].removesuffix("s") if name == "name" else name
                yield from self.keys(entry, f"{path}/{{{name}}}", branches, conditions)

    def allowed(self, node):
        """What a key may hold, in words."""
        if "allowed" in node:
            return node["allowed"]
        if "enum" in node:
            return ", ".join(f"`{value}`" for value in node["enum"])
        if "else" in node:
            return f"{self.allowed(node['else'])}, or a list of names"
        if node.get("type") == "array":
            items = self.resolve(node["items"])
            if "properties" in items:
                return "a list of tables"
            return f"a list{' of' if 'enum' in items else ', each'} {self.allowed(items)}"
        if isinstance(node["type"], list):
            return " or ".join(TYPES[name] for name in node["type"])
        bounds = [f"{words} {node[rule]}" for rule, words in BOUNDS.items() if rule in node]
        return ", ".join([TYPES[node["type"]], *bounds])


def collect(node, parts, conditions, path=""):
    """Values of a key in the configuration; a name in braces in `parts` stands for every entry."""
    for where, name, values in conditions:
        if path == where and node.get(name) not in values:
            return
    if not parts:
        yield node
        return
    name, *rest = parts
    below = f"{path}/{name}".lstrip("/")
    if name.startswith("{"):
        for entry in node.values() if isinstance(node, dict) else node:
            yield from collect(entry, rest, conditions, below)
    elif name in node:
        yield from collect(node[name], rest, conditions, below)


def in_config(config, path, conditions):
    """What config.yaml has at `path`, as Markdown."""
    values = []
    for value in collect(config, path.split("/"), conditions):
        if not isinstance(value, dict) and value not in values:
            values.append(value)
    if any(isinstance(value, list) and value and isinstance(value[0], dict) for value in values):
        return ""
    texts = [yaml.safe_dump(value, default_flow_style=True, width=1000).split("\n")[0] for value in values]
    if len(texts) > 1 and (len(texts) > SHOWN or max(map(len, texts)) > LONGEST):
        return "differs"
    texts = [text if len(text) <= LONGEST else f"{text[:LONGEST]}…" for text in texts]
    return ", ".join(f"`{text}`" for text in texts)


def table(schema, config, rows, base, conditions=()):
    """Markdown table of keys; their names are relative to `base`."""
    lines = ["| key | meaning | allowed | in `config.yaml` |", "|---|---|---|---|"]
    for path, node, required in rows:
        name = path.removeprefix(base).lstrip("/")
        cells = [
            f"`{name}`" + ("" if required else " (optional)"),
            node["description"],
            schema.allowed(node),
            in_config(config, path, conditions),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def configuration():
    """The page `configuration.md`."""
    schema = Schema(yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text()))
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    top = {name: schema.resolve(node) for name, node in schema.schema["properties"].items()}
    required = schema.schema["required"]
    keys = {name: list(schema.keys(node, name, [])) for name, node in top.items()}
    single = [(name, node, name in required) for name, node in top.items() if not keys[name]]
    parts = [
        MADE.format("schemas/config.schema.yaml and config.yaml"),
        "# Configuration",
        "Every key of [config.yaml](../../config.yaml): what it means, what it may hold, and what it holds\n"
        "there. [Change the study](../how-to/change-the-study.md) says how to set a key.",
        "Error messages name a key by its path, for instance `experiments/PTST-2M/settings/context`. A name\n"
        "in braces stands for any entry of a table: `{dataset}/title` is the title of each dataset;\n"
        "`{item}` stands for the number of an entry of a list, from 0. Where the entries of `config.yaml`\n"
        "have several values, all are given.",
        "## Single keys",
        table(schema, config, single, ""),
    ]
    for name, node in top.items():
        if not keys[name]:
            continue
        branches = []
        always = list(schema.keys(node, name, branches))
        parts += [f"## {name}", node["description"], table(schema, config, always, name)]
        while branches:
            branch, *later = branches
            branches = []
            rows = list(schema.keys(branch.node, branch.path, branches, branch.conditions))
            branches += later
            rows = [row for row in rows if row[0] not in {path for path, *_ in always}]
            if not rows:
                continue
            base = os.path.commonpath([os.path.dirname(path) for path, *_ in rows])
            _, key, values = branch.conditions[-1]
            title = f"### `{base}` where `{key}` is {' or '.join(f'`{value}`' for value in values)}"
            if title not in parts:  # several systems have a head
                parts += [title, table(schema, config, rows, base, branch.conditions)]
    return "\n\n".join(parts) + "\n"


def rule_files():
    """Stage by rule, and the opening comment by stage."""
    stages, openings = {}, {}
    for path in sorted((ROOT / "rules").glob("*.smk")):
        if path.stem == "common":
            continue
        text = path.read_text()
        names = re.findall(r"^(?:rule (\w+):|use rule \w+ as (\w+) )", text, re.MULTILINE)
        stages |= {a or b: path.stem for a, b in names}
        comment = re.match(r"(?:# .*\n)+", text)[0]
        openings[path.stem] = " ".join(line.removeprefix("# ") for line in comment.splitlines())
    return stages, openings


def rule_graph():
    """(from, to) pairs of the rules that a plain `snakemake` runs, as it prints them."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(ROOT / "config.yaml", folder)
        command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder]
        done = subprocess.run(
            [*command, "--cores", "1", "--rulegraph", "mermaid-js"],
            env=os.environ | {"FD01_GPU": "0"},
            capture_output=True,
            text=True,
        )
    if done.returncode:
        sys.exit(done.stderr)
    names = dict(re.findall(r"^\s*(id\d+)\[(\w+)", done.stdout, re.MULTILINE))
    return [(names[a], names[b]) for a, b in re.findall(r"^\s*(id\d+) --> (id\d+)", done.stdout, re.MULTILINE)]


def stage_graph(rules, stages):
    """(from, to) pairs of stages, without those that follow from others."""
    edges = {(stages[a], stages[b]) for a, b in rules if a in stages and b in stages and stages[a] != stages[b]}
    after = {}
    for a, b in edges:
        after.setdefault(a, set()).add(b)

    def reach(stage):
        return set().union(*({b} | reach(b) for b in after.get(stage, ())))

    return sorted((a, b) for a, b in edges if not any(b in reach(c) for c in after[a] - {b}))


def workflow():
    """The page `workflow.md`."""
    stages, openings = rule_files()
    edges = stage_graph(rule_graph(), stages)
    named = STAGES | {stage: stage for stage in openings if stage not in STAGES}
    drawn = [stage for stage in named if any(stage in edge for edge in edges)]
    picture = ["```mermaid", "flowchart TB"]
    picture += [f'    {stage}["{named[stage]}"]' for stage in drawn]
    picture += [f"    {a} --> {b}" for a, b in edges]
    picture += ["```"]
    rows = ["| stage | file | what goes in and comes out | rules |", "|---|---|---|---|"]
    for stage, words in named.items():
        rules = ", ".join(f"`{rule}`" for rule in stages if stages[rule] == stage)
        opening = openings[stage].replace("|", "\\|")
        rows.append(f"| {words} | [{stage}.smk](../../rules/{stage}.smk) | {opening} | {rules} |")
    text = [
        MADE.format("the Snakefile and the rules"),
        "# Workflow",
        "What a plain `snakemake` does. Each box is a file of `rules/`. An arrow says that the second box\n"
        "uses what the first one wrote; arrows that follow from others are left out.",
        "\n".join(picture),
        "`snakemake --rulegraph mermaid-js` draws every rule in the place of every stage.",
        "## Stages",
        "With few exceptions, a rule, its script in `scripts/`, its log and its benchmark file share one\nname.",
        "\n".join(rows),
    ]
    return "\n\n".join(text) + "\n"


PAGES = {"configuration.md": configuration, "workflow.md": workflow}


if __name__ == "__main__":
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page())
