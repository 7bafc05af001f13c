"""Measure what the bootstrap of many series costs, and how close its first order is to the exact one; see README.md."""

import argparse
import platform
import resource
import sys
import time
from pathlib import Path

from figures import note

sys.path[0] = str(Path(__file__).resolve().parents[1] / "scripts")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from fd01.evaluation.blocks import measure_block  # noqa: E402
from fd01.evaluation.bootstrap import resample_counts, standard_error  # noqa: E402
from fd01.evaluation.heterogeneity import detectable_by_number, series_differences, series_table, summarise  # noqa: E402
from fd01.evaluation.panel import Panel, exact_resamples, linear_resamples, rank_panel  # noqa: E402
from fd01.evaluation.score_matrix import ScoreMatrix  # noqa: E402

EXPERIMENTS, DAYS, RESAMPLES, MOST = 20, 500, 10_000, 1000
STATISTICS = {"alpha": 0.05, "power": 0.8}


def simulate(series):
    """A ScoreMatrix of probabilities: a fifth of the days have the event, and a third of all chance is common."""
    random = np.random.default_rng(0)

    def normal(*more):
        return np.sqrt(1 / 3) * random.normal(size=(1, DAYS, *more)) + np.sqrt(2 / 3) * random.normal(
            size=(series, DAYS, *more)
        )

    hidden = normal()
    y = (hidden + normal() > 1.2).astype(float).ravel()
    scores = 1 / (1 + np.exp(-hidden[:, :, None] - normal(EXPERIMENTS))).reshape(-1, EXPERIMENTS)
    days = pd.DatetimeIndex(np.tile(pd.bdate_range("2024-01-01", periods=DAYS), series))
    names = [f"experiment-{number}" for number in range(EXPERIMENTS)]
    kinds = pd.Series("probability", names)
    table = pd.DataFrame(scores, days, names)
    numbers = np.repeat([f"series-{number}" for number in range(series)], DAYS)
    return ScoreMatrix(days, pd.Series(y, days), table, kinds, kinds == "probability", series=numbers)


def seconds(work):
    """CPU seconds while `work()` runs, wall seconds, and what it returns."""
    wall, start = time.perf_counter(), time.process_time()
    result = work()
    return time.process_time() - start, time.perf_counter() - wall, result


def peak():
    """The largest resident set of this process so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)


def agreement(matrix):
    """CPU seconds of the exact and of the linear bootstrap, and the ratios of their standard errors, by measure."""
    panel, y, scores = Panel.of(matrix.series, matrix.days), matrix.y.to_numpy(), matrix.scores.to_numpy()
    counts = resample_counts(DAYS, 8.0, 2000, seed=0)
    exact, _, of_exact = seconds(lambda: exact_resamples(y, scores, scores, panel, counts))
    ranking = rank_panel(y, scores, panel)
    linear, _, of_linear = seconds(lambda: linear_resamples(y, scores, scores, panel, ranking)(counts))
    ratios = [standard_error(one) / standard_error(other) for one, other in zip(of_linear, of_exact)]
    return exact, linear, ratios


def table(most):
    """Rows of the table: what, measured, target; the largest panel has `most` series."""
    yield "CPU", platform.processor() or platform.machine(), ""
    few = simulate(10)
    exact, linear, ratios = agreement(few)
    yield "exact, 2,000 resamples of 10 series", f"{exact:.1f} CPU s", ""
    yield "by influence functions", f"{linear:.1f} CPU s", ""
    for measure, ratio in zip(("AUC", "average precision", "Brier score"), ratios):
        yield f"standard error of {measure}, the second by the first", f"{ratio.min():.3f} to {ratio.max():.3f}", ""
    for series in [size for size in (10, 100, 1000) if size < most] + [most]:
        matrix = simulate(series)
        cpu, wall, block = seconds(lambda m=matrix: measure_block("block", m, None, RESAMPLES, 0))
        what = f"{RESAMPLES:,} resamples, {EXPERIMENTS} experiments x {series:,} series x {DAYS} days"
        target = "60 s, 2 GB" if series == MOST else ""
        yield what, f"{cpu:.1f} CPU s, {wall:.1f} s, {peak():.1f} GB", target
        note(what, cpu)
        cpu, _, _ = seconds(lambda m=matrix, b=block: heterogeneity(m, b.length))
        yield f"differences of one pair on {series:,} series", f"{cpu:.1f} CPU s, {peak():.1f} GB", ""


def heterogeneity(matrix, length):
    """All that is said of the series of one pair."""
    experiment, opponent = matrix.scores.columns[:2]
    found = series_differences(matrix, experiment, matrix.scores[[opponent]], length)
    tables = series_table(found, STATISTICS["alpha"]), detectable_by_number(found, STATISTICS)
    return *tables, summarise(found, STATISTICS["alpha"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=MOST, help=f"series of the largest panel (default: {MOST})")
    print("| what | measured | target |\n|---|---|---|", flush=True)
    for row in table(parser.parse_args().series):
        print(f"| {' | '.join(row)} |", flush=True)
