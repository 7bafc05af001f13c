"""The 20 technical indicators of the original study, called "a20", computed by TA-Lib."""

import pandas as pd

INDICATORS = [
    "dema_9",
    "dema_10",
    "sma_12",
    "dema_20",
    "dema_25",
    "sma_50",
    "dema_90",
    "sma_100",
    "sma_200",
    "rsi_daily",
    "rsi_weekly",
    "stochrsi_daily",
    "stochrsi_weekly",
    "macd_line",
    "obv",
    "adosc",
    "atr_14",
    "adx_14",
    "bb_percent_b",
    "vwap_20",
]


def a20(prices):
    """The 20 indicators of each day; every value is known at the close of its day.

    Parameters
    ----------
    prices : DataFrame, shape (days, 5)
        Open, High, Low, Close and Volume, indexed by date.

    Returns
    -------
    DataFrame, shape (days, 20), columns `INDICATORS`; NaN on the first days, which an indicator needs to warm up.

    Notes
    -----
    The definitions are TA-Lib's (https://ta-lib.org/functions), with its default periods where the name has none.

    A weekly indicator has the value of the last **complete** week, Monday to Sunday: the close of the current week is
    not known yet. The new value is taken over on the Monday. If the Monday is a holiday, the value of the week before
    stays for the whole week, as in the original study. A week without a trading day has no row, since TA-Lib would
    carry a NaN into every later week.
    """
    import talib

    high, low, close, volume = (prices[name].astype(float) for name in ("High", "Low", "Close", "Volume"))
    mondays = close.index - pd.to_timedelta(close.index.weekday, unit="D")
    ends_week = ~mondays.duplicated(keep="last")
    weekly = close[ends_week].set_axis(mondays[ends_week])

    def last_complete_week(indicator):
        return indicator.shift(1).reindex(close.index).ffill()

    def fast_stochrsi(series):
        return talib.STOCHRSI(series, 14, 5, 3)[0]

    upper, _, lower = talib.BBANDS(close, 20, 2, 2)
    table = (
        {f"dema_{n}": talib.DEMA(close, n) for n in (9, 10, 20, 25, 90)}
        | {f"sma_{n}": talib.SMA(close, n) for n in (12, 50, 100, 200)}
        | {
            "rsi_daily": talib.RSI(close, 14),
            "rsi_weekly": last_complete_week(talib.RSI(weekly, 14)),
            "stochrsi_daily": fast_stochrsi(close),
            "stochrsi_weekly": last_complete_week(fast_stochrsi(weekly)),
            "macd_line": talib.MACD(close)[0],
            "obv": talib.OBV(close, volume),
            "adosc": talib.ADOSC(high, low, close, volume),
            "atr_14": talib.ATR(high, low, close, 14),
            "adx_14": talib.ADX(high, low, close, 14),
            "bb_percent_b": (close - lower) / (upper - lower),
            "vwap_20": (close * volume).rolling(20).sum() / volume.rolling(20).sum(),
        }
    )
    return pd.DataFrame(table)[INDICATORS]
