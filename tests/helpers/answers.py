"""Known answers of networks with random weights, computed with the packages themselves and not with our code."""

import numpy as np
import pandas as pd

SEED = 0


def case(name, values, forecast, columns, flags, tolerance, **made):
    """One case as `fd01.models.verification.load_cases` describes it."""
    return {
        "name": name,
        "source": "this test",
        "licence": "MIT",
        "flags": flags,
        "input": {"values": np.asarray(values, float).tolist()} | made,
        "horizon": len(forecast),
        "columns": columns,
        "expected": np.asarray(forecast, float).tolist(),
        "tolerance": tolerance,
    }


def walk(length, seed=SEED):
    """A random walk around 100, shape (length,)."""
    return (100 * np.exp(np.cumsum(0.02 * np.random.default_rng(seed).standard_normal(length)))).astype(np.float32)


def answers_of_timesfm(model, bfloat16=0.1):
    """The known answers of a loaded TimesFM: the median of 3 days, and all ten columns of 5 days."""
    from timesfm import ForecastConfig

    cases = []
    columns = ["mean", *(f"q{level}" for level in range(10, 100, 10))]
    for name, length, days, chosen in (("median", 132, 3, ["q50"]), ("all columns", 36, 5, columns)):
        config = ForecastConfig(
            max_context=length,
            max_horizon=days,
            normalize_inputs=True,
            use_continuous_quantile_head=True,
            force_flip_invariance=True,
            infer_is_positive=False,
            fix_quantile_crossing=False,
        )
        model.compile(config)
        values = walk(length)
        _, quantiles = model.forecast(days, [values])
        found = quantiles[0][:, [columns.index(column) for column in chosen]]
        tolerance = {"float32": 1e-4, "bfloat16": bfloat16}
        cases.append(case(name, values, found, chosen, {"flip": True}, tolerance))
    return {"cases": cases}


def answers_of_lag_llama(load, contexts=(32, 64), steps=16, samples=100, days=3):
    """The known answers of Lag-Llama: sampled day by day as the predictor of the package does it.

    `load` gives the network of a context whose rotary positions are not scaled.
    """
    import torch
    from gluonts.time_feature import time_features_from_frequency_str

    cases, values = [], walk(128)
    months = pd.period_range("1949-01", periods=128 + days, freq="M")
    features = np.column_stack([feature(months) for feature in time_features_from_frequency_str("S")])
    for context in contexts:
        network = load(context)
        for block in network.transformer.h if context > 32 else ():
            block.attn.rotary_emb = scaled(block.attn.rotary_emb, (context + steps) / 32)
        longest = context + max(network.lags_seq)
        past, observed = np.zeros((samples, longest)), np.zeros((samples, longest))
        past[:, -128:], observed[:, -128:] = values, 1
        time = np.zeros((samples, longest + days, features.shape[1]))
        time[:, -len(features) :] = features
        past, observed, time = (torch.tensor(part, dtype=torch.float32) for part in (past, observed, time))
        torch.manual_seed(SEED)
        means = []
        for day in range(days):
            with torch.inference_mode():
                parameters, loc, scale = network(
                    past, observed, time[:, :longest], time[:, longest : longest + day + 1]
                )
                last = [parameter[:, -1:] for parameter in parameters]
                drawn = network.distr_output.distribution(last, loc, scale).sample()
            means.append([drawn.mean().item()])
            past, observed = torch.cat([past, drawn], dim=1), torch.cat([observed, torch.ones_like(drawn)], dim=1)
        flags = {"context": context, "prediction_length": steps, "samples": samples, "seed": SEED}
        cases.append(
            case(f"context {context}", values, means, ["mean"], flags, {"float32": 1e-4}, first_month="1949-01")
        )
    return {"cases": cases}


def scaled(embedding, factor):
    """A rotary embedding of the package whose positions are divided by `factor`."""
    from sktime.libs.lag_llama.model.module import LlamaLinearScalingRotaryEmbedding

    return LlamaLinearScalingRotaryEmbedding(
        embedding.dim, max_position_embeddings=embedding.max_position_embeddings, scaling_factor=factor
    )
