"""Simulate how often SPA and StepM reject when all probabilities are equally good, and their power; see README.md."""

import argparse
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1] / "scripts")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from arch.bootstrap import SPA  # noqa: E402
from scipy.signal import lfilter  # noqa: E402
from scipy.stats import norm  # noqa: E402

from fd01.evaluation.bootstrap import block_length  # noqa: E402
from fd01.evaluation.calibration import log_losses  # noqa: E402
from fd01.evaluation.losses import studentised, superior_models  # noqa: E402

DAYS, LEVEL, RESAMPLES = 504, 0.05, 999
NOISE = 0.4  # of the errors, in standard deviations of log-volatility
LESS_NOISE = 0.25  # of the better model: it has the error of the reference, made smaller


def series(random, persistence, *more):
    """Standard normal AR(1) series, shape (DAYS, *more)."""
    shocks = random.standard_normal((DAYS, *more))
    shocks[1:] *= np.sqrt(1 - persistence**2)
    return lfilter([1.0], [1.0, -persistence], shocks, axis=0)


def losses(random, k, persistence, better):
    """Daily log-loss of the reference (first column) and of k models; DataFrame, shape (DAYS, k + 1).

    The event happens on about a fifth of the days, with the probability that latent volatility (persistence 0.98)
    gives it. Each probability is the true one of that volatility plus an error. All errors have the same law, so all
    expected losses are equal. With `better`, the last model has a smaller error.
    """
    volatility, errors = series(random, 0.98), NOISE * series(random, persistence, k + 1)
    if better:
        errors[:, -1] = errors[:, 0] * LESS_NOISE / NOISE
    happened = 0.6 * volatility + 0.8 * random.standard_normal(DAYS) > norm.ppf(0.8)
    p = norm.cdf((0.6 * (volatility[:, None] + errors) - norm.ppf(0.8)) / 0.8)
    return pd.DataFrame(log_losses(happened[:, None].astype(float), p))


def rejections(frame, divided, seed):
    """Whether SPA rejects, and which models StepM finds better; `divided`: differentials are studentised."""
    length = round(block_length((frame - frame.mean()).to_numpy()))
    differentials = frame.iloc[:, 1:].rsub(frame[0], axis=0)
    if divided:
        differentials = studentised(differentials, length, frame[0].max())
    spa = SPA(np.zeros(DAYS), -differentials.to_numpy(), reps=RESAMPLES, block_size=length, seed=seed)
    spa.compute()
    return spa.pvalues["consistent"] < LEVEL, superior_models(spa, LEVEL)


def cell(number, k, persistence, better, divided):
    """Shares of simulations in which SPA rejects, StepM finds any and finds the last model; mean gain of the last."""
    rows = []
    for seed in range(number):
        frame = losses(np.random.default_rng([seed, k]), k, persistence, better)
        rejected, found = rejections(frame, divided, seed)
        rows.append((rejected, found.any(), found[-1], (frame[0] - frame[k]).mean()))
    return np.mean(rows, axis=0)


def percent(share, number):
    """A share and its Monte-Carlo error, in percent."""
    return f"{100 * share:.1f} ± {100 * np.sqrt(share * (1 - share) / number):.1f} %"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=400, help="simulations in a row of the tables (default: 400)")
    number = parser.parse_args().number
    print("| models | autocorrelation of the errors | SPA rejects | StepM finds any |\n|---|---|---|---|", flush=True)
    for k in (1, 5, 15):
        for persistence in (0.0, 0.9, 0.97):
            spa, step, _, _ = cell(number, k, persistence, better=False, divided=True)
            print(f"| {k} | {persistence} | {percent(spa, number)} | {percent(step, number)} |", flush=True)
    print("\n| models, the last one better | gain, nats | studentised | SPA rejects | StepM finds it |")
    print("|---|---|---|---|---|", flush=True)
    for divided in (False, True):
        spa, _, step, gain = cell(number, 15, 0.9, better=True, divided=divided)
        row = f"| 15 | {gain:.4f} | {'yes' if divided else 'no'} | {percent(spa, number)} | {percent(step, number)} |"
        print(row, flush=True)
