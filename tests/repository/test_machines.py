"""Machines that the project runs on, and what keeps its files the same on all of them."""

import ast
import hashlib
import os
import re
import subprocess
import sys
from importlib.metadata import distribution

import check_machine
import pytest
import yaml
from helpers.paths import ROOT
from packaging.specifiers import SpecifierSet

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([\w-]+):", MAKEFILE, re.MULTILINE))
LINUX = check_machine.Machine("Linux", "x86_64", ("glibc", "2.28"), "", "CPython", (3, 11, 0), True)
MAC = LINUX._replace(system="Darwin", processor="arm64", libc=("", ""), macos="14.0")


@pytest.mark.parametrize(
    "machine",
    [
        LINUX,
        LINUX._replace(processor="aarch64", python=(3, 13, 5), libc=("glibc", "2.41")),
        LINUX._replace(python=(3, 12, 1), libc=("glibc", "3.0")),
        MAC,
        MAC._replace(macos="26.1", python=(3, 12, 0)),
    ],
)
def test_machine_is_taken(machine):
    assert check_machine.refusal(machine, "python3") is None


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (LINUX._replace(system="Windows", processor="AMD64", libc=("", "")), "install WSL 2"),
        (LINUX._replace(system="MSYS_NT-10.0-22631", libc=("", "")), "install WSL 2"),
        (LINUX._replace(system="FreeBSD", libc=("", "")), "Linux or macOS is needed, and this is FreeBSD"),
        (MAC._replace(processor="x86_64"), "no packages for Intel Macs"),
        (MAC._replace(macos="13.6"), "macOS 14 or later is needed, and this is 13.6"),
        (LINUX._replace(processor="armv7l"), "x86_64 or aarch64 is needed, and this is armv7l"),
        (LINUX._replace(libc=("glibc", "2.27")), "glibc 2.28 or later is needed .* this has glibc 2.27: "),
        (LINUX._replace(libc=("musl", "1.2.5")), "glibc 2.28 .*Alpine.* this has musl 1.2.5: "),
        (LINUX._replace(libc=("", "")), "glibc 2.28 .* this has another C library, perhaps musl: "),
        (LINUX._replace(python=(3, 10, 13)), "3.13 is needed, and python3 is CPython 3.10.13: .* call make PYTHON="),
        (LINUX._replace(python=(3, 14, 0)), "3.13 is needed, and python3 is CPython 3.14.0: .* call make PYTHON="),
        (LINUX._replace(implementation="PyPy"), "3.13 is needed, and python3 is PyPy 3.11.0: "),
        (LINUX._replace(implementation="free-threaded CPython"), "python3 is free-threaded CPython 3.11.0: "),
        (LINUX._replace(has_ensurepip=False), "lacks ensurepip: .* apt-get install python3.11-venv"),
        # An old Python knows too little of its system.
        (LINUX._replace(python=(2, 7, 18), libc=("glibc", "2.9")), "python3 is CPython 2.7.18: "),
        (MAC._replace(python=(3, 8, 2), macos="10.16"), "python3 is CPython 3.8.2: "),
    ],
)
def test_machine_is_refused_in_one_line(machine, said):
    line = check_machine.refusal(machine, "python3")
    assert re.search(said, line) and "\n" not in line


def test_check_of_the_machine_passes_here():
    run = subprocess.run([sys.executable, ROOT / "envs" / "check_machine.py"], capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_old_pythons_can_read_the_check_of_the_machine():
    tree = ast.parse((ROOT / "envs" / "check_machine.py").read_text(), feature_version=(3, 4))
    nodes = list(ast.walk(tree))
    assert not [node for node in nodes if isinstance(node, ast.JoinedStr | ast.NamedExpr)]
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {"platform", "sys"} <= imported <= sys.stdlib_module_names


def requirements(name):
    """Version of each package that a file of envs/ pins."""
    lines = (ROOT / "envs" / name).read_text().splitlines()
    return dict(line.split("==") for line in lines if re.match(r"[\w-]+==", line))


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-test.txt"])
def test_every_package_takes_every_python(name):
    pythons = [f"{major}.{minor}.0" for major, minor in check_machine.PYTHONS]
    for package in requirements(name):
        asked = distribution(package).metadata.get("Requires-Python", "")
        assert [python for python in pythons if python not in SpecifierSet(asked)] == [], f"{package} asks for {asked}"


@pytest.fixture
def project(tmp_path):
    """A folder with the Makefile, the check of the machine and no requirements, to be set up by a made-up Python."""
    (tmp_path / "envs").mkdir()
    (tmp_path / "Makefile").write_text(MAKEFILE)
    (tmp_path / "envs" / "check_machine.py").write_text((ROOT / "envs" / "check_machine.py").read_text())
    (tmp_path / "envs" / "requirements.txt").touch()
    return tmp_path


def make(folder, *arguments):
    """How `make .venv/.run` ends in `folder`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "PYTHON"}
    command = ["make", ".venv/.run", *arguments]
    return subprocess.run(command, cwd=folder, env=inherited, capture_output=True, text=True)


def write_program(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def made_up_python(path, version):
    """A program that answers as a Python of this version; its environments hold itself and a pip that does nothing."""
    return write_program(
        path,
        f"""
case "$1" in
  --version) echo Python {version} ;;
  -m) echo "$@" >> calls; mkdir -p .venv/bin; cp "$0" .venv/bin/python; echo "#!/bin/sh" > .venv/bin/pip
      chmod +x .venv/bin/pip ;;
esac""",
    )


def test_path_with_a_space_is_refused_in_one_line(project):
    folder = project / "my study"
    folder.mkdir()
    (folder / "Makefile").write_text(MAKEFILE)
    run = make(folder)
    assert run.returncode == 2 and run.stdout == ""
    assert re.fullmatch(
        r"Makefile:\d+: \*\*\* The path .*/my study has a space, .* without one\.  Stop\.\n", run.stderr
    )


def test_python_that_does_not_exist_is_refused_in_one_line(project):
    run = make(project, "PYTHON=/nonexistent/python3")
    line, ending = run.stdout.splitlines() + run.stderr.splitlines()
    assert line.startswith("There is no /nonexistent/python3: install Python 3.11, 3.12 or 3.13, and call make PYTHON=")
    assert ending.startswith("make: ***") and not (project / ".venv").exists()


def test_old_python_is_refused_in_one_line_before_anything_is_installed(project):
    lie = "import runpy, sys; sys.version_info = (3, 10, 1); runpy.run_path(sys.argv[1], run_name='__main__')"
    python = write_program(project / "python", f'exec {sys.executable} -c "{lie}" "$@"')
    run = make(project, f"PYTHON={python}")
    assert run.returncode == 2 and run.stdout == ""
    line, ending = run.stderr.splitlines()
    assert "Python 3.11, 3.12 or 3.13 is needed" in line and "3.10.1:" in line
    assert ending.startswith("make: ***") and not (project / ".venv").exists()


def test_environment_is_kept_for_the_same_python_and_made_again_for_another(project):
    made = []
    for version in ("3.11.9", "3.11.9", "3.12.1"):
        python = made_up_python(project / "python", version)
        run = make(project, f"PYTHON={python}")
        assert run.returncode == 0, run.stderr
        (project / ".venv" / ".run").unlink()  # as after an interrupted installation
        made.append((project / "calls").read_text().count("-m venv --clear .venv\n"))
    assert made == [1, 1, 2]


def test_first_python_that_starts_is_chosen(project, monkeypatch):
    folder = project / "bin"
    folder.mkdir()
    write_program(folder / "python3.11", "exit 127")  # pyenv's, of a version that is switched off
    write_program(folder / "python3.12", f'case "$1" in -c) echo {folder}/python3.12 ;; *) exit 3 ;; esac')
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    run = make(project, "--dry-run")
    assert f'"{folder}/python3.12" envs/check_machine.py\n' in run.stdout


@pytest.mark.parametrize(("settings", "installed_by"), [("", "uv"), ("global.find-links='/wheels'", "pip")])
def test_uv_installs_where_it_is_found_unless_pip_has_settings_that_it_does_not_read(
    project, monkeypatch, settings, installed_by
):
    folder = project / "bin"
    folder.mkdir()
    python = made_up_python(project / "python", "3.11.9")
    assert make(project, f"PYTHON={python}").returncode == 0
    (project / ".venv" / ".run").unlink()
    write_program(folder / "uv", 'echo uv "$@" >> installed')
    pip = f'case "$1" in config) echo "{settings}" | grep . ;; *) echo pip "$@" >> installed ;; esac'
    write_program(project / ".venv" / "bin" / "pip", pip)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    run = make(project, f"PYTHON={python}")
    assert run.returncode == 0, run.stderr
    (line,) = (project / "installed").read_text().splitlines()
    assert line.split()[0] == installed_by and line.endswith(" --requirement envs/requirements.txt")
    assert installed_by == "pip" or "--python .venv/bin/python " in line


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone of this repository as Git for Windows makes it."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    folder = tmp_path_factory.mktemp("windows") / "clone"
    subprocess.run(["git", "-c", "core.autocrlf=true", "clone", "--quiet", ROOT, folder], check=True)
    return folder


def test_clone_on_windows_has_the_digest_of_the_plan(clone):
    name = "docs/analysis-plan.md"
    here = subprocess.run(["git", "show", f"HEAD:{name}"], cwd=ROOT, capture_output=True, check=True).stdout
    assert hashlib.sha256((clone / name).read_bytes()).hexdigest() == hashlib.sha256(here).hexdigest()


def test_clone_on_windows_has_no_line_ends_of_windows(clone):
    run = subprocess.run(["git", "ls-files", "--eol"], cwd=clone, capture_output=True, text=True, check=True)
    lines = run.stdout.splitlines()
    assert len(lines) > 200 and not [line for line in lines if "crlf" in line or "mixed" in line]


def test_style_checks_at_a_commit_are_those_of_make_lint():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    called = [hook["entry"].removeprefix(".venv/bin/") for hook in hooks]
    assert called == ["ruff check", "ruff format", "snakefmt"]
    for command in called:
        assert re.search(rf"^\t\$\(BIN\)/{command} (--check )?\.$", MAKEFILE, re.MULTILINE), command
        assert command.split()[0] in requirements("requirements-test.txt")
    assert all(hook["language"] == "system" for hook in hooks)  # nothing but .venv is asked for a version


GITHUB = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())


def steps(job, key):
    return [step[key] for step in GITHUB["jobs"][job]["steps"] if key in step]


def test_github_runs_what_ci_runs():
    called = [line for job in GITHUB["jobs"] for run in steps(job, "run") for line in run.splitlines()]
    made = [line for line in called if re.fullmatch(r"make [\w-]+ PYTHON=python", line)]
    targets = {line.split()[1] for line in made}
    installed = [
        re.sub(r"sudo apt-get (update|install --yes)|&&", "", line).split() for line in called if line not in made
    ]
    browser = re.search(r"^BROWSER := (.*)", MAKEFILE, re.MULTILINE)[1].split()
    assert installed and all(packages and set(packages) <= set(browser) for packages in installed), installed
    commands = [line.partition("#")[0].split() for line in (ROOT / ".ci" / "run").read_text().splitlines()]
    wanted = {word for command in commands if command[:1] == ["make"] for word in command} & TARGETS
    assert {"test", "test-conda", "test-cluster"} <= wanted <= targets <= TARGETS


def test_github_tries_every_python_and_kind_of_machine():
    matrix = GITHUB["jobs"]["test-fast"]["strategy"]["matrix"]
    assert matrix["python"] == [f"{major}.{minor}" for major, minor in check_machine.PYTHONS]
    assert {machine.partition("-")[0] for machine in matrix["machine"]} == {"ubuntu", "macos"}
    assert any(machine.endswith("-arm") for machine in matrix["machine"])
    assert GITHUB[True]["schedule"]  # YAML reads `on` as true


def test_pins_are_audited_on_schedule_and_in_no_other_test():
    job = GITHUB["jobs"]["audit"]
    assert "schedule" in job["if"] and "push" not in job["if"]
    (audit,) = (step for step in job["steps"] if "pip-audit" in step["uses"])
    assert (ROOT / audit["with"]["inputs"]).read_text().count("-r requirements.txt") == 1
    assert "pip-audit" not in MAKEFILE


def test_workflow_catalog_can_list_the_workflow():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["software-stack-deployment"]["conda"] and usage["report"]
    readme = (ROOT / "README.md").read_text().lower()
    assert "snakemake" in readme and "workflow" in readme
    assert (ROOT / "Snakefile").exists() and list((ROOT / "rules").glob("*.smk"))
