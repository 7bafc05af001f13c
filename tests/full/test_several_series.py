"""A study of two series, from prices to report; each series gets what it would get alone."""

import numpy as np
import pandas as pd
import pytest
from helpers.loaded_modules import assert_tracked
from helpers.run_workflow import planned, snakemake
from helpers.studies import new_study, read_config, write_config

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
    config = read_config(folder)
    config["dataset"] = "indices"
    source = {"kind": "packaged", "name": "indices", "start": "2010-01-01", "end": "2014-01-31"}
    config["datasets"]["indices"] = config["datasets"]["sp500"] | {"title": "two indices", "source": source}
    experiments = config["experiments"]
    experiments["PTST-tiny"]["fit"] = "each"
    experiments["PTST-pooled"] = experiments["PTST-tiny"] | {"name": "PatchTST for all series", "fit": "together"}
    config["only"] = [*ALONE, *POOLED]
    write_config(folder, config)
    snakemake(folder)
    alone = [f"results/sp500/predictions/{name}" for name in (*ALONE, *POOLED)]
    snakemake(folder, "--config", "dataset=sp500", "--", *alone)
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
    assert all(f'<th scope="row">{name}</th>' in page for name in ("nasdaq", "sp500"))
    assert [one["name"] for one in read_json(study / RESULTS / "data/dataset.json")["series"]] == ["nasdaq", "sp500"]
    periods = read_json(study / RESULTS / "summary.json")["periods"]
    assert {(period["series"], period["n"] // period["dates"]) for period in periods} == {(2, 2)}


def test_page_of_a_series_shows_its_numbers_and_reruns_nothing(study, loaded_modules):
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
    assert_tracked(loaded_modules, __file__)


def test_unknown_series_is_an_error_that_names_the_nearest(study):
    run = snakemake(study, "series", "--config", "series=NASDQ", check=False)
    assert run.returncode == 1
    assert "There is no series NASDQ among the 2 of this dataset. Names like it: nasdaq." in run.stdout
