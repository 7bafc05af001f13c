"""Promises that the layout makes."""

import ast
import json
import os
import re
import subprocess
import sys

import pin
import pytest
import yaml
import yte
from helpers.environment_files import conda_packages
from helpers.paths import ROOT
from helpers.rules import RULE_FILES, RULES
from snakemake.common.configfile import load_configfile

from fd01.study.config import check_config
from fd01.study.seal import plan_digest
from fd01.study.systems import SCORES, SYSTEMS


def pins(lines):
    """Version by package name in lower case, extras dropped."""
    found = (re.match(r"([\w.-]+)(?:\[.*\])?==(\S+)", line.strip()) for line in lines if "==" in line)
    return {match[1].lower(): match[2] for match in found}


PINNED = pins((ROOT / "envs" / "requirements.txt").read_text().splitlines())
REQUIRED = pin.belonging((ROOT / "envs" / "requirements.in").read_text().splitlines())


def code_of(name):
    """Where the code of a rule lies, as the rule writes it: a script or a notebook."""
    return next(
        path for path in (f"../scripts/{name}.py", f"../notebooks/{name}.py.ipynb") if (ROOT / "rules" / path).exists()
    )


def read_code(path):
    """The Python code of a script or of a notebook."""
    if path.suffix == ".py":
        return path.read_text()
    cells = json.loads(path.read_text())["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def imports(name):
    """Modules that the code of a rule and the shared modules that it uses import, anywhere."""
    found, pending, seen = set(), [ROOT / "rules" / code_of(name)], set()
    while pending:
        path = pending.pop()
        seen.add(path)
        for node in ast.walk(ast.parse(read_code(path))):
            match node:
                case ast.Import():
                    found |= {alias.name.split(".")[0] for alias in node.names}
                case ast.ImportFrom(module=module) if module.startswith("fd01."):
                    pending += {ROOT / "scripts" / f"{module.replace('.', '/')}.py"} - seen
                case ast.ImportFrom(module=module):
                    found.add(module.split(".")[0])
    return found - set(sys.stdlib_module_names)


def test_conda_environments_equal_what_make_lock_writes():
    written = {path.stem: path.read_text() for path in (ROOT / "envs").glob("*.yaml")}
    assert written == pin.environments()


@pytest.mark.parametrize("path", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda path: path.name)
def test_conda_environment_has_the_pins_of_the_single_one(path):
    packages = conda_packages(path)
    found = pins(packages)
    assert [f"{name}=={version}" for name, version in found.items()] == [line.lower() for line in packages]
    assert found.items() <= PINNED.items()


def test_package_of_no_environment_is_refused():
    with pytest.raises(
        SystemExit, match=r"arch==8\.0\.0  # analyses: no environment analyses, only analysis, exports,"
    ):
        pin.belonging(["arch==8.0.0  # analyses"])


def test_environment_needs_the_pins_of_all_that_it_needs():
    pinned = pin.read_versions(["pandas==2.3.3", "numpy==2.4.6", "pytz==2026.6", "six==1.17.0", "tzdata==2026.6"])
    with pytest.raises(SystemExit, match=r"^analysis\.yaml needs python-dateutil, which requirements\.txt does not"):
        pin.render("analysis", [pin.Requirement("pandas==2.3.3")], pinned)


@pytest.mark.parametrize("name", RULES)
def test_conda_environment_of_a_rule_asks_for_what_its_script_imports(name):
    (environment,) = re.findall(r'"../envs/([\w-]+)\.yaml"', RULES[name])
    asked = {requirement.name.lower() for requirement in REQUIRED[environment]}
    distributions = {"sklearn": "scikit-learn", "talib": "ta-lib", "IPython": "jupyter", "yaml": "pyyaml"}
    wanted = {distributions.get(module, module) for module in imports(name)}
    # Of the module that computes the indicators, PatchTST reads their names alone.
    assert wanted - ({"ta-lib"} if name == "train_patchtst" else set()) <= asked


@pytest.mark.parametrize(
    "name", ["fit_probe", "score_forecasts", "score_lag_llama", "gather_seeds", "evaluate", "render_report"]
)
def test_what_follows_the_forecasts_needs_no_model_package(name):
    assert not {"torch", "timesfm", "gluonts", "sktime", "safetensors", "huggingface_hub"} & imports(name)


def test_versions_that_jobs_record_are_pinned():
    code = "".join(path.read_text() for path in (ROOT / "scripts").glob("*.py"))
    calls = re.findall(r"(?:versions|describe_job)\(((?:params, )?\"[^)]*)\)", code)
    recorded = {name.lower() for call in calls for name in re.findall(r'"([^"]+)"', call)}
    assert {"torch", "timesfm", "arch"} <= recorded <= set(PINNED)


def test_direct_requirements_are_pinned_as_asked():
    asked = pins((ROOT / "envs" / "requirements.in").read_text().splitlines())
    assert asked.items() <= PINNED.items()


def test_torch_is_pinned_without_a_build_tag():
    assert "+" not in PINNED["torch"]


def test_shipped_digests_belong_to_the_shipped_plan_settings_and_folds():
    config = load_configfile(ROOT / "config.yaml")
    check_config(config, yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text()))
    found = {plan_digest(ROOT / config["plan"]["file"], config, dataset) for dataset in config["datasets"]}
    assert set(config["plan"]["sha256"]) == found, "the plan, its settings or folds have changed: snakemake digests"


def test_every_rule_is_found():
    assert len(RULES) >= 12


@pytest.mark.parametrize("name", RULES)
def test_rule_script_log_and_benchmark_share_a_name(name):
    body = RULES[name]
    assert f'"{code_of(name)}"' in body
    assert f"/logs/{name}" in body
    assert "benchmark:" not in body or f"/benchmarks/{name}" in body
    assert "conda:" in body


REPRODUCES = "reproduce_published"  # it runs TimesFM, and is no experiment


def test_table_of_systems_names_the_rules_that_use_a_gpu():
    code = {name: (ROOT / "rules" / code_of(name)).read_text() for name in RULES}
    networks = r"cuda|fd01.models.timesfm |fd01.models.lag_llama "
    on_gpu = {name for name in RULES if re.search(networks, code[name])}
    assert on_gpu == {system.rule for system in SYSTEMS.values() if system.gpu} | {REPRODUCES}
    assert on_gpu == {name for name in RULES if "    resources:\n        gpu=GPU,\n" in RULES[name]}


@pytest.mark.parametrize("name", SYSTEMS)
def test_table_of_systems_names_the_environment_of_the_rule(name):
    system = SYSTEMS[name]
    assert f'"../envs/{system.environment}.yaml"' in RULES[system.rule]


def test_profile_runs_one_job_with_a_gpu_at_a_time():
    profile = yaml.safe_load((ROOT / "profiles" / "default" / "profile.yaml").read_text())
    assert profile["resources"]["gpu"] == 1


def jobs():
    """Text of every rule that becomes a job on a cluster; a derived rule has the text of its origin."""
    derived = [re.findall(r"^use rule (\w+) as (\w+) ", path.read_text(), re.MULTILINE) for path in RULE_FILES]
    rules = RULES | {name: RULES[origin] for found in derived for origin, name in found}
    return {name: body for name, body in rules.items() if "    localrule: True\n" not in body}


@pytest.fixture(params=["0", "1"])
def slurm(request, monkeypatch):
    """The Slurm profile on a cluster without and with GPUs, as Snakemake reads it."""
    monkeypatch.setenv("FD01_GPU", request.param)
    return yte.process_yaml((ROOT / "profiles" / "slurm" / "profile.yaml").read_text(), require_use_yte=True)


def test_slurm_profile_names_jobs_alone(slurm):
    assert set(slurm["groups"]) | set(slurm["set-resources"]) <= set(jobs())


def test_slurm_profile_groups_every_job_but_those_that_run_a_model_and_the_last(slurm):
    late = {"summarise", "plot_answer", "render_report"}
    alone = {system.rule for system in SYSTEMS.values() if system.stores != SCORES} | {*late, REPRODUCES}
    assert len(alone) > 5
    assert set(jobs()) - set(slurm["groups"]) == alone
    assert set(slurm["group-components"]) <= set(slurm["groups"].values())


def test_slurm_profile_sends_those_jobs_to_the_gpus_that_use_one(slurm):
    cpus = slurm["default-resources"]["slurm_partition"]
    elsewhere = {name for name, found in slurm["set-resources"].items() if found.get("slurm_partition", cpus) != cpus}
    using = {name for name, body in jobs().items() if "        gpu=GPU,\n" in body}
    assert len(using) > 5 and elsewhere == (using if os.environ["FD01_GPU"] == "1" else set())


def test_slurm_profile_asks_for_more_at_each_attempt(slurm):
    asked = [slurm["default-resources"], *slurm["set-resources"].values()]
    growing = [value for entry in asked for key, value in entry.items() if key in ("mem_mb", "runtime")]
    assert len(growing) > 10
    assert all(re.fullmatch(r"attempt \* \d+", value) for value in growing)


def test_slurm_profile_takes_it_that_there_are_gpus(monkeypatch):
    monkeypatch.delenv("FD01_GPU", raising=False)
    yte.process_yaml((ROOT / "profiles" / "slurm" / "profile.yaml").read_text(), require_use_yte=True)
    assert os.environ.pop("FD01_GPU") == "1"


def test_every_script_has_its_rule_or_its_make_target():
    scripts = {path.stem for path in (ROOT / "scripts").glob("*.py")}
    assert scripts - set(RULES) == {"end_orphans"}
    assert "scripts/end_orphans.py" in (ROOT / "Makefile").read_text()


def test_shared_package_imports_without_the_model_packages():
    code = """
import sys, pathlib, importlib
ABSENT = {"gluonts", "sktime", "torch", "timesfm", "safetensors", "huggingface_hub", "httpx2", "talib", "arch",
          "yfinance", "matplotlib", "seaborn", "jsonschema", "jinja2"}
class Absent:
    def find_spec(self, name, *_):
        if name.split(".")[0] in ABSENT:
            raise ImportError(name)
sys.meta_path.insert(0, Absent())
for path in sorted(pathlib.Path("scripts/fd01").glob("*/*.py")):
    importlib.import_module(f"fd01.{path.parent.name}.{path.stem}")
"""
    environment = {"PYTHONPATH": str(ROOT / "scripts"), "PATH": ""}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda path: path.name)
def test_no_test_imports_another(path):
    nodes = list(ast.walk(ast.parse(path.read_text())))
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    parts = {part for module in modules for part in module.split(".")}
    assert not [part for part in parts if part.startswith("test_") or part in ("conftest", "tests")]
