"""The workflow on prices of which the truth is known, block by block through history."""

import pandas as pd
import pytest
from helpers.loaded_modules import assert_tracked
from helpers.run_workflow import snakemake
from helpers.studies import new_study, read_config, write_config

from fd01.scoring.predictions import read_experiment
from fd01.workflow.files import read_json
from fd01.workflow.parquet import read_frame

BASELINES = {
    "BASE-GJR-GARCH-t": {"method": "gjr-garch-t"},
    "BASE-EWMA": {"method": "ewma", "decay": 0.94},
    "BASE-last-return": {"method": "last-return"},
}
# Best first, by how much each knows of tomorrow's variance: all of it, most, some, nothing.
KNOWN_ORDER = ["BASE-GJR-GARCH-t", "BASE-EWMA", "BASE-drawdown-20", "BASE-last-return"]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = new_study(tmp_path_factory.mktemp("truth") / "run")
    config = read_config(folder)
    config |= {"dataset": "synthetic", "walk_forward": True}
    config["targets"] = [{"target": "up", "horizon": 1}, {"target": "direction", "horizon": 1}]
    for name, entry in config["experiments"].items():
        entry["run"] = "all" if name in ("BASE-drawdown-20", "BASE-prevalence", "PTST-tiny") else "none"
    for name, settings in BASELINES.items():
        config["experiments"][name] = {"about": name, "system": "baseline", "run": "all", "settings": settings}
    write_config(folder, config)
    snakemake(folder)
    return folder / "results/synthetic"


@pytest.fixture(scope="module")
def truth(results):
    return pd.read_csv(results / "metrics/truth.csv")


def test_measured_auc_is_the_expected_one(truth):
    assert set(truth["fold"]) == {"validation", "wf-2010", "wf-2012"}
    assert (truth["z"].abs() < 3).all()
    assert (truth["expected"] <= truth["best"] + 1e-9).all()


def test_known_order_is_recovered(truth):
    rows = truth[(truth["fold"] == "validation") & (truth["target"] == "up")].set_index("experiment")
    assert list(rows.loc[KNOWN_ORDER].sort_values("auc", ascending=False).index) == KNOWN_ORDER
    assert rows.loc["BASE-GJR-GARCH-t", "expected"] == pytest.approx(rows["best"].iloc[0], abs=0.01)


def test_nothing_tells_the_direction(truth):
    rows = truth[truth["target"] == "direction"]
    assert len(rows) and (rows["expected"] == 0.5).all()
    assert (rows["auc"] - 0.5).abs().max() < 3.5 * rows["standard_error"].max()


def test_walk_forward_blocks_are_scored_and_learn_from_the_past_alone(results):
    origins = read_frame(results / "data/origins.parquet")
    for fold, start in (("wf-2010", "2010-01-01"), ("wf-2012", "2012-01-01")):
        rows = origins[origins["fold"] == fold]
        training = rows[(rows["role"] != "evaluation") & rows["up_1"].notna()]
        embargo = pd.Timestamp(start) - pd.Timedelta(days=7)
        assert training["origin"].max() < embargo <= rows.loc[rows["role"] == "evaluation", "origin"].min()
    scores, _ = read_experiment(results / "predictions/PTST-tiny")
    ends = origins.drop_duplicates("fold").set_index("fold")["train_end"]
    assert ends["wf-2010"] != ends["validation"]
    by_fold = scores[scores["role"] == "evaluation"].pivot_table(index="origin", columns="fold", values="score")
    both = by_fold[["validation", "wf-2012"]].dropna()
    assert len(both) > 400 and not (both["validation"] == both["wf-2012"]).any()


def test_report_speaks_of_the_named_blocks_and_of_the_truth(results):
    assert [block["fold"] for block in read_json(results / "verdict.json")["blocks"]] == ["validation"]
    report = (results / "report/index.html").read_text()
    assert '<section id="truth">' in report and "<li><b>wf-2010</b>: " not in report


def test_walk_forward_blocks_are_pooled_and_drawn(results):
    rows = pd.read_csv(results / "metrics/comparisons.csv")
    pooled = rows[rows["fold"] == "walk-forward"].set_index(["experiment", "against"])
    single = rows[rows["fold"] == "wf-2010"].set_index(["experiment", "against"])
    assert pooled.loc[("BASE-last-return", "baseline"), "verdict"] == "worse"
    assert pooled["n"].iloc[0] == sum(rows.drop_duplicates("fold").set_index("fold").loc[["wf-2010", "wf-2012"], "n"])
    assert (pooled["se"] < single["se"].reindex(pooled.index)).mean() > 0.8
    assert "equivalent" not in set(rows.loc[rows["fold"] != "walk-forward", "verdict"])
    drawn = pd.read_csv(results / "figures/walk-forward.csv")
    assert set(drawn["fold"]) == {"wf-2010", "wf-2012", "walk-forward"}
    report = (results / "report/index.html").read_text()
    assert '<section id="walk-forward">' in report and ">walk-forward</th>" in report


def test_snakemake_tracks_every_module_that_a_script_loads(loaded_modules, results):
    assert_tracked(loaded_modules, __file__)
