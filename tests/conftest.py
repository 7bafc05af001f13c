"""Prices and a small network that the tests share."""

import importlib.util
import os
import sys
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


@pytest.fixture(scope="session")
def study_predictions():
    """Path of the study's own stored TimesFM forecasts; skips the test where they are absent."""
    path = SPY_DATA.parent / "reference" / "original_study" / "timesfm_tfm-01_predictions.npz"
    if not path.exists():
        pytest.skip(f"no reference/original_study/{path.name} beside the folder FD01_SPY_DATA")
    return path


@pytest.fixture(scope="module")
def tiny_timesfm():
    """`timesfm` with the network of tests/tiny, on one thread; at the end everything is as it was."""
    import torch
    from threadpoolctl import threadpool_limits

    spec = importlib.util.spec_from_file_location("tiny", ROOT / "tests" / "tiny" / "sitecustomize.py")
    tiny = importlib.util.module_from_spec(spec)
    threads = torch.get_num_threads()
    with threadpool_limits(1), pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")  # `fd01.models.timesfm` sets it; this notes how it was
        patch.setattr(sys, "meta_path", [*sys.meta_path])
        import timesfm  # noqa: F401

        spec.loader.exec_module(tiny)
        module = sys.modules[tiny.MODULE]
        network = module.TimesFM_2p5_200M_torch_module
        patch.setattr(network, "config", network.config)
        tiny.shrink(module)
        torch.set_num_threads(1)
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def tiny_weights(tiny_timesfm, tmp_path_factory):
    """Folder with random weights of the small network, in the published format."""
    from fd01.models.timesfm import load_untrained

    folder = tmp_path_factory.mktemp("weights")
    load_untrained(7).save_pretrained(folder)
    return folder
