"""The whole workflow on the small study of tests/studies/small, with a tiny TimesFM."""

import copy as copying
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pypdf
import pytest
import yaml
from end_orphans import end_orphans, running_jobs
from helpers.hub import CONNECTION_REFUSED
from helpers.loaded_modules import assert_tracked
from helpers.paths import IN_EVERY_JOB, ROOT
from helpers.research_object import problems
from helpers.run_workflow import QUIET, command, environment, planned, snakemake
from helpers.studies import (
    CONFIG,
    MODEL,
    WEIGHTS,
    WITHOUT_WEIGHTS,
    change,
    expect_weights,
    hub_of,
    new_study,
    read_config,
    run_on_spy,
    without_times,
    write_config,
)

from fd01.report.html import number
from fd01.report.sections import APPENDIX, SECTIONS
from fd01.scoring.predictions import read_experiment, read_predictions, write_predictions
from fd01.study.config import check_config
from fd01.study.seal import NOT_FIXED, plan_digest, seal
from fd01.workflow.files import read_json, sha256, write_json
from fd01.workflow.parquet import read_frame

SCHEMA = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text())
FINETUNED = ["TFM-03", "TFM-03-event", "TFM-04"]
TUNED_TWIN = "TFM-03-event-untrained"
REFUSED = f"model.safetensors of {MODEL['repository']} cannot be fetched: {CONNECTION_REFUSED}"
NOTHING_TO_COMPARE = f"it is compared with the pre-trained network, whose weights are missing: {REFUSED}"


@pytest.fixture(scope="module")
def study(tmp_path_factory, checkpoint):
    """A folder in which the default dataset of the small study has been run, without pre-trained weights."""
    folder = new_study(tmp_path_factory.mktemp("study") / "run")
    expect_weights(folder, checkpoint)
    snakemake(folder)
    return folder


@pytest.fixture(scope="module")
def fetched(study, checkpoint, tmp_path_factory):
    """The study after its weights have been fetched and what lacked them has been run; and what was planned."""
    folder = tmp_path_factory.mktemp("fetched") / "run"
    shutil.copytree(study, folder)
    with hub_of(checkpoint) as hub:
        snakemake(folder, "weights", hub=hub)
    jobs = planned(folder)
    snakemake(folder)  # the hub is closed again: nothing but `snakemake weights` needs it
    return folder, jobs


@pytest.fixture(scope="module")
def spy(study, checkpoint, tmp_path_factory):
    """Some experiments on the other dataset, with a copy of the weights and with fine-tuning."""
    folder = tmp_path_factory.mktemp("spy") / "run"
    shutil.copytree(study, folder)
    change(folder, *WEIGHTS, "path", value=str(checkpoint))
    np.savez(folder / "data" / "stored.npz", val_predictions=[0.0], val_labels=[0.0])
    change(folder, "datasets", "spy", "study_predictions", value="data/stored.npz")
    run_on_spy(folder, "BASE-prevalence", "PTST-tiny-study", "TFM-01", "TFM-probe", *FINETUNED, TUNED_TWIN)
    snakemake(folder)
    return folder


@pytest.fixture(scope="module")
def downloaded(study, tmp_path_factory):
    """The study after its made-up prices have come from a `yfinance` that asks nobody."""
    folder = tmp_path_factory.mktemp("downloaded") / "run"
    shutil.copytree(study, folder)
    stand_in = folder / "yfinance.py"
    stand_in.write_text("""
import pyarrow.parquet as pq
def download(ticker, **options):
    return pq.read_table("data/prices.parquet").to_pandas().set_index("Date")
""")
    change(folder, "datasets", "spy", "source", value={"kind": "yahoo", "ticker": "SPY"})
    path = os.pathsep.join([str(IN_EVERY_JOB), str(folder)])
    snakemake(folder, "results/spy/data/dataset.parquet", PYTHONPATH=path)
    return folder


@pytest.fixture(scope="module")
def exported(study, tmp_path_factory):
    """The study after its exports: the first page as PDF, and the research object."""
    folder = tmp_path_factory.mktemp("exported") / "run"
    shutil.copytree(study, folder)
    snakemake(folder, "pdf", "crate")
    return folder


@pytest.fixture
def copy_of(tmp_path):
    """Copies of finished studies that a test may change."""

    def copy(folder):
        return shutil.copytree(folder, tmp_path / "copy")

    return copy


@pytest.fixture
def copy(study, copy_of):
    """A copy of the finished study that a test may change."""
    return copy_of(study)


def test_second_run_has_nothing_to_do(study):
    assert "Nothing to be done" in snakemake(study).stdout


def test_every_experiment_is_scored_on_the_same_days(study):
    metrics = pd.read_csv(study / "results/sp500/metrics/metrics.csv")
    metrics = metrics[metrics["seed"] == "all"]
    kinds = metrics.groupby("experiment")["score_kind"].agg(lambda kinds: sorted(set(kinds)))
    assert kinds.to_dict() == {
        "BASE-prevalence": ["probability"],
        "BASE-drawdown-20": ["signal"],
        "BASE-HAR": ["probability"],
        "PTST-tiny": ["probability"],
        "TFM-01-untrained": ["close-exceedance", "exceedance", "study", "width"],
    }
    corrected = metrics["score_kind"] == "close-exceedance"  # one experiment, for the target that asks for a touch
    assert (len(metrics[~corrected]), corrected.sum()) == (7 * 2 * 2, 2)  # scores, folds, targets
    assert (metrics.groupby(["fold", "target"])[["n", "positives"]].nunique() == 1).all(axis=None)


def test_forecasts_carry_the_exponents_of_their_touch_correction(study):
    frame, metadata = read_experiment(study / "results/sp500/predictions/TFM-01-untrained")
    exponents = metadata["validation"]["touch_exponents"]
    assert [entry["train_end"] for entry in exponents] == ["2012-12-31", "2013-06-30"]
    frame = frame[frame["target"] == "up"].set_index(["score_kind", "fold", "seed", "origin"])["score"].sort_index()
    for fold, entry in zip(("validation", "test"), exponents):
        own, corrected = (frame.loc[kind, fold] for kind in ("close-exceedance", "exceedance"))
        np.testing.assert_allclose(corrected, 1 - (1 - own) ** entry["evaluation"], rtol=1e-9, atol=1e-14)


def test_each_train_end_and_seed_has_a_learning_curve(study):
    curves = sorted((study / "results/sp500/forecasts/PTST-tiny").glob("*/seed-*-curve.csv"))
    assert [path.parent.name for path in curves] == ["2012-12-31"] * 2 + ["2013-06-30"] * 2
    for path in curves:
        assert pd.read_csv(path).groupby("target")["selected"].sum().eq(1).all()


def not_run_section(page):
    """The section of the report about what did not run."""
    return page[page.index('id="not-run"') : page.index('id="data"')]


def test_report_is_self_contained_and_quotes_the_files(study):
    results = study / "results/sp500"
    page = (results / "report/index.html").read_text()
    assert not re.search(r"""(src|href)=["'](?!#|\.\./|data:)|@import|url\((?!#)""", page.replace('xlink:href="#', ""))
    verdict = read_json(results / "verdict.json")
    assert verdict["sentence"] in page
    assert verdict["protocol"]["status"] == "not applicable"
    metrics = pd.read_csv(results / "metrics/metrics.csv")
    rows = metrics[(metrics["target"] == "up") & (metrics["seed"] == "all")]
    for row in rows.itertuples():
        label = row.experiment + (f" ({row.score_kind})" if row.experiment == "TFM-01-untrained" else "")
        assert f'<th scope="row">{label}</th><td class="n">{row.auc:.3f}</td>' in page
    assert re.search(r"Switched off[^<]* in the configuration", page) and "<li>PTST-tiny-study</li>" in page


def test_report_says_who_is_better_and_what_the_days_can_tell(study):
    results = study / "results/sp500"
    page = (results / "report/index.html").read_text()
    assert "<b>Block by block through history</b> – it takes hours" in page
    rows = pd.read_csv(results / "metrics/comparisons.csv")
    assert set(rows["fold"]) == {"validation", "test", "after-cutoff"}
    assert page.count("<small>") and all(
        f'<span class="tag {verdict}">' in page for verdict in rows["verdict"].unique()
    )
    for row in rows[rows["adjusted_low"].notna()].itertuples():
        assert f">{number(row.adjusted_low)} to {number(row.adjusted_high)}</small></td>" in page
    power = page[page.index('id="power"') :].partition("</table>")[0]
    for row in pd.read_csv(results / "metrics/power.csv").itertuples():
        assert f"{row.detectable:.3f}" in power
    quoted = [row["verdict"] for row in read_json(results / "verdict.json")["comparisons"]]
    reference = rows[(rows["experiment"] == "PTST-tiny") & (rows["against"] == "baseline")]
    assert quoted == reference["verdict"].to_list()


def test_report_is_deterministic(study):
    path = study / "results/sp500/report/index.html"
    before = path.read_text()
    figure = "results/sp500/figures/score-distributions"
    rules = ["plot_auc", "compare_experiments", "compare_losses", "simulate_protocol", "decide", "render_report"]
    snakemake(study, "--forcerun", figure, *rules)
    assert without_times(path.read_text()) == without_times(before) and len(without_times(before)) > 10


def test_report_says_whether_its_prices_answer_the_question(study, spy):
    said = "how the models compare on it does not answer FD-01"
    assert said in (study / "results/sp500/report/index.html").read_text()
    assert said not in (spy / "results/spy/report/index.html").read_text()


def test_first_page_is_a_pdf_on_a4(exported):
    pages = pypdf.PdfReader(exported / "results/sp500/report/first-page.pdf").pages
    assert len(pages) <= 3
    assert {tuple(round(float(side) / 72 * 25.4) for side in page.mediabox[2:]) for page in pages} == {(210, 297)}
    text = "".join("".join(page.extract_text() for page in pages).split())
    reason = read_json(exported / "results/sp500/summary.json")["reason"]
    assert "".join(reason.split()) in text
    later = [section.title for section in SECTIONS if section.layer == APPENDIX]
    assert not [title for title in later if "".join(title.split()) in text]


def test_results_are_a_research_object(exported, tmp_path):
    assert problems(exported / "results/sp500", tmp_path) == []
    entities = read_json(exported / "results/sp500/ro-crate-metadata.json")["@graph"]
    named = {entity["@id"] for entity in entities}
    assert {"report/index.html", "metrics/comparisons.csv", "figures/auc.svg", "workflow/Snakefile"} <= named


def test_workflow_in_a_research_object_finds_the_run_complete(exported):
    workflow = exported / "results/sp500/workflow"
    elsewhere = ["--snakefile", workflow / "Snakefile", "--configfile", workflow / "config.yaml"]
    assert "Nothing to be done" in snakemake(exported, *elsewhere, "--rerun-triggers", "code").stdout


def test_exports_are_no_part_of_the_run(study, exported):
    assert not (study / "results/sp500/ro-crate-metadata.json").exists()
    assert planned(exported) == {}


def test_record_of_snakemake_sorts_the_files_into_three_categories(exported):
    snakemake(exported, "--report", exported / "record.html")
    (found,) = re.findall(r"^ *var categories = (\{.*\})", (exported / "record.html").read_text(), re.MULTILINE)
    categories = json.loads(found)
    assert set(categories) == {"Answer", "Results", "Checks"}
    assert "results/sp500/report/index.html" in categories["Answer"]["Other"]


def test_prediction_file_that_is_gone_stops_the_run(copy):
    (copy / "results/sp500/predictions/BASE-HAR/test.parquet").unlink()
    run = snakemake(copy, "--forcerun", "evaluate", check=False)
    assert run.returncode == 1
    folder = "results/sp500/predictions/BASE-HAR"
    assert f"ERROR evaluate: there is no test file any more: delete the folder {folder} and run again" in run.stdout


def test_figures_have_their_tables(study):
    figures = study / "results/sp500/figures"
    pictures = sorted(figures.rglob("*.svg"))
    assert len(pictures) == (4 + 2 + 1) * 2 + 1 + 5  # of each block: scores, all curves, the answer; that of clean days
    for picture in pictures:
        assert len(pd.read_csv(picture.with_name(f"{picture.stem.removesuffix('-all')}.csv")))


def test_order_of_the_experiments_reruns_nothing(copy):
    config = read_config(copy)
    config["experiments"] = dict(reversed(config["experiments"].items()))
    write_config(copy, config)
    assert planned(copy) == {}


def test_changed_settings_rerun_one_experiment(copy):
    change(copy, "experiments", "BASE-drawdown-20", "settings", "window", value=10)
    jobs = planned(copy)
    assert jobs["run_baseline"] == 1
    assert not {"train_patchtst", "build_origins", "build_dataset"} & set(jobs)
    assert {"check_predictions", "evaluate", "decide", "render_report"} <= set(jobs)


MODELS = {"run_baseline", "train_patchtst", "gather_seeds", "forecast_timesfm", "encode_timesfm", "fit_probe"}


def checked(config):
    """The configuration as the workflow sees it."""
    config = copying.deepcopy(config)
    check_config(config, SCHEMA)
    return config


def test_changed_plan_closes_the_test_block_until_its_digest_is_entered(copy):
    def digest():
        return plan_digest(ROOT / "docs/analysis-plan.md", checked(read_config(copy)), "sp500")

    def read():
        metrics = pd.read_csv(copy / "results/sp500/metrics/metrics.csv")
        return (metrics[metrics["fold"] == fold].reset_index(drop=True) for fold in ("validation", "test"))

    change(copy, "plan", "sealed", value=["test"])
    change(copy, "plan", "sha256", value=["0" * 64, digest()])
    assert "seal_outcomes" not in planned(copy)
    validation, test = read()

    change(copy, "statistics", "margin", value=0.03)
    jobs = planned(copy)
    assert jobs["seal_outcomes"] == 1 and not MODELS & set(jobs)
    snakemake(copy)
    folds = checked(read_config(copy))["datasets"]["sp500"]["folds"]
    reason = seal({"sealed": ["test"], "sha256": []}, digest(), folds)["reason"]
    assert digest() in reason
    same, closed = read()
    next_day = [open.query("horizon == 1").reset_index(drop=True) for open in (same, validation)]
    pd.testing.assert_frame_equal(*next_day)
    five_days = [open.query("horizon == 5 and status == 'ok'")["n"].max() for open in (same, validation)]
    assert five_days[1] - five_days[0] == 4  # the last days of the block tell of sealed ones
    ran = closed[~closed["reason"].isin([REFUSED, NOTHING_TO_COMPARE])]
    assert set(ran["experiment"]) == set(test.loc[test["status"] == "ok", "experiment"])
    assert set(ran["reason"]) == {reason} and ran["auc"].isna().all()
    verdict = read_json(copy / "results/sp500/verdict.json")
    page = (copy / "results/sp500/report/index.html").read_text()
    assert f"Not looked at: test, since {NOT_FIXED}" in verdict["sentence"]
    assert f"which are {reason}." in page
    assert f"no known outcome: {reason}</li>" in page
    assert f"WARNING: not evaluated: test ({reason})." in snakemake(copy, "show").stdout
    for path in (copy / "results/sp500/checks").glob("*.json"):
        failed = {check["check"] for check in read_json(path) if check["ok"] is False}
        assert "AUC computable" not in failed

    change(copy, "plan", "sha256", value=[digest()])
    jobs = planned(copy)
    assert jobs["seal_outcomes"] == 1 and not MODELS & set(jobs)
    snakemake(copy, "results/sp500/metrics/metrics.csv")
    for now, before in zip(read(), (validation, test)):
        pd.testing.assert_frame_equal(now, before)


def test_plan_of_the_working_directory_comes_first(copy):
    change(copy, "plan", "sealed", value=["test"])
    change(copy, "plan", "sha256", value=[plan_digest(ROOT / "docs/analysis-plan.md", checked(CONFIG), "sp500")])
    assert "seal_outcomes" not in planned(copy)
    (copy / "docs").mkdir()
    (copy / "docs/analysis-plan.md").write_text("another plan")
    assert planned(copy)["seal_outcomes"] == 1
    change(copy, "plan", "file", value="gone.md")
    run = snakemake(copy, "--dry-run", check=False)
    assert run.returncode == 1 and "There is no file gone.md" in run.stdout


def test_ledger_survives_whatever_cleans_the_results(copy):
    path = copy / "ledger/sp500.csv"
    text = path.read_text()
    ledger = pd.read_csv(path)
    metrics = pd.read_csv(copy / "results/sp500/metrics/metrics.csv")
    measured = (metrics["seed"] == "all") & (metrics["status"] == "ok")
    assert len(ledger) == (measured & (metrics["score_kind"] != "close-exceedance")).sum()
    assert not ledger.duplicated(["fold", "trial"]).any()

    table = "results/sp500/metrics/ledger.csv"
    snakemake(copy, "--forcerun", "record_trials", "--", table)
    assert path.read_text() == text

    snakemake(copy, "--delete-all-output")
    shutil.rmtree(copy / "results")
    baselines = ["BASE-prevalence", "BASE-drawdown-20", "BASE-HAR"]
    for name in CONFIG["experiments"]:
        if name not in baselines:
            change(copy, "experiments", name, "run", value="none")
    change(copy, "experiments", "BASE-drawdown-20", "settings", "window", value=10)
    snakemake(copy, table)
    grown = path.read_text()
    assert grown.startswith(text)
    assert grown.count("\n") - text.count("\n") == 4  # folds, targets
    counts = pd.read_csv(copy / table)
    assert (counts["ever"] - 1 > counts["now"]).all() and (counts["now"] == 3).all()

    path.write_text("not a ledger\n")
    run = snakemake(copy, "--forcerun", "record_trials", "--", table, check=False)
    assert run.returncode == 1 and "ledger/sp500.csv is not a trial ledger" in run.stdout
    assert path.read_text() == "not a ledger\n"


def test_new_experiment_is_one_entry(copy):
    entry = {"about": "a new one", "system": "baseline", "run": "all", "settings": {"method": "range"}}
    change(copy, "experiments", "BASE-range", value=entry)
    jobs = planned(copy)
    assert jobs["run_baseline"] == 1
    assert "train_patchtst" not in jobs


def test_decision_thresholds_rerun_no_model(copy):
    change(copy, "decision", "finetune_from", value=0.66)
    assert not {"run_baseline", "train_patchtst", "gather_seeds", "evaluate"} & set(planned(copy))


def test_without_weights_their_experiments_are_shown_as_not_run(study):
    results = study / "results/sp500"
    manifest = read_json(study / "results/weights/timesfm/manifest.json")
    assert (manifest["status"], manifest["reason"]) == ("missing", REFUSED)

    experiments = pd.read_csv(results / "metrics/experiments.csv").set_index("experiment")
    missing = experiments[experiments["weights"] == "missing"]
    assert sorted(missing.index) == WITHOUT_WEIGHTS
    assert set(missing["status"]) == {"not run"} and set(missing["reason"]) == {REFUSED}
    assert experiments.loc["TFM-01-untrained", "status"] == "ok"
    assert experiments.loc["TFM-probe-untrained", ["status", "reason"]].to_list() == ["not run", NOTHING_TO_COMPARE]
    for twin in ("TFM-01-untrained", "TFM-probe-untrained"):
        assert experiments.loc[twin, "weights"].startswith("none: random")

    verdict = read_json(results / "verdict.json")
    assert (verdict["without_weights"], verdict["pretrained"]) == (WITHOUT_WEIGHTS, [])
    page = (results / "report/index.html").read_text()
    assert "their pre-trained weights are missing: TFM-01; TFM-02; TFM-probe." in page
    assert '<pre id="next-command">snakemake weights</pre>' in page
    assert page.count(REFUSED) == 1
    for name in (*WITHOUT_WEIGHTS, "TFM-probe-untrained"):
        assert re.search(rf"<li>[^\n]*\b{name}\b", not_run_section(page))
    assert "(TFM-01-untrained): the same networks without pre-training" in page


def test_twin_of_a_training_is_not_run_without_weights(copy):
    change(copy, "experiments", TUNED_TWIN, "run", value="all")
    target = f"results/sp500/predictions/{TUNED_TWIN}"
    snakemake(copy, target)
    frame, metadata = read_experiment(copy / target)
    assert frame.empty
    for provenance in metadata.values():
        assert {entry["reason"] for entry in provenance["not_run"]} == {NOTHING_TO_COMPARE}
        assert provenance["weights"].startswith("none: random")


def test_show_says_last_which_weights_are_missing(study):
    shown = snakemake(study, "show").stdout
    assert "FD-01 is unanswered: neither TimesFM nor Lag-Llama has run" in shown
    (missing,) = re.findall("^- The weights of TimesFM 2.5 could not be downloaded: .*: (.*)$", shown, re.MULTILINE)
    assert {*WITHOUT_WEIGHTS, "TFM-probe-untrained"} <= set(missing.split(", "))
    assert shown.endswith("untrained twins included:\nsource .venv/bin/activate && snakemake weights\n")


def test_missing_weights_leave_the_protocol_pending(copy):
    change(copy, "decision", "dataset", value="sp500")
    snakemake(copy, "results/sp500/verdict.json")
    protocol = read_json(copy / "results/sp500/verdict.json")["protocol"]
    assert (protocol["status"], protocol["reason"]) == ("pending", REFUSED)


def test_missing_weights_stop_the_run_where_they_must_not_be_missing(copy):
    change(copy, "weights", "missing", value="fail")
    run = snakemake(copy, check=False)
    assert run.returncode == 1
    assert f"ERROR fetch_weights: {REFUSED}. To use your own copy, set weights/models/timesfm/path" in run.stdout
    assert "Traceback" not in run.stdout


WITH_WEIGHTS = {
    "forecast_timesfm": 2,
    "encode_timesfm": 2,  # of the probe, and of its twin, which needs the weights too
    "score_forecasts": 2,
    "fit_probe": 2,
    "check_predictions": 1,
    "evaluate": 1,
    "compare_experiments": 1,
    "compare_losses": 1,
    "simulate_protocol": 1,
    "decide": 1,
    "summarise": 1,
    "plot_scores": 1,
    "plot_answer": 1,
    "plot_auc": 1,
    "plot_series": 1,
    "measure_labels": 1,
    "calibrate_scores": 1,
    "explain_scores": 1,
    "slice_contamination": 1,
    "check_alignment": 1,
    "collect_provenance": 1,
    "record_trials": 1,
    "render_report": 1,
    "all": 1,
}


def test_fetched_weights_run_what_lacked_them_and_nothing_else(fetched, checkpoint):
    folder, jobs = fetched
    assert jobs == WITH_WEIGHTS
    results = folder / "results/sp500"
    verdict = read_json(results / "verdict.json")
    assert (verdict["without_weights"], verdict["pretrained"]) == ([], WITHOUT_WEIGHTS)
    page = (results / "report/index.html").read_text()
    assert 'class="warning"' not in page
    twin, original = (
        read_experiment(results / "predictions" / name)[0] for name in ("TFM-probe-untrained", "TFM-probe")
    )
    assert sorted(twin["seed"].unique()) == [0, 1]
    assert len(twin) == 2 * len(original) and twin["score"].nunique() > len(original)
    assert "(TFM-01-untrained; TFM-probe-untrained): the same networks" in page
    for name in WITHOUT_WEIGHTS:
        (loaded,) = (c for c in read_json(results / f"checks/{name}.json") if c["check"] == "model loads")
        assert loaded["ok"] and loaded["detail"] in page
        assert loaded["detail"].startswith("Model loaded successfully: ")
        assert f"model.safetensors sha256 {sha256(checkpoint)}" in loaded["detail"]
        (known,) = (c for c in read_json(results / f"checks/{name}.json") if c["check"] == "known answers")
        assert known == {"check": "known answers", "ok": True, "detail": "2 of 2"}
    assert page.count("<td>pre-trained, verified by known answers</td>") == len(WITHOUT_WEIGHTS)
    assert 'class="seen doubt"' not in page and verdict["doubts"] == {}
    assert "Nothing to be done" in snakemake(folder).stdout
    assert "WARNING" not in snakemake(folder, "show").stdout


def table(folder, name):
    """A table of metrics of the default dataset."""
    return pd.read_csv(folder / f"results/sp500/metrics/{name}.csv")


def test_secondary_analyses_speak_of_the_scores_of_the_metrics(fetched):
    folder, _ = fetched
    metrics = table(folder, "metrics").query("seed == 'all' and target == 'up'").set_index(["fold", "experiment"])
    explanation = table(folder, "explanation").set_index(["fold", "experiment"])
    raw = table(folder, "calibration").query("arm == 'raw'").set_index(["fold", "experiment"])
    labels = table(folder, "labels").query("target == 'up' and threshold == 0.01 and horizon == 1")
    for kind in ("exceedance", "probability", "signal"):
        rows = metrics[metrics["score_kind"] == kind]
        assert rows["auc"].to_dict() == pytest.approx(explanation.loc[rows.index, "auc"].to_dict())
        if kind != "signal":
            assert rows["brier"].to_dict() == pytest.approx(raw.loc[rows.index, "brier"].to_dict())
    widths = metrics[metrics["score_kind"] == "width"]
    assert widths["auc"].to_dict() == pytest.approx(explanation["width_auc"].dropna().to_dict())
    same = labels.dropna(subset="auc").set_index(["fold", "experiment"])["auc"]
    assert {"BASE-HAR", "TFM-01", "TFM-02", "TFM-01-untrained"} <= set(same.index.get_level_values("experiment"))
    assert same.to_dict() == pytest.approx(explanation.loc[same.index, "auc"].to_dict())
    assert explanation.loc[("test", "TFM-01"), ["har_scale", "har_location", "gain", "p_holm"]].notna().all()


def test_pretrained_experiments_are_sliced_by_what_the_manifest_says(fetched, study):
    folder, _ = fetched
    manifest = read_json(folder / "results/weights/timesfm/manifest.json")
    assert (manifest["trained_until"], manifest["released"]) == ("2013-02", "2013-09")
    slices = table(folder, "contamination")
    assert set(slices["experiment"]) == set(WITHOUT_WEIGHTS)
    rows = slices.query("experiment == 'TFM-01'").set_index(["fold", "slice"])
    assert rows.loc["test", "n"].tolist() == [
        0,
        *(rows.loc[("test", name), "n"] for name in rows.loc["test"].index[1:]),
    ]
    assert rows.loc[("validation", "before cut-off"), "last"] == "2013-02-28"
    assert rows.loc[("test", "after release"), "first"] == "2013-10-01"
    assert table(study, "contamination").empty
    page = (study / "results/sp500/report/index.html").read_text()
    assert "no experiment with pre-trained weights, or with forecasts made elsewhere, has a score." in page


def test_other_family_of_labels_reruns_its_measurement_and_nothing_else(copy):
    change(copy, "label_family", "thresholds", value=[0.01, 0.03])
    jobs = planned(copy)
    assert jobs["measure_labels"] == 1
    assert set(jobs) == {"measure_labels", "collect_provenance", "summarise", "plot_answer", "render_report", "all"}


def test_own_weights_run_what_lacked_them_and_nothing_else(copy, checkpoint):
    own = copy / "own.yaml"
    own.write_text(yaml.safe_dump({"weights": {"models": {"timesfm": {"path": str(checkpoint)}}}}))
    assert planned(copy, "--configfile", own) == WITH_WEIGHTS | {"fetch_weights": 1, "verify_weights": 1}


def test_own_weights_with_a_wrong_checksum_are_refused(copy, tmp_path):
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(b"damaged")
    change(copy, *WEIGHTS, "path", value=str(path))
    run = snakemake(copy, check=False)  # in spite of weights/missing: skip
    assert run.returncode == 1
    assert f"ERROR fetch_weights: {path} is not model.safetensors of weights/models/timesfm: its SHA-256" in run.stdout
    assert "Traceback" not in run.stdout


def test_weights_that_give_other_answers_are_not_run(copy, checkpoint, tmp_path):
    answers = read_json(checkpoint.with_suffix(".json"))
    answers["cases"][0]["expected"][0][0] += 10
    write_json(tmp_path / "other.json", answers)
    change(copy, *WEIGHTS, "path", value=str(checkpoint))
    change(copy, *WEIGHTS, "known_answers", value=str(tmp_path / "other.json"))
    snakemake(copy, "show")
    answers = read_json(copy / "results/weights/timesfm/known-answers.json")
    passed = [case["ok"] for case in answers["cases"] if case["dtype"] == "float32"]
    assert (answers["status"], passed) == ("refused", [False, True])
    experiments = pd.read_csv(copy / "results/sp500/metrics/experiments.csv").set_index("experiment")
    reason = "these weights do not give the published answers (1 of 2 agree)"
    assert set(experiments.loc[WITHOUT_WEIGHTS, "reason"]) == {reason}
    twin = "it is compared with the pre-trained network, which is not run: "
    assert experiments.loc["TFM-probe-untrained", "reason"] == twin + reason
    verdict = read_json(copy / "results/sp500/verdict.json")
    assert (verdict["refused_weights"], verdict["without_weights"]) == (WITHOUT_WEIGHTS, [])
    page = (copy / "results/sp500/report/index.html").read_text()
    assert "Not run, because their weights do not give the published answers:" in page
    shown = snakemake(copy, "show").stdout
    assert "- The weights of TimesFM 2.5 do not load, or do not give the published answers: TFM-01, " in shown

    change(copy, "weights", "missing", value="fail")
    run = snakemake(copy, check=False)
    assert run.returncode == 1 and "Traceback" not in run.stdout
    assert "ERROR verify_weights: The weights of timesfm do not give the published answers" in run.stdout


def test_other_threshold_reruns_no_forecast(fetched, copy_of):
    folder = copy_of(fetched[0])
    change(folder, "labels", "threshold", value=0.02)
    jobs = planned(folder)
    assert (jobs["score_forecasts"], jobs["fit_probe"]) == (3, 2)
    assert not {"fetch_weights", "verify_weights", "forecast_timesfm", "encode_timesfm"} & set(jobs)


def test_other_penalty_of_the_probe_reruns_no_encoding(fetched, copy_of):
    folder = copy_of(fetched[0])
    for name in ("TFM-probe", "TFM-probe-untrained"):
        change(folder, "experiments", name, "settings", "head", value={"kind": "logistic", "C": 0.1})
    jobs = planned(folder)
    assert jobs["fit_probe"] == 2
    assert not {"encode_timesfm", "forecast_timesfm", "score_forecasts", "run_baseline"} & set(jobs)


def test_other_dataset_is_judged_by_the_protocol_and_beside_published_figures(spy):
    verdict = read_json(spy / "results/spy/verdict.json")
    assert (verdict["protocol"]["status"], verdict["protocol"]["reason"]) == ("decided", None)
    published = {line["experiment"]: line for line in verdict["published"]}
    assert published["TFM-01"]["measured"]["score_kind"] == "study"
    assert published["PTST-tiny-study"]["reach"]["best_precision"] <= 1
    metrics = pd.read_csv(spy / "results/spy/metrics/metrics.csv")
    study_arm = metrics[metrics["experiment"] == "PTST-tiny-study"]
    assert len(study_arm) and study_arm["threshold"].isna().all()
    assert '<th scope="row">PTST-tiny-study †</th>' in (spy / "results/spy/report/index.html").read_text()


def test_forecasts_of_days_that_the_prices_lack_are_not_made_again(spy):
    found = read_json(spy / "results/spy/reproduction.json")
    assert found["status"] == "not run" and found["reason"].startswith("val: it needs prices from the day before 2023")
    assert "The same forecasts made again" in (spy / "results/spy/report/index.html").read_text()


def test_provenance_and_report_name_the_weights(spy, checkpoint):
    revision = MODEL["revision"]
    experiments = read_json(spy / "results/spy/provenance.json")["experiments"]
    names = ["TFM-01", "TFM-probe", *FINETUNED]
    for name in names:
        weights = experiments[name]["weights"]
        assert (weights["revision"], weights["source"]) == (revision, str(checkpoint))
        assert weights["files"]["model.safetensors"]["sha256"] == sha256(checkpoint)
    page = (spy / "results/spy/report/index.html").read_text()
    assert experiments[TUNED_TWIN]["weights"].startswith("none: random")
    assert experiments[TUNED_TWIN]["weights"].endswith(", then fine-tuned")
    assert page.count("Model loaded successfully") == len(names) + 1


def test_fine_tuning_leaves_one_winner_and_everything_behind_it(spy):
    for name, rates, kinds in (
        ("TFM-03", ["0.0003", "0.003"], {"study", "exceedance", "width"}),
        ("TFM-03-event", ["0.001"], {"probability"}),
        ("TFM-04", ["0.001"], {"study", "exceedance", "width"}),
    ):
        folder = spy / "results/spy/forecasts" / name / "2016-06-30"
        endings = ("-curve.csv", "-weights.safetensors", ".parquet")
        files = {path for path in folder.rglob("*") if path.is_file()}
        assert files == {folder / f"lr-{rate}/seed-0{ending}" for rate in rates for ending in endings}  # no checkpoint

        curves = {rate: pd.read_csv(folder / f"lr-{rate}/seed-0-curve.csv") for rate in rates}
        losses = {rate: curve.query("selected")["monitor_loss"].mean() for rate, curve in curves.items()}
        frame, metadata = read_experiment(spy / "results/spy/predictions" / name)
        sweep = metadata["validation"]["sweep"]
        assert {line["lr"]: line["monitor_loss"] for line in sweep} == pytest.approx(losses)
        assert set(frame["score_kind"]) == kinds
        winner, _ = read_predictions(folder / f"lr-{min(losses, key=losses.get)}/seed-0.parquet")
        pd.testing.assert_frame_equal(frame.drop(columns="fold"), winner)


def test_one_more_learning_rate_is_one_more_training(spy, copy_of):
    folder = copy_of(spy)
    change(folder, "experiments", "TFM-04", "settings", "lr_sweep", value=[0.001, 0.01])
    jobs = planned(folder)
    assert (jobs["finetune_timesfm"], jobs["gather_seeds"]) == (1, 1)
    assert not {"forecast_timesfm", "encode_timesfm", "train_patchtst", "run_baseline"} & set(jobs)


def test_killed_fine_tuning_goes_on_where_it_was(spy, copy_of):
    folder = copy_of(spy)
    for key, value in {"max_epochs": 6, "patience": 6, "batch_size": 2}.items():
        change(folder, "experiments", "TFM-04", "settings", key, value=value)
    target = "results/spy/forecasts/TFM-04/2016-06-30/lr-0.001/seed-0.parquet"
    curve = folder / target.replace(".parquet", "-curve.csv")
    snakemake(folder, target)
    straight = read_predictions(folder / target)[0], curve.read_text()
    (folder / target).unlink()

    run = subprocess.Popen(command(folder, target), cwd=ROOT, env=environment(), **QUIET)
    deadline = time.monotonic() + 60
    while not list((folder / target).parent.glob("*.checkpoint")):
        assert time.monotonic() < deadline and run.poll() is None
        time.sleep(0.01)
    run.kill()
    run.wait()
    (job,) = running_jobs(folder)
    job.kill()
    job.wait()
    assert not (folder / target).exists()

    snakemake(folder, "--unlock")
    snakemake(folder, target)
    log = (folder / "results/spy/logs/finetune_timesfm/TFM-04/2016-06-30/lr-0.001/seed-0.log").read_text()
    assert re.search(r"going on after epoch [1-5]\n", log)
    pd.testing.assert_frame_equal(read_predictions(folder / target)[0], straight[0])
    assert curve.read_text() == straight[1]
    assert not list((folder / target).parent.glob("*checkpoint*"))


def test_downloaded_prices_make_the_dataset(downloaded, spy):
    dataset = "results/spy/data/dataset.parquet"
    pd.testing.assert_frame_equal(read_frame(downloaded / dataset), read_frame(spy / dataset))


def test_prices_that_are_gone_stop_the_run(spy, copy_of):
    folder = copy_of(spy)
    (folder / "data" / "prices.parquet").unlink()
    run = snakemake(folder, check=False)
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
    damage(read_frame(path)).to_parquet(path)
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


def test_new_ticker_takes_four_lines(copy):
    """And `only` on the command line, spelt as docs/how-to/change-the-study.md says."""
    lines = ["dataset: qqq", "datasets:", "  qqq: {path: data/prices.parquet, folds: short}"]
    template = {"folds": {"validation": {"train_end": "2016-06-30", "start": "2016-07-01"}}}
    change(copy, "fold_templates", value={"short": template})
    (copy / "my.yaml").write_text("\n".join(lines))
    jobs = planned(copy, "--configfile", copy / "my.yaml", "--config", "only=[BASE-*, PTST-tiny]")
    assert (jobs["run_baseline"], jobs["train_patchtst"]) == (3, 2)
    assert not {"forecast_timesfm", "encode_timesfm", "finetune_timesfm"} & set(jobs)


def test_tampered_predictions_stop_the_run(copy):
    path = copy / "results/sp500/predictions/BASE-HAR/test.parquet"
    frame, metadata = read_predictions(path)
    not_run = metadata.pop("not_run")
    write_predictions(path, frame.iloc[1:], metadata, not_run)
    run = snakemake(copy, "--forcerun", "check_predictions", check=False)
    assert run.returncode == 1
    assert "BASE-HAR, test" in run.stdout and "days without a score" in run.stdout
    assert not (copy / "results/sp500/checks").exists()


def test_experiment_that_cannot_run_is_shown_with_its_reason(spy, copy_of):
    folder = copy_of(spy)
    run_on_spy(folder, "BASE-prevalence", "PTST-tiny-study", "TFM-probe")
    change(folder, "experiments", "TFM-04", "run", value="gpu")
    change(folder, "labels", "threshold", value=0.5)
    results = folder / "results/spy"
    states = results / "forecasts/TFM-probe/states.parquet"
    written = states.stat().st_mtime_ns
    snakemake(folder)
    assert states.stat().st_mtime_ns == written
    experiments = pd.read_csv(results / "metrics/experiments.csv").set_index("experiment")
    page = (results / "report/index.html").read_text()
    for name in ("PTST-tiny-study", "TFM-probe"):
        assert experiments.loc[name, "status"] == "partly"
        assert "nothing to tell apart" in experiments.loc[name, "reason"]
        assert re.search(rf"<li>[^\n]*\b{name}\b", not_run_section(page))
    assert "nothing to tell apart" in page
    assert experiments.loc["TFM-04", "reason"].startswith("there is no GPU here")
    assert "GPU" in not_run_section(page) and "TFM-04" in not_run_section(page)


@pytest.mark.parametrize("gpu", ["0", "1"])
def test_jobs_of_the_models_ask_for_a_gpu_where_there_is_one(copy, gpu):
    change(copy, "experiments", "TFM-04", "run", value="gpu")
    output = snakemake(copy, "--dry-run", "--forceall", FD01_GPU=gpu).stdout
    asking = {name for name, job in re.findall(r"^(?:local)?rule (\w+):\n((?: .*\n)+)", output, re.M) if "gpu=1" in job}
    models = {"forecast_timesfm", "encode_timesfm", "finetune_timesfm", "train_patchtst"}
    assert asking == (models if gpu == "1" else set())


@pytest.mark.parametrize("gpus", [1, 2])
def test_jobs_that_use_a_gpu_take_turns(copy, gpus):
    arguments = ("--resources", f"gpu={gpus}", "--forcerun", "train_patchtst", "--until", "train_patchtst")
    snakemake(copy, *arguments, FD01_GPU="1")
    output = max((copy / ".snakemake" / "log").iterdir()).read_text()  # their names are times
    events = re.findall(r"^(localrule|Finished jobid: \d+ \(Rule:) train_patchtst\b", output, re.M)
    running = list(itertools.accumulate(1 if event == "localrule" else -1 for event in events))
    assert len(running) == 8 and max(running) == gpus


def test_killed_run_is_resumed(study, copy):
    shutil.rmtree(copy / "results")
    target = "results/sp500/forecasts/PTST-tiny/2012-12-31/seed-0.parquet"
    run = subprocess.Popen(command(copy, target), cwd=ROOT, env=environment(), **QUIET)
    deadline = time.monotonic() + 120
    while not any("train_patchtst" in " ".join(job.info["cmdline"]) for job in running_jobs(copy)):
        assert time.monotonic() < deadline and run.poll() is None
        time.sleep(0.05)
    with pytest.raises(SystemExit, match="still runs"):
        end_orphans(copy)
    run.kill()
    run.wait()

    # As `make resume` calls it, with the arguments for Snakemake.
    end = [sys.executable, ROOT / "scripts/end_orphans.py", "--cores", "2", "--directory", copy, "--quiet"]
    assert subprocess.run(end, capture_output=True, check=True, text=True).stdout.startswith("Ended ")
    assert not list(running_jobs(copy))
    assert snakemake(copy, target, check=False).returncode == 1  # the folder is still locked
    snakemake(copy, "--unlock")
    snakemake(copy, target)
    for name in ("results/sp500/data/dataset.parquet", "results/sp500/data/origins.parquet", target):
        pd.testing.assert_frame_equal(read_frame(study / name), read_frame(copy / name))


def test_snakemake_tracks_every_module_that_a_script_loads(loaded_modules, downloaded, exported, fetched, spy):
    assert_tracked(loaded_modules, __file__)
