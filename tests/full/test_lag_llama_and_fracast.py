"""Lag-Llama, Fracast and the erratum through the whole workflow, on the target `scaled`."""

import re
import shutil

import pandas as pd
import pytest
from helpers.lightning_checkpoint import save_lightning
from helpers.loaded_modules import assert_tracked
from helpers.run_workflow import planned, snakemake
from helpers.studies import LAG_LLAMA, change, new_study, read_config, write_config

from fd01.workflow.files import read_json, sha256
from fd01.workflow.parquet import read_frame

PRETRAINED = ["LL-encoder-last", "LL-forecast"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A folder in which these experiments have been run without pre-trained weights, on enough history."""
    folder = new_study(tmp_path_factory.mktemp("study") / "run")
    config = read_config(folder)
    dataset = config["datasets"]["sp500"]
    dataset["source"]["start"] = "2006-10-01"
    config["fold_templates"] = {"blocks": {key: dataset.pop(key) for key in ("folds", "walk_forward")}}
    dataset["folds"] = "blocks"
    config["targets"] = [{"target": "scaled", "horizon": 1}]
    config["weights"]["models"] |= LAG_LLAMA["weights"]["models"]
    config["experiments"] |= LAG_LLAMA["experiments"]
    config["only"] = ["BASE-prevalence", "PTST-tiny", "LL-*", "FRC-*"]
    config["decision"]["primary"] = PRETRAINED
    write_config(folder, config)
    snakemake(folder)
    return folder


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A checkpoint of the published architecture with random weights."""
    path = tmp_path_factory.mktemp("checkpoint") / "own.ckpt"
    save_lightning(path)
    return path


def test_without_weights_twins_and_fracast_run(study):
    results = study / "results/sp500"
    table = pd.read_csv(results / "metrics/experiments.csv").set_index("experiment")
    assert sorted(table.index[table["weights"] == "missing"]) == PRETRAINED
    ran = ["LL-forecast-untrained", "LL-encoder-last-untrained", "LL-scratch-short", "FRC-01", "FRC-01-untrained"]
    assert (table.loc[ran, "status"] == "ok").all()
    assert table.loc["FRC-01", ["weights", "parameters"]].to_list() == ["pre-trained", 85001]
    for name in ("LL-scratch-short", "FRC-01-untrained"):
        assert table.loc[name, "weights"].startswith("none: random")
    verdict = read_json(results / "verdict.json")
    assert (verdict["without_weights"], verdict["pretrained"]) == (PRETRAINED, [])
    assert verdict["sentence"].startswith("FD-01 is unanswered: neither TimesFM nor Lag-Llama")
    page = (results / "report/index.html").read_text()
    assert "85,001" in page


def test_other_dataset_has_no_word_of_published_figures(study):
    results = study / "results/sp500"
    assert read_json(results / "erratum.json")["status"] == "not applicable"
    assert read_json(results / "verdict.json")["published"] == []
    page = (results / "report/index.html").read_text()
    assert 'id="erratum"' not in page and "published AUC" not in page
    assert page.count("published figures") == 1  # they belong to another dataset


def test_experiments_outside_only_are_shown_as_switched_off(study):
    table = pd.read_csv(study / "results/sp500/metrics/experiments.csv").set_index("experiment")
    off = table.index[table["reason"] == "switched off: not in `only`"]
    assert {"BASE-HAR", "PTST-tiny-study", "TFM-01", "TFM-03"} < set(off)
    assert not {"BASE-prevalence", "PTST-tiny", "FRC-01", "LL-forecast"} & set(off)


def test_report_is_about_the_scaled_event(study):
    results = study / "results/sp500"
    outcomes = read_frame(results / "data/outcomes.parquet")
    metrics = pd.read_csv(results / "metrics/metrics.csv")
    assert set(metrics["target"]) == {"scaled"}
    days = outcomes[outcomes["role"] == "evaluation"].groupby("fold")["scaled_1"].agg(["count", "sum"])
    assert not outcomes["scaled_1"].equals(outcomes["up_1"])
    scored = metrics[(metrics["experiment"] == "FRC-01") & (metrics["score_kind"] == "exceedance")].set_index("fold")
    days = days.loc[scored.index]
    assert (scored["n"] == days["count"]).all() and (scored["positives"] == days["sum"]).all()
    assert len(scored) == 2 and scored["auc"].notna().all()
    page = " ".join((results / "report/index.html").read_text().split())
    event = (
        "the price rises at some time by at least 1 standard deviation (of 20 daily returns) above today&#39;s close"
    )
    assert page.count(event) >= 3
    assert "The event of this study is a rise to a threshold that grows with recent volatility." in page
    assert re.search(r"<b>The best AUC is [\d.]+ on the event of this study and [\d.]+ on true direction", page)
    assert "The event of this study is a rise to a fixed threshold" not in page
    assert "How often the rule of the original study errs" not in page
    verdict = read_json(results / "verdict.json")
    assert verdict["protocol"]["status"] == "not applicable"
    assert all(line["measured"] is None and line["reason"] for line in verdict["published"])


def test_forecast_and_probes_share_one_pass(study):
    runs = sorted(path.name for path in (study / "results/sp500/forecasts/lag-llama").glob("*.parquet"))
    assert runs == ["pretrained-return-32.parquet", "untrained-return-32.parquet"]
    seeds = read_frame(study / "results/sp500/forecasts/lag-llama/untrained-return-32.parquet")["seed"]
    assert sorted(seeds.unique()) == [0, 1]


def test_own_checkpoint_runs_what_lacked_it_and_nothing_else(study, own, tmp_path):
    folder = shutil.copytree(study, tmp_path / "copy")
    change(folder, "weights", "models", "lag-llama", "path", value=str(own))
    jobs = planned(folder)
    wanted = {
        "fetch_weights": 1,
        "verify_weights": 1,
        "run_lag_llama": 1,
        "score_lag_llama": 1,
        "fit_probe": 1,
        "render_report": 1,
    }
    assert wanted.items() <= jobs.items()
    assert not {"train_lag_llama", "forecast_fracast", "run_baseline", "train_patchtst"} & set(jobs)
    snakemake(folder)
    manifest = read_json(folder / "results/weights/lag-llama/manifest.json")
    assert manifest["files"]["lag-llama.ckpt"]["sha256"] == sha256(own)
    verdict = read_json(folder / "results/sp500/verdict.json")
    assert (verdict["without_weights"], verdict["pretrained"]) == ([], PRETRAINED)
    (loaded,) = (
        check
        for check in read_json(folder / "results/sp500/checks/LL-forecast.json")
        if check["check"] == "model loads"
    )
    assert loaded["detail"].startswith("Model loaded successfully: 2,449,299 parameters")
    assert read_json(folder / "results/weights/lag-llama/known-answers.json")["status"] == "off"
    evidence = pd.read_csv(folder / "results/sp500/metrics/experiments.csv").set_index("experiment")["evidence"]
    assert set(evidence[PRETRAINED]) == {"pre-trained, not verified"} == {evidence["FRC-01"]}
    assert verdict["doubts"] == dict.fromkeys(PRETRAINED, "not verified")
    label = "Not verified: LL-encoder-last, LL-forecast (no published answers of the weights were compared)."
    assert label in verdict["sentence"]
    page = (folder / "results/sp500/report/index.html").read_text()
    assert '<th scope="row">LL-forecast (exceedance) <span class="seen doubt">not verified</span></th>' in page


def test_snakemake_tracks_every_module_that_a_script_loads(loaded_modules, study):
    assert_tracked(loaded_modules, __file__)
