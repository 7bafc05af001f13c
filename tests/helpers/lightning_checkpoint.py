"""Checkpoints of Lag-Llama in the published format."""

import sys
import types
from collections import OrderedDict

import pytest
import torch

from fd01.models.lag_llama import PUBLISHED, load_untrained

LOSS = "gluonts.torch.modules.loss"


def lightning_content(network, architecture, monkeypatch):
    """Content of a checkpoint as Lightning has published it, with the objects that gluonts 0.14 wrote."""
    from gluonts.torch.distributions import StudentTOutput

    module = types.ModuleType(LOSS)  # which gluonts no longer has
    state = {"__dict__": {"beta": 0.0}, "__fields_set__": {"beta"}, "__private_attribute_values__": {}}
    methods = {"__module__": LOSS, "__getstate__": lambda self: state}
    module.NegativeLogLikelihood = type("NegativeLogLikelihood", (), methods)
    monkeypatch.setitem(sys.modules, LOSS, module)
    output = StudentTOutput()
    vars(output).clear()
    output.__init_args__ = OrderedDict()  # it had no arguments yet
    optimizer = torch.optim.Adam(network.parameters())
    return {
        "epoch": 3,
        "global_step": 100,
        "pytorch-lightning_version": "2.0.4",
        "state_dict": OrderedDict((f"model.{name}", value) for name, value in network.state_dict().items()),
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [],
        "hparams_name": "kwargs",
        "hyper_parameters": {
            "model_kwargs": architecture | {"distr_output": output, "num_parallel_samples": 100},
            "context_length": 32,
            "prediction_length": 1,
            "loss": module.NegativeLogLikelihood(),
            "lr": 0.0001,
        },
    }


def save_lightning(path):
    """Write a checkpoint of the published architecture, for 32 days, with random weights."""
    with pytest.MonkeyPatch.context() as patch:
        torch.save(lightning_content(load_untrained(3, 32), PUBLISHED, patch), path)
