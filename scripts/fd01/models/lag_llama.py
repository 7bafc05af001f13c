"""Lag-Llama through sktime's copy of it: checkpoint, forward pass, predictive distribution, hidden states.

Rasul et al., "Lag-Llama: Towards Foundation Models for Probabilistic Time Series Forecasting", 2023.
"""

import json
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from fd01.models.frozen import open_models
from fd01.models.lag_llama_checkpoint import ARCHITECTURE, WEIGHTS
from fd01.workflow.errors import UserError

UNTRAINED = "none: random (PyTorch's default initialisation)"
LAGS = """
0 7 8 10 11 12 13 14 19 20 21 22 23 24 26 27 28 29 30 34 35 36 46 47 48 50 51 52 55 57 58 59 60 61 70 71 72 83
94 95 96 102 103 104 117 118 119 120 121 142 143 144 154 155 156 166 167 168 177 178 179 180 181 334 335 336
362 363 364 502 503 504 670 671 672 718 719 720 726 727 728 1090 1091 1092
"""
# The published architecture, for untrained twins; a checkpoint brings its own.
PUBLISHED = {
    "context_length": 32,
    "max_context_length": 2048,
    "input_size": 1,
    "n_layer": 8,
    "n_head": 9,
    "n_embd_per_head": 16,
    "scaling": "robust",
    "rope_scaling": None,
    "time_feat": True,
    "dropout": 0.0,
    "lags_seq": [int(lag) for lag in LAGS.split()],
}


def build(architecture, context):
    """The network for a context of `context` days; beyond its native one the positions are scaled linearly.

    The scaling is that of its authors: factor (context + 1) / native context.
    """
    warnings.filterwarnings("ignore", module="gluonts")  # about its own code
    from gluonts.torch.distributions import StudentTOutput
    from sktime.libs.lag_llama.model.module import LagLlamaModel

    architecture = dict(architecture)
    native = architecture["context_length"]
    if context > native:
        architecture["rope_scaling"] = {"type": "linear", "factor": (context + 1) / native}
    network = LagLlamaModel(**architecture | {"context_length": context}, distr_output=StudentTOutput())
    return network.to(device()).eval()


def device():
    """`cuda` if there is a GPU, else `cpu`."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def load(folder, context):
    """The network with the converted weights in `folder`; strict, RuntimeError where a tensor does not fit."""
    from safetensors.torch import load_file

    folder = Path(folder)
    network = build(json.loads((folder / ARCHITECTURE).read_text()), context)
    network.load_state_dict(load_file(folder / WEIGHTS), strict=True)
    return network


def load_untrained(seed, context):
    """The published architecture with random weights."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build(PUBLISHED, context)


def models_of(settings, seeds, manifest):
    """`fd01.models.frozen.open_models` of an arm."""
    at_context = (partial(loader, context=settings["context"]) for loader in (load, load_untrained))
    return open_models(settings["weights"], seeds, manifest, *at_context, UNTRAINED)


def history(network):
    """Number of values that a forecast needs: the context and the longest lag."""
    return network.context_length + max(network.lags_seq)


def time_features(dates):
    """What the network is told of each date, float32 array of shape (days, 6), as gluonts makes it for daily data.

    Second, minute and hour (-0.5), day of the week, of the month and of the year, each from -0.5 to 0.5.
    """
    dates = pd.DatetimeIndex(dates)
    of_day = np.full(len(dates), -0.5)
    columns = [
        of_day,
        of_day,
        of_day,
        dates.dayofweek / 6 - 0.5,
        (dates.day - 1) / 30 - 0.5,
        (dates.dayofyear - 1) / 365 - 0.5,
    ]
    return np.column_stack(columns).astype(np.float32)


def pasts(series, rows, needed):
    """The `needed` values up to and including each row, float32 array of shape (rows, needed).

    Raises `UserError` where there are fewer (the library would fill up with zeros in silence), ValueError where one is
    not finite.
    """
    first = int(np.isnan(series[0]))
    missing = needed - (rows.min() + 1 - first)
    if missing > 0:
        raise UserError(
            f"Lag-Llama needs {needed} values before a forecast: for row {rows.min()} {missing} are missing"
        )
    window = series[rows[:, None] + np.arange(1 - needed, 1)]
    if not np.isfinite(window).all():
        raise ValueError("a window has values that are not finite")
    return window.astype(np.float32)


def distribution(network, past, features):
    """One differentiable pass: the predictive Student-t of the next value.

    Parameters
    ----------
    past : tensor, shape (n, context + longest lag)
    features : tensor, shape (n, context + longest lag, 6)

    Returns
    -------
    df, loc, scale : tensors, shape (n,), in units of `past`
    """
    import torch

    # For one step the features of the next day are cut off again.
    ahead = features[:, -1:]
    (df, loc, scale), centre, spread = network(past, torch.ones_like(past), features, ahead)
    return df[:, -1], centre[:, 0] + spread[:, 0] * loc[:, -1], spread[:, 0] * scale[:, -1]


def run(network, series, features, rows, batch_size=128):
    """Predictive distribution and hidden states of every row, from one frozen pass.

    Returns
    -------
    parameters : float64 array, shape (rows, 3): df, loc and scale, in units of the series
    states : float32 array, shape (rows, 1440): the last token after each of the eight blocks and after the final norm,
        then the mean over all tokens after the final norm
    """
    import torch
    from tqdm import tqdm

    last, mean, needed = [], [], history(network)

    def keep(module, inputs, output):
        last.append(output[:, -1])

    def keep_mean(module, inputs, output):
        mean.append(output.mean(dim=1))

    norm = network.transformer.ln_f
    hooks = [layer.register_forward_hook(keep) for layer in (*network.transformer.h, norm)]
    hooks.append(norm.register_forward_hook(keep_mean))
    parameters, states = [], []
    target = next(network.parameters()).device
    try:
        with torch.inference_mode(), tqdm(total=len(rows), unit="window", mininterval=5) as bar:
            for start in range(0, len(rows), batch_size):
                batch = rows[start : start + batch_size]
                past = torch.from_numpy(pasts(series, batch, needed)).to(target)
                known = torch.from_numpy(features[batch[:, None] + np.arange(1 - needed, 1)]).to(target)
                last.clear(), mean.clear()
                parameters.append(torch.stack(distribution(network, past, known), dim=1).cpu())
                states.append(torch.cat([*last, *mean], dim=1).cpu())
                bar.update(len(batch))
    finally:
        for hook in hooks:
            hook.remove()
    return torch.cat(parameters).double().numpy(), torch.cat(states).float().numpy()
