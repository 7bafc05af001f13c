"""Whether a pre-trained model may have seen the days that it is scored on.

It may have seen every day up to the end of the data that its weights were trained on. A good score on such days is no
evidence of forecasting.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from fd01.scoring.predictions import read_experiment_metadata

CLEAN, PARTLY, EXPOSED = EXPOSURES = ("clean", "partly", "exposed")


def last_day(month):
    """The end of a month such as "2023-11"; NaT if it is "unknown"."""
    try:
        return pd.Period(month, "M").end_time
    except ValueError:
        return pd.NaT


def exposure(days, trained_until):
    """One of `EXPOSURES`: none, some, or all of the `days` may have been seen.

    `trained_until` is the last month of the training data; while it is unknown, every day may have been seen.

    >>> days = pd.DatetimeIndex(["2023-11-30", "2023-12-01"])
    >>> exposure(days, "2023-10"), exposure(days, "2023-11"), exposure(days, "2023-12")
    ('clean', 'partly', 'exposed')
    """
    end = last_day(trained_until)
    seen = np.full(len(days), True) if pd.isna(end) else days <= end
    return EXPOSED if seen.all() else PARTLY if seen.any() else CLEAN


def training_dates(path):
    """What is known of the training data of an experiment, from the folder of its predictions; None if not pre-trained.

    Of pre-trained weights it is their manifest, of forecasts that were made elsewhere what the configuration says of
    them: a dict that may have `trained_until` and `released`.
    """
    provenance = next(iter(read_experiment_metadata(path).values()))
    weights = provenance["weights"]
    return weights if isinstance(weights, dict) else provenance.get("external")


def data_ends(paths):
    """Last month of the training data of every experiment that is pre-trained or was made elsewhere; dict.

    `paths` are folders of predictions, one per experiment.
    """
    known = {Path(path).name: training_dates(path) for path in paths}
    return {name: dates.get("trained_until", "unknown") for name, dates in known.items() if dates is not None}


def clean_parts(matrices, cut_off):
    """The days after the month `cut_off` that at least one fold has, each of them once.

    Parameters
    ----------
    matrices : dict of fold to ScoreMatrix
        A day that several folds have is taken from the first of them.
    cut_off : str or None
        Such as "2023-11"; without it no day is clean.

    Returns
    -------
    dict of fold to ScoreMatrix with these days alone; without folds that have none
    """
    parts, taken = {}, pd.DatetimeIndex([])
    for fold, matrix in matrices.items() if cut_off else ():
        clean = (matrix.days > last_day(cut_off)) & ~matrix.days.isin(taken)
        if clean.any():
            parts[fold] = matrix if clean.all() else matrix.on(clean)
            taken = taken.union(matrix.days[clean])
    return parts
