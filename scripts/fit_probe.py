"""Fit and score a classifier on cached hidden states."""

import numpy as np

from fd01.models.forecasts import STATES
from fd01.models.heads import fit_head, scale_features
from fd01.scoring.fold_scores import check_history, fit_folds
from fd01.scoring.predictions import write_folds
from fd01.workflow.errors import NotRun
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, read_table

MIN_TRAINING = 50  # days


def states_of(settings):
    """Columns of the states that a probe looks at; None for all."""
    wanted = {"encoder-last": ("norm_",), "encoder-mean": ("mean_",), "all-hidden": ("h", "norm_")}
    layers = wanted.get(settings.get("states"))
    return layers and ["row", "seed", *(name for name in STATES if name.startswith(layers))]


def score_all(states, dataset, origins, settings, targets, labels, reason=None, needed=None):
    """Scores of a probe for every train end and target, as `fd01.scoring.fold_scores.fit_folds` gives them.

    Parameters
    ----------
    states : DataFrame with row, seed, and one column per hidden unit
    reason, needed : as in `fd01.scoring.fold_scores.score_folds`
    """
    hidden = []
    for seed, group in states.groupby("seed", dropna=False):
        features = np.full((len(dataset), group.shape[1] - 2), np.nan)
        features[group["row"]] = group.drop(columns=["row", "seed"])
        hidden.append((seed, features, group["row"]))

    def fit(split, target, train, rows):
        if reason:
            raise NotRun(reason)
        check_history(split, needed)
        # TimesFM standardises its window away; Lag-Llama is told its scale.
        scale = np.empty((len(dataset), 0))
        if "states" not in settings:
            scale = scale_features(dataset, settings["input"], settings["context"], target, labels)
        for seed, features, known in hidden:
            usable = train[np.isin(train, known)]
            if len(usable) < MIN_TRAINING:
                raise NotRun(f"only {len(usable)} training days have enough history")
            scores = fit_head(np.column_stack([features, scale]), split, usable, rows, **settings["head"])
            yield scores, dict(score_kind="probability", is_probability=True, seed=seed)

    return fit_folds(origins, targets, fit)


if __name__ == "__main__":
    configure_logging(snakemake)
    params = snakemake.params
    states, about = read_table(snakemake.input.states, states_of(params.settings))
    if params.seeds:
        states = states[states["seed"].isin(params.seeds)]
    dataset, origins = (read_frame(path) for path in (snakemake.input.dataset, snakemake.input.origins))
    reason, needed = about.pop("not_run", None), about.pop("needed", None)
    frames, not_run = score_all(
        states, dataset, origins, params.settings, params.targets, params.labels, reason, needed
    )
    about["model"] += f", hidden states and {params.settings['head']['kind']} head"
    about["fitted_on"] = "training period (the head alone)"
    write_folds(snakemake.output[0], frames, origins, about, not_run)
