"""Promises that the layout makes."""

import re
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT

RULES = {
    name: body
    for path in sorted((ROOT / "rules").glob("*.smk"))
    for name, body in re.findall(r"^rule (\w+):\n((?:    .*\n|\n)+)", path.read_text(), re.MULTILINE)
}


def pins(lines):
    """Version by package name in lower case, extras dropped."""
    found = (re.match(r"([\w.-]+)(?:\[.*\])?==(\S+)$", line.strip()) for line in lines if "==" in line)
    return {match[1].lower(): match[2] for match in found}


PINNED = pins((ROOT / "envs" / "requirements.txt").read_text().splitlines())


@pytest.mark.parametrize("path", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda path: path.name)
def test_conda_environment_has_the_pins_of_the_single_one(path):
    (packages,) = (d["pip"] for d in yaml.safe_load(path.read_text())["dependencies"] if isinstance(d, dict))
    found = pins(packages)
    assert len(found) == len(packages)
    assert found.items() <= PINNED.items()


def test_direct_requirements_are_pinned_as_asked():
    asked = pins((ROOT / "envs" / "requirements.in").read_text().splitlines())
    assert asked.items() <= PINNED.items()


def test_torch_is_pinned_without_a_build_tag():
    assert "+" not in PINNED["torch"]


def test_every_rule_is_found():
    assert len(RULES) >= 12


@pytest.mark.parametrize("name", RULES)
def test_rule_script_log_and_benchmark_share_a_name(name):
    body = RULES[name]
    assert f'"../scripts/{name}.py"' in body
    assert f"/logs/{name}" in body
    assert "benchmark:" not in body or f"/benchmarks/{name}" in body
    assert "conda:" in body


def test_every_script_has_its_rule_or_its_make_target():
    scripts = {path.stem for path in (ROOT / "scripts").glob("*.py")}
    assert scripts - set(RULES) == {"end_orphans"}
    assert "scripts/end_orphans.py" in (ROOT / "Makefile").read_text()


def test_shared_package_imports_without_the_model_stacks():
    code = """
import sys, pathlib, importlib
ABSENT = {"torch", "talib", "arch", "yfinance", "matplotlib", "seaborn", "jsonschema", "jinja2"}
class Absent:
    def find_spec(self, name, *_):
        if name.split(".")[0] in ABSENT:
            raise ImportError(name)
sys.meta_path.insert(0, Absent())
for path in sorted(pathlib.Path("scripts/fd01").glob("*.py")):
    importlib.import_module(f"fd01.{path.stem}")
"""
    environment = {"PYTHONPATH": str(ROOT / "scripts"), "PATH": ""}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
