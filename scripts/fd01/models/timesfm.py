"""TimesFM 2.5 through its own package: loading, untrained twins, forecasts, hidden states.

Das et al., "A decoder-only foundation model for time-series forecasting", ICML 2024; package `timesfm` 2.0.
"""

import gc
import logging
import os
import tempfile
from pathlib import Path

import numpy as np

from fd01.data.series import first_row, input_series, windows
from fd01.models.covariates import residual_windows
from fd01.models.frozen import open_models
from fd01.models.training import autocast
from fd01.workflow.provenance import describe_network

WEIGHTS = "model.safetensors"
UNTRAINED = "none: random (PyTorch's default initialisation, norm scales 1)"


def package():
    """The package `timesfm`, imported with the hub switched off: nothing is fetched behind our back."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import timesfm

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it warns of a config.json that no one needs
    return timesfm


def load(folder):
    """The model whose `model.safetensors` lies in `folder`, on a GPU if there is one.

    Strict: a missing, superfluous or misshapen tensor raises RuntimeError.
    """
    model_class = package().TimesFM_2p5_200M_torch
    # A relative path would be taken for a repository on the hub.
    return model_class.from_pretrained(str(Path(folder).resolve()), torch_compile=False)


def about_model(model):
    """`fd01.workflow.provenance.describe_network` of a loaded model."""
    return describe_network(model.model)


def reload(weights):
    """The model with these weights, a state dict, saved and loaded as published ones are; empties `weights`."""
    from safetensors.torch import save_file

    with tempfile.TemporaryDirectory() as folder:
        save_file(weights, Path(folder, WEIGHTS))
        weights.clear()  # 0.9 GB
        return load(folder)


def load_untrained(seed):
    """The same architecture with random weights, saved and loaded as published ones are.

    PyTorch's default initialisation, with norm scales of 1. The package leaves them at 0, which makes every
    block pass its input on unchanged.
    """
    import torch

    gc.collect()  # a compiled model refers to itself: 0.9 GB of the last one
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        weights = package().TimesFM_2p5_200M_torch().model.state_dict()
        for name, value in weights.items():
            if name.endswith("_ln.scale"):
                torch.nn.init.ones_(value)
        return reload(weights)  # which builds another random network first


def models_of(settings, seeds, manifest):
    """`fd01.models.frozen.open_models` of an arm."""
    return open_models(settings["weights"], seeds, manifest, load, load_untrained, UNTRAINED)


def inputs_of(dataset, rows, settings):
    """What the model is shown for each row: windows of the input series, or what the covariates leave of them.

    Parameters
    ----------
    settings : dict with input, context and, optionally, covariates

    Returns
    -------
    inputs : list of n arrays, shape (up to context,)
    fits : array, shape (n, 3), as `fd01.models.covariates.residual_windows` gives it; None without covariates
    """
    values = input_series(dataset, settings["input"])
    if "covariates" in settings:
        return residual_windows(dataset, values, rows, settings)
    return windows(values, rows, settings["context"], first_row(settings["input"])), None


def forecast_rows(model, dataset, rows, horizon, settings):
    """Quantiles of every row, array of shape (rows, horizon, 10), in units of the input series.

    With covariates the horizon is one day.
    """
    inputs, fits = inputs_of(dataset, rows, settings)
    if fits is None:
        return forecast(model, inputs, horizon, settings)
    next_fit, location, scale = fits.T[:, :, None, None]
    return location + scale * (next_fit + forecast(model, inputs, 1, settings))


def forecast(model, inputs, horizon, settings):
    """Predictive quantiles of the next `horizon` values of every input.

    Parameters
    ----------
    model : as `load` returns it
    inputs : list of n arrays, shape (up to context,)
    settings : dict
        context (days), flip (average with the negated forecast of the negated input), batch_size
        (bounds the memory; another one moves results by about 1e-6), dtype (float32 or bfloat16, of
        the matrix products).

    Returns
    -------
    array, shape (n, horizon, 10), float32, in units of the inputs: mean, then the nine deciles
    """
    from tqdm import tqdm

    size = settings["batch_size"]
    model.compile(
        package().ForecastConfig(
            max_context=settings["context"],
            max_horizon=horizon,
            per_core_batch_size=size,
            normalize_inputs=True,
            use_continuous_quantile_head=True,
            force_flip_invariance=settings["flip"],
            infer_is_positive=False,
            fix_quantile_crossing=False,
        )
    )
    step = size * model.model.device_count
    quantiles = []
    with autocast(model.model.device, settings["dtype"]), tqdm(total=len(inputs), unit="window", mininterval=5) as bar:
        for start in range(0, len(inputs), step):
            batch = inputs[start : start + step]
            bar.update(len(batch))
            quantiles.append(model.forecast(horizon, list(batch))[1])  # forecast() extends the list it is given
    return np.concatenate(quantiles)


def encode(model, inputs, settings):
    """Hidden states of the last patch after the last block, float32 array of shape (n, 1280).

    Arguments as for `forecast`; there is no flip.
    """
    import torch
    from tqdm import tqdm

    module, states = model.model, []
    with (
        torch.inference_mode(),
        autocast(module.device, settings["dtype"]),
        tqdm(total=len(inputs), unit="window", mininterval=5) as bar,
    ):
        for start in range(0, len(inputs), settings["batch_size"]):
            batch = inputs[start : start + settings["batch_size"]]
            values, mask = (torch.from_numpy(x).to(module.device) for x in padded(batch, settings["context"], module.p))
            states.append(hidden(module, values, mask)[0].cpu().numpy())
            bar.update(len(batch))
    return np.concatenate(states)


def padded(inputs, context, patch):
    """Inputs as one array, shape (n, context rounded up to whole patches), and the mask of its padding in front."""
    length = -(-context // patch) * patch
    values, mask = np.zeros((len(inputs), length), np.float32), np.ones((len(inputs), length), bool)
    for i, window in enumerate(inputs):
        values[i, length - len(window) :], mask[i, length - len(window) :] = window, False
    return values, mask


def hidden(module, values, mask):
    """Differentiable pass through the blocks, as `forecast` makes it without flip.

    Parameters
    ----------
    module : the torch module inside a loaded model
    values, mask : tensors, shape (n, length), as `padded` makes them

    Returns
    -------
    states : tensor, shape (n, 1280), hidden state of the last patch after the last block
    location, scale : tensors, shape (n, 1): value = location + scale x standardised value
    """
    import torch
    from timesfm.torch.util import revin, update_running_stats

    # As the package does: over the padding too. The masked statistics per patch follow.
    mu, sigma = values.mean(dim=-1, keepdim=True), values.std(dim=-1, keepdim=True)
    patches = revin(values, mu, sigma).unflatten(1, (-1, module.p))
    patch_mask = mask.unflatten(1, (-1, module.p))
    stats, running = (torch.zeros(len(values), device=values.device),) * 3, []
    for i in range(patches.shape[1]):
        stats, _ = update_running_stats(*stats, patches[:, i], patch_mask[:, i])
        running.append(stats)
    patch_mu, patch_sigma = (torch.stack([entry[k] for entry in running], dim=1) for k in (1, 2))
    patches = torch.where(patch_mask, 0.0, revin(patches, patch_mu, patch_sigma))
    x = module.tokenizer(torch.cat([patches, patch_mask.to(patches.dtype)], dim=-1))
    for block in module.stacked_xf:
        x, _ = block(x, patch_mask[..., -1])
    return x[:, -1].float(), mu + sigma * patch_mu[:, -1:], sigma * patch_sigma[:, -1:]


def quantiles_of(module, states):
    """Mean and nine deciles of the next 128 values, standardised: tensor of shape (n, 128, 10) from (n, 1280)."""
    import torch

    point = module.output_projection_point(states).unflatten(-1, (module.o, module.q)).float()
    spread = module.output_projection_quantiles(states).unflatten(-1, (module.os, module.q))[:, : module.o].float()
    middle = [module.aridx]
    deciles = spread[..., 1:] - spread[..., middle] + point[..., middle]
    return torch.cat([point[..., :1], deciles], dim=-1)
