"""Lag-Llama, Fracast and the erratum through the whole workflow."""

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
    config["datasets"]["sp500"]["source"]["start"] = "2006-10-01"
    config["targets"] = [{"target": "up", "horizon": 1}]
    config["weights"] = config["weights"] | LAG_LLAMA["weights"]
    kept = {name: config["experiments"][name] for name in ("BASE-prevalence", "PTST-tiny")}
    config["experiments"] = kept | LAG_LLAMA["experiments"]
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
    assert verdict["sentence"].startswith("FD-01 is open: neither TimesFM nor Lag-Llama")
    page = (results / "report/index.html").read_text()
    assert "85,001" in page and "Not applicable: needs prices of the 1150 days before 2023-01-01" in page


def test_forecast_and_probes_share_one_pass(study):
    runs = sorted(path.name for path in (study / "results/sp500/forecasts/lag-llama").glob("*.parquet"))
    assert runs == ["pretrained-return-32.parquet", "untrained-return-32.parquet"]
    seeds = read_frame(study / "results/sp500/forecasts/lag-llama/untrained-return-32.parquet")["seed"]
    assert sorted(seeds.unique()) == [0, 1]


def test_own_checkpoint_runs_what_lacked_it_and_nothing_else(study, own, tmp_path):
    folder = shutil.copytree(study, tmp_path / "copy")
    change(folder, "weights", "models", "lag-llama", "path", value=str(own))
    jobs = planned(folder)
    wanted = {"fetch_weights": 1, "run_lag_llama": 1, "score_lag_llama": 1, "fit_probe": 1, "render_report": 1}
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


def test_snakemake_tracks_every_module_that_a_script_loads(loaded_modules, study):
    assert_tracked(loaded_modules, __file__)
