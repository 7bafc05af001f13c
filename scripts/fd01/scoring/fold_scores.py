"""From forecasts to the scores of every fold."""

import logging

import pandas as pd

from fd01.data.origins import CALIBRATION, EVALUATION, splits
from fd01.scoring.predictions import concat_scores, scores_frame
from fd01.workflow.errors import NotRun


def fit_folds(origins, targets, fit):
    """As `score_folds`, of what is fitted to each train end and target.

    Calibration origins are scored by a fit that has not seen them, evaluation origins by a fit on the whole
    training period.

    Parameters
    ----------
    fit : function of a split, a target, rows to train on and rows to score
        Gives pairs of scores, shape (rows,), and the keywords of `fd01.scoring.predictions.scores_frame` that
        describe them; raises `NotRun` where nothing can be fitted.
    """
    frames, not_run = {}, {}
    for target in targets:
        for split in splits(origins, **target):
            roles = (CALIBRATION, split.inner, split.calibration), (EVALUATION, split.training, split.evaluation)
            try:
                found = [
                    scores_frame(origins, rows, role, scores, target=target, **about)
                    for role, train, rows in roles
                    for scores, about in fit(split, target, train, rows)
                ]
            except NotRun as why:
                _leave_out(not_run, split.train_end, target, why)
            else:
                frames.setdefault(split.train_end, []).extend(found)
    return _by_train_end(frames, origins), not_run


def score_folds(forecasts, origins, targets, scores_of, reason=None, needed=None):
    """Scores by train end, and what could not be scored, as `fd01.scoring.predictions.write_folds` takes them.

    Parameters
    ----------
    forecasts : DataFrame with a column `seed`
    scores_of : function of the forecasts of one seed and a target
        Returns rows and a dict of arrays by kind of score; raises `NotRun` where they say nothing of the target.
    reason : str, optional
        Why the model has not run; then there is nothing to score.
    needed : int, optional
        Days of history without which a model gives no forecast.
    """
    frames, not_run = {}, {}
    for target in targets:
        try:
            if reason:
                raise NotRun(reason)
            seeds = [(seed, *scores_of(frame, target)) for seed, frame in forecasts.groupby("seed", dropna=False)]
        except NotRun as why:
            for train_end in origins["train_end"].unique():
                _leave_out(not_run, train_end, target, why)
            continue
        for split in splits(origins, **target):
            try:
                check_history(split, needed)
            except NotRun as why:
                _leave_out(not_run, split.train_end, target, why)
                continue
            for seed, rows, by_kind in seeds:
                for role, wanted in ((CALIBRATION, split.calibration), (EVALUATION, split.evaluation)):
                    found = pd.Index(rows).get_indexer(wanted)
                    if (found < 0).any():
                        continue  # the experiment forecasts the evaluation blocks alone
                    for kind, values in by_kind.items():
                        about = dict(score_kind=kind, is_probability=kind == "exceedance", seed=seed)
                        frames.setdefault(split.train_end, []).append(
                            scores_frame(origins, wanted, role, values[found], target=target, **about)
                        )
    return _by_train_end(frames, origins), not_run


def check_history(split, needed):
    """Raise `NotRun` if a day that must be scored has fewer than `needed` days of history, itself included."""
    first = min(split.calibration.min(), split.evaluation.min()) + 1
    if needed and first < needed:
        raise NotRun(
            f"it needs {needed} days of history, and the first day to score has {first}: {needed - first} too few"
        )


def _leave_out(not_run, train_end, target, why):
    logging.warning("%s, train end %s: not run: %s", target, train_end, why)
    not_run.setdefault(train_end, []).append({**target, "reason": str(why)})


def _by_train_end(frames, origins):
    return {end: concat_scores(frames.get(end)) for end in origins["train_end"].unique()}
