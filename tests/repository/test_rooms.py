"""The rooms of the shared package: imports go one way, and Snakemake tracks every module that a script uses."""

import ast
import graphlib
import re

import pytest
from helpers.loaded_modules import RULES_RUN_BY
from helpers.paths import ROOT
from helpers.rules import RULES

PACKAGE = ROOT / "scripts" / "fd01"
ROOMS = ["workflow", "study", "data", "models", "scoring", "evaluation", "report"]
MODULES = {
    f"fd01.{path.parent.name}.{path.stem}": path for path in sorted(PACKAGE.glob("*/*.py")) if path.stem != "__init__"
}


def imported(path):
    """Modules of the package that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names if alias.name.startswith("fd01"))
            case ast.ImportFrom(module=str(module)) if module.startswith("fd01"):
                yield module


@pytest.mark.parametrize("path", [*(ROOT / "scripts").rglob("*.py"), ROOT / "notebooks" / "explore.py.ipynb"], ids=str)
def test_package_is_imported_in_the_form_that_the_digest_of_code_finds(path):
    other = r'^[ "]*(?:import fd01|from fd01(?:\.\w+)? import|from \.|.+ from fd01\.)'
    assert not re.findall(other, path.read_text(), re.MULTILINE)


def test_rooms_are_those_that_the_package_names():
    assert {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(ROOMS)
    assert ", ".join(ROOMS) in (PACKAGE / "__init__.py").read_text()
    assert not [path for path in PACKAGE.glob("*.py") if path.stem != "__init__"]


@pytest.mark.parametrize("name", MODULES)
def test_module_imports_from_its_own_room_and_those_before_it(name):
    room = ROOMS.index(name.split(".")[1])
    later = [module for module in imported(MODULES[name]) if ROOMS.index(module.split(".")[1]) > room]
    assert not later


def test_no_module_imports_itself_by_way_of_others():
    graph = {name: set(imported(path)) for name, path in MODULES.items()}
    assert set().union(*graph.values()) <= set(MODULES)
    list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=lambda path: path.parent.name)
def test_a_room_itself_holds_nothing_but_its_description(path):
    (node,) = ast.parse(path.read_text()).body
    assert isinstance(node, ast.Expr) and isinstance(node.value.value, str)


def test_modules_are_noted_of_every_rule_in_some_study_of_the_tests():
    assert {rule for rules in RULES_RUN_BY.values() for rule in rules.split()} == set(RULES)
