"""Whether weights give the forecasts that the original study stored: a tiny network plays its TimesFM."""

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import make_prices

from fd01.evaluation.reproduction import NOT_REPRODUCED, REPRODUCED, WITH_TF32, reproduce
from fd01.models.timesfm import forecast, load_untrained
from fd01.workflow.errors import NotRun

pytestmark = pytest.mark.usefixtures("tiny_timesfm")
COMBINATIONS = [(flip, point) for flip in (True, False) for point in ("median", "mean")]
BLOCKS = {"val": ("2023-01-01", "2024-12-31"), "test": ("2025-01-01", "2026-01-15")}


@pytest.fixture(scope="module")
def prices():
    return make_prices(2260, start="2018-01-02")


@pytest.fixture(scope="module")
def model(tiny_timesfm):
    return load_untrained(0)


@pytest.fixture(scope="module")
def of_the_study(prices, model):
    """Labels, and forecasts by flip, of the days of both blocks: each from the 80 simple returns before its day."""
    close = prices["Close"].to_numpy()
    returns = np.diff(close) / close[:-1]  # returns[i] is the return of day i + 1
    up = (prices["High"].shift(-1) >= 1.01 * prices["Close"]).to_numpy(float)
    content = {}
    for block, (start, end) in BLOCKS.items():
        days = np.flatnonzero(prices["Date"].between(start, end))
        inputs = [returns[day - 81 : day - 1] for day in days]
        content[block] = (
            up[days],
            {
                flip: forecast(model, inputs, 1, {"context": 80, "flip": flip, "batch_size": 64, "dtype": "float32"})[
                    :, 0
                ]
                for flip in (True, False)
            },
        )
    return content


@pytest.fixture
def stored(of_the_study, tmp_path):
    """A function that writes the file of a study with this flip and point, moved by `error`."""

    def write(flip, point, error=0.0, blocks=BLOCKS):
        content = {}
        for block in blocks:
            labels, forecasts = of_the_study[block]
            content[f"{block}_labels"] = labels
            content[f"{block}_predictions"] = forecasts[flip][:, {"mean": 0, "median": 5}[point]] + error
        np.savez(tmp_path / "stored.npz", **content)
        return tmp_path / "stored.npz"

    return write


def is_open(prices):
    return np.zeros(len(prices), dtype=bool)


@pytest.mark.parametrize(("flip", "point"), COMBINATIONS)
def test_the_combination_of_the_study_agrees_and_no_other(flip, point, prices, model, stored):
    found = reproduce(model, prices, is_open(prices), stored(flip, point))
    assert (found["status"], found["blocks"], found["left_out"]) == (REPRODUCED, ["val", "test"], {})
    assert found["n"] == sum(prices["Date"].between(*days).sum() for days in BLOCKS.values())
    first, *others = found["combinations"]
    assert (first["flip"], first["point"], first["agrees"]) == (flip, point, True)
    assert first["largest"] < 1e-6 and first["correlation"] > 0.999
    assert len(others) == 3 and not any(other["agrees"] for other in others)


@pytest.mark.parametrize(("error", "status"), [(1e-5, WITH_TF32), (1e-4, NOT_REPRODUCED)])
def test_other_forecasts_are_not_taken_for_the_same(error, status, prices, model, stored):
    assert reproduce(model, prices, is_open(prices), stored(True, "median", error))["status"] == status


def test_forecasts_of_another_day_are_not_reproduced(prices, model, stored):
    path = stored(True, "median")
    content = dict(np.load(path))
    content["val_predictions"] = np.roll(content["val_predictions"], 1)
    np.savez(path, **content)
    assert reproduce(model, prices, is_open(prices), path)["status"] == NOT_REPRODUCED


def test_forecasts_of_one_series_are_not_made_again_on_several(prices, model, stored):
    two = pd.concat([prices.assign(series="A"), prices.assign(series="B")], ignore_index=True)
    with pytest.raises(NotRun, match="the original study had one series, and this dataset has 2"):
        reproduce(model, two, is_open(two), stored(True, "median"))


def test_a_block_that_is_sealed_is_left_out_and_named(prices, model, stored):
    sealed = (prices["Date"] >= "2025-01-01").to_numpy()
    found = reproduce(model, prices, sealed, stored(False, "mean"))
    assert found["blocks"] == ["val"] and "sealed" in found["left_out"]["test"]
    assert found["status"] == REPRODUCED
    with pytest.raises(NotRun, match=r"val: .*sealed.*; test: .*sealed"):
        reproduce(model, prices, ~is_open(prices), stored(False, "mean"))
