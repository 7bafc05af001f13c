"""Simulate the test of what a score adds to volatility (`fd01.evaluation.explanation`): its size and its power.

numpy alone, about two minutes on one core. See docs/explanation/calibration-and-explanation.md.
"""

import argparse

import numpy as np

TAIL, DAYS = 570, 504  # of the calibration tail and of the block, as on the packaged prices
PERSISTENCE = 0.98  # autocorrelation of the volatility
INTERCEPT = -1.7  # log-odds of the event at mean volatility: it then happens on about a fifth of the days
Z = 1.959964  # of a two-sided test at 5 %
SMALLEST_GAIN = 0.005
CLIP = 0.001  # as fd01.evaluation.calibration.CLIP


def expit(z):
    """Probability of log-odds."""
    return 1 / (1 + np.exp(-z))


def persistent(rng, shape, autocorrelation):
    """Series with mean 0, variance 1 and this autocorrelation from day to day, shape (series, days)."""
    values = rng.standard_normal(shape)
    for day in range(1, shape[1]):
        values[:, day] *= np.sqrt(1 - autocorrelation**2)
        values[:, day] += autocorrelation * values[:, day - 1]
    return values


def log_losses(y, probability):
    """Log-loss of each day, in nats."""
    return -np.log(np.where(y == 1, probability, 1 - probability).clip(CLIP, 1 - CLIP))


def regression(y, predictors, days):
    """Probabilities of all days by logistic regressions that are fitted to the first `days` of each series.

    `predictors` is a list of arrays, shape (series, all days). Newton's method, for all series at once.
    """
    design = np.stack([np.ones_like(predictors[0]), *predictors], axis=2)
    known, weights = design[:, :days], np.zeros((len(design), design.shape[2]))
    for _ in range(10):
        p = expit(np.einsum("sdk,sk->sd", known, weights))
        slope = np.einsum("sdk,sd->sk", known, y[:, :days] - p)
        curvature = np.einsum("sdk,sd,sdl->skl", known, p * (1 - p), known)
        weights += np.linalg.solve(curvature, slope[:, :, None])[:, :, 0]
    return expit(np.einsum("sdk,sk->sd", design, weights))


def standard_errors(gains):
    """Of the mean of each series: Newey and West's, and the larger of it and the stationary bootstrap's.

    The two functions of `fd01.evaluation.explanation` for many series at once; `gains` has the shape (series, days).
    """
    n = gains.shape[1]
    centred = gains - gains.mean(axis=1, keepdims=True)

    def covariances(length):
        return np.fft.irfft(np.abs(np.fft.rfft(centred, length)) ** 2, length)[:, :n] / n

    lags = np.arange(1, n)
    few = int(4 * (n / 100) ** (2 / 9))
    straight, circular = covariances(2 * n), covariances(n)
    weights = (1 - lags / (few + 1)).clip(0), (1 - lags / n) * (1 - n**-0.5) ** lags
    newey_west, bootstrap = (
        np.sqrt(np.maximum(c[:, 0] + 2 * c[:, 1:] @ w, 0) / n) for c, w in zip((straight, circular), weights)
    )
    return newey_west, np.maximum(newey_west, bootstrap)


# Each of the next functions returns daily gains, shape (repetitions, DAYS).


def added(rng, repetitions, effect, noise, error, error_noise):
    """Gains of a score by the whole procedure: both regressions fitted to the tail, and compared on the block.

    Parameters
    ----------
    effect : float
        Change of the log-odds per standard deviation of the score, which is independent of volatility; 0: it knows
        nothing.
    noise : float
        Autocorrelation of the score.
    error : float
        Standard deviation of the error of the measure of volatility; the volatility has 1.
    error_noise : float
        Autocorrelation of that error.
    """
    shape = repetitions, TAIL + DAYS
    volatility, score = persistent(rng, shape, PERSISTENCE), persistent(rng, shape, noise)
    measure = volatility + error * persistent(rng, shape, error_noise)
    y = (rng.random(shape) < expit(INTERCEPT + volatility + effect * score)).astype(float)
    alone, joint = (regression(y, predictors, TAIL)[:, TAIL:] for predictors in ([measure], [measure, score]))
    return log_losses(y[:, TAIL:], alone) - log_losses(y[:, TAIL:], joint)


def equally_wrong(rng, repetitions, error, noise):
    """Two forecasts whose errors have one size and one autocorrelation, so that the expected gain is exactly 0."""
    shape = repetitions, DAYS
    truth = INTERCEPT + persistent(rng, shape, PERSISTENCE)
    y = (rng.random(shape) < expit(truth)).astype(float)
    first, second = (log_losses(y, expit(truth + error * persistent(rng, shape, noise))) for _ in range(2))
    return first - second


def summary(gains):
    """Shares of repetitions in percent, and the Monte-Carlo error of the first."""
    mean = gains.mean(axis=1)
    newey_west, larger = standard_errors(gains)
    rejected = np.abs(mean) > Z * larger
    shares = {
        "rejected": rejected,
        "by Newey-West alone": np.abs(mean) > Z * newey_west,
        "rejected, gain > 0": rejected & (mean > 0),
        "and gain >= 0.005": rejected & (mean >= SMALLEST_GAIN),
        "too small": mean + Z * larger < SMALLEST_GAIN,
    }
    percent = {name: 100 * share.mean() for name, share in shares.items()}
    p = rejected.mean()
    return percent | {"error": 100 * np.sqrt(p * (1 - p) / len(gains)), "mean gain": mean.mean(), "se": mean.std()}


def rows(repetitions):
    """Pairs of a description and a `summary`."""
    for noise in (0, 0.5, 0.9, 0.97):
        for error in (0.2, 0.4):
            gains = equally_wrong(np.random.default_rng(0), repetitions, error, noise)
            yield f"expected gain 0: equal errors of {error}, autocorrelation {noise}", summary(gains)
    for noise in (0, 0.9, 0.98):
        gains = added(np.random.default_rng(1), repetitions, 0, noise, 0, 0)
        yield f"knows nothing: volatility known, score {noise}", summary(gains)
    for noise, error, error_noise in ((0.9, 0.5, 0.9), (0.98, 0.5, 0.9), (0.9, 0.5, 0.98), (0.98, 0.5, 0.98)):
        gains = added(np.random.default_rng(2), repetitions, 0, noise, error, error_noise)
        yield f"knows nothing: volatility known to {error} ({error_noise}), score {noise}", summary(gains)
    for effect in (0.2, 0.3, 0.5, 0.7):
        gains = added(np.random.default_rng(3), repetitions, effect, 0.9, 0.5, 0.9)
        yield f"knows something: effect {effect}", summary(gains)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=2000, help="simulated blocks per row (default: 2000)")
    for number, (what, measured) in enumerate(rows(parser.parse_args().repetitions)):
        if not number:
            print("| what | " + " | ".join(measured) + " |")
            print("|---" * (len(measured) + 1) + "|")
        cells = (f"{value:.4f}" if name in ("mean gain", "se") else f"{value:.1f}" for name, value in measured.items())
        print(f"| {what} | " + " | ".join(cells) + " |", flush=True)
