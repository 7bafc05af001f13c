"""Measure what the stationary bootstrap and DeLong's test cost, compared with scikit-learn in a loop; see README.md."""

import argparse
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

from figures import note

sys.path[0] = str(Path(__file__).resolve().parents[1] / "scripts")

import numpy as np  # noqa: E402
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score  # noqa: E402

from fd01.evaluation.bootstrap import resample_counts, resampled_brier, resampled_ranking  # noqa: E402
from fd01.evaluation.comparison import delong  # noqa: E402

EXPERIMENTS, DAYS, LONG, RESAMPLES = 25, 502, 5500, 10_000
MEASURES = (roc_auc_score, average_precision_score, brier_score_loss)


def simulate(days):
    """Outcomes, shape (days,), a fifth of them events, and scores, shape (days, 25); every second column has ties."""
    random = np.random.default_rng(0)
    hidden = random.normal(size=days)
    y = (hidden + random.normal(size=days) > 1.2).astype(float)
    scores = 1 / (1 + np.exp(-hidden[:, None] - random.normal(size=(days, EXPERIMENTS))))
    scores[:, ::2] = scores[:, ::2].round(2)
    return y, scores


def cpu_seconds(work):
    """CPU seconds of all threads while `work()` runs, and what it returns."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def bootstrap(y, scores):
    """AUC, average precision and Brier score, each of shape (resamples, experiments), and the resamples as counts."""
    counts = resample_counts(len(y), 8.0, RESAMPLES, seed=0)
    return [*resampled_ranking(y, scores, counts), resampled_brier(y, scores, counts)], counts


def bootstrap_in_a_loop(y, scores, counts):
    """The same measures with scikit-learn, one call each; shape (measures, resamples, experiments)."""
    drawn = [np.repeat(np.arange(len(y)), row) for row in counts]
    return [[[measure(y[days], score[days]) for score in scores.T] for days in drawn] for measure in MEASURES]


def covariance_in_a_loop(y, scores):
    """The covariance of the AUCs, one call of `delong` per pair; shape (experiments, experiments)."""
    k = scores.shape[1]
    return [[delong(y, scores[:, [i, j]]).covariance[0, 1] for j in range(k)] for i in range(k)]


def table(resamples):
    """Rows of the table: what, measured, target; `resamples` is the number of resamples for scikit-learn."""
    y, scores = simulate(DAYS)
    start = time.perf_counter()
    fast, (measures, counts) = cpu_seconds(lambda: bootstrap(y, scores))
    wall = time.perf_counter() - start
    some = np.linspace(0, RESAMPLES - 1, resamples, dtype=int)
    slow, expected = cpu_seconds(lambda: bootstrap_in_a_loop(y, scores, counts[some]))
    slow *= RESAMPLES / resamples
    difference = np.abs(np.array(measures)[:, some] - expected).max()
    size = f"{RESAMPLES:,} resamples of {len(MEASURES)} measures, {EXPERIMENTS} experiments x {DAYS} days"
    yield "CPU, packages", f"{platform.processor() or platform.machine()}; scikit-learn {version('scikit-learn')}", ""
    yield size, f"{fast:.1f} CPU s, {wall:.1f} s", "60 s on two cores"
    yield f"scikit-learn in a loop, scaled from {resamples} resamples", f"{slow:.0f} CPU s", ""
    note(f"bootstrap, {RESAMPLES:,} resamples", fast, slow)
    yield "ratio", f"{slow / fast:.0f}", "50"
    yield "largest difference between the two", f"{difference:.1e}", "1e-12"
    y, scores = simulate(LONG)
    fast, result = cpu_seconds(lambda: delong(y, scores))
    slow, expected = cpu_seconds(lambda: covariance_in_a_loop(y, scores))
    note(f"DeLong, {EXPERIMENTS} experiments", fast, slow)
    yield f"DeLong, {EXPERIMENTS} x {EXPERIMENTS} pairs on {LONG:,} days", f"{fast:.2f} CPU s", "1 s"
    yield "the same, one call per pair", f"{slow:.1f} CPU s", ""
    yield "largest difference between the two", f"{np.abs(result.covariance - expected).max():.1e}", "1e-12"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loop", type=int, default=100, help="number of resamples for scikit-learn (default: 100)")
    print("| what | measured | target |\n|---|---|---|", flush=True)
    for row in table(parser.parse_args().loop):
        print(f"| {' | '.join(row)} |", flush=True)
