"""Measure what a forecast of Lag-Llama costs: one forward pass in closed form, compared with 100 samples per window.

See README.md.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from fd01.data.prices import build_dataset, load_packaged
from fd01.data.series import percent_series
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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=762, help="windows to forecast (default: 762)")
    parser.add_argument(
        "--sampled", type=int, default=64, help="windows for the sampling, whose time is scaled up (default: 64)"
    )
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(2)
    dataset = build_dataset(load_packaged())
    series, features = percent_series(dataset, "return"), time_features(dataset["Date"])
    network = load_untrained(0, 32)
    rows = np.arange(len(dataset) - arguments.windows, len(dataset))
    closed_form(network, series, features, dataset, rows[:8])  # warm up
    start = time.process_time()
    exact = closed_form(network, series, features, dataset, rows)
    fast = time.process_time() - start
    few = rows[: arguments.sampled]
    start = time.process_time()
    estimate = sampled(network, series, features, few)
    slow = (time.process_time() - start) * len(rows) / len(few)
    print(f"{len(rows)} windows, context 32, random weights: {fast:.2f} CPU s in closed form, hidden states included")
    print(f"100 samples per window, scaled from {len(few)} windows: {slow:.1f} CPU s, {slow / fast:.0f} times as long")
    print(f"largest difference of the probabilities: {np.abs(estimate - exact[: len(few)]).max():.3f}")
