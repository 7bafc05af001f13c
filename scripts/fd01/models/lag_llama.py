"""Lag-Llama: the network, its predictive distribution, and its hidden states.

Rasul et al., "Lag-Llama: Towards Foundation Models for Probabilistic Time Series Forecasting", 2023; the network is the
copy of it in `sktime`.
"""

import json
import sys
import warnings
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec, module_from_spec
from pathlib import Path

import numpy as np
import pandas as pd

from fd01.models.frozen import open_models
from fd01.models.lag_llama_checkpoint import ARCHITECTURE, WEIGHTS
from fd01.workflow.errors import UserError

# What the provenance says of random weights.
UNTRAINED = "none: random (PyTorch's default initialisation)"
LAGS = """
0 7 8 10 11 12 13 14 19 20 21 22 23 24 26 27 28 29 30 34 35 36 46 47 48 50 51 52 55 57 58 59 60 61 70 71 72 83
94 95 96 102 103 104 117 118 119 120 121 142 143 144 154 155 156 166 167 168 177 178 179 180 181 334 335 336
362 363 364 502 503 504 670 671 672 718 719 720 726 727 728 1090 1091 1092
"""
# The published architecture, for untrained twins. A checkpoint states its architecture itself.
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


def build(architecture, context, horizon=1):
    """The network for a context of `context` days and forecasts of `horizon` days; on a GPU if there is one.

    Beyond the native context its rotary positions are scaled linearly, as its authors do it: by the factor
    (context + horizon) / native context.
    """
    warnings.filterwarnings("ignore", module="gluonts")  # deprecations in its own code
    with without_init("gluonts.torch"):
        from gluonts.torch.distributions import StudentTOutput
        from sktime.libs.lag_llama.model.module import LagLlamaModel

    architecture = dict(architecture)
    native = architecture["context_length"]
    if context > native:
        architecture["rope_scaling"] = {"type": "linear", "factor": (context + horizon) / native}
    network = LagLlamaModel(**architecture | {"context_length": context}, distr_output=StudentTOutput())
    return network.to(device()).eval()


@contextmanager
def without_init(package):
    """Import modules of `package` in this block without its `__init__`, if it has not run yet.

    That of `gluonts.torch` imports all its models and, for them, Lightning: four seconds for what is not used here.
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = module_from_spec(find_spec(package))  # not run
    try:
        yield
    finally:
        del sys.modules[package]  # whoever imports the package itself later gets all of it


def device():
    """Name of the device: `cuda` if there is a GPU, else `cpu`."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def load(folder, context, horizon=1):
    """The network with the weights in `folder`, as `fd01.models.lag_llama_checkpoint.convert` writes them.

    `context` and `horizon` are as for `build`. Raises RuntimeError if a tensor is missing, superfluous or of another
    shape.
    """
    from safetensors.torch import load_file

    folder = Path(folder)
    network = build(json.loads((folder / ARCHITECTURE).read_text()), context, horizon)
    network.load_state_dict(load_file(folder / WEIGHTS), strict=True)
    return network


def load_untrained(seed, context):
    """The published architecture with random weights, which depend on `seed` alone."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build(PUBLISHED, context)


def open_lag_llama(settings, seeds, manifest):
    """`fd01.models.frozen.open_models` for an experiment with these `settings`, `weights` and `context`."""
    load_pretrained, load_random = (partial(loader, context=settings["context"]) for loader in (load, load_untrained))
    return open_models(settings["weights"], seeds, manifest, load_pretrained, load_random, UNTRAINED)


def history_length(network):
    """Number of values that a forecast needs: the context and the longest lag before its first day."""
    return network.context_length + max(network.lags_seq)


def time_features(dates):
    """Time features of each date, float32 array of shape (days, 6), as gluonts computes them for daily data.

    Second, minute and hour (all -0.5), then day of the week, of the month and of the year, scaled to -0.5 .. 0.5.
    """
    dates = pd.DatetimeIndex(dates)
    midnight = np.full(len(dates), -0.5)
    columns = [
        midnight,
        midnight,
        midnight,
        dates.dayofweek / 6 - 0.5,
        (dates.day - 1) / 30 - 0.5,
        (dates.dayofyear - 1) / 365 - 0.5,
    ]
    return np.column_stack(columns).astype(np.float32)


def past_values(series, rows, needed):
    """The last `needed` values up to and including each row, float32 array of shape (n, needed).

    Parameters
    ----------
    series : array, shape (days,); its first value may be NaN
    rows : int array, shape (n,)
    needed : int, see `history_length`

    Raises
    ------
    UserError
        If there are fewer values: the library would silently pad the window with zeros.
    ValueError
        If a value is not finite.
    """
    first = int(np.isnan(series[0]))
    missing = needed - (rows.min() + 1 - first)
    if missing > 0:
        raise UserError(
            f"Lag-Llama needs {needed} values before a forecast: for row {rows.min()} {missing} are missing. "
            "Use prices that begin earlier, or a shorter context."
        )
    window = series[rows[:, None] + np.arange(1 - needed, 1)]
    if not np.isfinite(window).all():
        raise ValueError("a window has values that are not finite")
    return window.astype(np.float32)


def distribution(network, past, features, observed=None):
    """Forward pass, differentiable: the predictive Student-t distribution of the next value.

    Parameters
    ----------
    past : tensor, shape (n, needed), as `past_values` gives it; or longer, with what was forecast so far
    features : tensor, shape (n, needed, 6), the time features of the same days
    observed : tensor, shape (n, needed), optional
        1 where `past` has a value and 0 where it is filled up; without it, every value counts.

    Returns
    -------
    df, loc, scale : tensors, shape (n,), the last two in units of `past`
    """
    import torch

    # The network wants features of the next day too, and drops them where it forecasts one step.
    ahead = features[:, -1:]
    observed = torch.ones_like(past) if observed is None else observed
    (df, loc, scale), window_loc, window_scale = network(past, observed, features, ahead)
    return df[:, -1], window_loc[:, 0] + window_scale[:, 0] * loc[:, -1], window_scale[:, 0] * scale[:, -1]


def sampled_means(network, values, dates, samples, seed):
    """Forecasts of a series as the authors' package makes them: the mean of paths that are sampled day by day.

    A path is continued with its own samples. In front of a short series stand zeros that do not count as observed.

    Parameters
    ----------
    network : as `load` returns it, for a horizon of h days
    values : array, shape (n,), at most `history_length`
    dates : dates, shape (n + h,), of the values and of the days to forecast
    samples, seed : int

    Returns
    -------
    float64 array, shape (h,), in units of `values`
    """
    import torch

    needed = history_length(network)
    network_device = next(network.parameters()).device
    past, observed = torch.zeros(2, samples, needed, device=network_device)
    past[:, needed - len(values) :] = torch.as_tensor(values, dtype=past.dtype)
    observed[:, needed - len(values) :] = 1
    features = torch.zeros(samples, needed + len(dates) - len(values), 6, device=network_device)
    features[:, needed - len(values) :] = torch.from_numpy(time_features(dates))
    means = []
    with torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        while past.shape[1] < features.shape[1]:
            predictive = distribution(network, past, features[:, : past.shape[1]], observed)
            # On the CPU, since a GPU draws other numbers from the same seed.
            drawn = torch.distributions.StudentT(*(parameter.cpu() for parameter in predictive)).sample()
            means.append(drawn.double().mean().item())
            drawn = drawn[:, None].to(network_device)
            past, observed = torch.cat([past, drawn], dim=1), torch.cat([observed, torch.ones_like(drawn)], dim=1)
    return np.array(means)


def run_network(network, series, features, rows, batch_size=32):
    """Predictive distribution and hidden states of every row, from one forward pass without gradients.

    Parameters
    ----------
    series : array, shape (days,), the input series
    features : array, shape (days, 6), as `time_features` gives it
    rows : int array, shape (n,)

    Returns
    -------
    parameters : float64 array, shape (n, 3): df, loc and scale, the last two in units of the series
    states : float32 array, shape (n, 1440)
        The last token after each of the eight blocks and after the final norm, then the mean over all tokens after
        the final norm; 144 units each.

    Raises
    ------
    UserError, ValueError
        As `past_values`.
    """
    import torch
    from tqdm import tqdm

    needed = history_length(network)
    last_tokens, mean_token = [], []

    def keep_last(module, inputs, output):
        last_tokens.append(output[:, -1])

    def keep_mean(module, inputs, output):
        mean_token.append(output.mean(dim=1))

    norm = network.transformer.ln_f
    hooks = [layer.register_forward_hook(keep_last) for layer in (*network.transformer.h, norm)]
    hooks.append(norm.register_forward_hook(keep_mean))
    parameters, states = [], []
    network_device = next(network.parameters()).device
    try:
        with torch.inference_mode(), tqdm(total=len(rows), unit="window", mininterval=5) as bar:
            for start in range(0, len(rows), batch_size):
                batch = rows[start : start + batch_size]
                days = batch[:, None] + np.arange(1 - needed, 1)
                past = torch.from_numpy(past_values(series, batch, needed)).to(network_device)
                last_tokens.clear()
                mean_token.clear()
                predictive = distribution(network, past, torch.from_numpy(features[days]).to(network_device))
                parameters.append(torch.stack(predictive, dim=1).cpu())
                states.append(torch.cat([*last_tokens, *mean_token], dim=1).cpu())
                bar.update(len(batch))
    finally:
        for hook in hooks:
            hook.remove()
    return torch.cat(parameters).double().numpy(), torch.cat(states).float().numpy()
