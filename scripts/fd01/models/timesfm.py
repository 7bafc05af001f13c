"""TimesFM 2.5 through its package `timesfm` 2.0: loading, untrained twins, forecasts, hidden states.

Das et al., "A decoder-only foundation model for time-series forecasting", ICML 2024.
"""

import gc
import logging
import os
import tempfile
from pathlib import Path

import numpy as np

from fd01.data.inputs import first_inputs, input_series, windows
from fd01.models.covariates import residual_windows
from fd01.models.frozen import open_models
from fd01.models.training import autocast
from fd01.workflow.errors import NotRun
from fd01.workflow.provenance import describe_network

WEIGHTS = "model.safetensors"
# What the provenance says of random weights.
UNTRAINED = "none: random (PyTorch's default initialisation, norm scales 1)"


def import_timesfm():
    """Import the package `timesfm` with the Hugging Face Hub switched off, so that it cannot download anything."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import timesfm

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it warns of a config.json that is not needed
    return timesfm


def load(folder):
    """The model whose `model.safetensors` lies in `folder`, on a GPU if there is one.

    Raises RuntimeError if a tensor is missing, superfluous or of another shape.
    """
    model_class = import_timesfm().TimesFM_2p5_200M_torch
    # The package would take a relative path for a repository on the hub.
    return model_class.from_pretrained(str(Path(folder).resolve()), torch_compile=False)


def describe_model(model):
    """`fd01.workflow.provenance.describe_network` of a loaded model."""
    return describe_network(model.model)


def reload(weights):
    """Save the state dict `weights` and load it, the same way as published weights; `weights` is emptied."""
    from safetensors.torch import save_file

    with tempfile.TemporaryDirectory() as folder:
        save_file(weights, Path(folder, WEIGHTS))
        weights.clear()  # frees 0.9 GB
        return load(folder)


def load_untrained(seed):
    """The same architecture with random weights.

    The weights have PyTorch's default initialisation and depend on `seed` alone. The norm scales are 1: the package
    leaves them at 0, with which every block passes its input on unchanged.
    """
    import torch

    gc.collect()  # the model before may still hold 0.9 GB
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = import_timesfm().TimesFM_2p5_200M_torch(torch_compile=False)
    for name, value in model.model.state_dict().items():
        if name.endswith("_ln.scale"):
            torch.nn.init.ones_(value)
    model.model.to(model.model.device).eval()
    return model


def open_timesfm(settings, seeds, manifest):
    """`fd01.models.frozen.open_models` for an experiment with these `settings`."""
    dtype = settings.get("dtype", "float32")
    return open_models(settings["weights"], seeds, manifest, load, load_untrained, UNTRAINED, dtype)


def inputs_of(dataset, rows, settings):
    """The series that the model is given for each row: a window of the input series, or its residuals.

    Parameters
    ----------
    rows : int array, shape (n,)
    settings : dict
        input (see `fd01.data.inputs.input_series`), context (days) and, optionally, covariates: with them the inputs
        are the residuals of `fd01.models.covariates.residual_windows`.

    Returns
    -------
    inputs : list of n arrays, shape (up to context,)
    fits : array, shape (n, 3), as `residual_windows` gives it; None without covariates
    """
    values = input_series(dataset, settings["input"])
    if "covariates" in settings:
        return residual_windows(dataset, values, rows, settings)
    return windows(values, rows, settings["context"], first_inputs(dataset, settings["input"])[rows]), None


def forecast_rows(model, dataset, rows, horizon, settings):
    """Forecasts of the input series after every row: mean, then the nine deciles.

    Parameters
    ----------
    model : as `load` returns it
    rows : int array, shape (n,)
    horizon : int, days; with covariates it must be 1, as those of later days are not known
    settings : dict, as for `inputs_of` and `forecast`

    Returns
    -------
    array, shape (n, horizon, 10), in units of the input series
    """
    inputs, fits = inputs_of(dataset, rows, settings)
    if fits is None:
        return forecast(model, inputs, horizon, settings)
    next_fit, location, scale = fits.T[:, :, None, None]
    return location + scale * (next_fit + forecast(model, inputs, 1, settings))


def forecast(model, inputs, horizon, settings):
    """Forecasts of the next `horizon` values of every input: mean, then the nine deciles.

    They are those of the package with its continuous quantile head, but for rounding (tested), in fewer operations: the
    package also forecasts 1,024 days from every patch before the last. Inputs have no NaN.

    Parameters
    ----------
    model : as `load` returns it
    inputs : list of n arrays, shape (up to context,)
    horizon : int, days
    settings : dict
        context (days); flip: whether to average with the negated forecast of the negated input; batch_size: it
        bounds the memory, another one moves the forecasts by about 1e-6; dtype of the matrix products, float32 or
        bfloat16.

    Returns
    -------
    float32 array, shape (n, horizon, 10), in units of the inputs

    Raises
    ------
    NotRun
        As `quantiles_of`.
    """
    import torch

    module = model.model

    def run(values, mask):
        states, location, scale = hidden_states(module, values, mask)
        quantiles = quantiles_of(module, states, horizon)
        if settings["flip"]:
            mirrored = quantiles_of(module, hidden_states(module, -values, mask)[0], horizon)
            mirrored = torch.cat([mirrored[..., :1], mirrored[..., 1:].flip(-1)], dim=-1)
            quantiles = (quantiles - mirrored) / 2
        return location[..., None] + scale[..., None] * quantiles

    return run_batches(module, run, inputs, settings)


def encode(model, inputs, settings):
    """Hidden state of every input: last patch, after the last block; float32 array of shape (n, 1280).

    The arguments are as for `forecast`; `flip` is not used.
    """
    module = model.model
    return run_batches(module, lambda values, mask: hidden_states(module, values, mask)[0], inputs, settings)


def run_batches(module, run, inputs, settings):
    """Results of `run(values, mask)`, of one batch of inputs at a time as in `padded`, in one float32 array."""
    import torch
    from tqdm import tqdm

    results, size = [], settings["batch_size"]
    with (
        torch.inference_mode(),
        autocast(module.device, settings["dtype"]),
        tqdm(total=len(inputs), unit="window", mininterval=5) as bar,
    ):
        for start in range(0, len(inputs), size):
            batch = inputs[start : start + size]
            values, mask = (torch.from_numpy(x).to(module.device) for x in padded(batch, settings["context"], module.p))
            results.append(run(values, mask).cpu().numpy())
            bar.update(len(batch))
    return np.concatenate(results)


def padded(inputs, context, patch):
    """Inputs in one array, with padding in front.

    Parameters
    ----------
    inputs : list of n arrays, shape (up to context,)
    context, patch : int, days; the length is `context` rounded up to whole patches

    Returns
    -------
    values : float32 array, shape (n, length), 0 in the padding
    mask : bool array, shape (n, length), true in the padding
    """
    length = -(-context // patch) * patch
    values, mask = np.zeros((len(inputs), length), np.float32), np.ones((len(inputs), length), bool)
    for i, window in enumerate(inputs):
        values[i, length - len(window) :], mask[i, length - len(window) :] = window, False
    return values, mask


def hidden_states(module, values, mask):
    """Forward pass through the blocks, differentiable; the same as in `forecast` without flip.

    Parameters
    ----------
    module : torch.nn.Module inside a loaded model
    values, mask : tensors, shape (n, length), as `padded` makes them

    Returns
    -------
    states : tensor, shape (n, 1280), hidden state of the last patch after the last block
    location, scale : tensors, shape (n, 1)
        value = location + scale x standardised value
    """
    import torch
    from timesfm.torch.util import revin, update_running_stats

    # Standardised twice, as in the package: over the whole window with its padding, then each patch by the mean and the
    # standard deviation of the values up to its end, without the padding.
    mu, sigma = values.mean(dim=-1, keepdim=True), values.std(dim=-1, keepdim=True)
    patches = revin(values, mu, sigma).unflatten(1, (-1, module.p))
    patch_mask = mask.unflatten(1, (-1, module.p))
    count = mean = deviation = torch.zeros(len(values), device=values.device)
    means, deviations = [], []
    for i in range(patches.shape[1]):
        (count, mean, deviation), _ = update_running_stats(count, mean, deviation, patches[:, i], patch_mask[:, i])
        means.append(mean)
        deviations.append(deviation)
    patch_mu, patch_sigma = torch.stack(means, dim=1), torch.stack(deviations, dim=1)
    patches = torch.where(patch_mask, 0.0, revin(patches, patch_mu, patch_sigma))
    x = module.tokenizer(torch.cat([patches, patch_mask.to(patches.dtype)], dim=-1))
    for block in module.stacked_xf:
        x, _ = block(x, patch_mask[..., -1])
    return x[:, -1].float(), mu + sigma * patch_mu[:, -1:], sigma * patch_sigma[:, -1:]


def quantiles_of(module, states, horizon):
    """Forecast of the next `horizon` standardised values from hidden states: mean, then the nine deciles.

    Parameters
    ----------
    states : tensor, shape (n, 1280), as `hidden_states` gives it
    horizon : int, days, at most 128

    Returns
    -------
    tensor, shape (n, horizon, 10)

    Raises
    ------
    NotRun
        If the horizon is longer than the 128 days that the network forecasts at once.
    """
    import torch
    from torch.nn.functional import linear

    if horizon > module.o:
        raise NotRun(f"it forecasts {module.o} days, and the longest horizon is {horizon}")

    def first_days(head):
        hidden, count = head.activation(head.hidden_layer(states)), horizon * module.q
        outputs = linear(hidden, head.output_layer.weight[:count]) + linear(states, head.residual_layer.weight[:count])
        return outputs.unflatten(-1, (horizon, module.q)).float()

    point, offsets = map(first_days, (module.output_projection_point, module.output_projection_quantiles))
    median = [module.aridx]
    deciles = offsets[..., 1:] - offsets[..., median] + point[..., median]
    return torch.cat([point[..., :1], deciles], dim=-1)
