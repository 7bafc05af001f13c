"""Every network on another device than the CPU, where the data lie and the results belong.

`meta` stands in for a GPU: its tensors hold no values, and refuse to meet those of the CPU as a GPU's do.
"""

from contextlib import nullcontext

import finetune_timesfm
import numpy as np
import pytest
import torch
import train_lag_llama
import train_patchtst
from helpers.made_up_data import CONFIG, LABELS, UP, dataset_and_origins, make_prices

import fd01.models.lag_llama
import fd01.models.timesfm
from fd01.data.origins import build_origins, splits
from fd01.data.prices import build_dataset
from fd01.workflow.provenance import describe_network

META = torch.device("meta")


def settings_of(name, **changes):
    return CONFIG["experiments"][name]["settings"] | {"max_epochs": 1} | changes


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    """What is asked of tensors without values is answered, with zeros."""

    def answer(name, value):
        real = getattr(torch.Tensor, name)
        method = lambda tensor, *rest: value(tensor) if tensor.is_meta else real(tensor, *rest)  # noqa: E731
        monkeypatch.setattr(torch.Tensor, name, method)

    answer("item", lambda tensor: 0.0)
    answer("__bool__", lambda tensor: False)
    answer("cpu", lambda tensor: torch.zeros(tensor.shape, dtype=tensor.dtype))
    adam = torch.optim.Adam
    monkeypatch.setattr(torch.optim, "Adam", lambda parameters, lr, fused=False: adam(parameters, lr))
    monkeypatch.setattr(torch.distributions.Distribution, "_validate_args", False)
    for module in ("fd01.models.training", "fd01.models.timesfm"):
        monkeypatch.setattr(f"{module}.autocast", lambda device, dtype: nullcontext())
    deterministic = torch.are_deterministic_algorithms_enabled()  # PatchTST's training leaves it so
    torch.use_deterministic_algorithms(False)
    yield
    torch.use_deterministic_algorithms(deterministic)


@pytest.fixture
def timesfm_there(tiny_weights, monkeypatch):
    """Folder of weights of the small TimesFM, which is loaded to the other device."""
    load = fd01.models.timesfm.load

    def load_there(folder):
        model = load(folder)
        model.model.device = META
        model.model.to(META)
        return model

    monkeypatch.setattr(fd01.models.timesfm, "load", load_there)
    return tiny_weights


@pytest.mark.parametrize(("asked", "warnings"), [("1", 1), ("0", 0)])
def test_network_on_the_cpu_is_warned_of_where_a_gpu_was_asked_for(monkeypatch, caplog, asked, warnings):
    monkeypatch.setenv("FD01_GPU", asked)
    assert describe_network(torch.nn.Linear(1, 1))["device"] == "cpu"
    assert describe_network(torch.nn.Linear(1, 1, device=META))["device"] == "meta"
    assert caplog.text.count("this job should run on a GPU (FD01_GPU=1), but torch cannot use one") == warnings


def test_stand_in_refuses_tensors_of_the_cpu():
    with pytest.raises(RuntimeError, match="device"):
        torch.nn.Linear(2, 2, device=META)(torch.ones(1, 2))


def test_timesfm_gives_hidden_states_on_another_device(timesfm_there):
    # Its forecast is the package's own, and needs values.
    dataset, origins = dataset_and_origins()
    settings, rows = settings_of("TFM-probe"), np.unique(origins["row"])
    inputs, _ = fd01.models.timesfm.inputs_of(dataset, rows, settings)
    assert fd01.models.timesfm.encode(fd01.models.timesfm.load(timesfm_there), inputs, settings).shape == (
        len(rows),
        32,
    )


@pytest.mark.parametrize("objective", ["quantiles", "event"])
@pytest.mark.parametrize("adapter", ["lora", "full"])
def test_timesfm_is_fine_tuned_on_another_device(timesfm_there, tmp_path, objective, adapter):
    dataset, origins = dataset_and_origins()
    (split,) = splits(origins, **UP)
    settings = settings_of("TFM-03", objective=objective, adapter=adapter, rank=2)
    task = finetune_timesfm.FineTuningTask(dataset, split, UP, settings, LABELS)
    network, curve, model = finetune_timesfm.fine_tune(
        task, lambda: fd01.models.timesfm.load(timesfm_there), 0.001, 0, tmp_path / "checkpoint"
    )
    assert len(curve) == 1 and model.model.device == META
    if objective == "event":
        assert task.probabilities(network, split.evaluation).shape == split.evaluation.shape


@pytest.mark.filterwarnings("ignore:::gluonts")
@pytest.mark.parametrize("context", [32, 64])
def test_lag_llama_is_trained_on_another_device(monkeypatch, tmp_path, context):
    monkeypatch.setattr(fd01.models.lag_llama, "device", lambda: META)
    dataset = build_dataset(make_prices(days=1500))
    folds = {"block": {"train_end": "2020-07-31", "start": "2020-08-03"}}
    origins = build_origins(dataset, folds, LABELS, min_history=80, calibration_fraction=0.05)
    (split,) = splits(origins, **UP)
    network = fd01.models.lag_llama.build(fd01.models.lag_llama.PUBLISHED | {"n_layer": 2}, context)
    settings = settings_of("LL-finetuned", context=context)
    curve, frame = train_lag_llama.fit(network, dataset, origins, split, settings, 0, tmp_path / "checkpoint")
    assert len(curve) == 1 and set(split.evaluation) <= set(frame["row"])


def test_patchtst_is_trained_on_another_device():
    dataset, origins = dataset_and_origins()
    (split,) = splits(origins, **UP)
    settings = settings_of("PTST-2M")
    frame, curve, _ = train_patchtst.train_and_score(dataset, origins, split, UP, settings, 0, None, origins, META)
    assert len(curve) == 1 and set(frame["score"]) == {0.5}
