import json

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import CONFIG, UP, through_csv

from fd01.evaluation.metrics_table import best_baseline, compared_rows, with_seed_aucs
from fd01.evaluation.protocol import NO_RULE, outcome, reach, rules
from fd01.evaluation.verdict import QUOTED, Results, Study, decide
from fd01.study.seal import LEFT_OUT, NOT_FIXED

DECISION = CONFIG["decision"]
EXPERIMENTS = CONFIG["experiments"]
INVESTIGATE = "investigate further, run TFM-03"
FINETUNE = "fine-tune (TFM-03, TFM-04)"
UNSUITABLE = "foundation models not suitable, conclude FD-01"
NAN = float("nan")
OPEN = "FD-01 is unanswered: neither TimesFM nor Lag-Llama has run on this dataset with its pre-trained weights."


def measures(experiment, auc, fold="validation", seed="all", score_kind="probability", spread=0.5, calibration_auc=0.6):
    """One row of metrics.csv."""
    row = {
        "experiment": experiment,
        "status": "ok",
        "reason": NAN,
        "fold": fold,
        **UP,
        "score_kind": score_kind,
        "seed": seed,
    }
    row |= {"seeds": 1, "calibration_auc": calibration_auc, "n": 502, "positives": 101}
    return row | {"auc": auc, "spread": spread}


def not_run(experiment, reason, fold="validation"):
    return {"experiment": experiment, "status": "not run", "fold": fold, **UP, "reason": reason}


def described(*rows):
    """experiments.csv: the experiments of config.yaml, and `rows` of name, weights, status, reason and evidence."""
    known = [(name, None, "ok", "") for name in EXPERIMENTS if name not in {row[0] for row in rows}]
    rows = [(*row, None)[:5] for row in (*known, *rows)]
    columns = ["experiment", "weights", "status", "reason", "evidence"]
    return through_csv(pd.DataFrame(rows, columns=columns))


def table(*rows):
    return through_csv(pd.DataFrame(rows))


MEASURED = (
    measures("PTST-2M", 0.7),
    measures("PTST-2M", 0.68, seed="0"),
    measures("PTST-2M", 0.71, seed="1"),
    measures("BASE-drawdown-20", 0.725, calibration_auc=0.71, score_kind="signal"),
    measures("BASE-HAR", 0.75, calibration_auc=0.70),
)
TFM = {
    "study": measures("TFM-01", 0.364, score_kind="study", spread=0.02),
    "exceedance": measures("TFM-01", 0.73, score_kind="exceedance"),
}
TFM_RAN = ("TFM-01", "pre-trained", "ok", "")


NO_COMPARISONS = through_csv(pd.DataFrame(columns=QUOTED))
UNSEALED = {"sealed": {}, "left_out": [], "reason": None}


def decided(
    dataset, metrics, experiments, folds=("validation",), comparisons=NO_COMPARISONS, seal=UNSEALED, scores=None
):
    """The verdict on these tables, after a way through JSON."""
    study = Study(dataset, EXPERIMENTS, DECISION, UP)
    verdict = decide(study, Results(metrics, experiments, comparisons, list(folds), seal, scores))
    return json.loads(json.dumps(verdict, allow_nan=False))


def verdict_of(dataset, *rows, entries=(), folds=("validation", "test"), **options):
    return decided(dataset, table(*MEASURED, *rows), described(*entries), folds, **options)


@pytest.mark.parametrize(
    ("auc", "spread", "expected"),
    [
        (0.719, 0.5, INVESTIGATE),
        (0.719, 0.0, INVESTIGATE),
        (0.718, 0.5, FINETUNE),
        (0.65, 0.5, FINETUNE),
        (0.65, 0.0, FINETUNE),
        (np.nextafter(0.65, 0), 0.5, NO_RULE),
        (0.62, 0.5, NO_RULE),
        (0.60, 0.0, NO_RULE),
        (np.nextafter(0.60, 0), 0.001, UNSUITABLE),
        (0.55, 0.001, UNSUITABLE),
        (0.55, 0.0011, NO_RULE),
        (0.55, 0.5, NO_RULE),
    ],
)
def test_auc_and_spread_choose_the_rule_of_the_protocol(auc, spread, expected):
    assert outcome(auc, spread, DECISION) == expected


def test_rules_in_words_have_the_thresholds_of_the_configuration():
    moved = DECISION | {
        "investigate_above": 0.8,
        "finetune_from": 0.7,
        "unsuitable_below": 0.5,
        "collapse_spread": 0.01,
    }
    conditions = ["AUC > 0.8", "0.7 <= AUC <= 0.8", "AUC < 0.5 and spread <= 0.01", "anything else"]
    assert [rule["if"] for rule in rules(moved)] == conditions
    assert outcome(0.75, 0.5, moved) == FINETUNE


@pytest.mark.parametrize("dataset", ["sp500", "spy-yahoo"])
def test_protocol_does_not_apply_to_other_datasets(dataset):
    answer = decided(dataset, table(*MEASURED, TFM["study"]), described(TFM_RAN))["protocol"]
    assert (answer["status"], answer["results"]) == ("not applicable", [])
    assert answer["reason"] == f"the protocol judges TFM-01 on the dataset spy, and this is {dataset}"


def test_protocol_and_published_figures_are_about_up_at_one_day_alone():
    scaled = {"target": "scaled", "horizon": 1}
    rows = [row | scaled for row in (*MEASURED, TFM["study"], not_run("TFM-02", "no weights"))]
    study = Study("spy", EXPERIMENTS, DECISION, scaled)
    verdict = decide(study, Results(table(*rows), described(TFM_RAN), NO_COMPARISONS, ["validation"], UNSEALED, None))
    protocol = verdict["protocol"]
    assert (protocol["status"], protocol["results"]) == ("not applicable", [])
    assert protocol["reason"] == "the protocol is about the target up, h = 1, which this run does not score"
    published = {line["experiment"]: line for line in verdict["published"]}
    assert published["TFM-01"]["reason"] == "up, h = 1 is not scored on validation"
    assert all(line["measured"] is None and line["reach"] is None and line["reason"] for line in verdict["published"])
    assert verdict["blocks"][0]["reference"]["auc"] == 0.7  # of the first target
    answer = "The original study's protocol gives no answer: the protocol is about the target up, h = 1, which "
    assert verdict["sentence"].startswith(answer)


def test_answer_of_the_protocol_names_its_target_where_the_report_is_about_another():
    scaled = {"target": "scaled", "horizon": 1}
    rows = [*MEASURED, TFM["study"], *(row | scaled for row in MEASURED)]
    found = Results(table(*rows), described(TFM_RAN), NO_COMPARISONS, ["validation"], UNSEALED, None)
    experiments = {name: {"system": entry["system"]} for name, entry in EXPERIMENTS.items()}  # nothing published
    sentences = [decide(Study("spy", experiments, DECISION, target), found)["sentence"] for target in (UP, scaled)]
    assert "with a spread of 0.0200 on validation)." in sentences[0]
    assert "with a spread of 0.0200 on validation for the target up, h = 1)." in sentences[1]


@pytest.mark.parametrize(
    ("rows", "entry", "reason"),
    [
        ([], None, "TFM-01 is not in the table of experiments (config.yaml)"),
        ([], ("TFM-01", None, "not run", "switched off for spy"), "switched off for spy"),
        ([not_run("TFM-01", "no weights")], ("TFM-01", None, "not run", "no weights"), "no weights"),
        ([TFM["exceedance"]], TFM_RAN, "TFM-01 has no AUC of the score `study` for up, h = 1 on validation"),
        ([TFM["study"] | {"auc": NAN}], TFM_RAN, "TFM-01 has no AUC of the score `study` for up, h = 1 on validation"),
        (
            [TFM["study"] | {"fold": "test"}],
            TFM_RAN,
            "TFM-01 has no AUC of the score `study` for up, h = 1 on validation",
        ),
        (
            [TFM["study"] | {"horizon": 5}],
            TFM_RAN,
            "TFM-01 has no AUC of the score `study` for up, h = 1 on validation",
        ),
    ],
    ids=["absent", "off", "not run", "exceedance only", "one class", "other fold", "other horizon"],
)
def test_protocol_is_pending_with_the_reason_until_its_experiment_has_a_score(rows, entry, reason):
    experiments = described(*([entry] if entry else []))
    if entry is None:
        experiments = experiments[experiments["experiment"] != "TFM-01"]
    answer = decided("spy", table(*MEASURED, *rows), experiments)["protocol"]
    assert (answer["status"], answer["reason"]) == ("pending", reason)


def test_protocol_decides_by_the_score_of_the_study_alone():
    answer = decided("spy", table(*MEASURED, *TFM.values()), described(TFM_RAN))["protocol"]
    assert (answer["status"], answer["reason"]) == ("decided", None)
    results = {result["score_kind"]: result for result in answer["results"]}
    assert {kind: (result["decides"], result["outcome"]) for kind, result in results.items()} == {
        "study": (True, NO_RULE),
        "exceedance": (False, INVESTIGATE),
    }
    assert (results["study"]["auc"], results["study"]["spread"]) == (0.364, 0.02)


def test_primary_rows_are_one_block_of_the_mean_score():
    other = [
        measures("x", 0.9, fold="test"),
        measures("x", 0.9) | {"horizon": 5},
        measures("x", 0.9) | {"target": "down"},
        measures("x", NAN),
        not_run("x", "no weights"),
    ]
    assert compared_rows(table(*MEASURED, *other), "validation", **UP)["auc"].tolist() == [0.7, 0.725, 0.75]


def test_best_baseline_is_chosen_on_the_calibration_tail():
    systems = {name: entry["system"] for name, entry in EXPERIMENTS.items()}
    rows = pd.DataFrame([*MEASURED, measures("BASE-range", 0.99, calibration_auc=NAN)])
    rows = pd.concat([rows, pd.DataFrame([measures("PTST-200M", 0.6, calibration_auc=0.99)])], ignore_index=True)
    assert best_baseline(compared_rows(rows, "validation", **UP), systems)["experiment"] == "BASE-drawdown-20"
    assert best_baseline(rows[rows["experiment"].isin(["BASE-range", "PTST-2M"])], systems) is None


def test_best_baseline_is_named_by_the_score_that_it_is_compared_by():
    kinds = ("close-exceedance", "exceedance")  # as in metrics.csv: of one order, so of one AUC
    rows = pd.DataFrame([measures("BASE-GJR-GARCH-t", 0.7, score_kind=kind, calibration_auc=0.9) for kind in kinds])
    assert best_baseline(rows, {"BASE-GJR-GARCH-t": "baseline"})["score_kind"] == "exceedance"


# Thresholds 0.9, 0.7, 0.5, 0.3 have precision 1, 1/2, 2/3, 1/2 and recall 1/2, 1/2, 1, 1.
REACH_Y, REACH_SCORE = np.array([1.0, 0, 1, 0]), np.array([0.9, 0.7, 0.5, 0.3])


@pytest.mark.parametrize(
    ("precision", "recall", "threshold", "best"),
    [(0.67, 1.0, 0.5, 2 / 3), (0.5, 0.5, 0.7, 1.0), (0.58, 0.45, None, 1.0), (0.58, 0.8, None, 2 / 3)],
)
def test_reach_is_the_threshold_that_gives_the_published_precision_and_recall(precision, recall, threshold, best):
    assert reach(REACH_Y, REACH_SCORE, precision, recall) == {"threshold": threshold, "best_precision": best}


def test_reach_is_the_highest_threshold_of_several():
    y = np.repeat([1.0, 0, 0], [500, 500, 1])
    score = np.concatenate([np.full(500, 0.6), np.full(500, 0.6), [0.5]])
    assert reach(y, score, 0.5, 1.0)["threshold"] == 0.6


def test_aucs_of_the_seeds_are_summed_up_where_there_are_several():
    metrics = table(*MEASURED, measures("PTST-2M", 0.9, seed="0", fold="test"))
    rows = with_seed_aucs(metrics).set_index("experiment")
    assert len(rows) == 3
    assert rows.loc["PTST-2M", "seed_aucs"] == pytest.approx({"min": 0.68, "mean": 0.695, "max": 0.71})
    assert rows.loc["BASE-HAR", "seed_aucs"] is None


COMPARISON = (
    "AUC of PatchTST trained for the task (PTST-2M) against the simple baseline chosen on training data: "
    "0.700 against 0.725 (BASE-drawdown-20) on validation."
)


@pytest.mark.parametrize(
    ("dataset", "rows", "entries", "answer"),
    [
        ("sp500", [], [], OPEN),
        (
            "sp500",
            [TFM["study"]],
            [TFM_RAN],
            "The original study's protocol gives no answer: "
            "the protocol judges TFM-01 on the dataset spy, and this is sp500.",
        ),
        (
            "spy",
            [not_run("TFM-01", "no weights")],
            [("TFM-01", None, "not run", "no weights")],
            OPEN,
        ),
        (
            "spy",
            [not_run("TFM-01", "no weights")],
            [("TFM-01", None, "not run", "no weights"), ("LL-forecast", "pre-trained", "ok", "")],
            "The original study's protocol gives no answer: no weights.",
        ),
        ("spy", [], [("FRC-01", "pre-trained", "ok", "")], OPEN),
        (
            "spy",
            list(TFM.values()),
            [TFM_RAN],
            f"By the original study's protocol: {NO_RULE} (TFM-01 reaches AUC 0.364 with a spread of 0.0200 "
            "on validation).",
        ),
    ],
    ids=[
        "not applicable",
        "not applicable, ran",
        "pending",
        "pending, another ran",
        "pending, FRC-01 ran",
        "decided",
    ],
)
def test_sentence_gives_the_answer_of_the_protocol_or_says_why_there_is_none(dataset, rows, entries, answer):
    assert verdict_of(dataset, *rows, entries=entries)["sentence"] == f"{answer} {COMPARISON}"


def test_sentence_quotes_every_block_and_first_the_one_of_the_protocol():
    test = measures("PTST-2M", 0.7, fold="test"), measures("BASE-HAR", 0.68, fold="test")
    metrics = table(*test, *MEASURED)
    verdict = decided("sp500", metrics, described(), folds=["test", "validation"])
    assert [block["fold"] for block in verdict["blocks"]] == ["validation", "test"]
    assert verdict["sentence"].endswith(
        "0.700 against 0.725 (BASE-drawdown-20) on validation; 0.700 against 0.680 (BASE-HAR) on test."
    )


def test_verdict_says_that_the_reference_has_no_score():
    metrics = table(*MEASURED[3:], not_run("PTST-2M", "one class"))
    entries = described(("PTST-2M", None, "not run", "one class"))
    verdict = decided("sp500", metrics, entries)
    (head,) = verdict["blocks"]
    assert head["reference"] is None and head["baseline"]["experiment"] == "BASE-drawdown-20"
    assert verdict["sentence"] == (
        "FD-01 is unanswered: neither TimesFM nor Lag-Llama has run on this dataset with its pre-trained weights. "
        "The reference, PTST-2M, has no score to compare with."
    )
    assert verdict["not_run"] == [{"experiment": "PTST-2M", "reason": "one class"}]


def test_verdict_on_a_block_with_one_class_says_that_there_is_no_auc():
    metrics = table(*(row | {"auc": NAN, "positives": 0} for row in (*MEASURED, *TFM.values())))
    verdict = decided("spy", metrics, described(TFM_RAN))
    assert verdict["blocks"] == [{"fold": "validation", "reference": None, "baseline": None}]
    assert verdict["sentence"].startswith(
        "The original study's protocol gives no answer: "
        "TFM-01 has no AUC of the score `study` for up, h = 1 on validation."
    )


def test_sealed_block_is_named_and_is_the_reason_wherever_it_lacks():
    reason = "sealed: the analysis plan has changed"
    rows = [not_run(name, reason) for name in ("PTST-2M", "TFM-01", "BASE-HAR")]
    rows.append(measures("PTST-2M", 0.7, fold="test"))
    closed = {"left_out": ["study-422"], "reason": reason}
    seal = closed | {"sealed": {"validation": {"days": 5, "of": 5}}}
    verdict = decided("spy", table(*rows), described(TFM_RAN), seal=seal)
    assert (verdict["protocol"]["status"], verdict["protocol"]["reason"]) == ("pending", reason)
    assert verdict["sealed"] == closed | {"folds": {"validation": {"days": 5, "of": 5}}}
    assert f"Not looked at: validation, study-422, since {NOT_FIXED}." in verdict["sentence"]
    published = {line["experiment"]: line["reason"] for line in verdict["published"]}
    assert published["TFM-01"] == reason
    assert published["PTST-2M"] == f"study-422 is {LEFT_OUT}"


def test_verdict_quotes_counts_as_whole_numbers_and_the_range_of_seeds():
    reference = verdict_of("sp500", not_run("TFM-01", "no weights"))["blocks"][0]["reference"]
    assert reference == {
        "experiment": "PTST-2M",
        "fold": "validation",
        "score_kind": "probability",
        "auc": 0.7,
        "n": 502,
        "positives": 101,
        "seeds": 1,
        "seed_aucs": {"min": 0.68, "mean": pytest.approx(0.695), "max": 0.71},
    }
    assert all(isinstance(reference[name], int) for name in ("n", "positives", "seeds"))


def test_published_figures_are_shown_with_measured_ones_or_a_reason():
    rows = [measures("PTST-2M", 0.69, fold="study-422"), measures("PTST-200M", 0.72, fold="study-422")]
    off = ("PTST-200M-study", None, "not run", "switched off for spy")
    asked = []

    def scores(experiment, fold):
        asked.append((experiment, fold))
        return REACH_Y, REACH_SCORE

    lines = {line["experiment"]: line for line in verdict_of("spy", *rows, entries=[off], scores=scores)["published"]}
    assert list(lines) == [name for name, entry in EXPERIMENTS.items() if "published" in entry]
    assert lines["PTST-2M"]["measured"]["auc"] == 0.69
    assert lines["PTST-2M"]["reach"] is None
    assert lines["PTST-200M"]["reach"] == {"threshold": None, "best_precision": 1.0}
    assert asked == [("PTST-200M", "study-422")]
    assert lines["PTST-200M-study"]["measured"] is None
    assert lines["PTST-200M-study"]["reason"] == "switched off for spy"
    assert lines["PTST-2M-study"]["reason"] == "up, h = 1 is not scored on study-422"


def test_published_figure_of_a_forecaster_is_its_score_of_the_study():
    lines = verdict_of("spy", TFM["exceedance"], TFM["study"], entries=[TFM_RAN])["published"]
    (measured,) = (line["measured"] for line in lines if line["experiment"] == "TFM-01")
    assert (measured["score_kind"], measured["auc"]) == ("study", 0.364)


PUBLISHED = ("TFM-01-published", "TFM-01-published-realigned")
STORED = [measures(name, auc, score_kind="study", spread=0.017) for name, auc in zip(PUBLISHED, (0.364, 0.3218))]
MADE_ELSEWHERE = [(name, "made elsewhere", "ok", "") for name in PUBLISHED]
NO_WEIGHTS = ("TFM-01", "missing", "not run", "no weights")


def test_forecasts_made_elsewhere_stand_in_for_an_experiment_that_has_not_run():
    exposed = comparison("validation", "TFM-01-published", "reference", "worse", exposure="partly")
    options = dict(entries=[NO_WEIGHTS, *MADE_ELSEWHERE], comparisons=table(exposed))
    verdict = verdict_of("spy", *STORED, not_run("TFM-01", "no weights"), **options)
    assert (verdict["protocol"]["status"], verdict["pretrained"]) == ("pending", [])
    assert [answer["experiment"] for answer in verdict["stand_ins"]] == list(PUBLISHED)
    for answer in verdict["stand_ins"]:
        assert answer["source"] == "real TimesFM 2.5, made by the original study"
        assert (answer["status"], answer["results"][0]["outcome"]) == ("decided", NO_RULE)
    assert verdict["sentence"].startswith(
        "TFM-01 has no score here. By the original study's protocol, forecasts made elsewhere (real TimesFM 2.5, "
        f"made by the original study) give: {NO_RULE} (TFM-01-published reaches AUC 0.364 with a spread of 0.0170 on "
        f"validation, partly: the model may have been trained on these days); {NO_RULE} "
        "(TFM-01-published-realigned reaches AUC 0.322 with a spread of 0.0170 on validation). A point forecast tells "
    )


def test_forecasts_made_elsewhere_give_no_answer_where_the_experiment_ran_or_they_did_not():
    ran = verdict_of("spy", *STORED, TFM["study"], entries=[TFM_RAN, *MADE_ELSEWHERE])
    assert ran["stand_ins"] == [] and ran["sentence"].startswith(
        f"By the original study's protocol: {NO_RULE} (TFM-01 "
    )
    reasons = [not_run(name, "no file") for name in PUBLISHED]
    absent = verdict_of(
        "spy", *reasons, entries=[NO_WEIGHTS, *((name, None, "not run", "no file") for name in PUBLISHED)]
    )
    assert absent["sentence"].startswith(OPEN)
    assert [answer["reason"] for answer in absent["stand_ins"]] == ["no file", "no file"]
    assert verdict_of("sp500", *STORED, entries=[NO_WEIGHTS, *MADE_ELSEWHERE])["stand_ins"] == []


def test_verdict_names_what_ran_with_pretrained_weights_and_what_lacks_them():
    missing = [(name, "missing", "not run", "the hub is down") for name in ("TFM-02", "TFM-probe")]
    twin = ("TFM-01-untrained", "none: random", "ok", "")
    verdict = verdict_of("sp500", *TFM.values(), entries=[TFM_RAN, twin, *missing])
    assert verdict["pretrained"] == ["TFM-01"]
    assert verdict["without_weights"] == ["TFM-02", "TFM-probe"]
    assert verdict["not_run"] == [{"experiment": name, "reason": "the hub is down"} for name, *_ in missing]


def test_headline_says_that_it_rests_on_weights_that_did_not_prove_themselves():
    ran = ("pre-trained", "ok", "")
    entries = [
        ("TFM-01", *ran, "pre-trained, unverified"),
        ("TFM-02", *ran, "pre-trained, verified by known answers"),
        ("LL-forecast", *ran, "pre-trained, not verified"),
        ("FRC-01", *ran, "pre-trained, not verified"),  # the question does not name this model
        ("TFM-probe", "refused", "not run", "these weights do not give the published answers"),
    ]
    verdict = verdict_of("spy", TFM["study"], entries=entries)
    assert verdict["doubts"] == {"TFM-01": "unverified", "LL-forecast": "not verified"}
    assert (verdict["refused_weights"], verdict["without_weights"]) == (["TFM-probe"], [])
    assert (
        "). Unverified: TFM-01 (the weights load, but do not give every published answer). Not "
        "verified: LL-forecast (no published answers of the weights were compared). AUC of"
    ) in verdict["sentence"]
    verified = [("TFM-01", *ran, "pre-trained, verified by known answers")]
    assert "erified" not in verdict_of("spy", TFM["study"], entries=verified)["sentence"]


def test_published_figures_belong_to_their_dataset():
    assert verdict_of("spy", measures("PTST-2M", 0.69, fold="study-422"))["published"]
    assert verdict_of("sp500", measures("PTST-2M", 0.69, fold="study-422"))["published"] == []


def comparison(fold, experiment, against, verdict, **columns):
    """One row of comparisons.csv."""
    other = {"reference": "PTST-2M", "baseline": "BASE-HAR", "twin": f"{experiment}-untrained"}[against]
    primary = experiment in DECISION["primary"]
    row = {"fold": fold, "experiment": experiment, "against": against, "other": other, "verdict": verdict}
    row |= {"family": "primary" if primary else "secondary", "exposure": "exposed" if primary else None}
    return dict.fromkeys(QUOTED, NAN) | row | {"n": 532, "positives": 91} | columns


def test_verdict_quotes_the_comparisons_of_the_pretrained_and_of_the_reference():
    rows = [
        comparison("validation", "PTST-2M", "baseline", "worse"),
        comparison("validation", "BASE-range", "reference", "better"),
        comparison("validation", "TFM-01", "reference", "worse"),
        comparison("validation", "LL-forecast", "reference", "inconclusive"),
        comparison("validation", "TFM-01", "twin", "better"),
        comparison("validation", "TFM-01-untrained", "reference", "worse"),
        comparison("wf-2003", "TFM-01", "reference", "better"),
        comparison("walk-forward", "TFM-01", "reference", "equivalent"),
        comparison("walk-forward", "PTST-2M", "baseline", "inconclusive"),
        comparison("after-cutoff", "TFM-01", "reference", "inconclusive", exposure="clean"),
        comparison("after-cutoff", "LL-forecast", "reference", "worse", exposure="clean"),
    ]
    entries = [TFM_RAN, ("LL-forecast", "pre-trained", "ok", "")]
    verdict = verdict_of("sp500", TFM["study"], entries=entries, comparisons=table(*rows))
    named = [(row["fold"], row["experiment"], row["against"], row["verdict"]) for row in verdict["comparisons"]]
    assert named == [
        tuple(rows[i][key] for key in ("fold", "experiment", "against", "verdict")) for i in (0, 2, 3, 4, 7, 8, 9, 10)
    ]
    assert verdict["comparisons"][0]["p_holm"] is None
    assert verdict["sentence"].endswith(
        " Paired tests: PTST-2M against the baseline is worse on validation, inconclusive on walk-forward. Pre-trained "
        "experiments against PTST-2M on the clean days (532 days after the end of all training data, 91 with the "
        "event): 1 worse, 1 inconclusive on after-cutoff."
    )


def test_headline_never_rests_on_days_that_a_model_may_have_seen():
    rows = [
        comparison("validation", "TFM-01", "reference", "better"),
        comparison("walk-forward", "TFM-01", "reference", "equivalent"),
    ]
    verdict = verdict_of("spy", TFM["study"], entries=[TFM_RAN], comparisons=table(*rows))
    assert "better" not in verdict["sentence"] and "equivalent" not in verdict["sentence"]
    assert verdict["sentence"].endswith("what they reach on days that they may have seen answers nothing.")
    assert verdict["protocol"]["exposure"] == "exposed"
    assert "on validation, exposed: the model may have been trained on these days)." in verdict["sentence"]
    assert [row["exposure"] for row in verdict["comparisons"]] == ["exposed", "exposed"]
    rows.append(comparison("after-cutoff", "TFM-01", "reference", "inconclusive", exposure="clean"))
    verdict = verdict_of("spy", TFM["study"], entries=[TFM_RAN], comparisons=table(*rows))
    assert verdict["sentence"].endswith("inconclusive on after-cutoff. These days do not decide.")


def test_headline_counts_the_primary_family_alone():
    rows = [
        comparison("after-cutoff", "TFM-01-512", "reference", "better", exposure="clean", family="secondary"),
        comparison("after-cutoff", "TFM-01", "reference", "worse", exposure="clean"),
    ]
    entries = [TFM_RAN, ("TFM-01-512", "pre-trained", "ok", "")]
    verdict = verdict_of("spy", TFM["study"], entries=entries, comparisons=table(*rows))
    assert "worse on after-cutoff" in verdict["sentence"] and "better" not in verdict["sentence"]
