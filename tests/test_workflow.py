"""The whole workflow on the small study of tests/workflow."""

import json
import re
import shutil
import subprocess
import sys
import time

import pandas as pd
import pytest
import yaml
from conftest import ROOT, make_prices
from end_orphans import end_orphans, running_jobs

from fd01.predictions import read_predictions, write_predictions


def command(folder, *arguments):
    """The command line of Snakemake in `folder`."""
    study = ["--snakefile", ROOT / "Snakefile", "--directory", folder, "--cores", "2"]
    return [sys.executable, "-m", "snakemake", *study, *arguments]


def snakemake(folder, *arguments, check=True):
    """Run Snakemake in `folder`; its exit status and everything that it printed."""
    output = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    done = subprocess.run(command(folder, *arguments), cwd=ROOT, **output)
    assert not check or done.returncode == 0, done.stdout
    return done


def planned(folder, *arguments):
    """How many jobs of each rule Snakemake would run."""
    output = snakemake(folder, "--dry-run", "--quiet", "rules", *arguments).stdout
    table = re.search(r"^job +count\n[- ]+\n(.*?)^total", output, re.MULTILINE | re.DOTALL)
    return {} if table is None else {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", table[1], re.MULTILINE)}


def change(folder, *keys, value):
    """Set one key of the configuration in `folder`."""
    path = folder / "config.yaml"
    config = yaml.safe_load(path.read_text())
    node = config
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = value
    path.write_text(yaml.safe_dump(config, sort_keys=False))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A folder in which the default dataset of the small study has been run."""
    folder = tmp_path_factory.mktemp("study") / "run"
    shutil.copytree(ROOT / "tests" / "workflow", folder)
    (folder / "data").mkdir()
    make_prices(days=560).to_parquet(folder / "data" / "prices.parquet")
    snakemake(folder)
    return folder


@pytest.fixture
def copy(study, tmp_path):
    """A copy of the finished study that a test may change."""
    folder = tmp_path / "copy"
    shutil.copytree(study, folder)
    return folder


def test_second_run_has_nothing_to_do(study):
    assert "Nothing to be done" in snakemake(study).stdout


def test_every_experiment_is_scored_on_the_same_days(study):
    metrics = pd.read_csv(study / "results/sp500/metrics/metrics.csv")
    metrics = metrics[metrics["seed"] == "all"]
    assert set(metrics["experiment"]) == {"BASE-prevalence", "BASE-drawdown-20", "BASE-HAR", "PTST-tiny"}
    assert len(metrics) == 4 * 2 * 2  # experiments, folds, targets
    assert (metrics.groupby(["fold", "target"])[["n", "positives"]].nunique() == 1).all(axis=None)


def test_each_train_end_and_seed_has_a_learning_curve(study):
    curves = sorted((study / "results/sp500/forecasts/PTST-tiny").glob("*/seed-*-curve.csv"))
    assert [path.parent.name for path in curves] == ["2014-12-31"] * 2 + ["2015-12-31"] * 2
    for path in curves:
        assert pd.read_csv(path).groupby("target")["selected"].sum().eq(1).all()


def test_report_is_self_contained_and_quotes_the_files(study):
    results = study / "results/sp500"
    page = (results / "report/index.html").read_text()
    assert not re.search(r"""(src|href)=["'](?!#)|@import|url\((?!#)""", page.replace('xlink:href="#', ""))
    verdict = json.loads((results / "verdict.json").read_text())
    assert verdict["sentence"] in page
    assert verdict["protocol"]["status"] == "not applicable"
    metrics = pd.read_csv(results / "metrics/metrics.csv")
    rows = metrics[(metrics["target"] == "up") & (metrics["seed"] == "all")]
    for row in rows.itertuples():
        line = re.search(rf"<th>{row.experiment}</th><td class=\"n\">{row.auc:.3f}</td>", page)
        assert line, row.experiment
    assert 'PTST-tiny-study</th><td colspan="9">not run: switched off for sp500' in page


def test_report_is_deterministic(study):
    path = study / "results/sp500/report/index.html"
    before = path.read_bytes()
    snakemake(study, "--forcerun", "plot_scores", "plot_auc", "decide", "render_report")
    assert path.read_bytes() == before


def test_figures_have_their_tables(study):
    figures = study / "results/sp500/figures"
    pictures = sorted(figures.rglob("*.svg"))
    assert len(pictures) == 4 * 2 + 1
    for picture in pictures:
        assert len(pd.read_csv(picture.with_suffix(".csv")))


def test_order_of_the_experiments_reruns_nothing(copy):
    path = copy / "config.yaml"
    config = yaml.safe_load(path.read_text())
    config["experiments"] = dict(reversed(config["experiments"].items()))
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    assert planned(copy) == {}


def test_changed_settings_rerun_one_experiment(copy):
    change(copy, "experiments", "BASE-drawdown-20", "settings", "window", value=10)
    jobs = planned(copy)
    assert jobs["run_baseline"] == 1
    assert not {"train_patchtst", "build_origins", "build_dataset"} & set(jobs)
    assert {"check_predictions", "evaluate", "decide", "render_report"} <= set(jobs)


def test_new_experiment_is_one_entry(copy):
    entry = {"about": "a new one", "system": "baseline", "run": "all", "settings": {"method": "range"}}
    change(copy, "experiments", "BASE-range", value=entry)
    jobs = planned(copy)
    assert jobs["run_baseline"] == 1
    assert "train_patchtst" not in jobs


def test_decision_thresholds_rerun_no_model(copy):
    change(copy, "decision", "finetune_from", value=0.66)
    assert not {"run_baseline", "train_patchtst", "gather_seeds", "evaluate"} & set(planned(copy))


def test_other_dataset_on_the_command_line(copy):
    snakemake(copy, "--config", "dataset=spy")
    verdict = json.loads((copy / "results/spy/verdict.json").read_text())
    assert verdict["protocol"]["status"] == "pending"
    assert "TFM-01 is not in the table of experiments" in verdict["protocol"]["reason"]
    (published,) = verdict["published"]
    assert published["measured"]["experiment"] == "PTST-tiny-study"
    assert published["reach"]["best_precision"] <= 1
    metrics = pd.read_csv(copy / "results/spy/metrics/metrics.csv")
    study_arm = metrics[metrics["experiment"] == "PTST-tiny-study"]
    assert len(study_arm) and study_arm["threshold"].isna().all()
    assert "<th>PTST-tiny-study †</th>" in (copy / "results/spy/report/index.html").read_text()

    (copy / "data" / "prices.parquet").unlink()
    run = snakemake(copy, "--config", "dataset=spy", check=False)
    assert run.returncode == 1
    assert "There is no file data/prices.parquet" in run.stdout


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda prices: prices.drop(columns="High"), "missing columns: High"),
        (lambda prices: prices.assign(Close=prices["Close"].where(prices.index != 7)), "row 7 (2015-01-13)"),
        (lambda prices: prices.iloc[:300], "fold validation"),
    ],
)
def test_bad_prices_stop_early_and_say_why(copy, damage, message):
    path = copy / "data" / "prices.parquet"
    damage(pd.read_parquet(path)).to_parquet(path)
    run = snakemake(copy, "--config", "dataset=spy", check=False)
    assert run.returncode == 1
    assert message in run.stdout
    assert "Traceback" not in run.stdout
    assert not list((copy / "results/spy").rglob("*.parquet")) or "fold" in message


def test_misspelt_key_stops_with_one_line(copy):
    change(copy, "experiments", "PTST-tiny", "settings", "droput", value=0.5)
    run = snakemake(copy, "--dry-run", check=False)
    assert run.returncode == 1
    assert "config: unknown key experiments/PTST-tiny/settings/droput; did you mean 'dropout'?" in run.stdout


def test_tampered_predictions_stop_the_run(copy):
    path = copy / "results/sp500/predictions/BASE-HAR/test.parquet"
    frame, metadata = read_predictions(path)
    not_run = metadata.pop("not_run")
    write_predictions(path, frame.iloc[1:], metadata, not_run)
    run = snakemake(copy, "--forcerun", "check_predictions", check=False)
    assert run.returncode == 1
    assert "BASE-HAR, test" in run.stdout and "days without a score" in run.stdout
    assert not (copy / "results/sp500/checks").exists()


def test_experiment_that_cannot_run_is_shown_with_its_reason(copy):
    change(copy, "labels", "threshold", value=0.5)
    snakemake(copy)
    results = copy / "results/sp500"
    experiments = pd.read_csv(results / "metrics/experiments.csv").set_index("experiment")
    assert experiments.loc["PTST-tiny", "status"] == "partly"
    assert "nothing to tell apart" in experiments.loc["PTST-tiny", "reason"]
    assert "nothing to tell apart" in (results / "report/index.html").read_text()


def test_killed_run_is_resumed(study, copy):
    shutil.rmtree(copy / "results")
    quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run = subprocess.Popen(command(copy), cwd=ROOT, **quiet)
    deadline = time.monotonic() + 120
    while not any("train_patchtst" in " ".join(job.info["cmdline"]) for job in running_jobs(copy)):
        assert time.monotonic() < deadline and run.poll() is None
        time.sleep(0.05)
    with pytest.raises(SystemExit, match="still runs"):
        end_orphans(copy)
    run.kill()
    run.wait()

    assert end_orphans(copy)
    assert not list(running_jobs(copy))
    assert snakemake(copy, check=False).returncode == 1  # the folder is still locked
    snakemake(copy, "--unlock")
    snakemake(copy)
    for path in sorted((study / "results").rglob("*.parquet")):
        again = copy / path.relative_to(study)
        pd.testing.assert_frame_equal(pd.read_parquet(path), pd.read_parquet(again))
