"""Real data, which are not part of the repository."""

import os
from pathlib import Path

import pandas as pd
import pytest
from helpers.paths import ROOT

# Real SPY prices are a vendor's and not part of the repository; tests that want them skip without them.
SPY_DATA = Path(os.environ.get("FD01_SPY_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def spy_parquet():
    """Path of the original study's own dataset; skips the test where it is absent."""
    path = SPY_DATA / "SPY_dataset_a20.parquet"
    if not path.exists():
        pytest.skip(f"no {path.name}: set FD01_SPY_DATA to its folder")
    return path


@pytest.fixture(scope="session")
def spy_ohlcv():
    """The prices that the original study's dataset was built from; skips the test where they are absent."""
    path = SPY_DATA / "spy_ohlcv.csv"
    if not path.exists():
        pytest.skip(f"no {path.name}: set FD01_SPY_DATA to its folder")
    return pd.read_csv(path)


@pytest.fixture(scope="session")
def study_predictions():
    """Path of the original study's own stored TimesFM forecasts; skips the test where they are absent."""
    path = SPY_DATA.parent / "reference" / "original_study" / "timesfm_tfm-01_predictions.npz"
    if not path.exists():
        pytest.skip(f"no reference/original_study/{path.name} beside the folder FD01_SPY_DATA")
    return path
