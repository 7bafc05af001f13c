"""Prices that the tests share."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
# Real SPY prices are a vendor's and not part of the repository; tests that want them skip without them.
SPY_DATA = Path(os.environ.get("FD01_SPY_DATA", ROOT.parent / "shared" / "data"))


def make_prices(days=600, seed=0, start="2015-01-02"):
    """Plausible daily OHLCV: returns with persistent volatility; DataFrame with a Date column."""
    rng = np.random.default_rng(seed)
    log_volatility = np.zeros(days)
    for t in range(1, days):
        log_volatility[t] = 0.97 * log_volatility[t - 1] + 0.15 * rng.standard_normal()
    returns = 0.01 * np.exp(log_volatility) * rng.standard_normal(days)
    close = 100 * np.exp(np.cumsum(returns))
    open_ = close * np.exp(0.002 * rng.standard_normal(days))
    spread = 0.006 * np.exp(log_volatility) * rng.random((2, days))
    return pd.DataFrame(
        {
            "Date": pd.bdate_range(start, periods=days),
            "Open": open_,
            "High": np.maximum(open_, close) * (1 + spread[0]),
            "Low": np.minimum(open_, close) * (1 - spread[1]),
            "Close": close,
            "Volume": rng.integers(1_000_000, 9_000_000, days),
        }
    )


@pytest.fixture
def prices():
    """600 days of made-up prices."""
    return make_prices()


@pytest.fixture(scope="session")
def spy_parquet():
    """Path of the study's own dataset; skips the test where it is absent."""
    path = SPY_DATA / "SPY_dataset_a20.parquet"
    if not path.exists():
        pytest.skip(f"no {path.name}: set FD01_SPY_DATA to its folder")
    return path


@pytest.fixture(scope="session")
def spy_ohlcv():
    """The prices that the study's dataset was built from; skips the test where they are absent."""
    path = SPY_DATA / "spy_ohlcv.csv"
    if not path.exists():
        pytest.skip(f"no {path.name}: set FD01_SPY_DATA to its folder")
    return pd.read_csv(path)
