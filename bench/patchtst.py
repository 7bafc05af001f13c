"""Measure an epoch of PatchTST's training against the same network of torch.nn.TransformerEncoderLayer; see README.md.

Also against its matrix products alone, the limit.
"""

import argparse
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import numpy as np  # noqa: E402
from figures import note  # noqa: E402

from fd01.data.indicators import INDICATORS  # noqa: E402
from fd01.data.prices import build_dataset, load_packaged  # noqa: E402
from fd01.models import patchtst  # noqa: E402

TRAINED, MONITORED = 3183, 562  # windows of the default study
build_network = patchtst.build_network


def usual_network(channels, settings):
    """The same network, its encoder and its dropout from torch."""
    from torch import nn

    rate, width = settings["dropout"], settings["d_model"]
    layer = nn.TransformerEncoderLayer(
        width, settings["heads"], settings["d_ff"], rate, activation="gelu", batch_first=True, norm_first=True
    )
    network = build_network(channels, settings)
    network.encoder = nn.TransformerEncoder(
        layer, settings["layers"], norm=nn.LayerNorm(width), enable_nested_tensor=False
    )
    network.dropout = nn.Dropout(rate)
    return network


def epoch(build, data, settings):
    """CPU seconds of one epoch of `patchtst.train` with the network of `build`."""
    start = time.process_time()
    with mock.patch.object(patchtst, "build_network", build):
        patchtst.train(*data, settings | {"max_epochs": 1}, seed=0)
    return time.process_time() - start


def products(network, tokens):
    """CPU seconds of the matrix products of a step on `tokens` patches, forward and backward, without attention."""
    import torch

    weights = [
        value.detach()
        for name, value in network.named_parameters()
        if name.endswith("weight") and value.dim() == 2 and not name.startswith("head")
    ]
    factors = [(weight, *(torch.randn(tokens, size) for size in weight.shape)) for weight in weights]
    start = time.process_time()
    for weight, gradient, x in factors:
        x @ weight.T, gradient @ weight, gradient.T @ x
    return time.process_time() - start


def largest_difference(data, settings):
    """Of the logits and of the gradients, with the same weights and without dropout; relative to the largest value."""
    import torch

    networks = [build(data[0].shape[2], settings | {"dropout": 0.0}) for build in (build_network, usual_network)]
    networks[1].load_state_dict(networks[0].state_dict())
    results = []
    for network in networks:
        logits = network(torch.from_numpy(data[0][: settings["batch_size"]]))
        logits.square().sum().backward()
        results.append([logits.detach(), *(parameter.grad for parameter in network.parameters())])
    return max(((ours - usual).abs().max() / usual.abs().max()).item() for ours, usual in zip(*results))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", default="PTST-2M", help="whose settings (default: PTST-2M)")
    parser.add_argument("--rounds", type=int, default=5, help="epochs of each network (default: 5)")
    parser.add_argument("--threads", type=int, default=1, help="threads (default: 1, as in the study)")
    arguments = parser.parse_args()
    import torch
    import yaml

    torch.set_num_threads(arguments.threads)
    settings = yaml.safe_load((ROOT / "config.yaml").read_text())["experiments"][arguments.experiment]["settings"]
    dataset = build_dataset(load_packaged())
    rows = settings["context"] + np.arange(TRAINED + MONITORED)
    x = patchtst.windows(dataset[INDICATORS].to_numpy(float), rows, settings["context"])
    y = (dataset["Close"].pct_change().shift(-1).to_numpy()[rows] > 0.01).astype(float)
    data = x[:TRAINED], y[:TRAINED], x[TRAINED:], y[TRAINED:]
    builds = {"torch.nn.TransformerEncoderLayer": usual_network, "ours": build_network}
    for build in builds.values():  # warm up
        epoch(build, (*(part[: 2 * settings["batch_size"]] for part in data[:2]), *data[2:]), settings)
    network, batches = build_network(x.shape[2], settings), -(-TRAINED // settings["batch_size"])
    tokens = settings["batch_size"] * len(network.position)
    seconds, limit = {name: [] for name in builds}, []
    for _ in range(arguments.rounds):
        for name, build in builds.items():
            seconds[name].append(epoch(build, data, settings))
        limit.append(sum(products(network, tokens) for _ in range(batches)))
    usual, ours = (statistics.median(seconds[name]) for name in builds)
    cpu = torch.cpu.get_capabilities()["cpu_name"]
    ratios = sorted(mine / theirs for theirs, mine in zip(*seconds.values()))
    print("| what | measured | target |\n|---|---|---|")
    print(f"| CPU | {cpu}, threads: {arguments.threads}; torch {version('torch')} | |")
    print(f"| windows | {TRAINED} to train on, {MONITORED} to stop on, {arguments.experiment} | |")
    print(f"| torch.nn.TransformerEncoderLayer, an epoch | {usual:.2f} CPU s | |")
    print(f"| ours, an epoch | {ours:.2f} CPU s | |")
    spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    print(f"| ratio, median of {arguments.rounds} pairs | {spread} | at most 0.80 |")
    print(f"| the matrix products of its linear layers alone | {statistics.median(limit):.2f} CPU s | |")
    note("PatchTST, an epoch", ours, usual, statistics.median(limit))
    print(f"| largest difference of logits and gradients, relative | {largest_difference(data, settings):.1e} | |")
