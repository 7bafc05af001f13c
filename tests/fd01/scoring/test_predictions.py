import os

import numpy as np
import pandas as pd
import pytest
from check_predictions import read_pins
from helpers.made_up_data import UP, UP_5, block, score_rows
from helpers.paths import ROOT

from fd01.evaluation.health import health_checks
from fd01.scoring.predictions import (
    KEY,
    check_same_origins,
    concat_scores,
    read_experiment,
    read_experiment_metadata,
    read_predictions,
    scores_frame,
    write_folds,
    write_predictions,
)
from fd01.workflow.errors import UserError
from fd01.workflow.files import digest, read_json, replacing, sha256, write_json

DAYS = 6
ORIGINS = pd.concat(
    [
        part
        for fold, start in (("validation", "2020-01-01"), ("test", "2020-02-03"))
        for part in (
            block(fold, "train", [0, 1] * 5, start="2019-06-03"),
            block(fold, "calibration", [0, 1, 0, 1], start="2019-12-02"),
            block(fold, "evaluation", [0, 1, 0, 1, 0, 1], start=start),
        )
    ],
    ignore_index=True,
).assign(up_5=lambda table: table["up_1"].mask(table["origin"] == "2019-12-05"))
SCORED = ORIGINS[ORIGINS["role"] != "train"]
SECOND_TEST_DAY = "2020-02-04"
PINS = {"numpy": "2.4.6", "torch": "2.13.0", "ta-lib": "0.8.2"}


def predictions(seeds=(None,), origins=SCORED):
    """Scores of both targets, all different and in (0, 1)."""
    frames = []
    for i, seed in enumerate(seeds):
        scores = (np.arange(len(origins)) + 1 + i / 10) / (len(origins) + 2)
        frame = score_rows(origins, scores, seed=seed)
        frames += [frame, frame[frame["origin"] != "2019-12-05"].assign(horizon=5)]
    return pd.concat(frames, ignore_index=True)


def metadata(not_run=(), **about):
    about = {"weights": None, "packages": {"python": "3.11.9", "numpy": "2.4.6"}, "not_run": list(not_run), **about}
    return {fold: about for fold in ("validation", "test")}


def check(frame, about=None, targets=(UP, UP_5)):
    seeds = [int(seed) for seed in frame["seed"].dropna().unique()]
    check_same_origins("EXP", frame, about or metadata(), ORIGINS, targets, seeds)


def hit(frame, origin=SECOND_TEST_DAY, horizon=1):
    """The rows of one day and horizon in the fold `test`."""
    return (frame["fold"] == "test") & (frame["origin"] == origin) & (frame["horizon"] == horizon)


def failed(checks):
    return {entry["check"] for entry in checks if entry["ok"] is False}


@pytest.mark.parametrize("seeds", [(None,), (0, 3)], ids=["deterministic", "two seeds"])
def test_predictions_come_back_as_they_were_written(tmp_path, seeds):
    frame = predictions(seeds).drop(columns="fold").drop_duplicates(KEY)
    reason = {**UP, "reason": "no weights: größer"}
    write_predictions(
        tmp_path / "a.parquet", frame.sample(frac=1, random_state=0), {"seconds": 1.5, "weights": None}, [reason]
    )
    found, about = read_predictions(tmp_path / "a.parquet")
    assert about == {"seconds": 1.5, "weights": None, "not_run": [reason]}
    expected = frame.sort_values(KEY, ignore_index=True)
    found_rows = found[list(expected)].astype({"series": str})
    pd.testing.assert_frame_equal(found_rows, expected, check_dtype=False, check_exact=True)
    assert found["seed"].dtype == "Int64"
    assert found["seed"].isna().all() == (seeds == (None,))


def test_empty_predictions_come_back_with_their_reason(tmp_path):
    write_predictions(tmp_path / "a.parquet", concat_scores([]), {}, [{**UP, "reason": "none"}])
    frame, about = read_predictions(tmp_path / "a.parquet")
    assert frame.empty and len(about["not_run"]) == 1


@pytest.mark.parametrize("score", [None, np.nan])
def test_missing_score_is_never_written(tmp_path, score):
    frame = predictions().drop(columns="fold")
    frame.loc[3, "score"] = score
    with pytest.raises(ValueError, match=r"score.*1 null"):
        write_predictions(tmp_path / "a.parquet", frame, {})
    assert list(tmp_path.iterdir()) == []


def test_scores_get_the_dates_of_their_rows():
    origins = ORIGINS.assign(row=ORIGINS.groupby("origin").ngroup())
    rows = origins.loc[origins["role"] == "evaluation", "row"].to_numpy()[::-1]
    frame = scores_frame(
        origins, rows, "evaluation", np.arange(12.0), target=UP, score_kind="signal", is_probability=False
    )
    np.testing.assert_array_equal(frame["origin"], origins.loc[origins["role"] == "evaluation", "origin"][::-1])
    assert frame["seed"].isna().all()


def test_each_fold_takes_its_own_days(tmp_path):
    one_fit = predictions().drop(columns="fold").drop_duplicates(KEY)
    reasons = {"2019-12-31": [{**UP_5, "reason": "why"}]}
    write_folds(tmp_path / "EXP", {"2019-12-31": one_fit}, ORIGINS, {"model": "M"}, reasons)
    frame, about = read_experiment(tmp_path / "EXP")
    assert list(about) == ["test", "validation"]
    folds = ["test", "validation"]
    assert about["test"] == about["validation"] == {"model": "M", "folds": folds, "not_run": reasons["2019-12-31"]}
    check(frame)


def test_only_the_wanted_rows_and_columns_of_an_experiment_are_read(tmp_path):
    one_fit = predictions().drop(columns="fold").drop_duplicates(KEY)
    write_folds(tmp_path / "EXP", {"2019-12-31": one_fit}, ORIGINS, {"model": "M"})
    everything, about = read_experiment(tmp_path / "EXP")
    wanted = everything[(everything["role"] == "evaluation") & (everything["horizon"] == 1)]
    assert 0 < len(wanted) < len(everything)
    found, same = read_experiment(tmp_path / "EXP", ["origin", "score"], role=["evaluation"], horizon=[1])
    pd.testing.assert_frame_equal(found, wanted[["origin", "score", "fold"]].reset_index(drop=True))
    assert read_experiment_metadata(tmp_path / "EXP") == same == about
    (tmp_path / "EXP" / "test.parquet").unlink()
    with pytest.raises(UserError, match="no test file any more"):
        read_experiment_metadata(tmp_path / "EXP")


def test_file_that_is_gone_or_damaged_is_named(tmp_path):
    one_fit = predictions().drop(columns="fold").drop_duplicates(KEY)
    write_folds(tmp_path / "EXP", {"2019-12-31": one_fit}, ORIGINS, {})
    path = tmp_path / "EXP" / "validation.parquet"
    again = f"delete the folder {tmp_path / 'EXP'} and run again"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match=f"^{path} is damaged: {again} "):
        read_experiment(tmp_path / "EXP")
    path.unlink()
    with pytest.raises(UserError, match=f"^there is no validation file any more: {again}$"):
        read_experiment(tmp_path / "EXP")
    (tmp_path / "EXP" / "test.parquet").unlink()
    with pytest.raises(UserError, match=f"^there is no prediction file any more: {again}$"):
        read_experiment(tmp_path / "EXP")


def test_replacing_leaves_the_old_file_when_the_block_fails(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        assert path.read_text() == "old"
        raise RuntimeError
    assert (os.listdir(tmp_path), path.read_text()) == (["a.txt"], "old")
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert (os.listdir(tmp_path), path.read_text()) == (["a.txt"], "new")


def test_json_refuses_nan_and_keeps_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": "größer"})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"a": float("nan")})
    assert (os.listdir(tmp_path), read_json(path)) == (["a.json"], {"a": "größer"})


def test_digests_are_known_ones_and_know_no_order_of_keys(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1}) != digest({"a": 1, "b": [3]})


@pytest.mark.parametrize("seeds", [(None,), (0, 1)], ids=["deterministic", "two seeds"])
def test_complete_scores_pass(seeds):
    check(predictions(seeds))


def test_calibration_scores_are_there_for_all_days_or_none():
    frame = predictions()
    check(frame[frame["role"] == "evaluation"])
    one_less = frame.drop(frame.index[frame["origin"] == "2019-12-03"][0])
    with pytest.raises(UserError, match=r"EXP, validation, up_1, calibration.* 1 days without a score: 2019-12-03"):
        check(one_less)


def drop_day(frame):
    return frame[~hit(frame)]


def drop_day_of_one_seed(frame):
    return frame[~(hit(frame) & (frame["seed"] == 1))]


def drop_day_of_second_target(frame):
    return frame[~hit(frame, horizon=5)]


def add_day(frame):
    return pd.concat([frame, frame[hit(frame)].assign(origin=pd.Timestamp("2020-03-02"))])


def add_day_of_other_fold(frame):
    return pd.concat([frame, frame[hit(frame)].assign(origin=pd.Timestamp("2020-01-01"))])


def repeat_day(frame):
    return pd.concat([frame, frame[hit(frame)]])


def put(score, is_probability=True):
    def damage(frame):
        kind = "probability" if is_probability else "signal"
        frame = frame.assign(is_probability=is_probability, score_kind=kind)
        return frame.assign(score=frame["score"].mask(hit(frame), score))

    return damage


@pytest.mark.parametrize("seeds", [(None,), (0, 1)], ids=["deterministic", "two seeds"])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (drop_day, "test, up_1, evaluation, .*: 1 days without a score: 2020-02-04"),
        (drop_day_of_second_target, "test, up_5, evaluation, .*: 1 days without a score: 2020-02-04"),
        (add_day, "test, up_1, evaluation, .*: 1 scores for days outside the block: 2020-03-02"),
        (add_day_of_other_fold, "test, up_1, evaluation, .*: 1 scores for days outside the block: 2020-01-01"),
        (repeat_day, "test, up_1, evaluation, .*: 1 days scored twice: 2020-02-04"),
        (put(1.2), r"test, up_1, evaluation, .*: 1 probabilities outside \[0, 1\]: 2020-02-04"),
        (put(-1e-9), r"test, up_1, evaluation, .*: 1 probabilities outside \[0, 1\]: 2020-02-04"),
        (put(np.nan), "test, up_1, evaluation, .*: 1 scores that are not finite: 2020-02-04"),
        (put(np.nan, False), "test, up_1, evaluation, .*signal: 1 scores that are not finite: 2020-02-04"),
        (put(-np.inf, False), "test, up_1, evaluation, .*signal: 1 scores that are not finite: 2020-02-04"),
    ],
)
def test_damaged_scores_stop(damage, message, seeds):
    with pytest.raises(UserError, match=f"^EXP, {message}$"):
        check(damage(predictions(seeds)))


def test_day_of_one_seed_is_missed():
    with pytest.raises(UserError, match=r"EXP, test, up_1, evaluation, seed 1, .*: 1 days without a score: 2020-02-04"):
        check(drop_day_of_one_seed(predictions((0, 1))))


def test_signals_may_leave_the_unit_interval():
    check(put(-7.5, False)(predictions()))


def test_many_days_are_shortened():
    frame = predictions()
    with pytest.raises(UserError, match=r"6 scores for days outside the block: 2020-06-01, .*2020-06-05 \.\.\.$"):
        days = {"origin": pd.bdate_range("2020-06-01", periods=DAYS)}
        check(
            pd.concat([frame, frame[(frame["fold"] == "test") & (frame["role"] == "evaluation")][:DAYS].assign(**days)])
        )


def test_missing_fold_stops():
    frame, about = predictions(), metadata()
    del about["test"]
    with pytest.raises(UserError, match=r"^EXP: no prediction file for fold test$"):
        check(frame[frame["fold"] != "test"], about)


@pytest.mark.parametrize("role", ["evaluation", None], ids=["calibration only", "nothing"])
def test_missing_target_stops(role):
    frame = predictions()
    lost = (frame["fold"] == "test") & (frame["horizon"] == 5) & ((frame["role"] == role) | (role is None))
    with pytest.raises(UserError, match=r"^EXP, test, up_5: no scores, and no reason why$"):
        check(frame[~lost])


@pytest.mark.parametrize("role", ["calibration", "evaluation"])
def test_missing_seed_stops(role):
    frame = predictions((0, 1))
    lost = (frame["fold"] == "test") & (frame["horizon"] == 1) & (frame["role"] == role) & (frame["seed"] == 1)
    with pytest.raises(UserError, match=rf"^EXP, test, up_1, {role}, .*: scored with the seeds \[0\], not \[0, 1\]"):
        check(frame[~lost])


def test_not_run_needs_no_scores_and_has_none():
    frame, about = predictions(), metadata([{**UP_5, "reason": "no weights"}])
    check(frame[frame["horizon"] == 1], about)
    with pytest.raises(UserError, match=r"^EXP, validation, up_5: marked as not run, but it has 9 scores$"):
        check(frame, about)
    check(concat_scores([]).assign(fold=[]), metadata([{**UP, "reason": "x"}, {**UP_5, "reason": "x"}]))


def health(frame, about=None, origins=ORIGINS):
    return health_checks(frame, about or metadata(), origins, 0.001, PINS)


def one_check(name, **about):
    """`ok` and `detail` of one check of healthy scores."""
    return next((e["ok"], e["detail"]) for e in health(predictions(), metadata(**about)) if e["check"] == name)


def test_healthy_scores_pass_every_check():
    checks = health(predictions((0, 1)))
    assert failed(checks) == set()
    assert {entry["check"] for entry in checks if entry["ok"]} == {
        "ran",
        "packages as pinned",
        "finite",
        "spread",
        "distinct",
        "AUC computable",
    }


@pytest.mark.parametrize(("spread", "healthy"), [(0.0, False), (0.0009, False), (0.0011, True)])
def test_spread_of_every_block_and_seed_counts(spread, healthy):
    frame = predictions((0, 1))
    one = (frame["fold"] == "test") & (frame["horizon"] == 1) & (frame["seed"] == 1) & (frame["role"] == "evaluation")
    frame.loc[one, "score"] = 0.5 + spread * np.linspace(0, 1, DAYS)
    assert ("spread" not in failed(health(frame))) == healthy


def test_network_that_collapsed_on_one_of_two_series_is_noticed():
    frame = predictions()
    both = pd.concat([frame.assign(series="a"), frame.assign(series="b", score=0.9)], ignore_index=True)
    origins = pd.concat([ORIGINS.assign(series="a"), ORIGINS.assign(series="b")], ignore_index=True)
    assert "spread" not in failed(health(both[both["series"] == "a"], origins=origins))
    spread = {entry["check"]: entry["detail"] for entry in health(both, origins=origins)}["spread"]
    assert spread == "smallest of a block: 0 (b, test)"


def test_constant_is_exempt_only_when_declared():
    frame = predictions().assign(score=0.2)
    assert {"spread"} <= failed(health(frame))
    checks = {entry["check"]: entry["ok"] for entry in health(frame, metadata(constant=True))}
    assert (checks["spread"], checks["distinct"]) == (None, None)
    assert checks["finite"]


def test_few_distinct_scores_are_noticed():
    origins = block("test", "evaluation", [0, 1] * 20)
    frame = score_rows(origins, np.repeat([0.1, 0.3, 0.9], [10, 20, 10]))
    assert failed(health(frame, origins=origins)) == {"distinct"}


@pytest.mark.parametrize("score", [np.nan, np.inf])
def test_score_that_is_not_finite_is_noticed(score):
    checks = health(put(score)(predictions()))
    assert "finite" in failed(checks)
    assert "23 of 24" in next(entry["detail"] for entry in checks if entry["check"] == "finite")


def test_block_with_one_class_is_noticed():
    one_class = ORIGINS.assign(up_1=ORIGINS["up_1"].mask(ORIGINS["fold"] == "test", 0.0))
    assert failed(health(predictions(), origins=one_class)) == {"AUC computable"}


@pytest.mark.parametrize(("selected", "ok"), [(16, True), (50, False)])
def test_training_that_used_its_last_epoch_is_noticed(selected, ok):
    training = {"train_end": "2019-12-31", "seed": 1, "selected": selected, "last": selected + 10, "allowed": 50}
    (check,) = (e for e in health(predictions(), metadata(epochs=[training])) if e["check"] == "stopped early")
    assert check["ok"] is ok
    assert ("seed 1 of 2019-12-31" in check["detail"]) is not ok


def test_without_a_training_none_stopped_early():
    assert "stopped early" not in {entry["check"] for entry in health(predictions(), metadata(epochs=[]))}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"numpy": "2.4.6", "torch": "2.13.0"}, (True, "numpy 2.4.6; torch 2.13.0")),
        ({"torch": "2.13.0+cpu", "TA-Lib": "0.8.2"}, (True, "torch 2.13.0; TA-Lib 0.8.2")),
        ({"torch": "2.12.1+cu126", "numpy": "2.4.6"}, (False, "torch 2.12.1, pinned 2.13.0")),
        (
            {"torch": "2.12.1", "numpy": "2.4.5"},
            (False, "torch 2.12.1, pinned 2.13.0; numpy 2.4.5, pinned 2.4.6"),
        ),
    ],
    ids=["same", "build tag and capitals", "one other", "two others"],
)
def test_packages_are_compared_with_the_pins(found, expected):
    assert one_check("packages as pinned", packages={"python": "2.7.18", **found}) == expected


def test_pins_are_read_from_the_requirements():
    pins = read_pins(ROOT / "envs" / "requirements.txt")
    assert {"numpy", "torch", "timesfm", "ta-lib", "snakemake"} <= set(pins)  # in lower case, extras dropped
    assert all(version[0].isdigit() for version in pins.values())


LOADED = "Model loaded successfully: 231,289,472 parameters"
MANIFEST = {
    "status": "ok",
    "revision": "1d95",
    "files": {"config.json": {"sha256": "cd33", "bytes": 3}, "model.safetensors": {"sha256": "2f77", "bytes": 5}},
}


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        (
            {"weights": MANIFEST, "loaded": LOADED},
            (True, f"{LOADED}; revision 1d95, config.json sha256 cd33, model.safetensors sha256 2f77"),
        ),
        ({"weights": "none: random", "loaded": LOADED}, (True, f"{LOADED}; weights: none: random")),
        ({"weights": "missing"}, (False, "its weights are missing")),
        ({"weights": "trained from scratch"}, (None, "nothing to load: trained from scratch")),
        ({"weights": None}, (None, "nothing to load: no weights")),
    ],
    ids=["pre-trained", "untrained", "missing", "from scratch", "baseline"],
)
def test_model_and_its_weights_are_quoted(about, expected):
    assert one_check("model loads", **about) == expected


def test_reasons_for_not_running_are_given_once():
    about = metadata([{**UP, "reason": "no weights"}, {**UP_5, "reason": "no weights"}], weights="missing")
    checks = health(concat_scores([]).assign(fold=[]), about)
    found = [(entry["check"], entry["ok"]) for entry in checks]
    assert found == [("ran", False), ("packages as pinned", True), ("model loads", False)]
    assert checks[0]["detail"] == "no weights"


def test_forecasts_made_elsewhere_say_so_in_their_health_checks():
    external = {"sha256": "abc", "distance": 0.02, "move": 0.005}
    about = {"external": external, "lacking": {"test": ["2020-01-02"]}}
    assert one_check("model loads", **about) == (None, "nothing to load: made elsewhere, file sha256 abc")
    assert one_check("every day", **about) == (None, "test lacks the forecasts made on 2020-01-02")
    assert one_check("every day", **about | {"lacking": {}})[0]
    near = "forecast and Close differ by 2.00% in the median, the Closes of two days by 0.50%"
    assert one_check("near the Close", **about) == (False, near)
    for distance, ok in ((0.014, True), (None, None)):
        about["external"] = external | {"distance": distance}
        assert one_check("near the Close", **about)[0] is ok
    assert "every day" not in {check["check"] for check in health(predictions())}
