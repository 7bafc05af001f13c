"""Fit and score a classifier on cached hidden states."""

import logging

import numpy as np
import pandas as pd

from fd01.errors import NotRun
from fd01.heads import STATES, fit_head, scale_features
from fd01.logs import configure_logging
from fd01.origins import CALIBRATION, EVALUATION, splits
from fd01.predictions import concat_scores, scores_frame, write_folds
from fd01.scoring import check_history
from fd01.tables import read_table

MIN_TRAINING = 50  # days


def states_of(settings):
    """Columns of the states that a probe looks at; None for all."""
    wanted = {"encoder-last": ("norm_",), "encoder-mean": ("mean_",), "all-hidden": ("h", "norm_")}
    layers = wanted.get(settings.get("states"))
    return layers and ["row", "seed", *(name for name in STATES if name.startswith(layers))]


def score_all(states, dataset, origins, settings, targets, labels, reason=None, needed=None):
    """Scores by train end, and what could not be scored, as `fd01.predictions.write_folds` takes them.

    Parameters
    ----------
    states : DataFrame with row, seed, and one column per hidden unit
    reason, needed : as in `fd01.scoring.score_folds`
    """
    frames, not_run = {}, {}
    for target in targets:
        # TimesFM standardises its window away; Lag-Llama is told its scale.
        scale = np.empty((len(dataset), 0))
        if "states" not in settings:
            scale = scale_features(dataset, settings["input"], settings["context"], target, labels)
        for split in splits(origins, **target):
            try:
                if reason:
                    raise NotRun(reason)
                check_history(split, needed)
                for seed, group in states.groupby("seed", dropna=False):
                    features = np.full((len(dataset), group.shape[1] - 2), np.nan)
                    features[group["row"]] = group.drop(columns=["row", "seed"])
                    features = np.column_stack([features, scale])
                    for role, train, rows in (
                        (CALIBRATION, split.inner, split.calibration),
                        (EVALUATION, split.training, split.evaluation),
                    ):
                        train = train[np.isin(train, group["row"])]
                        if len(train) < MIN_TRAINING:
                            raise NotRun(f"only {len(train)} training days have enough history")
                        scores = fit_head(features, split, train, rows, **settings["head"])
                        about = dict(score_kind="probability", is_probability=True, seed=seed)
                        frames.setdefault(split.train_end, []).append(
                            scores_frame(origins, rows, role, scores, target=target, **about)
                        )
            except NotRun as why:
                logging.warning("%s, train end %s: not run: %s", target, split.train_end, why)
                not_run.setdefault(split.train_end, []).append({**target, "reason": str(why)})
    return {end: concat_scores(frames.get(end)) for end in origins["train_end"].unique()}, not_run


if __name__ == "__main__":
    configure_logging(snakemake)
    params = snakemake.params
    states, about = read_table(snakemake.input.states, states_of(params.settings))
    if params.seeds:
        states = states[states["seed"].isin(params.seeds)]
    dataset, origins = (pd.read_parquet(path) for path in (snakemake.input.dataset, snakemake.input.origins))
    reason, needed = about.pop("not_run", None), about.pop("needed", None)
    frames, not_run = score_all(
        states, dataset, origins, params.settings, params.targets, params.labels, reason, needed
    )
    about["model"] += f", hidden states and {params.settings['head']['kind']} head"
    about["fitted_on"] = "training period (the head alone)"
    write_folds(snakemake.output[0], frames, origins, about, not_run)
