"""The results as a research object."""

import json

import pytest
import yaml
from crate import CONFIGURATION, copy_workflow, describe_run
from helpers.paths import ROOT
from helpers.research_object import problems

from fd01.workflow.files import read_json, sha256, write_json

CITATION = {"title": "A study", "license": "MIT", "version": "1.0", "authors": [{"name": "We"}]}
PROVENANCE = {
    "collected": "2026-01-02T03:04:05+00:00",
    "git_commit": "0" * 40,
    "config": {"dataset": "spy", "weights": {"models": {}}},
    "python": "3.11.7",
    "platform": "Linux",
    "experiments": {"BASE": {"packages": {"python": "3.11.7", "arch": "8.0.0"}, "weights": None}},
    "installed": {"snakemake": "9.27.1"},
}
PRICES = {
    "title": "SPY",
    "source": {"kind": "parquet", "path": "data/mine.parquet"},
    "source_sha256": "1" * 64,
    "rows": 10,
    "first_date": "2020-01-01",
    "last_date": "2020-01-15",
    "packages": {"python": "3.11.7", "pandas": "2.3.3", "torch": "2.13.0+cpu"},
}


@pytest.fixture
def results(tmp_path):
    """A folder of results, with the workflow."""
    folder = tmp_path / "results"
    for name in ("data/dataset.parquet", "metrics/metrics.csv", "report/index.html", "verdict.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    for name in ("logs", "benchmarks"):
        (folder / name).mkdir()
    write_json(folder / "provenance.json", PROVENANCE)
    write_json(folder / "data/dataset.json", PRICES)
    copy_workflow(ROOT, folder / "workflow", PROVENANCE["config"])
    return folder


def described(folder):
    """The entities of the folder's description by their id, after it has been written."""
    content = describe_run(folder, CITATION, "spy")
    write_json(folder / "ro-crate-metadata.json", content)
    return {entity["@id"]: entity for entity in content["@graph"]}


def test_description_is_a_workflow_run_crate(results, tmp_path):
    described(results)
    assert problems(results, tmp_path) == []


@pytest.mark.parametrize(("commit", "said"), [("a" * 40, "git commit " + "a" * 40), (None, "git commit unknown")])
def test_workflow_names_its_commit_if_git_tells_it(results, tmp_path, commit, said):
    write_json(results / "provenance.json", PROVENANCE | {"git_commit": commit})
    assert described(results)["workflow/Snakefile"]["identifier"] == said
    assert problems(results, tmp_path) == []


def test_validator_finds_what_is_wrong(results, tmp_path):
    described(results)
    path = results / "ro-crate-metadata.json"
    content = read_json(path)
    content["@graph"] = [entity for entity in content["@graph"] if entity["@id"] != "#run"]
    write_json(path, content)
    (results / "verdict.json").unlink()
    found = " ".join(problems(results, tmp_path))
    assert "MUST reference the root data entity's mainEntity as its instrument" in found
    assert "verdict.json" in found


def test_run_names_its_prices_their_licence_and_the_configuration(results):
    entities = described(results)
    assert [one["@id"] for one in entities["#run"]["object"]] == [CONFIGURATION, "data/dataset.parquet"]
    prices = entities["data/dataset.parquet"]
    assert prices["sha256"] == sha256(results / "data/dataset.parquet")
    assert "not known here" in prices["license"]
    assert "1" * 64 in prices["description"] and "mine.parquet" not in json.dumps(list(entities.values()))
    assert yaml.safe_load((results / CONFIGURATION).read_text()) == PROVENANCE["config"]


def test_results_that_there_are_have_their_digests(results):
    entities = described(results)
    assert {"verdict.json", "report/index.html", "metrics/"} <= {one["@id"] for one in entities["#run"]["result"]}
    assert "erratum.json" not in entities
    assert entities["metrics/"]["hasPart"] == [{"@id": "metrics/metrics.csv"}]
    assert entities["metrics/metrics.csv"]["sha256"] == sha256(results / "metrics/metrics.csv")


def test_packages_are_those_that_jobs_recorded(results):
    needed = {one["@id"] for one in described(results)["workflow/Snakefile"]["softwareRequirements"]}
    names = {"arch/8.0.0", "pandas/2.3.3", "torch/2.13.0"}
    assert needed == {f"https://pypi.org/project/{name}/" for name in names}


def test_copied_workflow_runs(results):
    assert (results / "workflow/Snakefile").read_text() == (ROOT / "Snakefile").read_text()
    copied = {path.relative_to(results / "workflow") for path in (results / "workflow").rglob("*.py")}
    assert {path.relative_to(ROOT) for path in (ROOT / "scripts").rglob("*.py")} <= copied
    assert not list((results / "workflow").rglob("__pycache__"))
