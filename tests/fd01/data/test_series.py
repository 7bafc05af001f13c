"""Several series in one table: nothing that is computed for a day uses a day of another series."""

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import FOLDS, LABELS, UP, UP_5, make_prices
from run_baseline import score_all

from fd01.data import features
from fd01.data.inputs import first_inputs, input_series, windows
from fd01.data.origins import CALIBRATION, EVALUATION, TRAIN, build_origins, each_alone, splits
from fd01.data.prices import build_all, build_dataset, read_prices
from fd01.data.series import each_series, first_rows, names_of_series, slices_of
from fd01.data.targets import TARGETS, target_values, threshold_return
from fd01.data.touch import join_exponents, touch_exponent, touch_exponents
from fd01.evaluation.audit import audit_folds
from fd01.models.baselines import METHODS, Method
from fd01.models.heads import scale_features
from fd01.models.timesfm import inputs_of
from fd01.workflow.errors import UserError

ORIGINS = {"min_history": 80, "calibration_fraction": 0.15}
INPUTS = ("close", "high-price", "simple-return", "return", "high")


def dataset_of(**raw):
    """The long table of several series, whose raw prices are given by name."""
    parts = [build_dataset(prices).assign(series=name) for name, prices in sorted(raw.items())]
    return pd.concat(parts, ignore_index=True).astype({"series": "category"})


A, B = make_prices(seed=0), make_prices(seed=1)
BOTH = dataset_of(a=A, b=B)
EDGE = slices_of(BOTH)[1].start
FUNCTIONS = {
    "drawdown": lambda data: features.drawdown(data, 20),
    "daily range": features.daily_range,
    "EWMA variance": lambda data: features.ewma_variance(data, 0.94),
    "HAR": features.har,
    "measures of volatility": features.volatility_measures,
    "scale-free indicators": features.scale_free_a20,
    "targets": lambda data: target_values(data, [1, 5], 0.01, LABELS["scaled"]),
    "scale features": lambda data: scale_features(data, "return", 32, UP, LABELS),
    **{f"threshold of {name}": lambda data, name=name: threshold_return(data, name, LABELS) for name in TARGETS},
    **{f"input {name}": lambda data, name=name: input_series(data, name) for name in INPUTS},
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_values_of_a_series_are_those_of_the_series_alone(function):
    both = np.asarray(function(BOTH), float)
    for rows in slices_of(BOTH):
        alone = np.asarray(function(BOTH.iloc[rows].drop(columns="series").reset_index(drop=True)), float)
        np.testing.assert_array_equal(both[rows], alone)


def test_series_are_found_in_the_table():
    assert slices_of(BOTH) == [slice(0, EDGE), slice(EDGE, len(BOTH))]
    assert names_of_series(BOTH) == ["a", "b"]
    assert list(np.unique(first_rows(BOTH))) == [0, EDGE]
    alone = BOTH.drop(columns="series")
    assert (slices_of(alone), names_of_series(alone)) == ([slice(0, len(BOTH))], [""])


def test_function_of_each_series_keeps_the_rows_of_the_table():
    counted = each_series(lambda table: pd.Series(np.arange(len(table)), table.index))(BOTH)
    pd.testing.assert_index_equal(counted.index, BOTH.index)
    assert (counted.iloc[EDGE - 1], counted.iloc[EDGE]) == (EDGE - 1, 0)


@pytest.mark.parametrize("name", INPUTS)
def test_windows_begin_with_their_series(name):
    values, first = input_series(BOTH, name), first_inputs(BOTH, name)
    rows = np.array([EDGE + 3, EDGE + 40, EDGE - 1])
    lengths = [len(window) for window in windows(values, rows, 32, first[rows])]
    assert lengths == [4 if name in ("close", "high-price") else 3, 32, 32]


@pytest.mark.parametrize("covariates", [False, True])
def test_input_of_a_network_does_not_move_with_another_series(covariates):
    settings = {"input": "return", "context": 64}
    if covariates:
        settings["covariates"] = {"indicators": ["rsi_daily", "atr_14"], "ridge": 0.1}
    rows = np.arange(EDGE + 10, EDGE + 70, 7)
    other = dataset_of(a=make_prices(seed=5), b=B)
    for one, two in zip(inputs_of(BOTH, rows, settings)[0], inputs_of(other, rows, settings)[0]):
        np.testing.assert_array_equal(one, two)


def test_origins_of_two_series_are_those_of_each():
    both = build_origins(BOTH, FOLDS, LABELS, **ORIGINS)
    for name, rows in zip("ab", slices_of(BOTH)):
        alone = build_origins(BOTH.iloc[rows].reset_index(drop=True), FOLDS, LABELS, **ORIGINS)
        own = both[both["series"] == name].reset_index(drop=True)
        pd.testing.assert_frame_equal(own.assign(row=own["row"] - rows.start), alone)


def test_tail_begins_on_one_date_in_all_series():
    late = B.iloc[150:]
    origins = build_origins(dataset_of(a=A, late=late), FOLDS, LABELS, **ORIGINS)
    tail = origins[origins["role"] == CALIBRATION].groupby(["fold", "series"], observed=True)["origin"].min()
    assert tail.groupby("fold").nunique().eq(1).all()
    for split in splits(origins, **UP_5):
        dates = origins.drop_duplicates("row").set_index("row")["origin"]
        assert dates[split.inner].max() < dates[split.calibration].min()


def test_series_without_enough_days_is_left_out_of_a_fold_and_named(caplog):
    short = B.iloc[:330]  # it ends before the folds begin
    origins = build_origins(dataset_of(a=A, short=short), FOLDS, LABELS, **ORIGINS)
    assert set(origins["series"]) == {"a"}
    assert "fold validation: without short, which has" in caplog.text
    with pytest.raises(UserError, match="too few rows to train on in each of 2 series: 51 origins"):
        build_origins(dataset_of(short=short, other=A.iloc[:330]), FOLDS, LABELS, **ORIGINS)


def test_series_that_begins_in_the_tail_is_left_out_of_a_fold_and_named(caplog):
    dates = B["Date"]
    young = B[dates >= "2015-01-01"].tail(420)  # its 221 days with indicators begin in the tail, or nearly
    long = make_prices(days=1100, seed=2, start="2013-01-02")
    folds = {"test": {"train_end": "2017-02-01", "start": "2017-02-02"}}
    dataset = dataset_of(long=long, young=young)
    origins = build_origins(dataset, folds, LABELS, **ORIGINS)
    (checked,) = audit_folds(origins, dataset, folds, LABELS, **ORIGINS, targets=[UP])
    assert checked["ok"]
    assert set(origins["series"]) == {"long"}
    assert "fold test: without young, which has too few training days before the calibration tail" in caplog.text


def test_folds_with_one_train_end_share_their_tail():
    early = make_prices(days=760, seed=3, start="2013-06-03")  # it ends before the second block
    folds = {
        "later": {"train_end": "2016-03-01", "start": "2016-10-03"},
        "earlier": {"train_end": "2016-03-01", "start": "2016-03-02", "end": "2016-04-20"},
    }
    dataset = dataset_of(a=make_prices(days=900, start="2013-12-02"), early=early)
    origins = build_origins(dataset, folds, LABELS, **ORIGINS)
    checked = audit_folds(origins, dataset, folds, LABELS, **ORIGINS, targets=[UP])
    assert [row["detail"] for row in checked] == ["as derived from the dates"] * 2
    assert dict(origins.groupby("fold")["series"].nunique()) == {"earlier": 2, "later": 1}
    tails = origins[origins["role"] == CALIBRATION].groupby(["fold", "series"], observed=True)["origin"].min()
    assert tails.nunique() == 1
    (split,) = splits(origins, **UP)
    dates = origins.drop_duplicates("row").set_index("row")["origin"]
    assert dates[split.inner].max() < dates[split.calibration].min()


def test_history_counts_the_days_of_the_series():
    origins = build_origins(BOTH, FOLDS, LABELS, **ORIGINS)
    assert (origins["history"] == origins["row"] - first_rows(BOTH)[origins["row"]] + 1).all()
    assert origins.groupby("series", observed=True)["history"].min().eq(ORIGINS["min_history"]).all()


def test_series_alone_has_its_own_days_and_the_origins_that_count_them():
    origins = build_origins(BOTH, FOLDS, LABELS, **ORIGINS)
    parts = {name: (days, own) for name, days, own in each_alone(BOTH, origins)}
    assert list(parts) == ["a", "b"]
    for (name, (days, own)), rows in zip(parts.items(), slices_of(BOTH)):
        pd.testing.assert_frame_equal(days, BOTH.iloc[rows])
        assert set(own["series"]) == {name}
        assert (days["Date"].to_numpy()[own["row"]] == own["origin"]).all()


def test_fit_to_each_series_is_given_the_days_of_that_series_alone(monkeypatch):
    given = []

    def close(days):
        given.append((names_of_series(days), len(days)))
        return lambda split, train, rows, target, labels: np.asarray(days["Close"])[rows]

    monkeypatch.setitem(METHODS, "close", Method(close, "signal"))
    origins = build_origins(BOTH, FOLDS, LABELS, **ORIGINS)
    (frame,) = score_all(BOTH, origins, {"method": "close"}, [UP, UP_5], LABELS, each=True)[0].values()
    assert given == [(["a"], EDGE), (["b"], len(BOTH) - EDGE)]  # once, whatever the number of targets and roles
    closes = BOTH.set_index(["series", "Date"])["Close"]
    np.testing.assert_array_equal(frame["score"], closes.loc[list(zip(frame["series"], frame["origin"]))])


def test_last_day_of_a_series_is_no_origin():
    origins = build_origins(BOTH, FOLDS, LABELS, **ORIGINS)
    assert not set(origins["row"]) & {EDGE - 1, len(BOTH) - 1}
    assert {EDGE - 2, len(BOTH) - 2} <= set(origins["row"])


def test_every_series_has_its_own_touch_exponent():
    origins = build_origins(BOTH, FOLDS, LABELS, **ORIGINS)
    (split,) = splits(origins, **UP)
    k = touch_exponent(UP, split.training, BOTH, LABELS)
    for rows in slices_of(BOTH):
        alone = BOTH.iloc[rows].reset_index(drop=True)
        own = split.training[(split.training >= rows.start) & (split.training < rows.stop)] - rows.start
        np.testing.assert_array_equal(k[rows], touch_exponent(UP, own, alone, LABELS))
    assert k[0] != k[-1]


def test_provenance_has_the_range_of_the_touch_exponents_of_several_series():
    origins = build_origins(BOTH, FOLDS, LABELS, **ORIGINS)
    (entry,) = touch_exponents(origins, [UP], BOTH, LABELS)
    (split,) = splits(origins, **UP)
    assert (entry["n_series"], "series" in entry) == (2, False)
    for role, train in (("calibration", split.inner), ("evaluation", split.training)):
        k = touch_exponent(UP, train, BOTH, LABELS)
        assert entry[role] == {"min": k.min(), "max": k.max()} and k.min() < k.max()


def test_provenance_is_as_long_for_many_series_as_for_two():
    rows = [A.iloc[start : start + 500].reset_index(drop=True) for start in range(0, 24, 2)]
    many = dataset_of(**{f"s{i:02}": prices for i, prices in enumerate(rows)})
    two = many[many["series"].isin(["s00", "s01"])].reset_index(drop=True)
    lengths = [
        len(str(touch_exponents(build_origins(data, FOLDS, LABELS, **ORIGINS), [UP, UP_5], data, LABELS)))
        for data in (two, many)
    ]
    assert lengths[1] < 1.2 * lengths[0]


def test_roles_follow_each_other_in_every_series():
    origins = build_origins(BOTH, FOLDS, LABELS, **ORIGINS)
    for _, part in origins.groupby(["fold", "series"], observed=True):
        roles = part.sort_values("row")["role"]
        assert list(roles[roles != roles.shift()]) == [TRAIN, CALIBRATION, EVALUATION]


FOLDS_AFTER = {
    "early": {"train_end": "2016-09-30", "start": "2016-10-03", "end": "2017-12-29"},
    "late": {"train_end": "2020-06-30", "start": "2020-07-01"},
}


@pytest.fixture
def paused(tmp_path):
    """Paths of the prices of `a`, which pauses for a year and for three weeks and comes back, and of `b`."""
    whole = make_prices(days=1800, seed=2)
    raw = {"a": whole.drop(index=[*range(500, 700), *range(1500, 1515)]), "b": make_prices(days=1800, seed=3)}
    for name, prices in raw.items():
        prices.to_parquet(tmp_path / f"{name}.parquet")
    return [tmp_path / f"{name}.parquet" for name in raw], raw


def test_pause_stops_and_names_the_series(paused):
    paths, raw = paused
    before, after = (f"{raw['a']['Date'][row]:%Y-%m-%d}" for row in (499, 700))
    with pytest.raises(UserError, match=f"^series a: a pause of more than 10 days: {before} to {after}, row 500; "):
        list(build_all(read_prices(paths, "mine")))


def test_nothing_reaches_across_a_pause(paused):
    paths, raw = paused
    dataset = pd.concat(build_all(read_prices(paths, "mine", pauses="split")), ignore_index=True)
    dates = raw["a"]["Date"]
    parts = {
        "a": raw["a"].loc[:499],
        f"a since {dates[700]:%Y-%m-%d}": raw["a"].loc[700:1499],
        f"a since {dates[1515]:%Y-%m-%d}": raw["a"].loc[1515:],
        "b": raw["b"],
    }
    assert names_of_series(dataset) == list(parts)
    origins = build_origins(dataset, FOLDS_AFTER, LABELS, **ORIGINS)
    in_folds = origins.groupby("fold", sort=False)["series"].unique().map(list).to_dict()
    first, second, _, other = parts
    assert in_folds == {"early": [first, other], "late": [second, other]}
    for name, prices in parts.items():
        mine, alone = dataset[dataset["series"] == name], build_dataset(prices, name=name)
        of_text = {"series": str}
        pd.testing.assert_frame_equal(mine.reset_index(drop=True).astype(of_text), alone.astype(of_text))
        for function in FUNCTIONS.values():
            both = np.asarray(function(dataset), float)[mine.index]
            np.testing.assert_array_equal(both, np.asarray(function(alone), float))
    # The last origin before a pause is the last day but one: the outcome of the last day lies behind the pause.
    for fold, name in (("early", first), ("late", second)):
        block = origins[(origins["fold"] == fold) & (origins["series"] == name) & (origins["role"] == EVALUATION)]
        assert block["origin"].max() == parts[name]["Date"].iloc[-2] and block["up_1"].notna().all()
        assert block["up_5"].isna().sum() == 4


def test_unsorted_dates_are_left_to_the_checks(paused):
    paths, raw = paused
    raw["a"].iloc[::-1].to_parquet(paths[0])
    with pytest.raises(UserError, match=r"^series a: dates out of order"):
        list(build_all(read_prices(paths, "mine", pauses="split")))


def test_touch_exponents_of_shards_are_joined_to_those_of_all_series():
    origins = build_origins(BOTH, FOLDS, LABELS, **ORIGINS)
    apart = [
        entry for _, days, own in each_alone(BOTH, origins) for entry in touch_exponents(own, [UP, UP_5], days, LABELS)
    ]
    assert join_exponents(apart) == touch_exponents(origins, [UP, UP_5], BOTH, LABELS)
