"""The seal through the whole workflow: no file of a sealed run depends on an outcome of a sealed day."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.loaded_modules import assert_tracked
from helpers.made_up_data import make_prices
from helpers.paths import ROOT
from helpers.run_workflow import snakemake
from helpers.studies import change, new_study, read_config, run_on_spy, without_times, write_config
from scipy.stats import norm

from fd01.workflow.files import read_json
from fd01.workflow.parquet import read_frame, read_table

FOLDS = {
    "validation": {"train_end": "2022-12-31", "start": "2023-01-01", "end": "2024-12-31"},
    "test": {"train_end": "2022-12-31", "start": "2025-01-01", "end": "2025-06-30"},
    "later": {"train_end": "2025-06-30", "start": "2025-07-01", "end": "2026-01-30"},  # it would learn from `test`
}
EXPERIMENTS = ["BASE-HAR", "PTST-tiny", "PTST-tiny-study"]
SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())["experiments"]
PUBLISHED = ["TFM-01-published", "TFM-01-published-realigned"]
ELSEWHERE = {
    "about": "quantiles of a colleague",
    "system": "external",
    "run": ["spy"],
    "settings": {"file": "data/elsewhere.csv", "date": "day", "date_is": "origin", "values": "simple-return"}
    | {"quantiles": True, "source": "a colleague", "license": "MIT", "trained_until": "2022-12", "released": "unknown"},
}
DAYS = 2510  # of made-up prices, from June 2017 to January 2027
TIME = re.compile(r'"(collected|seconds)": "?[\d.:T+-]+')  # of a computation


def stored_forecasts(path):
    """Write a file as the original study's for the made-up prices."""
    prices = make_prices(DAYS, start="2017-06-01")
    up = (prices["High"].shift(-1) >= 1.01 * prices["Close"]).to_numpy(float)
    content = {}
    for name, start, end in (("val", "2023-01-01", "2024-12-31"), ("test", "2025-01-01", "2026-01-15")):
        rows = np.flatnonzero(prices["Date"].between(start, end))
        content |= {f"{name}_labels": up[rows], f"{name}_predictions": np.sin(rows) / 100}
    np.savez(path, **content)


def forecasts_of_a_colleague(path):
    """Write quantiles of the next return, from the last return and twenty days' volatility, for days of the dataset."""
    returns = make_prices(DAYS, start="2017-06-01").set_index("Date")["Close"].pct_change()
    width = returns.rolling(20).std()
    table = pd.DataFrame({f"q{level}": 0.1 * returns + norm.ppf(level / 100) * width for level in (5, 25, 50, 75, 95)})
    table.loc["2018-06-01":].rename_axis("day").reset_index().to_csv(path, index=False)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A run on the dataset of the original study under a plan that nobody has fixed."""
    folder = new_study(tmp_path_factory.mktemp("seal") / "run")
    make_prices(DAYS, start="2017-06-01").to_parquet(folder / "data" / "prices.parquet")
    stored_forecasts(folder / "data" / "forecasts.npz")
    forecasts_of_a_colleague(folder / "data" / "elsewhere.csv")
    run_on_spy(folder, *EXPERIMENTS)
    config = read_config(folder)
    config["datasets"]["spy"] |= {"folds": FOLDS, "study_predictions": "data/forecasts.npz"}
    config["datasets"]["spy"]["walk_forward"] = {"first": 2025, "last": 2026, "years": 1, "embargo": 7}
    config["targets"] = [{"target": "up", "horizon": 1}, {"target": "up", "horizon": 5}]
    config["plan"]["sealed"] = ["test"]
    config["experiments"]["PTST-tiny"]["seeds"] = [0]
    config["experiments"] |= {name: SHIPPED[name] for name in PUBLISHED} | {"EXT": ELSEWHERE}
    config["walk_forward"] = True
    write_config(folder, config)
    snakemake(folder)
    return folder


def permute_sealed_outcomes(path):
    """Permute, in a table of origins, every outcome that tells of a sealed day; the number of cells that changed."""
    origins = read_frame(path)
    days = origins.drop_duplicates("row").set_index("row")["origin"]
    sealed = set(days.index[days.between("2025-01-01", "2025-06-30")])
    before, rng = origins.copy(), np.random.default_rng(0)
    for column in (name for name in origins if name[-1].isdigit()):
        horizon = int(column.split("_")[1])
        tells = [not sealed.isdisjoint(range(row, row + horizon)) for row in origins["row"]]
        origins.loc[tells, column] = rng.permutation(origins.loc[tells, column])
    origins.to_parquet(path, index=False)
    return int((origins.ne(before) & origins.notna()).sum().sum())


def content(path):
    """What a file of a run holds, without when it was computed and how long that took."""
    if path.suffix == ".parquet":
        try:
            frame, metadata = read_table(path)
        except (KeyError, TypeError):  # a table without metadata
            frame, metadata = read_frame(path), {}
        return TIME.sub("", json.dumps(metadata)), frame.to_csv()
    if path.suffix == ".json":
        record = read_json(path)
        return TIME.sub("", json.dumps(record, indent=1))
    if path.suffix == ".html":
        return without_times(path.read_text())
    return path.read_bytes()


def files(folder):
    """Every file of a run but its logs, its measured times, digests of them, and the table that was changed."""
    results = folder / "results" / "spy"
    paths = [path for path in [*results.rglob("*"), *(folder / "ledger").rglob("*")] if path.is_file()]
    names = {path.relative_to(folder): path for path in sorted(paths)}
    skipped = {"logs", "benchmarks", "costs.csv", "files.json", "origins.parquet"}
    return {name: content(path) for name, path in names.items() if skipped.isdisjoint(name.parts)}


def test_sealed_outcomes_change_no_file(study, tmp_path):
    copy = shutil.copytree(study, tmp_path / "copy")
    for path in (copy / "results" / "spy").iterdir():
        if path.name != "data":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert permute_sealed_outcomes(copy / "results/spy/data/origins.parquet") > 100
    output = snakemake(copy).stdout
    assert "run_baseline BASE-HAR" in output and "build_origins" not in output
    expected, found = files(study), files(copy)
    assert len(expected) > 60 and found.keys() == expected.keys()
    assert [str(name) for name in found if found[name] != expected[name]] == []


def test_folds_that_would_learn_sealed_outcomes_are_left_out_and_named(study):
    results = study / "results" / "spy"
    _, seal = read_table(results / "data/outcomes.parquet")
    verdict = read_json(results / "verdict.json")
    assert seal["left_out"] == verdict["sealed"]["left_out"] == ["later", "wf-2026"]
    assert set(read_frame(results / "data/origins.parquet")["fold"]) == {"validation", "test", "wf-2025"}
    page = (results / "report/index.html").read_text()
    for fold in ("later", "wf-2026"):
        assert f"{fold} is left out: its training period reaches into the sealed days." in page
        assert not list(results.rglob(f"{fold}.*"))
    assert "To open these days, fix your plan first" in page
    assert "WARNING: later, wf-2026: left out" in snakemake(study, "show").stdout


def test_metrics_of_sealed_days_and_of_horizons_into_them_are_missing(study):
    metrics = pd.read_csv(study / "results/spy/metrics/metrics.csv").query("seed != '0'")
    sealed = metrics[metrics["fold"] == "test"]
    assert len(sealed) and sealed["auc"].isna().all()
    days = metrics.query("fold == 'validation' and experiment == 'BASE-HAR'").set_index("horizon")["n"]
    assert days[1] - days[5] == 4
    stopped = metrics.query("experiment == 'PTST-tiny-study' and fold == 'validation'").set_index("horizon")
    assert stopped.loc[1, "status"] == "ok"
    assert "validation, of which outcomes are sealed" in stopped.loc[5, "reason"]


def test_erratum_has_no_figure_of_a_sealed_day(study):
    erratum = read_json(study / "results/spy/erratum.json")
    validation, test = erratum["timesfm"]
    assert validation["reason"] is None and 0 < validation["auc"] < 1
    assert test.keys() == {"block", "reason"} and test["reason"].endswith("days are sealed")
    page = (study / "results/spy/report/index.html").read_text()
    assert f"not recomputed, because {test['reason']}" in page
    assert "they are other prices" in page


def test_forecasts_from_elsewhere_are_scored_on_the_days_that_they_have(study):
    results = study / "results" / "spy"
    metrics = pd.read_csv(results / "metrics/metrics.csv").query(
        "target == 'up' and horizon == 1 and fold == 'validation'"
    )
    n = metrics[metrics["auc"].notna()].groupby("experiment")["n"].first().astype(int)
    assert n["EXT"] == n["TFM-01-published"] == n["BASE-HAR"] == n["TFM-01-published-realigned"] + 1
    kinds = metrics.groupby("experiment")["score_kind"].agg(set)
    assert kinds["EXT"] == {"exceedance", "close-exceedance", "study", "width"} and kinds[PUBLISHED[0]] == {"study"}
    rows = pd.read_csv(results / "metrics/comparisons.csv").query("fold == 'validation'")
    assert rows.groupby("experiment")["lacking"].first().loc[lambda lacking: lacking > 0].to_dict() == {PUBLISHED[1]: 1}
    assert set(rows.loc[rows["experiment"] == "EXT", "exposure"]) == {"clean"}
    contamination = pd.read_csv(results / "metrics/contamination.csv")
    assert {"EXT", *PUBLISHED} <= set(contamination["experiment"])
    calibration = pd.read_csv(results / "metrics/calibration.csv").query("experiment == 'EXT' and arm == 'platt'")
    assert calibration["auc"].notna().any()
    page = (results / "report/index.html").read_text()
    assert f"{n['EXT'] - 1} of {n['EXT']} days" in page


def test_stored_forecasts_of_sealed_days_are_not_even_dated(study):
    results = study / "results" / "spy"
    table, about = read_table(results / "forecasts/original-study/point.parquet")
    assert table["date"].max() == pd.Timestamp("2024-12-31") and about["note"].endswith("days are sealed")
    experiments = pd.read_csv(results / "metrics/experiments.csv").set_index("experiment")
    assert set(experiments.loc[PUBLISHED, "status"]) == {"partly"}
    assert experiments.loc[PUBLISHED, "weights"].tolist() == ["made elsewhere"] * 2


def test_stored_forecasts_stand_in_for_timesfm_in_the_verdict(study):
    verdict = read_json(study / "results/spy/verdict.json")
    assert verdict["protocol"]["status"] == "pending"
    assert [answer["status"] for answer in verdict["stand_ins"]] == ["decided"] * 2
    assert verdict["sentence"].startswith("TFM-01 has no score here. By the original study's protocol, forecasts made")
    page = (study / "results/spy/report/index.html").read_text()
    assert "A point forecast ranks days by the return that it expects." in page


def test_digest_opens_everything(study, tmp_path):
    copy = shutil.copytree(study, tmp_path / "copy")
    (digest,) = re.findall(r"^spy: (\w{64}) \(not in plan/sha256\)$", snakemake(copy, "digests").stdout, re.MULTILINE)
    assert digest in read_json(copy / "results/spy/verdict.json")["sealed"]["reason"]
    change(copy, "plan", "sha256", value=["0" * 64, digest])
    snakemake(copy, "results/spy/erratum.json", "results/spy/data/outcomes.parquet")
    outcomes, seal = read_table(copy / "results/spy/data/outcomes.parquet")
    assert (seal["sealed"], seal["left_out"]) == ({}, [])
    assert {"later", "wf-2026"} <= set(outcomes["fold"])
    assert all(line["reason"] is None for line in read_json(copy / "results/spy/erratum.json")["timesfm"])


def test_snakemake_tracks_every_module_that_a_script_loads(loaded_modules, study):
    assert_tracked(loaded_modules, __file__)
