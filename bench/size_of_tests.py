"""How often the tests of the comparisons err on days with persistent volatility, and how often they find a difference.

    python bench/size_of_tests.py            # about 15 minutes on one core
    python bench/size_of_tests.py --quick    # about 1 minute, for a look

A row is a test in a situation with a known truth. `rejects` is the share of simulated blocks on which the test finds
something at a level of 5 %: the size where there is nothing to find, the power where there is.
"""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT / "scripts")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from scipy.signal import lfilter  # noqa: E402
from scipy.stats import norm  # noqa: E402

from fd01.evaluation.blocks import measure_block, paired_uncertainty, pool  # noqa: E402
from fd01.evaluation.comparison import delong, equivalence_p, equivalence_power, two_sided  # noqa: E402
from fd01.evaluation.score_matrix import ScoreMatrix  # noqa: E402

STATISTICS = {"alpha": 0.05, "power": 0.8, "margin": 0.02}
RESAMPLES = 99
VOLATILITY = 0.98  # autocorrelation of log-volatility from day to day
SHARE = 0.2  # of days with the event


def autoregressive(random, persistence, *shape):
    """Standard normal series with this autocorrelation, along the last axis."""
    shocks = random.standard_normal(shape)
    shocks[..., 1:] *= np.sqrt(1 - persistence**2)
    return lfilter([1.0], [1.0, -persistence], shocks, axis=-1)


def simulated_days(random, days, share=SHARE):
    """Log-volatility and outcomes of `days` days: the event is the likelier, the higher the volatility."""
    volatility = autoregressive(random, VOLATILITY, days)
    return volatility, 0.6 * volatility + 0.8 * random.standard_normal(days) > norm.ppf(1 - share)


def matrix_of(happened, seeds=None, **scores):
    """A ScoreMatrix of signals; `seeds` are the scores of random networks, of which `networks` is the mean."""
    frame = pd.DataFrame(scores)
    seed_scores = {}
    if seeds is not None:
        seed_scores = {"networks": pd.DataFrame(seeds.T, frame.index)}
        frame["networks"] = seeds.mean(axis=0)
    kinds = pd.Series("signal", frame.columns)
    return ScoreMatrix(
        pd.DatetimeIndex(pd.to_datetime(frame.index, unit="D")),
        pd.Series(happened.astype(float)),
        frame,
        kinds,
        pd.Series(False, frame.columns),
        seed_scores,
    )


def compared(block, opponents):
    """Difference and its uncertainty, of the experiment `a` and its opponents."""
    row = paired_uncertainty(block, "a", opponents, STATISTICS)
    estimates = block.estimates["auc"]
    others = [block.index(name) for name in opponents]
    resampled = block.resampled["auc"]
    difference = estimates[block.index("a")] - estimates[others].mean()
    spread = np.nanstd(resampled[:, block.index("a")] - resampled[:, others].mean(axis=1), ddof=1)
    return row | {"difference": difference, "se_bootstrap": spread}


def pair_of_scores(random, volatility, noise, persistence):
    """Two scores that are log-volatility and errors of their own, as large and as persistent as told."""
    errors = autoregressive(random, persistence, 2, len(volatility))
    return volatility + np.array(noise)[:, None] * errors


def single_block(random, days, noise, persistence, share=SHARE, fewest=2):
    """One pair on one block; None where too few days have the event."""
    volatility, happened = simulated_days(random, days, share)
    if min(happened.sum(), days - happened.sum()) < fewest:
        return None
    a, b = pair_of_scores(random, volatility, noise, persistence)
    block = measure_block("block", matrix_of(happened, a=a, b=b), None, RESAMPLES, random)
    return compared(block, ["b"])


def pooled_blocks(random, days, noise, persistence):
    """One pair on several blocks that are pooled; `days` are their lengths."""
    blocks = []
    for length in days:
        volatility, happened = simulated_days(random, length)
        if 1 < happened.sum() < length - 1:
            a, b = pair_of_scores(random, volatility, noise, persistence)
            blocks.append(measure_block("block", matrix_of(happened, a=a, b=b), None, RESAMPLES, random))
    return compared(pool(blocks, "after-cutoff"), ["b"])


def networks(random, days, count, quality, persistence, better):
    """One model against single random networks, whose skill differs from network to network."""
    volatility, happened = simulated_days(random, days)
    if happened.sum() < 10:
        return None
    skill = 1 + quality * random.standard_normal((count, 1))
    errors = autoregressive(random, persistence, count + 1, days)
    matrix = matrix_of(happened, skill * volatility + errors[1:], a=better * volatility + errors[0])
    block = measure_block("block", matrix, None, RESAMPLES, random, singles=["networks"])
    return compared(block, block.singles["networks"])


def skill_of_the_mean_network(quality, persistence, days=504, runs=3000):
    """The skill of a model whose expected AUC is the mean AUC of random networks, by simulation."""
    random = np.random.default_rng(99)
    grid = np.linspace(0.7, 1.3, 13)
    of_networks, of_grid = [], []
    for _ in range(runs):
        volatility, happened = simulated_days(random, days)
        if happened.sum() < 10:
            continue
        error = autoregressive(random, persistence, days)
        skills = [1 + quality * random.standard_normal(), *grid]
        aucs = delong(happened, np.column_stack([skill * volatility + error for skill in skills])).aucs
        of_networks.append(aucs[0])
        of_grid.append(aucs[1:])
    return float(np.interp(np.mean(of_networks), np.mean(of_grid, axis=0), grid))


def noise_for_difference(difference, noise, persistence, days=504, runs=3000):
    """The noise of a second score whose expected AUC on a block is lower by `difference`, by simulation."""
    random = np.random.default_rng(98)
    grid = noise * np.linspace(1, 2.5, 16)
    aucs, pairs = [], []  # of days with the event and without: their number is the weight of a block in a pool
    for _ in range(runs):
        volatility, happened = simulated_days(random, days)
        if not 1 < happened.sum() < days - 1:
            continue
        error = autoregressive(random, persistence, days)
        aucs.append(delong(happened, np.column_stack([volatility + level * error for level in grid])).aucs)
        pairs.append(happened.sum() * (~happened).sum())
    expected = np.average(aucs, axis=0, weights=pairs)
    return float(np.interp(difference, expected[0] - expected, grid))


def difference_found(row, se="se"):
    """Whether the paired test of level 5 % finds a difference."""
    return two_sided(row["difference"], row[se], row["df"] if se == "se" else np.inf)[1] < 0.05


def equivalence_found(row, se="se"):
    """Whether two one-sided tests of level 5 % find equivalence."""
    return equivalence_p(row["difference"], row[se], STATISTICS["margin"], row["df"]) < 0.05


def equally_good(situation, noise, persistence):
    """One of `situations`: two scores whose errors are equally large."""
    return (
        "paired difference, one block",
        situation,
        "no difference",
        lambda random: single_block(random, 504, (noise, noise), persistence, fewest=10),
        difference_found,
    )


def situations():
    """Name of the test, situation, truth, how it is simulated, and what counts as a finding."""
    for persistence in (0.0, 0.9, 0.97):
        yield equally_good(f"504 days, errors {persistence:g}", 0.4, persistence)
    yield (
        "paired difference, one block",
        "504 days, errors 0.9",
        "a real one",
        lambda random: single_block(random, 504, (0.4, 0.9), 0.9, fewest=10),
        difference_found,
    )
    for days, fewest in ((74, 5), (74, 10), (120, 10), (120, 20), (200, 20)):
        yield (
            "paired difference, short slice",
            f"{days} days, at least {fewest} events, errors 0.9",
            "no difference",
            lambda random, d=days, f=fewest: single_block(random, d, (0.4, 0.4), 0.9, fewest=f),
            difference_found,
        )
    clean, long = (252, 280), (504,) * 6
    for name, days, noise, persistence in (
        ("532 clean days in two blocks", clean, 0.3, 0.5),
        ("3,024 clean days in six blocks", long, 0.3, 0.5),
        ("3,024 clean days in six blocks", long, 0.3, 0.95),
    ):
        other = noise_for_difference(STATISTICS["margin"], noise, persistence)
        for truth, second in (("difference 0.02", other), ("no difference", noise)):
            yield (
                "equivalence, margin 0.02",
                f"{name}, errors {persistence:g}",
                truth,
                lambda random, d=days, n=(noise, second), p=persistence: pooled_blocks(random, d, n, p),
                equivalence_found,
            )
    for count in (3, 5):
        for quality in (0.0, 0.3):
            equal = skill_of_the_mean_network(quality, 0.9)
            for truth, skill in (("no difference", equal), ("a real one", 1.5 * equal)):
                yield (
                    "model against single random networks",
                    f"504 days, {count} networks, skill {quality:g}",
                    truth,
                    lambda random, c=count, q=quality, s=skill: networks(random, 504, c, q, 0.9, s),
                    difference_found,
                )
    yield equally_good("504 days, errors 0.98, as large as log-volatility", 1.0, 0.98)


def measure(simulate, found, runs, seed):
    """Shares over `runs` simulated blocks, as a dict."""
    random = np.random.default_rng(seed)
    rows = [row for _ in range(runs) if (row := simulate(random)) is not None]
    share = np.mean([found(row) for row in rows])
    return {
        "blocks": len(rows),
        "rejects": share,
        "error": np.sqrt(share * (1 - share) / len(rows)),
        "by DeLong": np.mean([found(row, "se_delong") for row in rows]),
        "by bootstrap": np.mean([found(row, "se_bootstrap") for row in rows]),
        "mean se": np.mean([row["se"] for row in rows]),
        "predicted": np.mean([equivalence_power(row["se"], 0.05, STATISTICS["margin"]) for row in rows]),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the blocks")
    parser.add_argument("--only", default="", help="situations whose name holds this text")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    runs = 75 if options.quick else 1500
    heads = ["test", "situation", "truth", "blocks", "rejects", "Monte-Carlo error", "DeLong's error alone"]
    heads += ["bootstrap's alone", "mean standard error", "power predicted"]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for number, (test, situation, truth, simulate, found) in enumerate(situations()):
        if options.only not in test:
            continue
        row = measure(simulate, found, runs, number)
        predicted = f"{row['predicted']:.1%}" if found is equivalence_found and truth == "no difference" else ""
        print(
            f"| {test} | {situation} | {truth} | {row['blocks']} | {row['rejects']:.1%} | {row['error']:.1%} "
            f"| {row['by DeLong']:.1%} | {row['by bootstrap']:.1%} | {row['mean se']:.4f} | {predicted} |",
            flush=True,
        )
