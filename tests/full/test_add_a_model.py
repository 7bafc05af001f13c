"""docs/how-to/add-a-model.md, followed literally in a copy of the repository."""

import os
import re
import subprocess
import sys

import pandas as pd
import pytest
import yaml
from helpers.copies import copy_repository
from helpers.paths import ROOT

from fd01.workflow.files import read_json

PAGE = (ROOT / "docs" / "how-to" / "add-a-model.md").read_text()
STEP = re.compile(
    r"`([^`\s]+)`, (?:a new file|below the line\s`([^\n]+)`):\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
NEW = ("WV-01", "WV-01-untrained")


def follow(page, folder):
    """Apply the blocks of the page to the copy of the repository in `folder`; the files that changed."""
    changed = []
    for path, line, block in STEP.findall(page):
        target = folder / path
        if not line:
            assert not target.exists(), path
            target.write_text(block)
        else:
            lines = target.read_text().splitlines(keepends=True)
            assert lines.count(f"{line}\n") == 1, f"{path} has the line {line!r} {lines.count(f'{line}')} times"
            lines.insert(lines.index(f"{line}\n") + 1, block)
            target.write_text("".join(lines))
        changed.append(path)
    return changed


def run(folder, *command, **variables):
    """Run a command in `folder`; everything that it printed."""
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "FD01_GPU": "0"} | variables
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A copy of the repository with the model of the page in it, and the files that the page changed."""
    folder = copy_repository(tmp_path_factory.mktemp("copy") / "fd01")
    run(folder, "git", "init", "--quiet")
    run(folder, "git", "add", "--all")
    changed = follow(PAGE, folder)
    return folder, changed


@pytest.fixture(scope="module")
def study(repository):
    """Results of the small study with the experiments of the page, and with baselines and PatchTST beside them."""
    folder, _ = repository
    place = folder / "tests" / "studies" / "small"
    config = yaml.safe_load((place / "config.yaml").read_text())
    added = yaml.safe_load((folder / "config.yaml").read_text())["experiments"]
    for name, entry in config["experiments"].items():
        entry["run"] = "all" if name.startswith(("BASE", "PTST-tiny")) and "study" not in name else "none"
    config["experiments"] |= {name: added[name] for name in NEW}
    (place / "config.yaml").write_text(yaml.safe_dump(config))
    run(place, sys.executable, "-m", "snakemake", "--snakefile", "../../../Snakefile", "--cores", "2")
    return place / "results" / "sp500"


def test_page_touches_at_most_six_files(repository):
    _, changed = repository
    assert len(STEP.findall(PAGE)) == PAGE.count(":\n\n```python") + PAGE.count(":\n\n```yaml")
    assert len(set(changed)) <= 6


def test_copy_passes_lint(repository):
    folder, _ = repository
    run(folder, sys.executable, "-m", "ruff", "check", ".")
    run(folder, sys.executable, "-m", "ruff", "format", "--check", ".")
    run(folder, "snakefmt", "--check", ".", PATH=os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]))
    run(folder, sys.executable, "-m", "snakemake", "--lint")


def test_copy_keeps_the_promises_of_the_layout_and_of_the_slurm_profile(repository):
    folder, _ = repository
    output = run(
        folder,
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/repository/test_repository.py",
        "tests/repository/test_rooms.py",
        # What the last step of the page asks for: a study of the tests that runs the new rule.
        "--deselect",
        "tests/repository/test_rooms.py::test_modules_are_noted_of_every_rule_in_some_study_of_the_tests",
    )
    assert re.search(r"\b\d+ passed", output) and "failed" not in output


def test_experiments_are_in_metrics_and_comparisons(study):
    metrics = pd.read_csv(study / "metrics" / "metrics.csv")
    scored = metrics[(metrics["status"] == "ok") & metrics["experiment"].isin(NEW)]
    assert set(scored["experiment"]) == set(NEW)
    assert {"close-exceedance", "exceedance", "study", "width"} == set(scored["score_kind"])
    rows = pd.read_csv(study / "metrics" / "comparisons.csv")
    twins = rows[(rows["experiment"] == "WV-01") & (rows["against"] == "twin")]
    assert set(twins["other"]) == {"WV-01-untrained"}
    assert {"reference", "baseline"} <= set(rows.loc[rows["experiment"] == "WV-01-untrained", "against"])


def test_experiments_are_in_verdict_and_report(study):
    verdict = read_json(study / "verdict.json")
    assert verdict["pretrained"] == ["WV-01"]
    pairs = {(row["experiment"], row["other"]) for row in verdict["comparisons"]}
    assert ("WV-01", "WV-01-untrained") in pairs
    page = (study / "report" / "index.html").read_text()
    assert all(f'<th scope="row">{name}</th>' in page for name in NEW)
