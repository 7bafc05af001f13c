"""What the study's published figures for Lag-Llama and TimesFM were, recomputed without any model."""

from zipfile import BadZipFile

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from fd01.data.targets import target_values
from fd01.workflow.errors import NotRun, UserError

WINDOW = 1150  # days, the study's context
THRESHOLD = 0.01
START, END = "2023-01-01", "2024-12-31"  # target dates
STORED = {  # published AUC, first and last date
    "val": (0.3639663218192144, START, END),
    "test": (0.27589651383478175, "2025-01-01", "2200-01-01"),
}
PUBLISHED = {"forecast": 0.39372549019607844, "close": 0.43352941176470583}


def scaler_figures(dataset):
    """AUC of Lag-Llama's input scaler alone: the two figures that the study published, and the right read-out.

    The scaler takes the lower median and the interquartile range of the window of 1,150 days before each target date.

    Parameters
    ----------
    dataset : DataFrame with Date, High and Close

    Returns
    -------
    dict with window (days), start, end (dates), n, positives, and `lines`, a list of dict with what,
    published (or None) and auc

    Raises
    ------
    NotRun
        When the prices do not reach from 1,150 days before 2023 to the end of 2024.
    """
    block = dataset["Date"].between(START, END).to_numpy()
    first = int(block.argmax())
    if not block.any() or first <= WINDOW or dataset["Date"].iloc[-1] < pd.Timestamp(END):
        raise NotRun(f"needs prices of the {WINDOW} days before {START} and up to {END}")
    # The study named a day by the date on which the event happens, one day after the origin.
    up = target_values(dataset, [1], THRESHOLD, {"k": 1.0, "window": 20})["up_1"].shift(1)[block]
    returns, close = dataset["Close"].pct_change(), dataset["Close"]
    median, spread = (of.shift(1)[block] for of in (lower_median(returns), interquartile_range(returns)))
    level, width = (of.shift(1)[block] for of in (lower_median(close), interquartile_range(close)))
    lines = [
        ("return mode: the median of the returns, no threshold, no spread", PUBLISHED["forecast"], median),
        (
            "close mode: the threshold of a return in units of the price",
            PUBLISHED["close"],
            (level - THRESHOLD) / width,
        ),
        ("the same window of returns, threshold and spread in one unit", None, (median - THRESHOLD) / spread),
    ]
    return {
        "window": WINDOW,
        "start": START,
        "end": END,
        "n": len(up),
        "positives": int(up.sum()),
        "lines": [{"what": what, "published": auc, "auc": roc_auc_score(up, score)} for what, auc, score in lines],
    }


def lower_median(series):
    """The lower of the two middle values of the last 1,150 days, as torch takes the median."""
    return series.rolling(WINDOW).quantile(0.5, interpolation="lower")


def interquartile_range(series):
    """Third less first quartile of the last 1,150 days, linearly interpolated."""
    window = series.rolling(WINDOW)
    return window.quantile(0.75) - window.quantile(0.25)


def stored_forecasts(dataset, path):
    """AUC of the study's own stored TimesFM forecasts, on the days that it gave them and moved to their origins.

    The forecast that the study stored for a day used closes up to the day before: it belongs to that one.

    Parameters
    ----------
    path : npz file with `{name}_predictions` and `{name}_labels` for the blocks `val` and `test`

    Returns
    -------
    list of dict with block, n, published, auc, realigned

    Raises
    ------
    UserError
        If the file is not the study's, or its labels are not those of this dataset.
    """
    up = target_values(dataset, [1], THRESHOLD, {"k": 1.0, "window": 20})["up_1"]
    lines = []
    try:
        file = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, BadZipFile):
        raise UserError(f"{path} is no npz file: it is not the study's file of TimesFM predictions") from None
    with file as stored:
        for name, (published, start, end) in STORED.items():
            rows = np.flatnonzero(dataset["Date"].between(start, end) & up.notna())
            try:
                scores, labels = stored[f"{name}_predictions"], stored[f"{name}_labels"]
            except KeyError as error:
                raise UserError(f"{path} has no {error}: it is not the study's file of TimesFM predictions") from None
            if len(labels) != len(rows) or (labels != up[rows]).any():
                raise UserError(f"{path}: the outcomes of the block {name} are not those of this dataset")
            auc, realigned = (roc_auc_score(up[rows - lag], scores) for lag in (0, 1))
            lines.append({"block": name, "n": len(rows), "published": published, "auc": auc, "realigned": realigned})
    return lines
