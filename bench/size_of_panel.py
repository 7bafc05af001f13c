"""How often the paired test of several series errs, with dates as clusters, and how often it finds a difference.

    python bench/size_of_panel.py            # half an hour on one core
    python bench/size_of_panel.py --quick    # about 1 minute, for a look

Volatility, outcomes and the errors of both scores are correlated over series, and persist. `rejects` is the share of
simulated panels on which the test finds a difference at a level of 5 %.
"""

import argparse
import sys
from pathlib import Path

from size_of_tests import RESAMPLES, SHARE, STATISTICS, VOLATILITY, autoregressive

sys.path[0] = str(Path(__file__).resolve().parents[1] / "scripts")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from scipy.stats import norm  # noqa: E402

from fd01.evaluation.blocks import measure_block, paired_uncertainty  # noqa: E402
from fd01.evaluation.bootstrap import block_length, mean_variance, spread_of_mean  # noqa: E402
from fd01.evaluation.comparison import two_sided  # noqa: E402
from fd01.evaluation.heterogeneity import series_differences  # noqa: E402
from fd01.evaluation.panel import Panel, rank_panel  # noqa: E402
from fd01.evaluation.score_matrix import ScoreMatrix  # noqa: E402

NOISE = 0.4  # of the errors of a score, in standard deviations of log-volatility
FEW, SHORT = 4, 250  # series and dates, up to which a panel is tested in all ways
MORE_NOISE = 0.6  # of the worse score, where there is a difference


def together(random, correlation, persistence, count, days, *more):
    """Standard normal series that persist, shape (*more, count, days), with this correlation between the `count`."""
    common = autoregressive(random, persistence, *more, 1, days)
    own = autoregressive(random, persistence, *more, count, days)
    return np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own


def simulated_panel(random, count, days, correlation, persistence, noise, staggered):
    """A ScoreMatrix of `count` series with the scores `a` and `b`; `staggered` series begin at different dates.

    A score is log-volatility and an error. The errors of `a` and `b` are independent of each other.
    """
    volatility = together(random, correlation, VOLATILITY, count, days)
    shocks = together(random, correlation, 0.0, count, days)
    happened = 0.6 * volatility + 0.8 * shocks > norm.ppf(1 - SHARE)
    errors = together(random, correlation, persistence, count, days, 2)
    scores = volatility + np.array(noise)[:, None, None] * errors
    first = np.linspace(0, days * 0.6, count).astype(int) if staggered else np.zeros(count, int)
    kept = np.arange(days) >= first[:, None]
    series, dates = np.nonzero(kept)
    index = pd.DatetimeIndex(pd.to_datetime(dates, unit="D"))
    frame = pd.DataFrame({"a": scores[0][kept], "b": scores[1][kept]}, index)
    y, kinds = pd.Series(happened[kept].astype(float), index), pd.Series("signal", ["a", "b"])
    return ScoreMatrix(index, y, frame, kinds, pd.Series(False, ["a", "b"]), series=series)


def tested(random, *situation):
    """One simulated panel as a dict: the difference, its standard error, and whether the test rejects by several.

    The error is the one of many resamples: the bootstrap by influence functions, in closed form. Of few series, the
    test as it is (`exact`) and the error that takes the series for independent are added.
    """
    matrix = simulated_panel(random, *situation)
    panel = Panel.of(matrix.series, matrix.days)
    ranking = rank_panel(matrix.y.to_numpy(), matrix.scores.to_numpy(), panel)
    pair, dates, length = np.array([1, -1]), len(panel.dates), block_length(ranking.influence)
    plain = np.sqrt(mean_variance(ranking.influence @ pair, length) / dates)
    errors = {
        "cluster": np.sqrt(pair @ ranking.covariance @ pair),
        "bootstrap": plain * spread_of_mean(dates, length),
    }
    row = {"difference": ranking.aucs @ pair, "se": max(errors.values())}
    errors |= {"larger": row["se"], "plain": max(plain, errors["cluster"])}
    if 1 < len(panel.series) <= FEW and dates <= SHORT:
        block = measure_block("block", matrix, None, RESAMPLES, random)
        errors["exact"] = paired_uncertainty(block, "a", ["b"], STATISTICS)["se"]
        alone = series_differences(matrix, "a", matrix.scores[["b"]], length)
        errors["independent"] = np.sqrt(np.nansum((alone.pairs * alone.se) ** 2)) / alone.pairs.sum()
    return row | {name: two_sided(row["difference"], se)[1] < STATISTICS["alpha"] for name, se in errors.items()}


def situations():
    """Series, dates, correlation, persistence and noise of the errors, and whether series begin at different dates."""
    equal, different = (NOISE, NOISE), (NOISE, MORE_NOISE)
    for count in (4, 30):
        for days in (250, 500):
            for correlation in (0.0, 0.3, 0.8):
                yield count, days, correlation, 0.9, equal, False
    for days in (40, 75):
        yield 30, days, 0.8, 0.9, equal, False
    for count in (1, 4, 30):
        yield count, 500, 0.3, 0.9, different, False
    for persistence in (0.97, 0.0):
        yield 30, 500, 0.3, persistence, equal, False
    yield 30, 500, 0.3, 0.9, equal, True


def measure(situation, runs, seed):
    """Shares of rejections over `runs` simulated panels, the mean difference, and how often the interval holds it."""
    random = np.random.default_rng(seed)
    rows = pd.DataFrame([tested(random, *situation) for _ in range(runs)])
    noise = situation[4]
    true = 0.0 if noise[0] == noise[1] else rows["difference"].mean()
    covered = (rows["difference"] - true).abs() <= norm.ppf(1 - STATISTICS["alpha"] / 2) * rows["se"]
    return rows.mean().to_dict() | {"difference": true, "covered": covered.mean(), "spread": rows["difference"].std()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the panels")
    runs = 40 if parser.parse_args().quick else 800
    heads = ["series", "dates", "correlation", "errors", "true difference", "rejects", "Monte-Carlo error", "covered"]
    heads += ["99 exact resamples", "cluster error alone", "bootstrap's alone", "no correction"]
    heads += ["series as independent", "mean standard error", "true one"]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for number, (count, days, correlation, persistence, noise, staggered) in enumerate(situations()):
        row = measure((count, days, correlation, persistence, noise, staggered), runs, number)
        names = ("exact", "cluster", "bootstrap", "plain", "independent")
        shares = [f"{row[name]:.1%}" if name in row else "" for name in names]
        error = np.sqrt(row["larger"] * (1 - row["larger"]) / runs)
        print(
            f"| {count}{', begin one by one' if staggered else ''} | {days} | {correlation:g} | {persistence:g} "
            f"| {row['difference']:.4f} | {row['larger']:.1%} | {error:.1%} "
            f"| {row['covered']:.1%} | {' | '.join(shares)} | {row['se']:.4f} | {row['spread']:.4f} |",
            flush=True,
        )
