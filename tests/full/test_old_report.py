"""A report that is older than its files says so, stays readable, and is not called up to date."""

import os
import re
import shutil

import pytest
from helpers.run_workflow import snakemake
from helpers.studies import change, new_study, run_on_spy

from fd01.workflow.record import changes

ROOT = "results/spy"
PAGE = f"{ROOT}/report/index.html"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = new_study(tmp_path_factory.mktemp("study") / "run")
    run_on_spy(folder, "BASE-prevalence", "BASE-HAR", "PTST-tiny")
    snakemake(folder, PAGE)
    return folder


@pytest.fixture
def study(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run", symlinks=True)


def says_that_it_is_older(study):
    return "This report is older than the files beside it" in (study / PAGE).read_text()


def test_fresh_report_is_up_to_date(study):
    done = snakemake(study, "show")
    assert f"Report: {study / PAGE}" in done.stdout
    assert not says_that_it_is_older(study)


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("metrics/metrics.csv", lambda path: path.unlink(), "is gone"),
        ("predictions/BASE-HAR/validation.parquet", lambda path: path.unlink(), "is gone"),
        ("data/origins.parquet", lambda path: path.write_bytes(b"x" + path.read_bytes()), "has changed"),
        ("report/index.html", lambda path: path.write_text("<p>0.99"), "has changed"),
        ("figures/answer", lambda path: next(path.glob("*.svg")).write_text("<svg/>"), "has changed"),
    ],
)
def test_file_that_is_gone_or_has_changed_is_noticed(study, name, damage, said):
    path = study / ROOT / name
    dates = {folder: folder.stat() for folder in (path, path.parent)}
    damage(path)
    for folder, about in dates.items():
        if folder.exists():  # as whoever hides a change would leave it
            os.utime(folder, ns=(about.st_atime_ns, about.st_mtime_ns))
    done = snakemake(study, "show", check=False)
    assert done.returncode == 1
    assert re.search(f"ERROR show: since the report was made from them, {ROOT}/{name}.* {said}", done.stdout)
    assert "Report: " not in done.stdout and "Traceback" not in done.stdout


def test_what_the_message_says_helps(study):
    shutil.rmtree(study / ROOT / "predictions" / "BASE-HAR")
    assert "snakemake show --forcerun render_report" in snakemake(study, "show", check=False).stdout
    assert "Report: " in snakemake(study, "show", "--forcerun", "render_report").stdout
    assert changes(study / ROOT) == []


def test_failed_job_leaves_a_report_that_says_that_it_is_older(study):
    before = (study / PAGE).read_text(), (study / PAGE).stat().st_mtime_ns
    change(study, "statistics", "alpha", value=0.1)
    broken = study / ROOT / "predictions" / "BASE-HAR" / "validation.parquet"
    content = broken.read_bytes()
    broken.write_bytes(content[:99])
    done = snakemake(study, "--forcerun", "evaluate", "--", PAGE, check=False)
    assert done.returncode == 1
    assert says_that_it_is_older(study)
    text = (study / PAGE).read_text()
    assert re.sub('<p id="outdated".*?</p>', "", text) == before[0]
    assert (study / PAGE).stat().st_mtime_ns == before[1]
    broken.write_bytes(content)
    snakemake(study, PAGE)
    assert not says_that_it_is_older(study)


def test_report_comes_back_if_it_cannot_be_made_again(study):
    before = (study / PAGE).read_text()
    (study / ROOT / "erratum.json").write_text("{}")
    done = snakemake(study, "--forcerun", "render_report", "--", PAGE, check=False)
    assert done.returncode == 1
    assert re.sub('<p id="outdated".*?</p>', "", (study / PAGE).read_text()) == before
    assert says_that_it_is_older(study)
