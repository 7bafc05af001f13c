"""Fine-tuning of TimesFM 2.5: adapters for its weights, and the losses.

LoRA (low-rank adapters): Hu et al., ICLR 2022. The pinball loss is the one of the package's own training (Das et al.,
ICML 2024).
"""

import numpy as np

from fd01.models.forecasts import LEVELS
from fd01.models.timesfm import hidden_states, padded, quantiles_of

ADAPTED = ("attn.qkv_proj", "attn.out", "ff0", "ff1")  # the linear layers of a block


def adapt(module, adapter, rank):
    """Choose in place which weights of TimesFM are trained; until then it computes what it did before.

    Parameters
    ----------
    module : torch.nn.Module inside a loaded model
    adapter : `full` or `lora`
        `full` trains every weight. `lora` freezes them and adds to the linear layers W of each block a product of two
        trained matrices: W + B A. A, shape (rank, in), is random, B, shape (out, rank), is zero at first.
    rank : int, of `lora`
    """
    import torch

    class LoRA(torch.nn.Module):
        def __init__(self, linear):
            super().__init__()
            self.linear = linear
            self.a = torch.nn.Parameter(torch.randn(rank, linear.in_features) / linear.in_features**0.5)
            self.b = torch.nn.Parameter(torch.zeros(linear.out_features, rank))

        def forward(self, x):
            return self.linear(x) + x @ self.a.T @ self.b.T

    module.requires_grad_(adapter == "full")
    if adapter == "lora":
        for block in module.stacked_xf:
            for name in ADAPTED:
                path, _, attribute = name.rpartition(".")
                parent = block.get_submodule(path)
                setattr(parent, attribute, LoRA(getattr(parent, attribute)).to(module.device))


def merged(module):
    """State dict of an adapted module in the published layout: each adapter is added to its linear layer."""
    weights = {name: value.detach().cpu() for name, value in module.state_dict().items()}
    for name in [name for name in weights if name.endswith(".linear.weight")]:
        layer = name.removesuffix(".linear.weight")
        a, b = weights.pop(f"{layer}.a"), weights.pop(f"{layer}.b")
        weights[f"{layer}.weight"] = weights.pop(name) + b @ a
    return {name: value.contiguous() for name, value in weights.items()}


def pinball_and_square(quantiles, y):
    """Mean pinball loss of the nine deciles plus mean squared error of the mean.

    Parameters
    ----------
    quantiles : tensor, shape (n, horizon, 10), the mean, then the deciles
    y : tensor, shape (n, horizon), in the same units
    """
    import torch

    levels = torch.as_tensor(LEVELS, dtype=y.dtype, device=y.device)
    error = y[..., None] - quantiles[..., 1:]
    pinball = torch.maximum(levels * error, (levels - 1) * error).mean()
    return pinball + (y - quantiles[..., 0]).square().mean()


def build_objective(module, objective, features):
    """A torch module whose call `(values, mask, features, y)` gives the mean loss of a batch.

    Parameters
    ----------
    module : torch.nn.Module inside a loaded model
    objective : `quantiles` or `event`
        `quantiles`: `pinball_and_square`, in standard deviations of the window; y holds the next values, shape
        (n, horizon). `event`: binary cross-entropy of a linear head on the last hidden state and `features`; y is 0
        or 1, shape (n,), and the method `logits(values, mask, features)` gives the logits, shape (n,).
    features : int, number of features
    """
    import torch

    class Quantiles(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.module = module

        def forward(self, values, mask, features, y):
            states, location, scale = hidden_states(self.module, values, mask)
            return pinball_and_square(quantiles_of(self.module, states, y.shape[1]), (y - location) / scale)

    class Event(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.module = module
            self.norm = torch.nn.LayerNorm(module.md, elementwise_affine=False)
            self.head = torch.nn.Linear(module.md + features, 1)

        def logits(self, values, mask, features):
            states, _, _ = hidden_states(self.module, values, mask)
            return self.head(torch.cat([self.norm(states), features], dim=1)).squeeze(1)

        def forward(self, values, mask, features, y):
            return torch.nn.functional.binary_cross_entropy_with_logits(self.logits(values, mask, features), y)

    return {"quantiles": Quantiles, "event": Event}[objective]().to(module.device)


def tensors(inputs, features, y, context, patch):
    """Tensors of one training set: values and mask as `padded` makes them, features, and y, all but mask float32."""
    import torch

    values, mask = padded(inputs, context, patch)
    rest = (torch.as_tensor(np.asarray(part), dtype=torch.float32) for part in (features, y))
    return torch.from_numpy(values), torch.from_numpy(mask), *rest
