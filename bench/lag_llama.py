"""Measure what a forecast of Lag-Llama costs: one forward pass in closed form, compared with 100 samples per window.

See README.md.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from figures import note

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from fd01.data.inputs import percent_series
from fd01.data.prices import build_dataset, load_packaged
from fd01.models.forecasts import PARAMETERS
from fd01.models.lag_llama import history_length, load_untrained, run_network, time_features
from fd01.scoring.student_t import scores

UP = {"target": "up", "horizon": 1}
LABELS = {"threshold": 0.01}


def closed_form(network, series, features, dataset, rows):
    """Probabilities of a return beyond the threshold, shape (rows,), from one forward pass."""
    parameters, _ = run_network(network, series, features, rows)
    frame = pd.DataFrame(parameters, columns=PARAMETERS).assign(row=rows)
    _, by_kind = scores(frame, UP, "return", dataset, LABELS)
    return by_kind["close-exceedance"]


def sampled(network, series, features, rows, samples=100, batch=8):
    """The same from samples, as the package computes it: each input goes through the network `samples` times."""
    import torch
    from sktime.libs.lag_llama.gluon.lightning_module import LagLlamaLightningModule

    needed = history_length(network)
    predictor = LagLlamaLightningModule.__new__(LagLlamaLightningModule)
    torch.nn.Module.__init__(predictor)
    network.num_parallel_samples = samples
    predictor.model, predictor.time_feat, predictor.prediction_length = network, True, 1
    predictor.use_single_pass_sampling = predictor.nonnegative_pred_samples = predictor.use_kv_cache = False
    drawn = []
    with torch.inference_mode():
        for start in range(0, len(rows), batch):
            index = rows[start : start + batch, None] + np.arange(1 - needed, 1)
            past = torch.from_numpy(series[index].astype(np.float32))
            known = torch.from_numpy(features[index])
            drawn.append(
                predictor(
                    past_target=past,
                    past_observed_values=torch.ones_like(past),
                    past_time_feat=known,
                    future_time_feat=known[:, -1:],
                )[..., 0]
            )
    return (torch.cat(drawn) > 100 * np.log1p(LABELS["threshold"])).double().mean(dim=1).numpy()


def cpu_seconds(work):
    """Its result and the CPU seconds of all threads while `work()` runs."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def table(arguments):
    """Rows of the table: what, measured, target."""
    import torch

    torch.set_num_threads(1)  # more threads wait for each other: with two, the same takes more CPU seconds
    dataset = build_dataset(load_packaged())
    series, features = percent_series(dataset, "return"), time_features(dataset["Date"])
    network, built = cpu_seconds(lambda: load_untrained(0, 32))
    rows = np.arange(len(dataset) - arguments.windows, len(dataset))
    few = rows[: arguments.sampled]
    closed_form(network, series, features, dataset, few)  # the first call is slower
    # Other work on the machine can only add CPU seconds.
    exact, fast = min(
        (cpu_seconds(lambda: closed_form(network, series, features, dataset, rows)) for _ in range(3)),
        key=lambda pair: pair[1],
    )
    estimate, slow = cpu_seconds(lambda: sampled(network, series, features, few))
    slow *= len(rows) / len(few)
    weights = sum(layer.weight.numel() for layer in network.modules() if isinstance(layer, torch.nn.Linear))
    floor = 2e-9 * weights * network.context_length * len(rows) / product_rate(network)
    note(f"Lag-Llama, {len(rows)} windows", fast, slow, floor)
    yield "windows", f"{len(rows)} of 32 days, random weights, one thread", ""
    yield "exceedance in closed form, hidden states included", f"{fast:.2f} CPU s", "at most 2.5 CPU s for 762 windows"
    yield "the same for 7,000 windows", f"{fast * 7000 / len(rows):.1f} CPU s, scaled", "at most 22 CPU s"
    yield "its matrix products alone", f"{floor:.2f} CPU s: {fast / floor:.2f} x this floor", ""
    yield "100 samples per window", f"{slow:.0f} CPU s, scaled from {len(few)} windows: {slow / fast:.0f} x as long", ""
    yield "largest difference of the probabilities", f"{np.abs(estimate - exact[: len(few)]).max():.3f}", ""
    yield "import and build the network", f"{built:.1f} CPU s", ""


def product_rate(network, rows=1024, products=200):
    """GFLOP per CPU second of the largest matrix product of the network."""
    import torch

    layer = network.transformer.h[0].mlp.c_fc1
    x = torch.randn(rows, layer.in_features)
    with torch.inference_mode():
        seconds = min(cpu_seconds(lambda: [layer(x) for _ in range(products)])[1] for _ in range(5))
    return 2e-9 * products * rows * layer.weight.numel() / seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=762, help="windows to forecast (default: 762)")
    parser.add_argument(
        "--sampled", type=int, default=16, help="windows for the sampling, whose time is scaled up (default: 16)"
    )
    print("| what | measured | target |\n|---|---|---|", flush=True)
    for row in table(parser.parse_args()):
        print(f"| {' | '.join(row)} |", flush=True)
