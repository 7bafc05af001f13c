"""A study of two series, from prices to report; each series gets what it would get alone."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest
from helpers.loaded_modules import assert_tracked
from helpers.paths import IN_EVERY_JOB
from helpers.run_workflow import planned, snakemake
from helpers.studies import change, new_study, read_config, two_series, write_config

from fd01.report.html import number
from fd01.scoring.predictions import read_experiment
from fd01.workflow.files import read_json
from fd01.workflow.parquet import read_frame

RESULTS = "results/indices"
ALONE = ("BASE-prevalence", "BASE-drawdown-20", "PTST-tiny", "TFM-01-untrained")  # not fitted, or to each series
POOLED = ("BASE-HAR", "PTST-pooled")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = new_study(tmp_path_factory.mktemp("series") / "run")
    config = two_series(read_config(folder), reference="PTST-pooled")
    config["only"] = [*ALONE, *POOLED]
    write_config(folder, config)
    snakemake(folder)
    alone = [f"results/sp500/predictions/{name}" for name in (*ALONE, *POOLED)]
    snakemake(folder, "--config", "dataset=sp500", "--", *alone)
    return folder


@pytest.fixture(scope="module")
def in_shards(study, tmp_path_factory):
    """The same study, in which each job makes the forecasts of one series."""
    folder = tmp_path_factory.mktemp("shards") / "run"
    new_study(folder)
    config = read_config(study)
    config["datasets"]["indices"]["series_per_job"] = 1
    config["experiments"]["TFM-probe-untrained"] |= {"fit": "together", "needs_weights": False}
    config["only"].append("TFM-probe-untrained")
    write_config(folder, config)
    predictions = [f"{RESULTS}/predictions/{name}" for name in (*ALONE, "TFM-probe-untrained")]
    snakemake(folder, "--", *predictions, f"{RESULTS}/forecasts/TFM-01-untrained/quantiles.parquet")
    return folder


def scores(study, dataset, experiment):
    frame, metadata = read_experiment(study / "results" / dataset / "predictions" / experiment)
    assert not any(fold["not_run"] for fold in metadata.values())
    frame = frame[frame["series"] == "sp500"]
    return frame.set_index(["fold", "role", "target", "horizon", "seed", "score_kind", "origin"])["score"].sort_index()


@pytest.mark.parametrize("experiment", ALONE)
def test_series_gets_the_scores_that_it_would_get_alone(study, experiment):
    together, alone = (scores(study, dataset, experiment) for dataset in ("indices", "sp500"))
    assert together.index.equals(alone.index) and len(alone) > 500
    # The batches of TimesFM have other windows beside a window, which moves its forecast by rounding.
    tolerance = 1e-5 if experiment.startswith("TFM") else 0
    np.testing.assert_allclose(together, alone, rtol=tolerance, atol=0)


@pytest.mark.parametrize("experiment", ALONE)
def test_jobs_of_one_series_give_the_files_of_one_job(in_shards, study, experiment):
    folders = [folder / RESULTS / "predictions" / experiment for folder in (in_shards, study)]
    (split, split_metadata), (whole, metadata) = map(read_experiment, folders)
    pd.testing.assert_frame_equal(split, whole, check_exact=True)
    assert set(split_metadata) == set(metadata) and not any(fold["not_run"] for fold in split_metadata.values())


def test_forecasts_of_jobs_of_one_series_are_those_of_one_job(in_shards, study):
    split, whole = (
        read_frame(folder / RESULTS / "forecasts/TFM-01-untrained/quantiles.parquet").sort_values(
            ["seed", "row", "step"]
        )
        for folder in (in_shards, study)
    )
    pd.testing.assert_frame_equal(split.reset_index(drop=True), whole.reset_index(drop=True), rtol=1e-5)


def test_other_threshold_reruns_no_forecast_of_a_shard(in_shards, tmp_path):
    folder = shutil.copytree(in_shards, tmp_path / "run")
    change(folder, "labels", "threshold", value=0.02)
    jobs = planned(folder, "--", f"{RESULTS}/predictions/TFM-01-untrained", f"{RESULTS}/predictions/PTST-tiny")
    assert (jobs["split_origins"], jobs["score_forecasts"], jobs["train_patchtst"]) == (2, 2, 8)
    assert not {"split_dataset", "forecast_timesfm", "gather_forecasts"} & set(jobs)


def test_one_fit_for_all_series_uses_the_hidden_states_of_all_jobs(in_shards):
    results = in_shards / RESULTS
    states = [
        read_frame(path) for path in sorted(results.glob("shards/*/forecasts/TFM-probe-untrained/states.parquet"))
    ]
    assert [len(one) for one in states] == [
        len(read_frame(results / "forecasts/TFM-probe-untrained/states.parquet")) / 2
    ] * 2
    frame, metadata = read_experiment(results / "predictions/TFM-probe-untrained")
    assert set(frame["series"]) == {"nasdaq", "sp500"} and not any(fold["not_run"] for fold in metadata.values())


@pytest.mark.parametrize("experiment", POOLED)
def test_one_fit_for_all_series_learns_from_the_others(study, experiment):
    together, alone = (scores(study, dataset, experiment) for dataset in ("indices", "sp500"))
    assert together.index.equals(alone.index)
    assert (together != alone).mean() > 0.9


def test_both_series_are_scored_on_the_same_days(study):
    outcomes = read_frame(study / RESULTS / "data/outcomes.parquet")
    days = outcomes[outcomes["role"] == "evaluation"].groupby(["fold", "series"], observed=True)["origin"].nunique()
    assert days.unstack()["nasdaq"].equals(days.unstack()["sp500"].rename("nasdaq"))
    metrics = pd.read_csv(study / RESULTS / "metrics/metrics.csv")
    rows = metrics[(metrics["fold"] == "validation") & (metrics["target"] == "up")]
    assert set(rows["n"]) == {2 * days["validation", "sp500"]}
    assert (rows.loc[rows["experiment"] == "BASE-prevalence", "auc"] == 0.5).all()


def test_reference_of_the_dataset_is_that_of_every_comparison(study):
    comparisons = pd.read_csv(study / RESULTS / "metrics/comparisons.csv")
    others = comparisons.loc[comparisons["against"] == "reference", "other"]
    assert set(others) == {"PTST-pooled"}
    assert read_json(study / RESULTS / "summary.json")["reference"]["experiment"] == "PTST-pooled"
    page = (study / RESULTS / "report/index.html").read_text()
    assert '<th scope="row">reference</th><td>PTST-pooled</td>' in page and "Here it is the other way round." in page


def test_differences_of_the_series_make_the_pooled_one(study):
    series = pd.read_csv(study / RESULTS / "metrics/series.csv")
    comparisons = pd.read_csv(study / RESULTS / "metrics/comparisons.csv")
    comparisons = comparisons[comparisons["against"] == "reference"].set_index(["fold", "experiment"])
    pooled = (series["difference"] * series["weight"]).groupby([series["fold"], series["experiment"]]).sum()
    assert len(pooled) == 2 * 5
    np.testing.assert_allclose(comparisons["auc_difference"].loc[pooled.index], pooled, atol=1e-12)
    assert set(comparisons["n_series"]) == {2}
    assert (comparisons["n"] == 2 * comparisons["dates"]).all()


def test_report_shows_every_series(study):
    page = (study / RESULTS / "report/index.html").read_text()
    assert "This dataset has 2 series." in page and "2 series of prices that may move together" in page
    assert "days of 2 series on" in page
    assert all(f'<th scope="row">{name}</th>' in page for name in ("nasdaq", "sp500"))
    assert [one["name"] for one in read_json(study / RESULTS / "data/dataset.json")["series"]] == ["nasdaq", "sp500"]
    periods = read_json(study / RESULTS / "summary.json")["periods"]
    assert {(period["series"], period["n"] // period["dates"]) for period in periods} == {(2, 2)}


def test_page_of_a_series_shows_its_numbers_and_reruns_nothing(study):
    assert planned(study, "--config", "series=nasdaq", "--", "series") == {"series": 1}
    said = snakemake(study, "series", "--config", "series=nasdaq").stdout
    path = study / RESULTS / "report/series/nasdaq.html"
    assert f"Page of nasdaq: {path}" in said
    page, series = path.read_text(), pd.read_csv(study / RESULTS / "metrics/series.csv")
    assert "nasdaq, one of 2 series" in page
    for row in series[series["series"] == "nasdaq"].itertuples():
        assert (
            f'<td class="n">{number(row.difference)}</td>' in page and f'<td class="n">{number(row.auc)}</td>' in page
        )
    assert planned(study) == planned(study, "--config", "series=sp500") == {}


def test_unknown_series_is_an_error_that_names_the_nearest(study):
    run = snakemake(study, "series", "--config", "series=NASDQ", check=False)
    assert run.returncode == 1
    assert "There is no series NASDQ among the 2 of this dataset. Names like it: nasdaq." in run.stdout


def test_ticker_without_prices_costs_no_other_download(tmp_path):
    folder = new_study(tmp_path / "run")
    (folder / "yfinance.py").write_text("""
import logging
from pathlib import Path
import pyarrow.parquet as pq
def download(ticker, **options):
    with open("asked.txt", "a") as file:
        print(ticker, file=file)
    prices = pq.read_table("data/prices.parquet").to_pandas().set_index("Date")
    if ticker == "NEW" and not Path("known").exists():
        logging.getLogger("yfinance").error("['NEW']: no timezone found")
        return prices.iloc[:0]
    return prices
""")
    source = {"kind": "yahoo", "ticker": ["NEW", "SPY", "QQQ"], "start": "2015-01-02", "end": "2017-01-31"}
    change(folder, "datasets", "spy", "source", value=source)
    change(folder, "dataset", value="spy")
    goal, path = "results/spy/data/yahoo.parquet", os.pathsep.join([str(IN_EVERY_JOB), str(folder)])
    failed = snakemake(folder, goal, check=False, PYTHONPATH=path)
    assert failed.returncode == 1
    assert "no prices for 1 of 3 tickers: NEW (no timezone found). Do they exist?" in failed.stdout
    (folder / "known").touch()
    snakemake(folder, goal, PYTHONPATH=path)
    asked = (folder / "asked.txt").read_text().split()
    assert asked == ["NEW", "SPY", "QQQ", "NEW", "NEW", "NEW"]  # a job that failed is tried twice more
    assert read_frame(folder / goal)["series"].value_counts().to_dict() == dict.fromkeys(source["ticker"], 560)
    assert not (folder / goal).with_suffix("").exists()


def test_snakemake_tracks_every_module_that_a_script_loads(loaded_modules, in_shards):
    assert_tracked(loaded_modules, __file__)
