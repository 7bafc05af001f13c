"""Training with early stopping, and with checkpoints from which an interrupted training goes on."""

import logging
import os
from pathlib import Path

import numpy as np

from fd01.models.early_stopping import best_epoch, is_over
from fd01.workflow.errors import NotRun
from fd01.workflow.files import digest


def autocast(device, dtype):
    """Context in which matrix products run in `dtype`, `float32` or `bfloat16`; `device` is a torch.device."""
    import torch

    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype == "bfloat16")


def train(network, training, monitor, settings, rate, seed, checkpoint):
    """Train with Adam; stop early on the loss of the monitor set, and restore the weights of the best epoch.

    Parameters
    ----------
    network : torch.nn.Module
        Called with the tensors of a batch, it gives their mean loss. Only weights that require a gradient are trained.
    training, monitor : tuples of tensors whose first dimension is the sample
    settings : dict with batch_size, max_epochs, patience (epochs) and dtype
    rate : float, learning rate
    seed : int, it fixes the order of the batches
    checkpoint : path
        Written after each epoch. If it exists, the training goes on from it and ends with the same weights.

    Returns
    -------
    list of dict, one per epoch
        epoch, train_loss, monitor_loss, and selected, true for the epoch whose weights are kept.

    Raises
    ------
    NotRun
        If the loss of the monitor set is not finite after the first epoch.
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

    def mean_loss(data, batches, after_batch=None):
        """Mean over the samples; `after_batch` is called with the loss of each batch."""
        total = 0.0
        for batch in tqdm(batches, unit="batch", mininterval=5, leave=False):
            with autocast(device, settings["dtype"]):
                loss = network(*(part[batch].to(device) for part in data))
            if after_batch:
                after_batch(loss)
            total += loss.item() * len(batch)
        return total / len(data[0])

    def descend(loss):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def monitor_losses():
        return [epoch["monitor_loss"] for epoch in curve]

    size = settings["batch_size"]
    while not is_over(monitor_losses(), settings["max_epochs"], settings["patience"]):
        network.train()
        train_loss = mean_loss(training, torch.randperm(len(training[0]), generator=order).split(size), descend)
        network.eval()
        with torch.no_grad():
            monitor_loss = mean_loss(monitor, torch.arange(len(monitor[0])).split(size))
        if not np.isfinite(monitor_loss):
            if not curve:
                raise NotRun(f"the training diverged at the learning rate {rate:g}")
            monitor_loss = np.inf
        curve.append({"epoch": len(curve) + 1, "train_loss": train_loss, "monitor_loss": monitor_loss})
        logging.info("epoch %d: loss %.5f, monitor loss %.5f", len(curve), train_loss, monitor_loss)
        if best_epoch(monitor_losses()) == len(curve):
            state["best"] = {name: value.detach().clone() for name, value in trainable.items()}
        state |= {"weights": dict(trainable), "optimizer": optimizer.state_dict(), "order": order.get_state()}
        torch.save(state, f"{checkpoint}.part")
        os.replace(f"{checkpoint}.part", checkpoint)
    _restore(trainable, state["best"])
    return [epoch | {"selected": epoch["epoch"] == best_epoch(monitor_losses())} for epoch in curve]


def _restore(trainable, weights):
    import torch

    with torch.no_grad():
        for name, value in trainable.items():
            value.copy_(weights[name])


def checkpoint_path(scores_path, *start):
    """Path of the checkpoint of a training whose scores go to `scores_path`.

    `start` is everything that decides how the training begins, as JSON values. Its digest is part of the name, so that
    a training never goes on from a checkpoint that began in another way.
    """
    return Path(scores_path).with_suffix(f".{digest(start)[:12]}.checkpoint")
