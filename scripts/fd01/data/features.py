"""Features: inputs of the baselines and probes. The value of a day is known at its close and has no price level."""

import numpy as np
import pandas as pd

from fd01.data.series import each_series

SMALLEST_VARIANCE = 1e-8  # of a day; without it, days on which the price stands still would have the log variance -inf


@each_series
def drawdown(prices, window):
    """1 - Close / max Close of the last `window` days, today's included; 0 at a high. Shape (days,)."""
    return 1 - prices["Close"] / prices["Close"].rolling(window).max()


def daily_range(prices):
    """log(High / Low). Shape (days,)."""
    return np.log(prices["High"] / prices["Low"])


@each_series
def ewma_variance(prices, decay):
    """RiskMetrics variance of the daily log return (J.P. Morgan, RiskMetrics, 1996, section 5.2).

    v_t = decay v_{t-1} + (1 - decay) r_t^2. Shape (days,), squared daily log returns; the first is NaN.
    """
    return np.log(prices["Close"]).diff().pow(2).ewm(alpha=1 - decay, adjust=False).mean()


@each_series
def har(prices):
    """Log realised variance over the last 1, 5 and 22 days (Corsi, J. Financial Econometrics 2009, eq. 8).

    The daily variance is Parkinson's, log(High / Low)^2 / (4 log 2) (J. Business 1980): it does not need the Open,
    which is not a traded price in every source. DataFrame, shape (days, 3), columns `rv_1`, `rv_5`, `rv_22`.
    """
    daily = daily_range(prices) ** 2 / (4 * np.log(2))
    daily = daily.clip(lower=SMALLEST_VARIANCE)
    return pd.DataFrame({f"rv_{n}": np.log(daily.rolling(n).mean()) for n in (1, 5, 22)})


@each_series
def volatility_measures(prices):
    """Seven measures of volatility, each the log of a daily variance.

    - `rv_1`, `rv_5`, `rv_22`: from the daily ranges, see `har`
    - `ewma`: `ewma_variance` with decay 0.94, which remembers months
    - `squares_5`, `squares_22`: the mean squared log return of the Close over 5 and 22 days; unlike a range, it
      contains the move over night
    - `falls_22`: the same over 22 days with every rise counted as 0; falls raise volatility more than rises do
      (realised semivariance: Barndorff-Nielsen, Kinnebrock and Shephard, in Volatility and Time Series Econometrics,
      2010)

    DataFrame, shape (days, 7).
    """
    returns = np.log(prices["Close"]).diff()
    variances = {
        "ewma": ewma_variance(prices, 0.94),
        "squares_5": returns.pow(2).rolling(5).mean(),
        "squares_22": returns.pow(2).rolling(22).mean(),
        "falls_22": returns.clip(upper=0).pow(2).rolling(22).mean(),
    }
    return har(prices).join(np.log(pd.DataFrame(variances).clip(lower=SMALLEST_VARIANCE)))


@each_series
def scale_free_a20(dataset):
    """The original study's 20 indicators as ratios that mean the same at any price level.

    Moving averages become their distance from the Close as a share of the Close, and MACD and ATR shares of the Close.
    The change of OBV over 20 days and ADOSC are in units of the mean daily volume of these days. Oscillators lie in
    [0, 1]. DataFrame, shape (days, 20).
    """
    close = dataset["Close"]
    mean_volume = dataset["Volume"].astype(float).rolling(20).mean()
    table = {}
    for name in ("dema_9", "dema_10", "sma_12", "dema_20", "dema_25", "sma_50", "dema_90", "sma_100", "sma_200"):
        table[name] = dataset[name] / close - 1
    table["vwap_20"] = dataset["vwap_20"] / close - 1
    for name in ("rsi_daily", "rsi_weekly", "stochrsi_daily", "stochrsi_weekly", "adx_14"):
        table[name] = dataset[name] / 100
    for name in ("macd_line", "atr_14"):
        table[name] = dataset[name] / close
    table["obv"] = dataset["obv"].diff(20) / mean_volume
    table["adosc"] = dataset["adosc"] / mean_volume
    table["bb_percent_b"] = dataset["bb_percent_b"]
    return pd.DataFrame(table)
