"""From forecasts to the scores of every fold."""

import logging

import pandas as pd

from fd01.errors import NotRun
from fd01.origins import CALIBRATION, EVALUATION, splits
from fd01.predictions import concat_scores, scores_frame


def score_folds(forecasts, origins, targets, scores_of, reason=None, needed=None):
    """Scores by train end, and what could not be scored, as `fd01.predictions.write_folds` takes them.

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

    def leave_out(train_end, target, why):
        logging.warning("%s, train end %s: not run: %s", target, train_end, why)
        not_run.setdefault(train_end, []).append({**target, "reason": str(why)})

    for target in targets:
        try:
            if reason:
                raise NotRun(reason)
            seeds = [(seed, *scores_of(frame, target)) for seed, frame in forecasts.groupby("seed", dropna=False)]
        except NotRun as why:
            for train_end in origins["train_end"].unique():
                leave_out(train_end, target, why)
            continue
        for split in splits(origins, **target):
            try:
                check_history(split, needed)
            except NotRun as why:
                leave_out(split.train_end, target, why)
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
    return {end: concat_scores(frames.get(end)) for end in origins["train_end"].unique()}, not_run


def check_history(split, needed):
    """Raise `NotRun` if a day that must be scored has fewer than `needed` days of history, itself included."""
    first = min(split.calibration.min(), split.evaluation.min()) + 1
    if needed and first < needed:
        raise NotRun(
            f"it needs {needed} days of history, and the first day to score has {first}: {needed - first} too few"
        )
