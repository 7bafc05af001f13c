"""Scores of every fold, either from stored forecasts or from a classifier that is fitted to each fold.

Both functions return, by train end, a table of scores and a list of the targets without any, which
`fd01.scoring.predictions.write_folds` writes.
"""

import logging
from functools import cache, partial

import numpy as np
import pandas as pd

from fd01.data.origins import CALIBRATION, EVALUATION, each_alone, splits
from fd01.data.touch import level_corrected
from fd01.scoring.predictions import PROBABILITY_KINDS, concat_scores, scores_frame
from fd01.workflow.errors import NotRun, some


def fit_folds(dataset, origins, targets, fit_of, each=False):
    """Scores of a model that is fitted to each train end and target.

    Calibration origins are scored by a fit that has not seen them, evaluation origins by a fit on the whole
    training period.

    Parameters
    ----------
    dataset : DataFrame of all days
    origins : DataFrame, see `fd01.data.origins`
    targets : list of dict with `target` and `horizon`
    fit_of : function of days, the dataset or, with `each`, those of one series
        It returns a function of a split, a target, rows to train on and rows to score, which count these days. That one
        yields pairs of the scores, shape (rows,), and the arguments `score_kind`, `is_probability` and, optionally,
        `seed` of `fd01.scoring.predictions.scores_frame`. It raises `NotRun` where nothing can be fitted.
    each : bool
        Whether each series has a fit of its own. If one cannot be fitted, none has scores: all experiments are
        compared on the same days.

    Returns
    -------
    frames : dict of train end to DataFrame, rows of prediction files
    not_run : dict of train end to list of {target, horizon, reason}
    """
    frames, not_run = {}, {}
    several = each and origins["series"].nunique() > 1
    scored_of, reasons_of = [{} for _ in targets], [{} for _ in targets]
    for series, days, part in each_alone(dataset, origins) if each else [("", dataset, origins)]:
        fit = fit_of(days)
        for target, scored, reasons in zip(targets, scored_of, reasons_of):
            for split in splits(part, **target):
                try:
                    scored.setdefault(split.train_end, []).extend(
                        scores_frame(part, rows, role, scores, target=target, **columns)
                        for role, train, rows in _fits(split)
                        for scores, columns in fit(split, target, train, rows)
                    )
                except NotRun as reason:
                    reasons.setdefault(split.train_end, []).append(f"{series}: {reason}" if several else str(reason))
    for target, scored, reasons in zip(targets, scored_of, reasons_of):
        for train_end, found in reasons.items():
            _record(not_run, train_end, target, some(found, "; "))
        for train_end in [end for end in scored if end not in reasons]:
            frames.setdefault(train_end, []).extend(scored[train_end])
    return _by_train_end(frames, origins), not_run


def score_folds(forecasts, origins, targets, scores_of, exponent_of, reason=None, needed=None):
    """Scores from stored forecasts.

    The touch exponent of the scores of a calibration tail comes from the days before the tail, and the exponent of the
    evaluation blocks from the whole training period.

    Parameters
    ----------
    forecasts : DataFrame with a column `seed`
    origins : DataFrame, see `fd01.data.origins`
    targets : list of dict with `target` and `horizon`
    scores_of : function of the forecasts of one seed and a target
        Returns rows of the dataset and a dict of arrays by kind of score; raises `NotRun` where the forecasts say
        nothing about the target.
    exponent_of : function of a target and rows to train on, `fd01.data.touch.touch_exponent`
    reason : str, optional
        Why the model has not run; then there is nothing to score.
    needed : int, optional
        Days of history that a forecast needs.

    Returns
    -------
    frames, not_run : as `fit_folds`
    """
    frames, not_run = {}, {}
    for target in targets:
        try:
            if reason:
                raise NotRun(reason)
            seeds = [(seed, *scores_of(frame, target)) for seed, frame in forecasts.groupby("seed", dropna=False)]
        except NotRun as not_scored:
            for train_end in origins["train_end"].unique():
                _record(not_run, train_end, target, not_scored)
            continue
        for split in splits(origins, **target):
            try:
                check_history(split, needed)
                scored = list(_scores_of_split(origins, split, target, seeds, exponent_of))
            except NotRun as not_scored:
                _record(not_run, split.train_end, target, not_scored)
            else:
                frames.setdefault(split.train_end, []).extend(scored)
    return _by_train_end(frames, origins), not_run


def _fits(split):
    """Of both roles: the role, the rows that a fit may use, and the rows that it must score."""
    return (CALIBRATION, split.inner, split.calibration), (EVALUATION, split.training, split.evaluation)


def _scores_of_split(origins, split, target, seeds, exponent_of):
    for role, train, wanted in _fits(split):
        exponent = cache(partial(exponent_of, target, train))  # the same for every seed
        for seed, rows, scores in seeds:
            positions = pd.Index(rows).get_indexer(wanted)
            if (positions < 0).any():
                continue  # the experiment has forecasts of the evaluation blocks alone
            wanted_scores = {kind: values[positions] for kind, values in scores.items()}
            for kind, values in level_corrected(wanted_scores, wanted, exponent).items():
                columns = dict(score_kind=kind, is_probability=kind in PROBABILITY_KINDS, seed=seed)
                yield scores_frame(origins, wanted, role, values, target=target, **columns)


def check_history(split, needed):
    """Raise `NotRun` if a day to score has fewer than `needed` days of history, itself included; None is no limit."""
    rows = np.concatenate([split.calibration, split.evaluation])
    history = split.history[rows].groupby(split.series[rows], observed=True).min()
    short = history[history < (needed or 0)].sort_values(kind="stable")
    if len(short):
        of, others = (f" of {short.index[0]}", list(short.index[1:])) if len(history) > 1 else ("", [])
        also = f"; too few also in {some(others)}" if others else ""
        raise NotRun(
            f"it needs {needed} days of history, and the first day to score{of} has {short.iloc[0]}: "
            f"{needed - short.iloc[0]} too few{also}"
        )


def _record(not_run, train_end, target, reason):
    logging.info("%s, train end %s: not run: %s", target, train_end, reason)
    not_run.setdefault(train_end, []).append({**target, "reason": str(reason)})


def _by_train_end(frames, origins):
    return {end: concat_scores(frames.get(end)) for end in origins["train_end"].unique()}
