"""How often `check_alignment` accuses honest forecasts, and how often it finds those that lie on another day.

    python bench/size_of_alignment.py            # about 5 minutes on one core
    python bench/size_of_alignment.py --quick    # less than a minute, for a look

A simulated run has prices with persistent volatility, heavy tails or jumps, and 22 honest forecasters. Each of them
uses what is known on the day of its forecast and no more. A run is wrong if any of them is accused.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT / "scripts")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from scipy.stats import beta  # noqa: E402

from fd01.evaluation.alignment import LOCATION, SCALE, alignment_table, daily_news  # noqa: E402

BEFORE = 120  # days before the first forecast
PROCESSES = ("GARCH", "GJR-GARCH", "stochastic volatility")
STRENGTHS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
PARAMETERS = {"GARCH": (0.08, 0.0, 0.9), "GJR-GARCH": (0.02, 0.12, 0.9)}  # of the square, of falls, of the variance


def simulate(random, process, days):
    """Prices, and the true variance of the next day; its news are Student-t with five degrees of freedom.

    Log-volatility of the third process has the autocorrelation 0.98; it rises after falls, and one day in 100 jumps.
    """
    z = random.standard_t(5, days) * np.sqrt(3 / 5)
    returns, variance, mean = np.empty(days), np.empty(days + 1), 1e-4
    variance[0] = mean
    if process in PARAMETERS:
        square, fall, persistence = PARAMETERS[process]
        for t in range(days):
            returns[t] = np.sqrt(variance[t]) * z[t]
            news = (square + fall * (z[t] < 0)) * returns[t] ** 2
            variance[t + 1] = mean * (1 - square - fall / 2 - persistence) + news + persistence * variance[t]
    else:
        level, shocks = 0.0, 0.15 * random.standard_normal(days)
        for t in range(days):
            jump = 3 * random.standard_normal() if random.random() < 0.01 else 0
            returns[t] = np.sqrt(variance[t]) * (z[t] + jump)
            level = 0.98 * level - 0.06 * z[t] + shocks[t]
            variance[t + 1] = mean * np.exp(level)
    # The highest and the lowest point of a Brownian path that ends at the return.
    high, low = (
        (returns + sign * np.sqrt(returns**2 - 2 * variance[:-1] * np.log(random.random(days)))) / 2 for sign in (1, -1)
    )
    close = 100 * np.exp(np.cumsum(returns))
    before = close / np.exp(returns)
    dates = pd.bdate_range("2000-01-03", periods=days)
    prices = pd.DataFrame({"Date": dates, "High": before * np.exp(high), "Low": before * np.exp(low), "Close": close})
    return prices, variance[1:]


def ewma(values, decay):
    """Exponentially weighted mean of the values up to each day."""
    return pd.Series(values).ewm(alpha=1 - decay, adjust=False).mean().to_numpy()


def mean_of(values, window):
    """Mean of the last `window` values."""
    return pd.Series(values).rolling(window, min_periods=1).mean().to_numpy()


def persistent(random, days, autocorrelation):
    """A standard normal series with this autocorrelation."""
    shocks = random.standard_normal(days) * np.sqrt(1 - autocorrelation**2)
    return pd.Series(shocks).ewm(alpha=1 - autocorrelation, adjust=False).mean().to_numpy() / (1 - autocorrelation)


def random_network(random, returns, context=80, units=32):
    """A network with random weights on the last returns, in units of their standard deviation."""
    windows = np.lib.stride_tricks.sliding_window_view(np.concatenate([np.zeros(context - 1), returns]), context)
    windows = windows / np.maximum(windows.std(axis=1, keepdims=True), 1e-9)
    hidden = np.tanh(windows @ random.standard_normal((context, units)) / np.sqrt(context))
    return hidden @ random.standard_normal(units) / np.sqrt(units)


def honest_forecasts(random, prices, variance):
    """Honest forecasts by name: `LOCATION` or `SCALE`, and a value for every day."""
    close = prices["Close"].to_numpy()
    returns = np.concatenate([[0.0], np.diff(np.log(close))])
    squares, ranges = returns**2, np.log(prices["High"] / prices["Low"]).to_numpy()
    parkinson = np.log(np.maximum(ranges**2, 1e-8))
    days, volatility = len(close), np.sqrt(variance)
    logs = {decay: np.log(ewma(squares, decay) + 1e-12) for decay in (0.94, 0.97)}
    twice = np.log(ewma(ewma(squares, 0.9), 0.9) + 1e-12)
    week = np.arange(days) - np.arange(days) % 5
    garch, gjr_garch = np.full((2, days), 1e-4)
    for t in range(1, days):
        garch[t] = 2e-6 + 0.08 * squares[t] + 0.9 * garch[t - 1]
        gjr_garch[t] = 2e-6 + (0.02 + 0.16 * (returns[t] < 0)) * squares[t] + 0.88 * gjr_garch[t - 1]
    noise = random.standard_normal((5, days))
    scales = {
        "EWMA 0.94": logs[0.94],
        "EWMA 0.97": logs[0.97],
        "EWMA with persistent noise": logs[0.94] + 0.3 * persistent(random, days, 0.9),
        "EWMA with daily noise": logs[0.94] + 0.3 * noise[0],
        "EWMA, updated once a week": logs[0.94][week],
        "EWMA of an EWMA": twice,
        "EWMA of an EWMA with noise": twice + 0.1 * noise[1],
        "HAR": 0.4 * parkinson + 0.3 * mean_of(parkinson, 5) + 0.3 * mean_of(parkinson, 22),
        "mean of 22 squares": np.log(mean_of(squares, 22) + 1e-12),
        "mean of 60 ranges": np.log(mean_of(ranges, 60)),
        "today's range": np.log(ranges),
        "GARCH": np.log(garch),
        "GJR-GARCH": np.log(gjr_garch),
        "the true volatility": np.log(volatility),
    }
    locations = {
        "noise around zero": 1e-4 * noise[2],
        "the last value, rounded": close.astype(np.float32) / close - 1,
        "a small reversal": -0.05 * returns + 2e-4 * noise[3],
        "momentum": 0.1 * mean_of(returns, 20),
        "mean of 20 closes": mean_of(close, 20) / close - 1,
        "EWMA of the close": ewma(close, 0.5) / close - 1,
        "a High": 0.5 * volatility + 5e-4 * noise[4],
        "a random network": 1e-3 * random_network(random, returns),
    }
    return {name: (SCALE, value) for name, value in scales.items()} | {
        name: (LOCATION, value) for name, value in locations.items()
    }


def altered_forecasts(forecasts, prices):
    """Forecasts that lie on another day, by (name, what was done, by how much).

    A late forecast is the one of some days before. A peek replaces a share, the strength, of a forecast in standard
    deviations by the size or by the return of the next day.
    """
    returns = np.log(prices["Close"]).diff().to_numpy()
    size = np.log(np.maximum(np.abs(returns), 1e-4))
    altered = {}
    for name in ("GARCH", "GJR-GARCH", "EWMA 0.94", "HAR", "a small reversal"):
        what, value = forecasts[name]
        for k in (1, 2, 3):
            altered[name, "late", k] = what, np.roll(value, k)
        altered[name, "a day ahead", 1] = what, np.roll(value, -1)
    for name, future in (("EWMA 0.94", size), ("a small reversal", returns)):
        what, value = forecasts[name]
        for strength in STRENGTHS:
            known, ahead = ((part - np.nanmean(part)) / np.nanstd(part) for part in (value, np.roll(future, -1)))
            blend = (1 - strength) * known + strength * ahead
            altered[name, "peek", strength] = what, blend * (1e-3 if what == LOCATION else 1)
    # A price forecast that is late: the return that it means has today's return in it.
    close = prices["Close"].to_numpy()
    for k in (1, 2, 3):
        price = np.roll(close * (1 + forecasts["a small reversal"][1]), k)
        altered["a small reversal, as a price", "late", k] = LOCATION, price / close - 1
    return altered


def judged(prices, forecasts, days):
    """The table of the check for forecasts of the last but three `days`."""
    dates = prices["Date"].to_numpy()
    rows = np.arange(BEFORE, BEFORE + days)
    tables = {
        name: {what: pd.DataFrame({"fold": "block", "origin": dates[rows], "value": value[rows]})}
        for name, (what, value) in forecasts.items()
    }
    return alignment_table(tables, daily_news(prices, np.zeros(len(prices), bool)))


def upper_bound(errors, number):
    """Upper end of the one-sided 95 % interval of a share (Clopper and Pearson)."""
    return beta.ppf(0.95, errors + 1, number - errors)


def report_errors(number, days):
    """Print how many runs are wrong, and what was said of each forecaster."""
    wrong, verdicts = dict.fromkeys(PROCESSES, 0), {}
    for seed in range(number):
        random, process = np.random.default_rng([1, seed]), PROCESSES[seed % 3]
        prices, variance = simulate(random, process, BEFORE + days + 4)
        table = judged(prices, honest_forecasts(random, prices, variance), days)
        wrong[process] += table["k"].notna().any()
        for name, verdict, ahead in zip(table["experiment"], table["verdict"], table["r_+1"]):
            verdicts.setdefault(name, []).append((verdict, abs(ahead)))
    errors = sum(wrong.values())
    print(f"## False accusations, {days} days\n\n| volatility | runs | runs with any accusation |\n|---|---|---|")
    for i, (process, count) in enumerate(wrong.items()):
        print(f"| {process} | {len(range(i, number, 3))} | {count} |")
    print(f"\nOf all {number} runs: {errors}; upper 95 % bound {100 * upper_bound(errors, number):.2f} %.\n")
    print("| honest forecaster | aligned | cannot tell | accused | mean correlation with the next day |")
    print("|---|---|---|---|---|")
    for name, found in verdicts.items():
        said = pd.Series([verdict for verdict, _ in found])
        shares = [(said == verdict).mean() for verdict in ("aligned", "cannot tell")]
        ahead = np.nanmean([value for _, value in found])
        cells = " | ".join(f"{100 * share:.0f} %" for share in (*shares, abs(1 - sum(shares))))
        print(f"| {name} | {cells} | {ahead:.2f} |")


def report_power(number, days):
    """Print how often an altered forecast among the honest ones is found."""
    found = {}
    for seed in range(number):
        random, process = np.random.default_rng([2, seed]), PROCESSES[seed % 3]
        prices, variance = simulate(random, process, BEFORE + days + 4)
        honest = honest_forecasts(random, prices, variance)
        altered = altered_forecasts(honest, prices)
        table = judged(prices, honest | altered, days).set_index("experiment")
        for key in altered:
            found.setdefault(key, []).append((table["verdict"][[key]].iloc[0], table["k"][[key]].iloc[0]))
    print(f"\n## Power, {days} days\n\n{number} runs; {len(found)} altered forecasts stand among the honest ones.\n")
    print("| forecast | change | by | found | cannot tell | aligned | wrong |\n|---|---|---|---|---|---|---|")
    for (name, change, by), verdicts in found.items():
        right = (f"late by {by} day{'s' if by > 1 else ''}", by) if change == "late" else ("knows the future", 1)
        said = [verdict if pair != right else "found" for pair in verdicts for verdict in pair[:1]]
        counts = [said.count(word) / number for word in ("found", "cannot tell", "aligned")]
        cells = " | ".join(f"{100 * share:.1f} %" for share in (*counts, abs(1 - sum(counts))))
        print(f"| {name} | {change} | {by} | {cells} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs")
    quick = parser.parse_args().quick
    print("# Size and power of check_alignment\n\nMade by `python bench/size_of_alignment.py`.\n")
    report_errors(30 if quick else 500, 504)
    for days, number in ((250, 80), (504, 24)):
        report_power(6 if quick else number, days)
