"""The original study's published figures for Lag-Llama and TimesFM, recomputed without any model."""

from zipfile import BadZipFile

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from fd01.data.targets import target_values
from fd01.workflow.errors import NotRun, UserError

WINDOW = 1150  # days, the original study's context
THRESHOLD = 0.01
START, END = "2023-01-01", "2024-12-31"  # target dates
PUBLISHED = {"forecast": 0.39372549019607844, "close": 0.43352941176470583}  # AUC of Lag-Llama
STORED = {  # blocks of the stored TimesFM forecasts: published AUC, first and last date
    "val": (0.3639663218192144, START, END),
    "test": (0.27589651383478175, "2025-01-01", "2200-01-01"),
}


def scaler_figures(dataset):
    """AUC of Lag-Llama's input scaler alone: the two published figures, and the score that was meant.

    The scaler takes the lower median and the interquartile range of the window of 1,150 days before each target date.

    Parameters
    ----------
    dataset : DataFrame with Date, High and Close

    Returns
    -------
    dict
        `window` (days), `start`, `end` (dates), `n`, `positives`, and `lines`, a list of dict with `what`, `published`
        (or None) and `auc`.

    Raises
    ------
    NotRun
        If the prices do not reach from 1,150 days before 2023 to the end of 2024.
    """
    block = dataset["Date"].between(START, END).to_numpy()
    first = int(block.argmax())
    if not block.any() or first <= WINDOW or dataset["Date"].iloc[-1] < pd.Timestamp(END):
        raise NotRun(f"needs prices of the {WINDOW} days before {START} and up to {END}")
    # The original study named a day by the date on which the event happens, one day after the origin.
    up = _up(dataset).shift(1)[block]
    close = dataset["Close"]
    returns = close.pct_change()
    median, iqr = (function(returns).shift(1)[block] for function in (lower_median, interquartile_range))
    close_median, close_iqr = (function(close).shift(1)[block] for function in (lower_median, interquartile_range))
    close_mode, meant = (close_median - THRESHOLD) / close_iqr, (median - THRESHOLD) / iqr
    lines = [
        ("return mode: the median of the returns, no threshold, no interquartile range", "forecast", median),
        ("close mode: the threshold of a return in units of the price", "close", close_mode),
        ("the same window of returns, threshold and interquartile range in one unit", None, meant),
    ]
    return {
        "window": WINDOW,
        "start": START,
        "end": END,
        "n": len(up),
        "positives": int(up.sum()),
        "lines": [
            {"what": what, "published": PUBLISHED.get(mode), "auc": roc_auc_score(up, score)}
            for what, mode, score in lines
        ],
    }


def lower_median(series):
    """The lower of the two middle values of the last 1,150 days, which is torch's median; shape (days,)."""
    return series.rolling(WINDOW).quantile(0.5, interpolation="lower")


def interquartile_range(series):
    """Third minus first quartile of the last 1,150 days, linearly interpolated; shape (days,)."""
    window = series.rolling(WINDOW)
    return window.quantile(0.75) - window.quantile(0.25)


def stored_forecasts(dataset, path):
    """AUC of the original study's stored TimesFM forecasts, on the days it gave them and moved to their origins.

    The forecast that it stored for a day used closes up to the day before, which is therefore its origin.

    Parameters
    ----------
    dataset : DataFrame with Date, High, Low and Close
    path : npz file with `{block}_predictions` and `{block}_labels` for the blocks `val` and `test`

    Returns
    -------
    list of dict with `block`, `n`, `published`, `auc`, `realigned`

    Raises
    ------
    UserError
        If the file is not the original study's, or its labels are not the outcomes of this dataset.
    """
    up = _up(dataset)
    lines = []
    try:
        file = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, BadZipFile):
        raise UserError(
            f"{path} is not an npz file, so it is not the original study's file of TimesFM predictions; correct "
            "study_predictions in the configuration"
        ) from None
    with file as stored:
        for block, (published, start, end) in STORED.items():
            rows = np.flatnonzero(dataset["Date"].between(start, end) & up.notna())
            try:
                scores, labels = stored[f"{block}_predictions"], stored[f"{block}_labels"]
            except KeyError as error:
                raise UserError(
                    f"{path} has no {error}, so it is not the original study's file of TimesFM predictions; correct "
                    "study_predictions in the configuration"
                ) from None
            if len(labels) != len(rows) or (labels != up[rows]).any():
                raise UserError(
                    f"{path}: its outcomes of the block {block} are not the outcomes of this dataset; use the prices "
                    "of the original study, or remove study_predictions from the configuration"
                )
            auc, realigned = (roc_auc_score(up[rows - lag], scores) for lag in (0, 1))
            lines.append({"block": block, "n": len(rows), "published": published, "auc": auc, "realigned": realigned})
    return lines


def _up(dataset):
    """The original study's target after each day, `up` at h = 1; Series, shape (days,)."""
    return target_values(dataset, [1], THRESHOLD, {"k": 1.0, "window": 20})["up_1"]
