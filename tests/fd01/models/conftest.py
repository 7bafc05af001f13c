"""A TimesFM that is small enough for tests."""

import sys

import pytest
from helpers.in_every_job.tiny_timesfm import MODULE, shrink


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
