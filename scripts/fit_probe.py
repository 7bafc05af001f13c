"""Fit a probe, a classifier on stored hidden states of a frozen network, and score every target and fold."""

from functools import partial

import numpy as np
import pandas as pd

from fd01.models.forecasts import STATE_COLUMNS
from fd01.models.heads import fit_head, scale_features
from fd01.scoring.fold_scores import check_history, fit_folds
from fd01.scoring.predictions import write_folds
from fd01.study.systems import EACH
from fd01.workflow.errors import NotRun
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, read_table

MIN_TRAINING = 50  # days
# Of Lag-Llama: which states a probe uses, by the setting `states`.
LAYERS = {"encoder-last": ("norm_",), "encoder-mean": ("mean_",), "all-hidden": ("h", "norm_")}


def state_columns(settings):
    """Columns of the file of hidden states that a probe of Lag-Llama needs; None, for all, with TimesFM."""
    if "states" not in settings:
        return None
    return ["row", "seed", *(name for name in STATE_COLUMNS if name.startswith(LAYERS[settings["states"]]))]


def score_all(states, dataset, origins, settings, targets, labels, reason=None, needed=None, each=False):
    """Scores of a probe for every train end and target, see `fd01.scoring.fold_scores.fit_folds`.

    Parameters
    ----------
    states : DataFrame with row, seed, and one column per hidden unit
    dataset, origins : DataFrames
    settings : dict with `head` and either `states` (Lag-Llama) or `input` and `context` (TimesFM)
    targets : list of dict with `target` and `horizon`
    labels : section `labels` of the configuration
    reason, needed : as for `fd01.scoring.fold_scores.score_folds`
    each : bool, whether each series has a head of its own
    """
    seeds = [
        (seed, pd.Index(group["row"]), group.drop(columns=["row", "seed"]).to_numpy())
        for seed, group in states.groupby("seed", dropna=False)
    ]

    def fit(days, split, target, train, rows):
        if reason:
            raise NotRun(reason)
        check_history(split, needed)
        # TimesFM standardises its window and does not see the scale; Lag-Llama has the scale among its inputs.
        scale = np.empty((len(days), 0))
        if "states" not in settings:
            scale = scale_features(days, settings["input"], settings["context"], target, labels)
        for seed, rows_with_states, values in seeds:
            positions = rows_with_states.get_indexer(days.index)
            known = positions >= 0
            features = np.full((len(days), values.shape[1] + scale.shape[1]), np.nan)
            features[known, : values.shape[1]] = values[positions[known]]
            features[:, values.shape[1] :] = scale
            train_rows = train[known[train]]
            if len(train_rows) < MIN_TRAINING:
                raise NotRun(f"only {len(train_rows)} training days have enough history")
            scores = fit_head(features, split, train_rows, rows, **settings["head"])
            yield scores, dict(score_kind="probability", is_probability=True, seed=seed)

    return fit_folds(dataset, origins, targets, lambda days: partial(fit, days), each)


if __name__ == "__main__":
    configure_logging(snakemake)
    params = snakemake.params
    states, provenance = read_table(snakemake.input.states, state_columns(params.settings))
    if params.seeds:
        states = states[states["seed"].isin(params.seeds)]
    dataset, origins = (read_frame(path) for path in (snakemake.input.dataset, snakemake.input.origins))
    reason, needed = provenance.pop("not_run", None), provenance.pop("needed", None)
    frames, not_run = score_all(
        states, dataset, origins, params.settings, params.targets, params.labels, reason, needed, params.fit == EACH
    )
    provenance["model"] += f", hidden states and {params.settings['head']['kind']} head"
    provenance["fitted_on"] = "training period (the head alone)"
    write_folds(snakemake.output[0], frames, origins, provenance, not_run)
