"""Training with early stopping and checkpoints."""

import logging
import os
from pathlib import Path

import numpy as np

from fd01.models.early_stopping import best_epoch, is_over
from fd01.workflow.errors import NotRun
from fd01.workflow.files import digest


def autocast(device, dtype):
    """Context in which matrix products run in `dtype`."""
    import torch

    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype == "bfloat16")


def train(network, training, monitor, settings, rate, seed, checkpoint):
    """Train with Adam; stop early on the loss of the monitor set, and go back to its best epoch.

    Parameters
    ----------
    network : torch.nn.Module
        Gives the mean loss of a batch when called with its parts; only what requires a gradient is trained.
    training, monitor : tuples of tensors whose first dimension is the sample
    settings : dict with batch_size, max_epochs, patience (epochs) and dtype
    rate : float, learning rate
    seed : int, of the order of the batches
    checkpoint : path
        Written after each epoch; if it is there, training goes on from it and ends with the same weights.

    Returns
    -------
    list of dict with epoch, train_loss, monitor_loss, and selected, true for the epoch whose weights are kept
    """
    import torch
    from tqdm import tqdm

    device = next(network.parameters()).device
    trainable = {name: value for name, value in network.named_parameters() if value.requires_grad}
    optimizer = torch.optim.Adam(trainable.values(), lr=rate)
    order = torch.Generator().manual_seed(seed)
    state = {"curve": [], "best": None}
    if os.path.exists(checkpoint):
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        _restore(trainable, state["weights"])
        optimizer.load_state_dict(state["optimizer"])
        order.set_state(state["order"].cpu())
        logging.info("going on after epoch %d", len(state["curve"]))
    curve = state["curve"]

    def losses(data, batches, step):
        total = 0.0
        for batch in tqdm(batches, unit="batch", mininterval=5, leave=False):
            with autocast(device, settings["dtype"]):
                loss = network(*(part[batch].to(device) for part in data))
            step(loss)
            total += loss.item() * len(batch)
        return total / len(data[0])

    def descend(loss):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def monitored():
        return [row["monitor_loss"] for row in curve]

    while not is_over(monitored(), settings["max_epochs"], settings["patience"]):
        network.train()
        loss = losses(
            training, torch.randperm(len(training[0]), generator=order).split(settings["batch_size"]), descend
        )
        network.eval()
        with torch.no_grad():
            after = losses(monitor, torch.arange(len(monitor[0])).split(settings["batch_size"]), lambda loss: None)
        if not np.isfinite(after):
            if not curve:
                raise NotRun(f"the training diverged at the learning rate {rate:g}")
            after = np.inf
        curve.append({"epoch": len(curve) + 1, "train_loss": loss, "monitor_loss": after})
        logging.info("epoch %d: loss %.5f, monitor loss %.5f", len(curve), loss, after)
        if best_epoch(monitored()) == len(curve):
            state["best"] = {name: value.detach().clone() for name, value in trainable.items()}
        state |= {"weights": dict(trainable), "optimizer": optimizer.state_dict(), "order": order.get_state()}
        torch.save(state, f"{checkpoint}.part")
        os.replace(f"{checkpoint}.part", checkpoint)
    _restore(trainable, state["best"])
    return [row | {"selected": row["epoch"] == best_epoch(monitored())} for row in curve]


def _restore(trainable, weights):
    import torch

    with torch.no_grad():
        for name, value in trainable.items():
            value.copy_(weights[name])


def checkpoint_of(scores_path, *begin):
    """Path of the checkpoint of a training whose scores go to `scores_path`.

    `begin` is all that the training begins with, as JSON values: it goes on only from a checkpoint that began alike.
    """
    return Path(scores_path).with_suffix(f".{digest(begin)[:12]}.checkpoint")
