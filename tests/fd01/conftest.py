"""Real data, which are not part of the repository, and a TimesFM that is small enough for tests."""

import os
import sys
from pathlib import Path

import pandas as pd
import pytest
from helpers.in_every_job.tiny_timesfm import MODULE, shrink
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


@pytest.fixture(scope="module")
def tiny_timesfm():
    """`timesfm` with the tiny network, on one thread; at the end everything is as it was."""
    import torch
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    with threadpool_limits(1), pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")  # `fd01.models.timesfm` sets it; this notes how it was
        import timesfm  # noqa: F401

        module = sys.modules[MODULE]
        network = module.TimesFM_2p5_200M_torch_module
        patch.setattr(network, "config", network.config)
        shrink(module)
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
