"""Stored predictive distributions: what is read, and what is asked of it."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import LABELS, UP, UP_5, dataset_and_origins
from scipy.stats import norm

from fd01.models.forecasts import LEVELS, quantile_frame
from fd01.scoring import deciles
from fd01.scoring.distributions import Forecaster, read_forecasters
from fd01.study.systems import DECILES
from fd01.workflow.errors import NotRun
from fd01.workflow.parquet import write_table

DATASET, _ = dataset_and_origins()
ROWS, TRAIN = np.arange(100, 400), np.arange(80, 300)
STEPS = 5


def frame_of(seed):
    """Normal forecasts of log returns, of another width for every row, step and seed."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.005, 0.02, (len(ROWS), STEPS, 1)) * np.r_[0, norm.ppf(LEVELS)]
    return quantile_frame(ROWS, values, seed)


FRAME = pd.concat([frame_of(1), frame_of(0)], ignore_index=True)
FORECASTER = Forecaster("normal", "return", FRAME, None)


def exceedance(forecaster, target, threshold=LABELS["threshold"]):
    return forecaster.exceedance(target, TRAIN, DATASET, LABELS | {"threshold": threshold})


@pytest.mark.parametrize("target", [UP, UP_5], ids=["1", "5"])
def test_probability_is_the_mean_of_the_seeds(target):
    each = [exceedance(Forecaster("one", "return", frame_of(seed), None), target) for seed in (0, 1)]
    pd.testing.assert_series_equal(exceedance(FORECASTER, target), pd.concat(each).groupby(level=0).mean())


def test_one_forecaster_answers_any_order_of_events_as_a_new_one_does():
    asked = Forecaster("normal", "return", FRAME, None)
    for target, threshold in [(UP_5, 0.01), (UP, 0.02), (UP_5, 0.02), (UP, 0.01)]:
        fresh = Forecaster("normal", "return", FRAME, None)
        pd.testing.assert_series_equal(exceedance(asked, target, threshold), exceedance(fresh, target, threshold))


def test_forecasts_of_some_rows_say_the_same_of_them():
    wanted = ROWS[50:60]
    narrowed = FORECASTER.of_rows(wanted)
    assert sorted(set(narrowed.frame["row"])) == list(wanted)
    pd.testing.assert_series_equal(exceedance(narrowed, UP), exceedance(FORECASTER, UP).loc[wanted])


def test_no_forecast_of_the_rows_is_a_reason():
    with pytest.raises(NotRun, match="no day of the blocks has a forecast"):
        exceedance(FORECASTER.of_rows([5]), UP)
    with pytest.raises(NotRun, match="no weights"):
        exceedance(Forecaster("absent", "return", FRAME.iloc[:0], "no weights").of_rows(ROWS), UP)


def test_rows_are_worked_on_in_parts_without_a_trace(monkeypatch):
    close = DATASET["Close"].to_numpy()
    ask = partial(deciles.return_deciles, frame_of(0), "return", close, STEPS)
    whole = ask()
    monkeypatch.setattr(deciles, "PART", 7)
    for before, after in zip(whole, ask()):
        np.testing.assert_array_equal(before, after)
    assert whole[1].shape == (len(ROWS), 9) and (np.diff(whole[1]) > 0).all()


def test_reading_keeps_the_seeds_and_the_days_that_are_asked_for(tmp_path):
    path = tmp_path / "quantiles.parquet"
    write_table(path, FRAME, {})
    entry = {"stores": DECILES, "input": "return", "seeds": [1]}
    (one,), (next_day,) = (list(read_forecasters([path], {"e": entry}, days)) for days in (None, 1))
    assert set(one.frame["seed"]) == {1} and len(one.frame) == len(ROWS) * STEPS
    assert set(next_day.frame["step"]) == {1} and len(next_day.frame) == len(ROWS)
    pd.testing.assert_series_equal(exceedance(next_day, UP), exceedance(one, UP))
