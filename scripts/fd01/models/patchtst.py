"""PatchTST as a classifier: the network of the original study, and its training.

Nie et al., "A Time Series is Worth 64 Words", ICLR 2023, with two changes of the original study: a patch holds all
channels, and a linear layer on all tokens gives one logit.
"""

import logging
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fd01.models.early_stopping import best_epoch, is_over

AT_ONCE = 2 * 2**30  # bytes of windows that are held in memory
PIECE = 10_000  # windows that are standardised at a time: that takes four times their own memory


def windows(values, rows, context, first=0):
    """The last `context` days up to and including each row, every channel of every window standardised.

    Each channel of each window has its mean subtracted and is divided by its standard deviation (instance
    normalisation: Kim et al., RevIN, ICLR 2022). In float64, as the large values of OBV need the digits.

    Parameters
    ----------
    values : array, shape (days, channels)
    rows : int array, shape (n,)
    context : int, days
    first : int, or int array of shape (n,)
        The first row of the series of each row.

    Returns
    -------
    float32 array, shape (n, context, channels)

    Raises
    ------
    ValueError
        If a row has fewer than `context` days.
    """
    if (short := rows - first < context - 1).any():
        raise ValueError(f"row {rows[short][0]} has fewer than {context} days of history")
    view = sliding_window_view(values, context, axis=0)[rows - context + 1]  # (n, channels, context)
    centred = view - view.mean(axis=2, keepdims=True)
    scaled = centred / np.sqrt(centred.var(axis=2, keepdims=True) + 1e-5)
    return scaled.transpose(0, 2, 1).astype(np.float32)


@dataclass(frozen=True)
class Windows:
    """The `windows` of rows, cut when a batch of them is asked for: those of many series would not fit into memory.

    `windows[positions]` is the float32 array of the rows at these positions, shape (n, context, channels).

    Attributes
    ----------
    values, rows, context, first
        As `windows` takes them; `first` has the shape of `rows`.
    """

    values: np.ndarray
    rows: np.ndarray
    context: int
    first: np.ndarray

    def __len__(self):
        return len(self.rows)

    @property
    def shape(self):
        """The shape that all windows together would have."""
        return len(self), self.context, self.values.shape[1]

    def __getitem__(self, positions):
        return windows(self.values, self.rows[positions], self.context, self.first[positions])

    def in_memory(self):
        """All of them as one array, cut once and not in every epoch; these `Windows` where that would be too large."""
        if 4 * np.prod(self.shape) > AT_ONCE:
            return self
        cut = np.empty(self.shape, np.float32)
        for start in range(0, len(self), PIECE):
            cut[start : start + PIECE] = self[start : start + PIECE]
        return cut


def dropout(x, probability):
    """Set each value of a float tensor to 0 with `probability`, and divide the others by what is left of 1.

    As `torch.nn.functional.dropout`, with 16 random bits for each value in place of a random number: on a CPU they cost
    a tenth. The probability is a multiple of 2**-16, the nearest one.
    """
    import torch

    words = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device).random_(-(2**63), None)
    bits = words.view(torch.int16)[: x.numel()].view(x.shape)
    keep = torch.ge(bits, min(round(probability * 2**16), 2**16 - 1) - 2**15, out=torch.empty_like(x))
    return x * keep.div_(1 - probability)


def softmax(x):
    """`torch.softmax` over the last dimension of a tensor.

    On a CPU PyTorch takes five times as long for rows of fewer than 16 values as for rows of 16, but not for columns.
    """
    import torch

    if x.device.type == "cpu" and x.shape[-1] < 16:
        return torch.softmax(x.movedim(-1, 0).contiguous(), dim=0).movedim(0, -1)
    return torch.softmax(x, dim=-1)


def build_network(channels, settings):
    """A torch module that maps windows, float32 of shape (n, context, channels), to logits, shape (n,).

    `settings` has context, patch_length and stride (days), d_model, layers, heads, d_ff and dropout.
    """
    import torch
    from torch import nn

    class Dropout(nn.Dropout):
        def forward(self, x):
            return dropout(x, self.p) if self.training else x

    class EncoderLayer(nn.TransformerEncoderLayer):
        """The same weights and the same result as its parent, without masks and in fewer steps."""

        def __init__(self, *sizes, **options):
            super().__init__(*sizes, **options)
            self.dropout = Dropout(settings["dropout"])

        def forward(self, x, **masks):
            attention, drop = self.self_attn, self.dropout
            projected = nn.functional.linear(self.norm1(x), attention.in_proj_weight, attention.in_proj_bias)
            # Each of shape (n, heads, patches, d_model / heads).
            query, key, value = projected.unflatten(2, (3, attention.num_heads, -1)).permute(2, 0, 3, 1, 4)
            shares = softmax(query @ key.mT / attention.head_dim**0.5)
            x = x + drop(attention.out_proj((drop(shares) @ value).transpose(1, 2).flatten(2)))
            return x + drop(self.linear2(drop(self.activation(self.linear1(self.norm2(x))))))

    class PatchTST(nn.Module):
        def __init__(self):
            super().__init__()
            d_model, self.patch, self.stride = settings["d_model"], settings["patch_length"], settings["stride"]
            patches = (settings["context"] - self.patch) // self.stride + 1
            self.scale = nn.Parameter(torch.ones(channels))
            self.shift = nn.Parameter(torch.zeros(channels))
            self.embed = nn.Linear(channels * self.patch, d_model)
            self.position = nn.Parameter(0.02 * torch.randn(patches, d_model))
            layer = EncoderLayer(
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
            self.dropout = Dropout(settings["dropout"])
            self.head = nn.Linear(patches * d_model, 1)

        def forward(self, x):
            patches = x.unfold(1, self.patch, self.stride) * self.scale[:, None] + self.shift[:, None]
            # From (n, patches, channels, patch) to (n, patches, channels * patch).
            tokens = self.encoder(self.dropout(self.embed(patches.flatten(2)) + self.position))
            return self.head(self.dropout(tokens.flatten(1))).squeeze(1)

    return PatchTST()


def predict(network, x, batch_size=1024):
    """Probabilities, float64 array of shape (n,), of `x`: `Windows`, or a float32 array (n, context, channels)."""
    import torch

    network.eval()
    device = next(network.parameters()).device
    with torch.inference_mode():
        batches = (torch.from_numpy(x[start : start + batch_size]) for start in range(0, len(x), batch_size))
        logits = [network(batch.to(device)).cpu() for batch in batches]
    return torch.sigmoid(torch.cat(logits).double()).numpy()


def train(x, y, x_monitor, y_monitor, settings, seed, device="cpu", auc=None):
    """Train one network by binary cross-entropy with Adam; stop early on the AUC of the monitor set.

    Parameters
    ----------
    x, x_monitor : `Windows`, or float32 arrays of shape (n, context, channels)
    y, y_monitor : float arrays, shape (n,), 0 or 1
    settings : dict
        Those of `build_network`, learning_rate, batch_size, max_epochs, patience (epochs), and selection: `inner`
        keeps the weights of the epoch with the best AUC, `study` those of the last epoch, as the original study did.
    seed : int
        It fixes the weights, the dropout and the order of the batches.
    auc : function of `y_monitor` and scores, optional
        The AUC of the monitor set, where days of several series are not to be ranked against each other.

    Returns
    -------
    network : torch.nn.Module
    curve : list of dict, one per epoch
        epoch, train_loss (mean over the epoch, nats), monitor_auc, and selected, true for the epoch whose weights are
        kept.
    """
    import torch
    from sklearn.metrics import roc_auc_score

    auc = auc or roc_auc_score
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=device != "cpu")
    torch.utils.deterministic.fill_uninitialized_memory = False  # a search for mistakes, which costs 4 % of the time
    network = build_network(x.shape[2], settings).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings["learning_rate"], fused=True)
    loss_function = torch.nn.BCEWithLogitsLoss()
    y = torch.from_numpy(y).float()
    curve, losses, best_weights = [], [], None
    while not is_over(losses, settings["max_epochs"], settings["patience"]):
        network.train()
        total = 0.0
        for batch in torch.randperm(len(x)).split(settings["batch_size"]):
            optimizer.zero_grad()
            loss = loss_function(network(torch.from_numpy(x[batch.numpy()]).to(device)), y[batch].to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        losses.append(-auc(y_monitor, predict(network, x_monitor)))
        curve.append({"epoch": len(losses), "train_loss": total / len(x), "monitor_auc": -losses[-1]})
        logging.info("epoch %d: loss %.4f, monitor AUC %.4f", len(losses), total / len(x), -losses[-1])
        if best_epoch(losses) == len(losses):
            best_weights = {name: value.clone() for name, value in network.state_dict().items()}
    selected = len(losses)
    if settings["selection"] == "inner":
        network.load_state_dict(best_weights)
        selected = best_epoch(losses)
    return network, [row | {"selected": row["epoch"] == selected} for row in curve]
