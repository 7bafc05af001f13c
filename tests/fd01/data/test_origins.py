"""Origins: targets, folds without leakage, and what one fit may see."""

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.made_up_data import make_prices
from helpers.paths import ROOT

from fd01.data import targets
from fd01.data.origins import CALIBRATION, EVALUATION, TRAIN, build_origins, splits
from fd01.data.prices import build_dataset
from fd01.data.targets import target_column, target_values, trailing_std
from fd01.workflow.errors import UserError
from fd01.workflow.parquet import read_frame

NAN = np.nan
TARGETS = ["up", "down", "direction", "scaled"]  # with a second implementation here
HORIZONS = [1, 2, 3, 5]
LABELS = {"threshold": 0.01, "scaled": {"k": 1.0, "window": 20}, "horizons": HORIZONS}
MIN_HISTORY = 80
FOLDS = {
    "validation": {"train_end": "2016-06-30", "start": "2016-07-01", "end": "2016-12-30"},
    "test": {"train_end": "2016-06-30", "start": "2017-01-01"},
    "overlapping": {"train_end": "2016-06-30", "start": "2016-12-01", "end": "2017-01-31"},
    "earlier": {"train_end": "2016-03-31", "start": "2016-04-01", "end": "2016-06-30"},
}

BY_HAND = pd.DataFrame(
    [
        (100.5, 99.5, 100),
        (101, 99, 100),  # touches both thresholds of row 0 exactly
        (102.5, 100, 102),
        (102.9, 101.5, 102),
        (102, 99.8, 100),
        (100.9, 99.1, 100),
        (100.99, 99.01, 100),
        (100.5, 98.9, 100),
        (104, 100, 104),
        (105.5, 103, 104),
        (104, 102.9, 103),
        (103.5, 102.8, 103),
    ],
    columns=["High", "Low", "Close"],
)
# With k = sqrt(2) and a window of 2, c_t is the last change of the log return.
BY_HAND_SCALE = {"k": 2**0.5, "window": 2}
EVENTS = {
    "up_1": [1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, NAN],
    "up_2": [1, 1, 0, 0, 0, 0, 1, 1, 1, 0, NAN, NAN],
    "up_3": [1, 1, 0, 0, 0, 1, 1, 1, 1, NAN, NAN, NAN],
    "down_1": [1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, NAN],
    "down_2": [1, 0, 1, 1, 0, 1, 1, 0, 1, 1, NAN, NAN],
    "down_3": [1, 0, 1, 1, 1, 1, 1, 0, 1, NAN, NAN, NAN],
    "direction_1": [0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, NAN],
    "direction_2": [1, 1, 0, 0, 0, 0, 1, 1, 0, 0, NAN, NAN],
    "direction_3": [1, 0, 0, 0, 0, 1, 1, 1, 0, NAN, NAN, NAN],
    "scaled_1": [NAN, NAN, 0, 0, 0, 0, 1, 1, 0, 0, 0, NAN],
    "scaled_2": [NAN, NAN, 0, 0, 0, 0, 1, 1, 0, 0, NAN, NAN],
    "scaled_3": [NAN, NAN, 0, 0, 0, 1, 1, 1, 0, NAN, NAN, NAN],
}


@pytest.mark.parametrize("column", EVENTS)
def test_targets_equal_those_worked_out_by_hand(column):
    values = target_values(BY_HAND, [1, 2, 3], 0.01, BY_HAND_SCALE)
    np.testing.assert_array_equal(values[column], EVENTS[column])


def test_direction_is_a_rise_and_nothing_less():
    flat = pd.DataFrame({"High": [1.0, 1.0], "Low": [1.0, 1.0], "Close": [1.0, 1.0]})
    assert target_values(flat, [1], 0.01, LABELS["scaled"])["direction_1"].iloc[0] == 0


def by_loop(prices, t, h, threshold, k, window):
    """The four targets of row t from their definitions, day by day."""
    high, low, close = (prices[name].to_numpy() for name in ("High", "Low", "Close"))
    if t + h >= len(close):
        return [NAN] * 4
    ahead = range(t + 1, t + h + 1)
    returns = [np.log(close[day] / close[day - 1]) for day in range(t - window + 1, t + 1)] if t >= window else [NAN]
    scale = k * np.std(returns, ddof=1) if t >= window else NAN
    return [
        float(any(high[day] >= close[t] * (1 + threshold) for day in ahead)),
        float(any(low[day] <= close[t] * (1 - threshold) for day in ahead)),
        float(close[t + h] > close[t]),
        NAN if np.isnan(scale) else float(any(high[day] >= close[t] * (1 + scale) for day in ahead)),
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("threshold", "k", "window"), [(0.01, 1.0, 20), (0.003, 0.5, 5)])
def test_targets_equal_a_loop_over_days(seed, threshold, k, window):
    prices = make_prices(days=150, seed=seed)
    values = target_values(prices, HORIZONS, threshold, {"k": k, "window": window})
    assert list(values) == [target_column(target, h) for h in HORIZONS for target in targets.TARGETS]
    for h in HORIZONS:
        loop = [by_loop(prices, t, h, threshold, k, window) for t in range(len(prices))]
        np.testing.assert_array_equal(values[[target_column(target, h) for target in TARGETS]], loop)


@pytest.mark.parametrize("t", [20, 57, 100])
def test_scale_of_the_target_knows_the_day_and_nothing_later(t):
    prices = make_prices(days=150)
    later, today = prices.copy(), prices.copy()
    later.loc[t + 1 :, "Close"] *= np.linspace(1.5, 3, len(prices) - t - 1)
    today.loc[t, "Close"] *= 1.1
    np.testing.assert_array_equal(trailing_std(later, 20)[: t + 1], trailing_std(prices, 20)[: t + 1])
    assert trailing_std(today, 20)[t] != trailing_std(prices, 20)[t]


def test_targets_know_their_horizon_and_nothing_later():
    prices = make_prices(days=150)
    later = prices.copy()
    later.loc[101:, ["High", "Low", "Close"]] *= 1.5
    before, after = (target_values(table, HORIZONS, 0.01, LABELS["scaled"]) for table in (prices, later))
    for h in HORIZONS:
        columns = [target_column(target, h) for target in TARGETS]
        pd.testing.assert_frame_equal(before.loc[: 100 - h, columns], after.loc[: 100 - h, columns])
        assert after.loc[101 - h, target_column("up", h)] == 1


@pytest.fixture(scope="module")
def dataset():
    return make_prices(days=600)


@pytest.fixture(scope="module")
def origins(dataset):
    return build_origins(dataset, FOLDS, LABELS, MIN_HISTORY, 0.15)


def last_row(dataset, date):
    return np.flatnonzero(dataset["Date"] <= date)[-1]


def test_origins_carry_their_row_date_and_targets(dataset, origins):
    head = ["fold", "train_end", "role", "series", "origin", "row", "history"]
    assert list(origins) == head + [target_column(target, h) for h in HORIZONS for target in targets.TARGETS]
    assert list(origins["fold"].unique()) == list(FOLDS)
    assert (origins["origin"].to_numpy() == dataset["Date"].to_numpy()[origins["row"]]).all()
    assert not origins.duplicated(["fold", "row"]).any()
    known = origins[origins["role"] == EVALUATION]
    values = target_values(dataset, HORIZONS, 0.01, LABELS["scaled"]).iloc[known["row"]]
    np.testing.assert_array_equal(known[values.columns], values)


@pytest.mark.parametrize("fold", FOLDS)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("horizon", HORIZONS)
def test_training_targets_end_by_train_end(dataset, origins, fold, target, horizon):
    last = last_row(dataset, FOLDS[fold]["train_end"])
    rows = origins[(origins["fold"] == fold) & (origins["role"] != EVALUATION)]
    known = rows.loc[rows[target_column(target, horizon)].notna(), "row"]
    assert list(known) == list(range(MIN_HISTORY - 1, last - horizon + 1))


@pytest.mark.parametrize("fold", FOLDS)
def test_evaluation_blocks_are_whole(dataset, origins, fold):
    dates = dataset["Date"].iloc[:-1]  # the target of the last day is not known yet
    block = dates[(dates >= FOLDS[fold]["start"]) & (dates <= FOLDS[fold].get("end", "2100-01-01"))]
    rows = origins[(origins["fold"] == fold) & (origins["role"] == EVALUATION)]
    assert list(rows["origin"]) == list(block)
    assert rows["up_1"].notna().all()


def test_data_end_leaves_the_longer_horizons_unknown(origins):
    unknown = origins[(origins["fold"] == "test") & (origins["role"] == EVALUATION)].isna().sum()
    assert [unknown[f"up_{h}"] for h in HORIZONS] == [h - 1 for h in HORIZONS]


@pytest.mark.parametrize("fraction", [0.05, 0.15, 0.5])
def test_calibration_is_the_tail_of_the_training_period(dataset, fraction):
    origins = build_origins(dataset, FOLDS, LABELS, MIN_HISTORY, fraction)
    for _, fold in origins.groupby("fold"):
        roles = fold.sort_values("row")["role"]
        changes = roles[roles != roles.shift()]
        assert list(changes) == [TRAIN, CALIBRATION, EVALUATION]
        training = roles[roles != EVALUATION]
        assert (training == CALIBRATION).mean() == pytest.approx(fraction, abs=1 / len(training))


@pytest.mark.parametrize("horizon", HORIZONS)
def test_folds_with_one_train_end_share_a_split(dataset, origins, horizon):
    later, earlier = splits(origins, "up", horizon)
    assert (later.train_end, earlier.train_end) == ("2016-06-30", "2016-03-31")
    start = np.flatnonzero(dataset["Date"] >= "2016-07-01")[0]
    assert list(later.evaluation) == list(range(start, len(dataset) - 1))
    rows = origins[(origins["fold"] == "earlier") & (origins["role"] == EVALUATION)]["row"]
    assert list(earlier.evaluation) == list(rows)


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("target", TARGETS)
def test_split_leaves_out_days_whose_target_is_known_only_after_its_end(dataset, origins, target, horizon):
    for split in splits(origins, target, horizon):
        last = last_row(dataset, split.train_end)
        tail = origins[(origins["train_end"] == split.train_end) & (origins["role"] == CALIBRATION)]["row"].min()
        assert list(split.training) == list(range(MIN_HISTORY - 1, last - horizon + 1))
        assert list(split.calibration) == list(range(tail, last - horizon + 1))
        assert list(split.inner) == list(range(MIN_HISTORY - 1, tail - horizon))
        assert split.training[-1] < split.evaluation[0]
        assert set(split.targets.index) == set(split.training)


def test_split_gives_the_targets_of_its_rows(dataset, origins):
    split = next(splits(origins, "down", 3))
    rows = split.calibration[::-7]
    wanted = target_values(dataset, [3], 0.01, LABELS["scaled"])["down_3"].iloc[rows]
    np.testing.assert_array_equal(split.y(rows), wanted)
    with pytest.raises(KeyError):
        split.y(split.evaluation[:1])


WRONG_FOLDS = {
    "too few rows": (
        {"train_end": "2015-06-30", "start": "2015-07-01"},
        "fold wrong: too few rows to train on: 48 origins up to 2015-06-30, not counting the first 79 rows",
    ),
    "train_end before the data": (
        {"train_end": "2014-12-31", "start": "2015-07-01"},
        "fold wrong: too few rows to train on: 0 origins up to 2014-12-31, not counting the first 79 rows",
    ),
    "start after the data": (
        {"train_end": "2016-06-30", "start": "2018-01-01"},
        "fold wrong: too few rows to evaluate: 0 rows from 2018-01-01 on; at least 2 are needed; the data run from "
        "2015-01-02 to 2017-04-20, 600 rows",
    ),
    "end after the data": (
        {"train_end": "2016-06-30", "start": "2016-07-01", "end": "2017-05-01"},
        "fold wrong: its end, 2017-05-01, is later than the last price; the data run from 2015-01-02 to 2017-04-20, "
        "600 rows",
    ),
}


@pytest.mark.parametrize(("block", "message"), WRONG_FOLDS.values(), ids=WRONG_FOLDS)
def test_fold_that_the_data_cannot_fill_is_refused(dataset, block, message):
    with pytest.raises(UserError) as caught:
        build_origins(dataset, {"right": FOLDS["test"], "wrong": block}, LABELS, MIN_HISTORY, 0.15)
    assert str(caught.value).startswith(message)


def test_calibration_tail_outlasts_the_longest_horizon(dataset):
    fold = {"train_end": "2015-09-01", "start": "2015-09-02"}
    with pytest.raises(UserError, match="fold short: the calibration tail has 5 origins, but it needs more than"):
        build_origins(dataset, {"short": fold}, LABELS, MIN_HISTORY, 0.05)


def test_fold_may_end_on_a_holiday(dataset):
    fold = {"train_end": "2016-06-30", "start": "2016-07-01", "end": "2017-04-30"}
    origins = build_origins(dataset, {"fold": fold}, LABELS, MIN_HISTORY, 0.15)
    assert origins["row"].max() == len(dataset) - 2


def test_blocks_on_spy_have_the_days_and_events_of_the_original_study(spy_parquet):
    folds = yaml.safe_load((ROOT / "config.yaml").read_text())["datasets"]["spy"]["folds"]
    folds = {fold: {key: str(date) for key, date in dates.items()} for fold, dates in folds.items()}
    dataset = build_dataset(read_frame(spy_parquet))
    origins = build_origins(dataset, folds, LABELS, MIN_HISTORY, 0.15)
    rows = origins[origins["role"] == EVALUATION].assign(day=origins["origin"].dt.strftime("%Y-%m-%d"))
    counts = rows.groupby("fold").agg({"up_1": ["size", "sum"], "day": ["min", "max"]})
    assert counts.T.to_dict("list") == {
        "validation": [502, 101, "2023-01-03", "2024-12-31"],
        "test": [260, 47, "2025-01-02", "2026-01-15"],
        "study-422": [422, 76, "2023-04-27", "2024-12-30"],
    }
    (split,) = splits(origins, "up", 1)
    assert len(split.evaluation) == 502 + 260
