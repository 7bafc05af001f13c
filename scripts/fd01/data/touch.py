"""From the probability that the Close ends beyond a threshold to the probability that the price touches the threshold.

A price can touch a threshold on the way and end before it. So a forecast of the Close says too little of a target of
the High or of the Low. The correction is 1 - (1 - p)^k. It stays within [0, 1] and keeps the order of the days. k, the
touch exponent, comes from training prices: it is the exponent that turns the share of days whose Close ended beyond the
threshold into the share of days with a touch. Every series has its own. For small p the result is k p. For a Brownian
path k would be about 2 (reflection principle); prices jump over night and move in steps, so their k is smaller.
"""

import numpy as np

from fd01.data.inputs import HIGH_SERIES
from fd01.data.origins import CALIBRATION, EVALUATION, splits
from fd01.data.series import names_of_series, slices_of
from fd01.data.targets import TARGETS, threshold_return

CLOSE_EXCEEDANCE = "close-exceedance"  # the kind of score of a probability before the correction
RULE = "1 - (1 - p)^k"


def needs_touch(target, series="close"):
    """Whether a forecast of this input series is one of the Close, while the target asks for a touch.

    `target` is a dict with `target` and `horizon`.
    """
    return TARGETS[target["target"]].touches and series not in HIGH_SERIES


def touch(beyond, k):
    """Probability of a touch, 1 - (1 - p)^k, from the probability p of ending beyond the threshold; shape (n,).

    `k` is a float or has the shape (n,).

    >>> touch(np.array([0.0, 0.1, 0.5, 1.0]), 2).round(4)
    array([0.  , 0.19, 0.75, 1.  ])
    """
    with np.errstate(divide="ignore"):  # p = 1
        return -np.expm1(k * np.log1p(-np.asarray(beyond, float)))  # as exact for tiny p as for large ones


def touch_exponent(target, train, dataset, labels):
    """k of a target, log(1 - share of `train` with a touch) / log(1 - share whose Close ends beyond the threshold).

    The shares are those of the days of one series.

    Half a day is added to each count and one to the number of days (Haldane, Annals of Human Genetics 1956), so that
    few training days without any Close beyond the threshold, or with a touch on all of them, have a k too.

    Parameters
    ----------
    target : dict with `target` and `horizon`
        A target that asks for a touch.
    train : int array, shape (n,)
        Rows of the dataset. The prices up to the horizon of each must be known, as they are for the rows that
        `fd01.data.origins.Split` gives a fit.
    dataset : DataFrame of all days
    labels : section `labels` of the configuration

    Returns
    -------
    array, shape (days,)
        The k of the series of each day, at least 1; it is 1 without training days.
    """
    exponents, _ = _exponents(target, train, dataset, labels)
    return np.repeat(exponents, [rows.stop - rows.start for rows in slices_of(dataset)])


def _exponents(target, train, dataset, labels):
    """The k of each series and its number of training days, each of shape (series,)."""
    event, h = TARGETS[target["target"]], target["horizon"]
    threshold = threshold_return(dataset, target["target"], labels)
    # The days up to the horizon of a row to train on are of its own series, so no event is one of two series.
    level, last = dataset["Close"] * (1 + threshold), dataset["Close"].shift(-h)
    beyond = last <= level if event.falls else last >= level
    touched = event.happens(dataset, h, threshold)
    starts = [rows.start for rows in slices_of(dataset)]
    series = np.searchsorted(starts, train, side="right") - 1
    days = np.bincount(series, minlength=len(starts))
    of_touch, of_close = (
        (np.bincount(series, happened.to_numpy()[train], len(starts)) + 0.5) / (days + 1)
        for happened in (touched, beyond)
    )
    return np.log1p(-of_touch) / np.log1p(-of_close), days


def level_corrected(scores, rows, exponent):
    """`scores` with `exceedance`, made from `close-exceedance` where there is one.

    Parameters
    ----------
    scores : dict of arrays, shape (n,), by kind of score
    rows : int array, shape (n,), rows of the dataset
    exponent : function without arguments
        It returns what `touch_exponent` does; it is called if k is needed.
    """
    if CLOSE_EXCEEDANCE not in scores:
        return scores
    return scores | {"exceedance": touch(scores[CLOSE_EXCEEDANCE], exponent()[rows])}


def touch_exponents(origins, targets, dataset, labels, series="close"):
    """The k of every train end and target, for the provenance of scores from forecasts of one input series.

    Returns
    -------
    list of dict
        `train_end`, `target`, `horizon`, `series`, and the k of the two roles: `calibration`, from the training days
        before the tail, and `evaluation`, from all training days. With several series, `n_series`, the number of those
        that train, stands for the name, and a dict of the `min` and the `max` of their k for each k: a thousand of them
        would be most of a file. Empty if nothing is corrected.
    """
    entries, names = [], names_of_series(dataset)
    for target in targets:
        if not needs_touch(target, series):
            continue
        for split in splits(origins, **target):
            entry = {"train_end": split.train_end, **target}
            entry |= {"series": names[0]} if len(names) == 1 else {}
            for role, train in ((CALIBRATION, split.inner), (EVALUATION, split.training)):
                exponents, days = _exponents(target, train, dataset, labels)
                if len(names) == 1:
                    entry[role] = float(exponents[0])
                else:
                    own = exponents[days > 0]
                    entry |= {"n_series": len(own), role: {"min": float(own.min()), "max": float(own.max())}}
            entries.append(entry)
    return entries


def join_exponents(entries):
    """What `touch_exponents` says of all series, a list of dict, from what it says of some of them at a time."""
    groups = {}
    for entry in entries:
        groups.setdefault(tuple(entry[key] for key in ("train_end", "target", "horizon")), []).append(entry)
    return [_join(group) for group in groups.values()]


def _join(entries):
    joined = {key: entries[0][key] for key in ("train_end", "target", "horizon")}
    joined["n_series"] = sum(entry.get("n_series", 1) for entry in entries)
    for role in (CALIBRATION, EVALUATION):
        ranges = [one if isinstance(one := entry[role], dict) else {"min": one, "max": one} for entry in entries]
        joined[role] = {"min": min(one["min"] for one in ranges), "max": max(one["max"] for one in ranges)}
    return joined
