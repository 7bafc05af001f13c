"""The documentation: generated pages are those of their sources, lines are short, links and examples hold."""

import importlib.util
import re
import subprocess
import sys

import pytest
import yaml
from helpers.paths import ROOT
from snakemake.utils import update_config

from fd01.study.config import check_config
from fd01.study.systems import SYSTEMS

REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("*/README.md"), *(ROOT / "docs").rglob("*.md")])
SCHEMA = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text())
TARGETS = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()


def load(path):
    """The module in a file outside the packages."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = load(ROOT / "docs" / "generate.py")


def name(path):
    return str(path.relative_to(ROOT))


def without_code(text):
    """Markdown less its fenced code."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(path):
    """Anchors of the headings of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ +(.*)$", without_code(path.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", GENERATE.PAGES)
def test_generated_page_is_what_its_sources_give(page):
    assert (REFERENCE / page).read_text() == GENERATE.PAGES[page](), "call: python docs/generate.py"


def test_picture_is_small_and_has_the_stages_of_every_run():
    text = (REFERENCE / "workflow.md").read_text()
    arrows = re.findall(r"^    (\w+) --> (\w+)$", text, re.MULTILINE)
    assert len(arrows) == len(set(arrows)) < 45
    assert {"data", "scoring", "metrics", "verdict", "report"} <= {stage for arrow in arrows for stage in arrow}


def test_arrow_that_follows_from_others_is_left_out():
    rules = [("a1", "b1"), ("a2", "b1"), ("b1", "b2"), ("b2", "c1"), ("a1", "c1"), ("c1", "all")]
    stages = {"a1": "a", "a2": "a", "b1": "b", "b2": "b", "c1": "c"}
    assert GENERATE.stage_graph(rules, stages) == [("a", "b"), ("b", "c")]


def keys_without_description(node, path=""):
    """Paths of the keys of a schema that nobody explains."""
    if isinstance(node, list):
        for number, part in enumerate(node):
            yield from keys_without_description(part, f"{path}/{number}")
    elif isinstance(node, dict):
        properties = node.get("properties", {}) if not path.endswith("/if") else {}
        for key, child in properties.items():
            explained = child is True or "not" in child or child.get("$ref", "").split("/")[-1] in SYSTEMS
            target = SCHEMA["$defs"].get(child["$ref"].split("/")[-1], {}) if not explained and "$ref" in child else {}
            if not explained and "description" not in child | target:
                yield f"{path}/{key}"
        for key, child in node.items():
            yield from keys_without_description(child, f"{path}/{key}")


def test_every_key_of_the_configuration_is_explained():
    assert not [path for path in keys_without_description(SCHEMA) if "/if/" not in path]


def test_key_without_a_description_is_noticed():
    node = {"properties": {"a": {"type": "string"}, "b": {"description": "b"}}}
    assert list(keys_without_description(node)) == ["/a"]


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_lines_of_prose_are_short(path):
    lines = without_code(path.read_text()).splitlines()
    prose = [line for line in lines if not line.lstrip().startswith(("|", "!["))]
    assert not [line for line in prose if len(re.sub(r"\]\([^)]*\)", "]", line)) > 100]


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(path.read_text())):
        if re.match(r"\w+:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


def test_every_promise_has_a_test():
    rows = re.findall(r"^\| .+ \| (.+) \|$", (ROOT / "docs/explanation/promises.md").read_text(), re.MULTILINE)
    promises = [row for row in rows if row != "test"]
    links = [re.fullmatch(r"\[([\w.]+)\]\(\.\./\.\./(tests/[\w/]+\.py)\)", promise) for promise in promises]
    assert len(links) > 20 and all(links)
    for name, file in (link.groups() for link in links):
        assert name == file.rpartition("/")[2] or f"\ndef {name}(" in (ROOT / file).read_text(), name


def test_every_page_is_in_the_overview():
    overview = (ROOT / "docs" / "README.md").read_text()
    linked = {(ROOT / "docs" / target).resolve() for target in re.findall(r"\]\(([^)#\s]+)", overview)}
    assert {path for path in PAGES if path.is_relative_to(ROOT / "docs")} - linked == {ROOT / "docs" / "README.md"}


def test_site_builds(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "mermaid" in (tmp_path / "reference" / "workflow" / "index.html").read_text()


CHOICES = [
    pytest.param(block, id=f"{path.stem}, {number}")
    for path in sorted((ROOT / "docs" / "how-to").glob("*.md"))
    if path.stem not in ("add-a-model", "use-as-a-module")  # tests of their own follow these
    for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL))
]


@pytest.mark.parametrize("block", CHOICES)
def test_choices_of_the_how_to_pages_are_allowed(block):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(config, yaml.safe_load(block.replace('"..."', f'"{64 * "0"}"')))
    check_config(config, SCHEMA)


def test_there_are_such_choices():
    assert len(CHOICES) >= 4


def test_every_command_of_make_is_documented():
    commands = (REFERENCE / "commands.md").read_text()
    assert not [target for target in TARGETS if f"| `make {target}` |" not in commands]


def test_every_experiment_is_documented():
    page = (REFERENCE / "experiments.md").read_text()
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    assert not [name for name in config["experiments"] if not re.search(rf"\| .*\b{name}(?![\w-])", page)]


def test_every_file_that_a_rule_writes_is_documented():
    page = (REFERENCE / "files.md").read_text()
    written = set()
    for path in (ROOT / "rules").glob("*.smk"):
        for output in re.findall(r"^    output:\n((?:        .*\n)+)", path.read_text(), re.MULTILINE):
            written |= set(re.findall(r"[\w-]+\.(?:csv|parquet|json|svg|html|safetensors)\b", output))
    missing = sorted(file for file in written if file not in page and file.removesuffix(".svg") not in page)
    assert len(written) > 25 and not missing


def test_reader_has_two_minutes():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 90


def test_pages_that_other_files_name_are_there():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    missing = [
        f"{file}: {page}"
        for file in listed.splitlines()
        if (ROOT / file).suffix not in (".md", ".png", ".csv") and (ROOT / file).exists()
        for page in re.findall(r"\bdocs/[\w/.-]+\.(?:md|py)\b", (ROOT / file).read_text())
        if not (ROOT / page).exists()
    ]
    assert not missing
