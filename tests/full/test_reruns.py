"""What runs again after a change of the project, and what does not, with the profile of this repository."""

import os
import shutil

import pytest
from helpers.copies import copy_repository
from helpers.gallery import ELSEWHERE
from helpers.run_workflow import planned, snakemake, snakemake_in
from helpers.studies import change, new_study, run_on_spy

from fd01.workflow.parquet import read_frame

CHOSEN = ["--config", "only=['BASE-prevalence','BASE-last-return']", "--", "results/sp500/metrics/metrics.csv"]
AFTER_BASELINES = {"run_baseline": 2, "check_predictions": 1, "evaluate": 1}


def planned_in(project, *arguments):
    return planned(project, *arguments, run=snakemake_in)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A copy of the repository in which two baselines have run and are scored."""
    folder = copy_repository(tmp_path_factory.mktemp("finished") / "project")
    snakemake_in(folder, *CHOSEN)
    assert planned_in(folder, *CHOSEN) == {}
    return folder


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished one, with its time stamps, in another folder."""
    return shutil.copytree(finished, tmp_path / "project", symlinks=True)


def rewrite(project, name, old, new):
    path = project / name
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))


def test_a_copied_project_reruns_nothing(project):
    assert planned_in(project, *CHOSEN) == {}


def test_a_project_called_through_a_link_reruns_nothing(project, tmp_path):
    (tmp_path / "link").symlink_to(project)
    assert planned_in(tmp_path / "link", *CHOSEN) == {}


def test_files_with_a_new_time_stamp_and_the_old_content_rerun_nothing(project):
    for folder in ("scripts", "rules", "envs", "report", "schemas", "results/sp500/data"):
        for path in (project / folder).rglob("*"):
            os.utime(path)
    assert planned_in(project, *CHOSEN) == {}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("scripts/evaluate.py", {"evaluate": 1}),
        ("scripts/run_baseline.py", AFTER_BASELINES),
        ("scripts/fd01/evaluation/metrics_table.py", {"evaluate": 1}),
        ("scripts/fd01/models/baselines.py", AFTER_BASELINES),
        ("scripts/fd01/data/origins.py", {"build_origins": 1, "seal_outcomes": 1, **AFTER_BASELINES}),
        ("scripts/fd01/models/patchtst.py", {}),
        ("scripts/train_patchtst.py", {}),
    ],
)
def test_a_changed_line_of_code_reruns_what_rests_on_it_and_no_more(project, name, wanted):
    with open(project / name, "a") as file:
        file.write("\n# one more line\n")
    assert planned_in(project, *CHOSEN) == wanted


def test_a_changed_rule_reruns_what_rests_on_it_and_no_more(project):
    rewrite(project, "rules/metrics.smk", "        off=switched_off,\n", "        off={},\n")
    assert planned_in(project, *CHOSEN) == {"evaluate": 1}


def test_a_remark_in_a_rule_reruns_nothing(project):
    rewrite(project, "rules/metrics.smk", "rule evaluate:\n", "# A remark.\nrule evaluate:\n")
    assert planned_in(project, *CHOSEN) == {}


def test_without_the_profile_a_touched_script_runs_again(project):
    os.utime(project / "scripts" / "evaluate.py")
    assert planned_in(project, "--workflow-profile", "none", *CHOSEN) == {"evaluate": 1}
    (project / "scripts" / "fd01" / "data" / "origins.py").touch()
    assert planned_in(project, "--workflow-profile", "none", *CHOSEN) == {"evaluate": 1}


METRICS = "results/spy/metrics/metrics.csv"
OLD = (10**18, 10**18)  # nanoseconds: long before any result


@pytest.fixture(scope="module")
def on_own_files(tmp_path_factory):
    """A finished study on a price file and on forecasts from elsewhere."""
    folder = new_study(tmp_path_factory.mktemp("own") / "run")
    days = read_frame(folder / "data/prices.parquet")["Date"]
    forecasts = days[300:].dt.strftime("%Y-%m-%d").to_frame("day").assign(q10=-0.01, q50=0.0, q90=0.01)
    forecasts.to_csv(folder / "data/elsewhere.csv", index=False)
    change(folder, "experiments", "EXT", value=ELSEWHERE)
    run_on_spy(folder, "BASE-prevalence", "EXT")
    snakemake(folder, METRICS)
    return folder


def other_forecasts(path):
    path.write_text(path.read_text().replace("0.01", "0.02"))


@pytest.mark.parametrize(
    ("name", "change_it", "rule"),
    [("elsewhere.csv", other_forecasts, "score_external")],
)
def test_another_file_under_the_same_name_runs_again_however_old_it_is(on_own_files, tmp_path, name, change_it, rule):
    folder = shutil.copytree(on_own_files, tmp_path / "run")
    assert planned(folder, "--", METRICS) == {}
    path = folder / "data" / name
    os.utime(path, ns=OLD)
    assert planned(folder, "--", METRICS) == {}
    change_it(path)
    os.utime(path, ns=OLD)
    assert planned(folder, "--", METRICS)[rule] == 1
