import pytest
from helpers.paths import ROOT
from helpers.rules import RULES, script_of

from fd01.workflow import code
from fd01.workflow.code import code_digest, modules_of


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A script that imports one module, which imports a second one; a third is imported by nothing."""
    for name, text in {
        "run.py": "from fd01.data.prices import read\n",
        "fd01/data/prices.py": "def read():\n    from fd01.workflow.files import digest\n",
        "fd01/workflow/files.py": "digest = 1\n",
        "fd01/workflow/other.py": "",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(code, "SCRIPTS", tmp_path)
    return tmp_path


def digest_now(project):
    for function in (code._imported_by, code._sha256):
        function.cache_clear()
    return code_digest(project / "run.py")


def test_modules_are_found_at_any_depth_and_inside_functions(project):
    assert modules_of(project / "run.py") == ["fd01.data.prices", "fd01.workflow.files"]


def test_modules_are_found_in_a_notebook(project):
    (project / "look.ipynb").write_text('"source": [\n    "from fd01.data.prices import read\\n",\n]')
    assert modules_of(project / "look.ipynb") == ["fd01.data.prices", "fd01.workflow.files"]


@pytest.mark.parametrize("name", ["run.py", "fd01/data/prices.py", "fd01/workflow/files.py"])
def test_digest_moves_with_a_line_of_the_script_or_of_its_modules(project, name):
    before = digest_now(project)
    with open(project / name, "a") as file:
        file.write("# one more line\n")
    assert digest_now(project) != before


def test_digest_does_not_move_with_another_module_or_a_time_stamp(project):
    before = digest_now(project)
    (project / "fd01/workflow/other.py").write_text("changed = True\n")
    (project / "fd01/data/prices.py").touch()
    assert digest_now(project) == before


def test_digest_is_the_same_in_another_folder(project, tmp_path_factory, monkeypatch):
    before = digest_now(project)
    moved = project.rename(tmp_path_factory.mktemp("elsewhere") / "project")
    monkeypatch.setattr(code, "SCRIPTS", moved)
    assert digest_now(moved) == before


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_the_digest_of_its_own_script(rule):
    script = script_of(rule)
    assert f'code=code_of("{script.relative_to(ROOT)}"),' in RULES[rule] and script.is_file()
