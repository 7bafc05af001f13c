"""PatchTST as a classifier: the network of the study, and its training.

Nie et al., "A Time Series is Worth 64 Words", ICLR 2023, with the study's changes: patches mix all
channels, and a linear head on all tokens gives one logit.
"""

import logging

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fd01.models.early_stopping import best_epoch, is_over


def windows(values, rows, context):
    """The `context` days up to and including each row, standardised by themselves.

    Each channel of each window has its own mean removed and is divided by its own standard deviation
    (instance normalisation, Kim et al., RevIN, ICLR 2022), in float64 as OBV needs its digits.

    Parameters
    ----------
    values : array, shape (days, channels)
    rows : int array, shape (n,), each at least context - 1

    Returns
    -------
    float32 array, shape (n, context, channels)
    """
    if rows.min() < context - 1:
        raise ValueError(f"row {rows.min()} has fewer than {context} days of history")
    view = sliding_window_view(values, context, axis=0)[rows - context + 1]  # (n, channels, context)
    centred = view - view.mean(axis=2, keepdims=True)
    scaled = centred / np.sqrt(centred.var(axis=2, keepdims=True) + 1e-5)
    return scaled.transpose(0, 2, 1).astype(np.float32)


def build_network(channels, settings):
    """The network: float32 windows (n, context, channels) to logits (n,).

    `settings` has context, patch_length, stride (days), d_model, layers, heads, d_ff, dropout.
    """
    import torch
    from torch import nn

    class PatchTST(nn.Module):
        def __init__(self):
            super().__init__()
            d_model, self.patch, self.stride = settings["d_model"], settings["patch_length"], settings["stride"]
            patches = (settings["context"] - self.patch) // self.stride + 1
            self.scale = nn.Parameter(torch.ones(channels))
            self.shift = nn.Parameter(torch.zeros(channels))
            self.embed = nn.Linear(channels * self.patch, d_model)
            self.position = nn.Parameter(0.02 * torch.randn(patches, d_model))
            layer = nn.TransformerEncoderLayer(
                d_model,
                settings["heads"],
                settings["d_ff"],
                settings["dropout"],
                activation="gelu",
                batch_first=True,
                norm_first=True,
            )
            self.encoder = nn.TransformerEncoder(
                layer, settings["layers"], norm=nn.LayerNorm(d_model), enable_nested_tensor=False
            )
            self.dropout = nn.Dropout(settings["dropout"])
            self.head = nn.Linear(patches * d_model, 1)

        def forward(self, x):
            x = x * self.scale + self.shift
            patches = x.unfold(1, self.patch, self.stride).flatten(2)  # (n, patches, channels * patch)
            tokens = self.encoder(self.dropout(self.embed(patches) + self.position))
            return self.head(self.dropout(tokens.flatten(1))).squeeze(1)

    return PatchTST()


def predict(network, x, batch_size=1024):
    """Probabilities, float64 array of shape (n,), of windows `x`."""
    import torch

    network.eval()
    device = next(network.parameters()).device
    with torch.inference_mode():
        logits = [network(batch.to(device)).cpu() for batch in torch.from_numpy(x).split(batch_size)]
    return torch.sigmoid(torch.cat(logits).double()).numpy()


def train(x, y, x_monitor, y_monitor, settings, seed, device="cpu"):
    """Train one network by binary cross-entropy with Adam; stop early on the AUC of the monitor set.

    Parameters
    ----------
    x, x_monitor : float32 arrays, shape (n, context, channels)
    y, y_monitor : float arrays, shape (n,), 0 or 1
    settings : dict
        Those of `build_network` and learning_rate, batch_size, max_epochs, patience (epochs) and
        selection: `inner` returns the epoch of the best monitor AUC, `study` the last epoch.
    seed : int
        Seeds the weights, the dropout and the order of the batches.

    Returns
    -------
    network : torch.nn.Module
    curve : list of dict with epoch, train_loss (mean over the epoch, nats), monitor_auc, and selected,
        true for the one epoch whose weights are returned.
    """
    import torch
    from sklearn.metrics import roc_auc_score

    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=device != "cpu")
    network = build_network(x.shape[2], settings).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings["learning_rate"], fused=True)
    loss_function = torch.nn.BCEWithLogitsLoss()
    x, y = torch.from_numpy(x), torch.from_numpy(y).float()
    curve, losses, best_weights = [], [], None
    while not is_over(losses, settings["max_epochs"], settings["patience"]):
        network.train()
        total = 0.0
        for batch in torch.randperm(len(x)).split(settings["batch_size"]):
            optimizer.zero_grad()
            loss = loss_function(network(x[batch].to(device)), y[batch].to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        auc = roc_auc_score(y_monitor, predict(network, x_monitor))
        losses.append(-auc)
        curve.append({"epoch": len(losses), "train_loss": total / len(x), "monitor_auc": auc})
        logging.info("epoch %d: loss %.4f, monitor AUC %.4f", len(losses), total / len(x), auc)
        if best_epoch(losses) == len(losses):
            best_weights = {name: value.clone() for name, value in network.state_dict().items()}
    selected = len(losses)
    if settings["selection"] == "inner":
        network.load_state_dict(best_weights)
        selected = best_epoch(losses)
    return network, [row | {"selected": row["epoch"] == selected} for row in curve]
