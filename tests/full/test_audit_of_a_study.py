"""`snakemake audit` on the small study: honest code passes, a planted leak is named."""

import shutil
import subprocess
import sys

import pandas as pd
import pytest
from helpers.loaded_modules import assert_tracked
from helpers.paths import ROOT
from helpers.run_workflow import environment, planned, snakemake
from helpers.studies import CONFIG, WEIGHTS, change, expect_weights, new_study, run_on_spy

BASELINES = ["BASE-prevalence", "BASE-drawdown-20", "BASE-HAR"]
TIMESFM = ["TFM-01", "TFM-02", "TFM-probe", "TFM-03", "TFM-04"]


def read_audit(folder):
    return pd.read_csv(folder / "results/spy/metrics/audit.csv").set_index("check")


@pytest.fixture(scope="module")
def audited(tmp_path_factory, checkpoint):
    """A study with every system of the small study, audited; and what was printed."""
    experiments = [*BASELINES, "PTST-tiny", "PTST-tiny-study", *TIMESFM]
    folder = new_study(tmp_path_factory.mktemp("audit") / "run")
    run_on_spy(folder, *experiments)
    expect_weights(folder, checkpoint)
    change(folder, *WEIGHTS, "path", value=str(checkpoint))
    return folder, snakemake(folder, "audit").stdout


def test_honest_study_passes_with_every_system(audited):
    folder, shown = audited
    table = read_audit(folder)
    assert table["ok"].drop("PTST-tiny-study").astype(str).eq("True").all()
    assert (table["compared"] > 0).all()
    assert {*BASELINES, "PTST-tiny", *TIMESFM, "prices", "indicators", "targets, h = 5"} <= set(table.index)
    page = (folder / "results/spy/report/index.html").read_text()
    for name in table.index:
        assert f"<th>{name}</th>" in page and name in shown
    assert "Not audited" not in page


def test_experiment_that_is_stopped_on_the_block_is_shown_as_such(audited):
    row = read_audit(audited[0]).loc["PTST-tiny-study"]
    assert pd.isna(row["ok"]) and "by design, its training is stopped on the block" in row["detail"]


def test_audit_leaves_no_trace_in_the_study(audited):
    folder, _ = audited
    jobs = planned(folder)
    assert set(jobs) <= {"summarise", "plot_answer", "render_report", "all"}
    assert not (folder / "ledger/spy-scrambled.csv").exists()
    assert {path.name for path in (folder / "results/spy-scrambled").iterdir()} <= {
        "benchmarks",
        "data",
        "forecasts",
        "logs",
        "predictions",
    }
    run = snakemake(folder, "--dry-run", "--config", "dataset=nothing", check=False)
    assert "allowed: sp500, spy, synthetic\n" in run.stdout


def test_report_shows_no_audit_of_older_predictions(audited, tmp_path):
    folder = shutil.copytree(audited[0], tmp_path / "copy")
    change(folder, "experiments", "BASE-drawdown-20", "settings", "window", value=10)
    jobs = planned(folder)
    assert jobs["run_baseline"] == 1 and not {"audit_predictions", "scramble_prices"} & set(jobs)
    snakemake(folder)
    page = (folder / "results/spy/report/index.html").read_text()
    assert "Not audited: since the last audit, BASE-drawdown-20 changed." in page
    jobs = planned(folder, "--", "audit")
    assert (jobs["run_baseline"], jobs["audit_predictions"]) == (1, 1)
    assert "train_patchtst" not in jobs


def test_planted_leak_is_named_and_its_table_stays(tmp_path):
    ignored = shutil.ignore_patterns(".*", "results", "tests", "ledger")
    repository = shutil.copytree(ROOT, tmp_path / "repository", ignore=ignored)
    script = repository / "scripts" / "fd01" / "models" / "baselines.py"
    honest = "drawdown(dataset, window)"
    assert script.read_text().count(honest) == 1
    script.write_text(script.read_text().replace(honest, f"{honest}.shift(-1)"))
    folder = new_study(tmp_path / "run")
    run_on_spy(folder, *BASELINES)
    command = [sys.executable, "-m", "snakemake", "audit", "--snakefile", "Snakefile", "--directory", folder]
    output = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    done = subprocess.run([*command, "--cores", "2"], cwd=repository, env=environment(), **output)
    assert done.returncode == 1
    assert "ERROR audit: the audit failed for BASE-drawdown-20: see results/spy/metrics/audit.csv" in done.stdout
    assert "Traceback" not in done.stdout.split("rule audit:")[-1]
    table = read_audit(folder)
    assert table.index[table["ok"].astype(str) == "False"].to_list() == ["BASE-drawdown-20"]
    page = (folder / "results/spy/report/index.html").read_text()
    assert "Something looks ahead: BASE-drawdown-20." in page
    assert set(CONFIG["experiments"]) >= set(BASELINES)


def test_snakemake_tracks_every_module_that_a_script_loads(loaded_modules, audited):
    assert_tracked(loaded_modules, __file__)
