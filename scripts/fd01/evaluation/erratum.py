"""The original study's published figures for Lag-Llama and TimesFM, recomputed without any model.

They are of one series, so nothing is computed on a dataset that has several.
"""

import zlib
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from fd01.data.series import slices_of
from fd01.data.targets import target_values
from fd01.evaluation.metrics import auc
from fd01.workflow.errors import NotRun

WINDOW = 1150  # days, the original study's context
THRESHOLD = 0.01
START, END = "2023-01-01", "2024-12-31"  # target dates
DAYS, EVENTS = 502, 102  # on these dates, as published
PUBLISHED = {"forecast": 0.39372549019607844, "close": 0.43352941176470583}  # AUC of Lag-Llama
STORED = {  # blocks of the stored TimesFM forecasts: published AUC, first and last date
    "val": (0.3639663218192144, START, END),
    "test": (0.27589651383478175, "2025-01-01", "2026-01-15"),
}


def recompute(dataset, sealed, path):
    """Every part of the erratum, each with its figures or with the reason why they were not computed.

    Parameters
    ----------
    dataset : DataFrame with Date, High, Low and Close
    sealed : bool array, shape (days,)
        Whether the outcome after each day is sealed, from `fd01.data.origins.sealed_days`.
    path : npz file of the original study's TimesFM forecasts, or None

    Returns
    -------
    dict
        `lag_llama`, what `scaler_figures` returns; `timesfm`, a list of what `stored_forecasts` returns, with `block`,
        empty without a file. Each has a `reason`: None, or why there are no figures.
    """
    timesfm = []
    for block in STORED if path else []:
        timesfm.append({"block": block} | _or_reason(stored_forecasts, dataset, sealed, path, block))
    return {"lag_llama": _or_reason(original_scaler_figures, dataset, sealed), "timesfm": timesfm}


def _or_reason(function, *arguments):
    try:
        return {"reason": None} | function(*arguments)
    except NotRun as reason:
        return {"reason": str(reason)}


def original_scaler_figures(dataset, sealed):
    """`scaler_figures`; raises `NotRun` if the prices do not have the published number of days and of events."""
    _, up = target_days(dataset, sealed)
    if (len(up), up.sum()) != (DAYS, EVENTS):
        raise NotRun(
            f"these prices give {len(up)} days and {up.sum():.0f} events from {START} to {END}, the original study had "
            f"{DAYS} and {EVENTS}: they are other prices"
        )
    return scaler_figures(dataset, sealed)


def target_days(dataset, sealed):
    """The target dates of 2023 and 2024, a bool array of shape (days,), and the outcome on each, a Series.

    Raises `NotRun` if the prices are of several series, if they do not reach from 1,150 days before 2023 to the end of
    2024, or if a day is sealed.
    """
    _require_one_series(dataset)
    block = dataset["Date"].between(START, END).to_numpy()
    first = int(block.argmax())
    if not block.any() or first <= WINDOW or dataset["Date"].iloc[-1] < pd.Timestamp(END):
        raise NotRun(f"it needs prices of the {WINDOW} days before {START} and up to {END}")
    # The original study named a day by the date on which the event happens, one day after the origin.
    _require_unsealed(sealed, np.flatnonzero(block) - 1)
    return block, _up(dataset).shift(1)[block]


def scaler_figures(dataset, sealed):
    """AUC of Lag-Llama's input scaler alone: the two published figures, and the score that was meant.

    The scaler takes the lower median and the interquartile range of the window of 1,150 days before each target date.

    Parameters
    ----------
    dataset : DataFrame with Date, High, Low and Close
    sealed : bool array, shape (days,)

    Returns
    -------
    dict
        `window` (days), `threshold`, `start`, `end` (dates), `n`, `positives`, and `lines`, a list of dict with `what`,
        `published` (or None) and `auc`.

    Raises
    ------
    NotRun
        As `target_days`.
    """
    block, up = target_days(dataset, sealed)
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
        "threshold": THRESHOLD,
        "start": START,
        "end": END,
        "n": len(up),
        "positives": int(up.sum()),
        "lines": [
            {"what": what, "published": PUBLISHED.get(mode), "auc": auc(up, score)} for what, mode, score in lines
        ],
    }


def lower_median(series):
    """The lower of the two middle values of the last 1,150 days, which is torch's median; shape (days,)."""
    return series.rolling(WINDOW).quantile(0.5, interpolation="lower")


def interquartile_range(series):
    """Third minus first quartile of the last 1,150 days, linearly interpolated; shape (days,)."""
    window = series.rolling(WINDOW)
    return window.quantile(0.75) - window.quantile(0.25)


def stored_forecasts(dataset, sealed, path, block):
    """AUC of a block of the original study's stored TimesFM forecasts, on the days it gave them and on their origins.

    The forecast that it stored for a day used closes up to the day before, which is therefore its origin.

    Returns
    -------
    dict with `n`, `published`, `auc`, `realigned`

    Other parameters and errors as `stored_days`.
    """
    rows, scores, up = stored_days(dataset, sealed, path, block)
    of_day, of_origin = (auc(up[rows - lag], scores) for lag in (0, 1))
    return {"n": len(rows), "published": STORED[block][0], "auc": of_day, "realigned": of_origin}


def stored_days(dataset, sealed, path, block):
    """The days of a block of the original study's stored TimesFM forecasts, which has no dates.

    They follow from the labels that it stored beside the forecasts: these are the outcomes of all days of the block.

    Parameters
    ----------
    dataset : DataFrame with Date, High, Low and Close
    sealed : bool array, shape (days,)
    path : npz file with `{block}_predictions` and `{block}_labels`
    block : str, one of `STORED`

    Returns
    -------
    rows : int array, shape (n,), the days for which the forecasts were stored
    scores : array, shape (n,)
    up : Series, shape (days,), the outcomes of all days

    Raises
    ------
    NotRun
        If there are several series, a day is sealed, the file is not the original study's, or its labels are not the
        outcomes of this dataset.
    """
    _require_one_series(dataset)
    _, start, end = STORED[block]
    up = _up(dataset)
    rows = np.flatnonzero(dataset["Date"].between(start, end) & up.notna())
    if not len(rows) or rows[0] == 0:
        raise NotRun(f"it needs prices from the day before {start} on")
    _require_unsealed(sealed, np.union1d(rows, rows - 1))
    scores, labels = _read_stored(path, block)
    if labels.shape != rows.shape or scores.shape != rows.shape:
        raise NotRun(
            f"these prices have {len(rows)} days with a known outcome from {start} to {end}, and {path} has "
            f"{labels.size} labels and {scores.size} forecasts of them"
        )
    if (labels != up[rows]).any():
        raise NotRun(f"the labels in {path} are not the outcomes of these prices: they are other prices")
    return rows, scores, up


def open_blocks(dataset, sealed, path):
    """The blocks of stored forecasts whose days are certain and open; the parameters are as for `stored_days`.

    Returns
    -------
    blocks : dict of block to `rows` and `scores`, as `stored_days` returns them
    left_out : dict of every other block to the reason
    """
    blocks, left_out = {}, {}
    for block in STORED:
        try:
            rows, scores, _ = stored_days(dataset, sealed, path, block)
        except NotRun as reason:
            left_out[block] = str(reason)
        else:
            blocks[block] = rows, scores
    return blocks, left_out


def dated_forecasts(dataset, sealed, path):
    """The original study's stored TimesFM forecasts with the days for which it stored them.

    Parameters
    ----------
    dataset, sealed : as for `stored_days`
    path : npz file of the forecasts, or None

    Returns
    -------
    table : DataFrame with `date` and `point`, a simple return
        A block whose days are not certain, or sealed, is left out.
    about : dict
        `not_run`, why there are none, or `note`, what was left out and why; empty if neither.
    """
    if path is None:
        reason = "there is no file of the original study's forecasts (datasets/.../study_predictions)"
        return pd.DataFrame({"date": dataset["Date"][:0], "point": []}), {"not_run": reason}
    blocks, left_out = open_blocks(dataset, sealed, path)
    parts = [
        pd.DataFrame({"date": dataset["Date"].iloc[rows].to_numpy(), "point": scores})
        for rows, scores in blocks.values()
    ]
    note = "; ".join(f"the block {block} of the file is left out: {reason}" for block, reason in left_out.items())
    if not parts:
        return pd.DataFrame({"date": dataset["Date"][:0], "point": []}), {"not_run": note}
    return pd.concat(parts, ignore_index=True), {"note": note} if note else {}


def _read_stored(path, block):
    """Forecasts and labels of a block, arrays."""
    not_original = "so it is not the original study's file of TimesFM forecasts"
    try:
        with np.load(path, allow_pickle=False) as stored:
            found = [stored[f"{block}_{name}"].astype(float) for name in ("predictions", "labels")]
    except KeyError as error:
        raise NotRun(f"{path} has no {error}, {not_original}") from None
    except (ValueError, TypeError, EOFError, BadZipFile, zlib.error):
        raise NotRun(f"{path} is not an npz file of numbers, {not_original}") from None
    if not all(np.isfinite(values).all() for values in found):
        raise NotRun(f"{path} has values that are not finite in its block {block}, {not_original}")
    return found


def _require_one_series(dataset):
    if (count := len(slices_of(dataset))) > 1:
        raise NotRun(f"the original study had one series, and this dataset has {count}")


def _require_unsealed(sealed, rows):
    """Raise `NotRun` if the outcome after one of these days is sealed."""
    if sealed[rows].any():
        raise NotRun(f"the outcomes of {sealed[rows].sum()} of its {len(rows)} days are sealed")


def _up(dataset):
    """The original study's target after each day, `up` at h = 1; Series, shape (days,)."""
    return target_values(dataset, [1], THRESHOLD, {"k": 1.0, "window": 20})["up_1"]
