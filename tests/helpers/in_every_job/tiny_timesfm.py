"""`timesfm` with a tiny network: same code, same checkpoint format."""

import dataclasses
import importlib.abc
import importlib.util
import sys

MODULE = "timesfm.timesfm_2p5.timesfm_2p5_torch"
DIMS = 32


def shrink(module):
    """Two layers of two heads and 32 dimensions."""
    network = module.TimesFM_2p5_200M_torch_module
    full = network.config
    narrow = {"hidden_dims": DIMS}
    stack = full.stacked_transformers
    network.config = dataclasses.replace(
        full,
        tokenizer=dataclasses.replace(full.tokenizer, output_dims=DIMS, **narrow),
        stacked_transformers=dataclasses.replace(
            stack,
            num_layers=2,
            transformer=dataclasses.replace(stack.transformer, model_dims=DIMS, num_heads=2, **narrow),
        ),
        output_projection_point=dataclasses.replace(full.output_projection_point, input_dims=DIMS, **narrow),
        output_projection_quantiles=dataclasses.replace(full.output_projection_quantiles, input_dims=DIMS, **narrow),
    )


class Shrinker(importlib.abc.MetaPathFinder):
    """Shrinks the network as soon as its module has been imported."""

    def find_spec(self, name, path, target=None):
        if name != MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def exec_and_shrink(module):
            execute(module)
            shrink(module)

        spec.loader.exec_module = exec_and_shrink
        return spec


def shrink_once_imported():
    """From now on `timesfm` builds the tiny network."""
    sys.meta_path.insert(0, Shrinker())
