"""The first page as data, from made-up tables of a study on the prices and the event of the question."""

import json
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.made_up_data import CONFIG
from helpers.paths import ROOT
from jsonschema import Draft202012Validator
from scipy.stats import norm

from fd01.evaluation.ledger import expected_maximum
from fd01.report.direction import direction
from fd01.report.facts import Results, Study
from fd01.report.forest import figure_rows
from fd01.report.periods import periods
from fd01.report.summary import summarise
from fd01.study.config import check_config
from fd01.study.names import display_name
from fd01.study.systems import needed_weights
from fd01.workflow.errors import UserError

SCHEMA = json.loads((ROOT / "schemas" / "summary.schema.json").read_text())
VERIFIED, UNVERIFIED = "pre-trained, verified by known answers", "pre-trained, unverified"
PRIMARY = CONFIG["decision"]["primary"]
BLOCKS = {"validation": ("2023-01-03", 480), "test": ("2025-01-02", 260)}
CLEAN_DAYS = 242 + 260  # after November 2023: the rest of validation, and all of test


def comparison(experiment, fold, verdict="inconclusive", difference=0.0, exposure=None, **more):
    """A row of `comparisons.csv` against the reference."""
    row = {"fold": fold, "experiment": experiment, "against": "reference", "other": "PTST-2M", "optimistic": False}
    row |= {"family": "primary" if experiment in PRIMARY else "secondary", "exposure": exposure, "n": 500}
    row |= {
        "auc_difference": difference,
        "adjusted_low": difference - 0.1,
        "adjusted_high": difference + 0.1,
        "reason": None,
    }
    return row | {"verdict": verdict} | more


def study(**more):
    config = {key: CONFIG[key] for key in ("experiments", "decision", "statistics", "labels")}
    titles = {"spy": "SPY", "sp500": "S&P 500"}
    target = {"target": "up", "horizon": 1}
    return replace(Study("spy", **config, target=target, titles=titles, cut_off="2023-11"), **more)


def results(verdicts=None, evidence=None, extra=(), folds=BLOCKS, **more):
    """Results with PatchTST and two baselines, and a verdict on the clean days of each experiment in `verdicts`."""
    verdicts = verdicts or {}
    evidence = {name: VERIFIED for name in verdicts} | (evidence or {})
    days = {fold: pd.bdate_range(start, periods=n) for fold, (start, n) in folds.items()}
    outcomes = pd.concat(
        [
            pd.DataFrame(
                {
                    "fold": fold,
                    "role": "evaluation",
                    "series": "",
                    "origin": index,
                    "up_1": np.arange(len(index)) % 5 == 0,
                }
            )
            for fold, index in days.items()
        ]
    ).astype({"up_1": float})
    outcomes = outcomes.reset_index(drop=True)
    comparisons = [comparison("BASE-HAR", fold, "better", 0.1) for fold in folds]
    comparisons += [comparison("BASE-range", fold, "inconclusive", -0.01) for fold in folds]
    comparisons += [comparison(name, "after-cutoff", *of, exposure="clean") for name, of in verdicts.items()]
    comparisons += [comparison(name, "validation", "better", 0.2, exposure="partly") for name in verdicts]
    comparisons = pd.DataFrame([*comparisons, *extra])
    ran = {"BASE-HAR": "baseline", "BASE-range": "baseline", "PTST-2M": "trained here", **evidence}
    experiments = [
        {
            "experiment": name,
            "model": name,
            "weights": weights_of(name, ran),
            "evidence": ran.get(name),
            "reason": "why",
        }
        | {"status": "ok" if name in ran else "not run", "optimistic": False}
        for name in CONFIG["experiments"]
    ]
    absent = [name for name in CONFIG["experiments"] if name not in ran]
    auc = {"auc": 0.7, "n": 480, "positives": 96, "seeds": 3, "seed_aucs": None}
    blocks = [
        {"fold": fold, "reference": auc | {"experiment": "PTST-2M"}, "baseline": auc | {"experiment": "BASE-HAR"}}
        for fold in folds
    ]
    verdict = {
        "question": "?",
        "blocks": blocks,
        "sealed": {"folds": {}, "left_out": [], "reason": None},
        "protocol": {"status": "pending", "reason": "", "results": []},
        "without_weights": [name for name in absent if needed_weights(CONFIG["experiments"][name])],
        "refused_weights": [],
    }
    labels = [
        {"fold": fold, "target": target, "threshold": threshold, "horizon": 1, "experiment": name, "auc": auc}
        | {"chance": 0.05}
        for fold in folds
        for target, threshold, name, auc in [
            ("up", 0.01, "BASE-HAR", 0.8),
            ("up", 0.02, "BASE-range", 0.9),
            ("direction", np.nan, "BASE-HAR", 0.52),
            ("direction", np.nan, "BASE-range", 0.56),
        ]
    ]
    of_blocks = {"target": "up", "horizon": 1, "fold": list(folds)}
    made = {
        "verdict": verdict,
        "description": {"title": "SPY", "first_date": "1993-01-29", "last_date": "2026-01-02"},
        "metrics": pd.DataFrame(of_blocks | {"experiment": "BASE-HAR", "seed": "all", "auc": 0.8}),
        "experiments": pd.DataFrame(experiments),
        "comparisons": comparisons,
        "power": comparisons.assign(detectable_holm=0.1),
        "labels": pd.DataFrame(labels),
        "ledger": pd.DataFrame(of_blocks | {"ever": 25, "now": 25, "expected_maximum": 0.57}),
        "alignment": pd.DataFrame([{"experiment": "BASE-range", "what": "scale", "verdict": "aligned"}]),
        "outcomes": outcomes,
        "checks": {"PTST-2M": [{"check": "stopped early", "ok": False, "detail": ""}], "BASE-HAR": []},
    }
    return Results(**made | more)


def weights_of(name, ran):
    """The column `weights` of `experiments.csv`."""
    if name in ran:
        return {"made elsewhere": "made elsewhere"}.get(
            ran[name], "pre-trained" if "pre-trained" in ran[name] else None
        )
    entry = CONFIG["experiments"][name]
    return "missing" if needed_weights(entry) and entry["settings"]["weights"] == "pretrained" else None


def summary(*made, of=None, **more):
    """The summary of `results`, which fits the schema."""
    page = summarise(of or study(), results(*made, **more))
    Draft202012Validator(SCHEMA).validate(page)
    return page


BETTER, WORSE, EQUIVALENT, OPEN = ("better", 0.1), ("worse", -0.1), ("equivalent", 0.0), ("inconclusive", 0.02)


@pytest.mark.parametrize(
    ("verdicts", "status", "said"),
    [
        ({}, "unanswered", "Neither TimesFM 2.5 nor Lag-Llama ran with its pre-trained weights."),
        ({"TFM-01": BETTER, "LL-forecast": WORSE}, "yes", "better than PatchTST by 0.10 in AUC on the 500 days"),
        ({"TFM-01": WORSE, "LL-forecast": EQUIVALENT}, "no", "none of TimesFM 2.5, zero-shot on returns (TFM-01) and"),
        ({"TFM-01": WORSE, "LL-forecast": OPEN}, "undecided", "1 worse, 1 inconclusive."),
        (
            {"TFM-01": WORSE, "TFM-02": WORSE},
            "undecided",
            "TimesFM 2.5 (2 ways) against PatchTST: 2 worse; Lag-Llama: no valid score",
        ),
        ({"TFM-01-close": BETTER}, "undecided", "none of the ways that the plan names has a valid score"),
    ],
)
def test_status_follows_from_the_primary_experiments_on_clean_days(verdicts, status, said):
    page = summary(verdicts)
    assert (page["status"], page["status_word"]) == (status, status.capitalize())
    assert said in page["reason"]


def test_exposed_days_never_decide():
    rows = [comparison(name, "validation", "worse", exposure="exposed") for name in ("TFM-01", "LL-forecast")]
    early = {"validation": ("2015-01-02", 480)}
    page = summary(evidence={"TFM-01": VERIFIED, "LL-forecast": VERIFIED}, extra=rows, folds=early)
    assert page["status"] == "undecided"
    assert "a good score on such days proves nothing" in page["reason"]
    assert not any(period["clean"] for period in page["periods"])


def test_forecasts_made_elsewhere_stand_in_and_late_ones_do_not():
    stand_in = {"TFM-01-published-realigned": WORSE, "LL-forecast": WORSE}
    evidence = {"TFM-01-published-realigned": "made elsewhere"}
    page = summary(stand_in, evidence)
    assert page["status"] == "no"
    assert "forecasts of TimesFM 2.5 that were made elsewhere" in page["reason"]
    assert page["caveats"][0].startswith("Made elsewhere: TimesFM 2.5, published, on the right days")
    late = pd.DataFrame([{"experiment": "TFM-01-published-realigned", "what": "location", "verdict": "late by 1 day"}])
    page = summary(stand_in, evidence, alignment=late)
    assert page["status"] == "undecided"
    assert page["caveats"][-1].startswith("Not counted, as their forecasts do not lie on their day: TimesFM 2.5")
    # Where the experiment itself has a verdict, its stand-in does not count.
    assert summary(stand_in | {"TFM-01": BETTER}, evidence)["status"] == "yes"
    assert summary(stand_in | {"TFM-01": WORSE, "TFM-01-published-realigned": BETTER}, evidence)["status"] == "no"


def test_experiment_that_ran_in_part_ran():
    made = results({"TFM-01": WORSE, "LL-forecast": WORSE})
    partly = made.experiments["status"].mask(made.experiments["experiment"] == "TFM-01", "partly")
    page = summarise(study(), replace(made, experiments=made.experiments.assign(status=partly)))
    assert page["status"] == "no"
    assert any(line["text"].startswith("Ran in part") and line["experiments"] == ["TFM-01"] for line in page["not_run"])


def test_pair_that_cannot_be_judged_has_no_verdict_and_no_interval():
    silent = comparison("TFM-01", "after-cutoff", "inconclusive", 0.2, "clean", reason="fewer than 20 days")
    one_class = comparison("BASE-EWMA", "test", "inconclusive", np.nan, reason="one outcome")
    page = summary({"LL-forecast": WORSE}, {"TFM-01": VERIFIED, "BASE-EWMA": "baseline"}, extra=[silent, one_class])
    assert page["status"] == "undecided" and "1 worse, 1 no verdict" in page["reason"]
    (row,) = (row for row in page["rows"] if (row["experiment"], row["fold"]) == ("TFM-01", "after-cutoff"))
    assert (row["difference"], row["low"], row["verdict"]) == (0.2, None, None)


def test_reference_that_was_stopped_on_these_days_decides_nothing():
    made = results({"TFM-01": WORSE, "LL-forecast": WORSE})
    optimistic = made.experiments["experiment"] == "PTST-2M"
    page = summarise(study(), replace(made, experiments=made.experiments.assign(optimistic=optimistic)))
    assert page["status"] == "undecided" and "was stopped on days that it is judged on" in page["reason"]


def test_question_without_its_models_is_unanswered():
    config = {name: entry for name, entry in CONFIG["experiments"].items() if name.startswith(("BASE", "PTST"))}
    made = results()
    made = replace(made, experiments=made.experiments[made.experiments["experiment"].isin(config)])
    page = summarise(study(experiments=config, decision=CONFIG["decision"] | {"primary": []}), made)
    assert (page["status"], page["reason"]) == ("unanswered", "The configuration has no model of the question.")


def test_worse_than_the_baseline_is_said_of_those_that_are():
    against = {"against": "baseline", "other": "BASE-HAR", "exposure": "clean"}
    extra = [comparison("TFM-02", "after-cutoff", "worse", -0.2, **against)]
    found = summary({"TFM-01": BETTER, "TFM-02": BETTER}, extra=extra)["messages"][1]["text"]
    assert "; 1 worse than the simple baseline in clean days" in found


def test_unverified_weights_are_named():
    page = summary({"TFM-01": BETTER}, {"TFM-01": UNVERIFIED})
    assert page["status"] == "yes"
    assert page["caveats"][0].startswith("Unverified: TimesFM 2.5, zero-shot on returns (TFM-01)")
    assert page["trust"][0]["state"] == "attention"
    assert {row["doubt"] for row in page["rows"] if row["experiment"] == "TFM-01"} == {"unverified"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dataset": "sp500"}, "This dataset is not that of the question (SPY)"),
        ({"target": {"target": "up", "horizon": 2}}, "This event is not that of the question"),
        ({"labels": CONFIG["labels"] | {"threshold": 0.03}}, "This event is not that of the question"),
    ],
)
def test_other_prices_or_another_event_leave_the_question_unanswered(change, said):
    of, made = study(**change), results({"TFM-01": WORSE, "LL-forecast": WORSE})
    made = replace(made, outcomes=made.outcomes.assign(up_2=made.outcomes["up_1"]))
    page = summarise(of, made)
    assert page["status"] == "unanswered"
    assert "Here the answer would be “no”: On the 500 days" in page["reason"]
    assert page["caveats"][0].startswith(said)


def test_sealed_days_are_named():
    sealed = results({"TFM-01": OPEN}).verdict | {"sealed": {"folds": {"test": {}}, "left_out": [], "reason": "sealed"}}
    early = {"validation": ("2015-01-02", 480)}
    seen = {"evidence": {"TFM-01": VERIFIED}, "verdict": sealed | {"blocks": sealed["blocks"][:1]}}
    seen["extra"] = [comparison("TFM-01", "validation", exposure="exposed")]
    page = summary(folds=early, **seen)  # no clean day at all, sealed or not
    assert "every day here may have been in their training data" in page["reason"]
    assert any("No day lies after the end" in text for text in page["limitations"])
    made = results(folds=early | {"test": BLOCKS["test"]}, **seen)
    unknown = made.outcomes["up_1"].where(made.outcomes["fold"] != "test")
    page = summarise(study(), replace(made, outcomes=made.outcomes.assign(up_1=unknown)))
    assert "the days after the end of all training data are sealed" in page["reason"]
    assert not any("No day lies after the end" in text for text in page["limitations"])
    assert any(text.startswith("Not looked at: test") for text in page["limitations"])
    assert page["next"]["command"] == "snakemake weights"


def test_every_pretrained_model_that_ran_is_in_the_reason_and_in_what_was_found():
    rows = [comparison("FRC-01", fold, exposure="exposed") for fold in BLOCKS]
    page = summary(evidence={"FRC-01": "pre-trained, not verified"}, extra=rows)
    assert page["reason"].endswith("Another pre-trained model, Fracast-0, ran; against PatchTST: inconclusive.")
    found = page["messages"][1]["text"]
    assert "Fracast-0, zero-shot on the High (FRC-01), not verified: inconclusive in 2023–2024 and 2025" in found
    assert "Not run: TimesFM 2.5 (" in found and "it may know these days" in found


def test_clean_days_are_a_period_of_their_own_and_come_first():
    first, *others = periods(study(), results({"TFM-01": OPEN}))
    assert (first["fold"], first["n"], first["clean"]) == ("after-cutoff", CLEAN_DAYS, True)
    assert (first["first"], first["title"]) == ("2023-12-01", "clean days, Dec 2023 to Dec 2025")
    assert [(one["fold"], one["title"], one["clean"]) for one in others] == [
        ("validation", "2023–2024", False),
        ("test", "2025", True),
    ]
    assert others[0]["positives"] == 96 and others[0]["base_rate"] == 0.2


def test_figure_has_the_same_rows_in_each_period_and_an_empty_one_for_a_model_that_did_not_run():
    many = {name: OPEN for name in PRIMARY if name.startswith("TFM")}
    of, made = study(), results(many)
    shown = periods(of, made)
    rows, not_shown = figure_rows(of, made, shown)
    by_fold = {period["fold"]: [row["name"] for row in rows if row["fold"] == period["fold"]] for period in shown}
    assert len({tuple(names) for names in by_fold.values()}) == 1
    names = by_fold["validation"]
    assert "Lag-Llama, pre-trained (8 ways)" in names
    assert {of.name(name) for name in many} < set(names)
    assert of.label("BASE-HAR") in names and not_shown == 1
    empty = [row for row in rows if row["experiment"] is None]
    assert all(row["status"] == "not run" and row["difference"] is None for row in empty)


def test_band_of_guessing_is_that_of_the_best_of_k():
    for one in direction(study(), results(), periods(study(), results()))[:1]:
        assert (one["event_auc"], one["direction_auc"], one["tried"]) == (0.8, 0.56, 2)
        assert one["chance_low"] == pytest.approx(0.45)
        deviation = (one["chance_high"] - 0.5) / norm.ppf(0.975**0.5)
        assert deviation == pytest.approx(0.05 / 1.96, rel=1e-3)
        # The mean of the best of two guesses lies in the band.
        positives = 1 / (12 * deviation**2)  # of many more negative days
        assert one["chance_low"] < expected_maximum(2, int(positives), 10**6) < one["chance_high"]


def test_trust_names_the_failed_check_of_the_reference_first_and_the_missing_audit():
    trust = summary()["trust"]
    assert trust[4]["state"] == "failed" and trust[4]["text"].startswith("The reference itself, small PatchTST")
    assert trust[2]["state"] == "not done"
    looked = pd.DataFrame([{"check": "BASE-HAR", "ok": False}, {"check": "PTST-2M", "ok": True}])
    trust = summary(audit=looked)["trust"]
    assert trust[2]["state"] == "failed" and "looks ahead: BASE-HAR" in trust[2]["text"]
    trust = summary(audit=looked[1:], outdated=["BASE-HAR"])["trust"]
    assert trust[2]["state"] == "attention" and "HAR volatility" in trust[2]["text"]
    assert summary(audit=looked[1:])["trust"][2]["state"] == "ok"


def test_attempts_warn_where_luck_alone_would_do_as_well():
    assert summary()["trust"][3]["state"] == "ok"
    lucky = results().ledger.assign(expected_maximum=0.81)
    assert summary(ledger=lucky)["trust"][3]["state"] == "attention"


def test_nothing_measured_still_gives_a_page():
    columns = ["fold", "experiment", "against", "family", "exposure", "optimistic", "verdict", "auc_difference"]
    none = pd.DataFrame(columns=[*columns, "adjusted_low", "adjusted_high", "n", "reason"])
    unknown = results().outcomes.assign(up_1=np.nan)
    page = summary(comparisons=none, power=none.assign(detectable_holm=[]), outcomes=unknown)
    assert (page["status"], page["periods"], page["rows"]) == ("unanswered", [], [])


def test_without_the_reference_the_page_still_gives_the_baseline():
    none = results().comparisons[:0]
    made = results(comparisons=none, power=none.assign(detectable_holm=[]), alignment=results().alignment[:0])
    for block in made.verdict["blocks"]:
        block["reference"] = None
    page = summarise(study(), made)
    found = page["messages"][1]["text"]
    first, second = (period["title"] for period in page["periods"][1:])
    assert found.endswith(
        "PatchTST has no score. AUC of the simple baseline chosen on training data: "
        f"HAR volatility (BASE-HAR) has 0.700 in {first} and 0.700 in {second}."
    )
    assert page["trust"][2]["text"] == "The leakage audit was not done. No forecast shows on which day it lies."


def test_names_in_words_are_unique_and_optional():
    assert display_name("TFM-01", CONFIG["experiments"]["TFM-01"]) == "TimesFM 2.5, zero-shot on returns (TFM-01)"
    names = [entry["name"] for entry in CONFIG["experiments"].values()]
    assert len(set(names)) == len(names)
    config = deepcopy(CONFIG)
    config["experiments"]["BASE-HAR"]["name"] = config["experiments"]["BASE-range"]["name"]
    schema = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text())
    with pytest.raises(UserError, match=r"experiments/BASE-HAR/name is \"Today's range\"; allowed: a name of its own"):
        check_config(config, schema)
