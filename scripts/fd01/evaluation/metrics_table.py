"""The rows of `metrics.csv` and `experiments.csv`: how the rule `evaluate` makes them, and which ones others read.

`metrics.csv` has a row per experiment, fold, target, kind of score and seed, and one for the mean score over seeds.
`experiments.csv` has a row per experiment: what it is, and whether it ran.
"""

from functools import cache, partial

import pandas as pd

from fd01.data.origins import CALIBRATION, EVALUATION
from fd01.data.touch import CLOSE_EXCEEDANCE
from fd01.evaluation.evidence import evidence
from fd01.evaluation.metrics import ALL_SEEDS, all_measures, auc_within, best_f1_threshold
from fd01.evaluation.outcomes import train_prevalence, with_outcomes
from fd01.scoring.predictions import mean_over_seeds, of_target

BLOCK = ["fold", "target", "horizon", "score_kind"]
NO_OUTCOME = "no outcome of this block is known yet"


def measure_experiment(scores, outcomes, sealed=None):
    """Rows of `metrics.csv` of what one experiment has scored, as dicts.

    Parameters
    ----------
    scores : DataFrame
        Its prediction files, as `fd01.scoring.predictions.read_experiment` returns them.
    outcomes : DataFrame
        The table `outcomes.parquet`; its folds give the order of the rows.
    sealed : dict of fold to str, optional
        Why the outcomes of a fold are sealed.

    Returns
    -------
    list of dict
        A row per block and seed, and one per block for the mean score over seeds. A block without a known outcome has
        one row that says why.
    """
    scored = with_outcomes(scores, outcomes)
    single = scored.dropna(subset="seed").assign(seed=lambda rows: rows["seed"].astype(str))
    scored = pd.concat([mean_over_seeds(scored).assign(seed=ALL_SEEDS), single])
    scored = scored.sort_values("fold", key=lambda fold: fold.map(list(outcomes["fold"].unique()).index), kind="stable")
    seed_counts = scores.groupby(BLOCK)["seed"].nunique().clip(lower=1)
    rows, prevalence_of = [], cache(partial(train_prevalence, outcomes))
    for key, block in scored.groupby([*BLOCK, "seed"], sort=False):
        evaluation, calibration = (block[block["role"] == role] for role in (EVALUATION, CALIBRATION))
        if evaluation.empty:
            continue
        *block_key, seed = key
        calibration_auc, threshold = _from_calibration_tail(calibration)
        y, score = evaluation["y"].to_numpy(), evaluation["score"].to_numpy()
        is_probability = bool(block["is_probability"].iloc[0])
        prevalence = evaluation["series"].map(prevalence_of(*block_key[:3])).to_numpy(float)
        rows.append(
            {"status": "ok", **dict(zip(BLOCK, block_key)), "seed": seed}
            | {"seeds": seed_counts[tuple(block_key)] if seed == ALL_SEEDS else 1, "is_probability": is_probability}
            | {"calibration_auc": calibration_auc}
            | all_measures(y, score, evaluation["series"].to_numpy(), is_probability, prevalence, threshold)
        )
    measured = {tuple(row[name] for name in BLOCK) for row in rows}
    for block_key in seed_counts.index.difference(measured, sort=False):
        reason = (sealed or {}).get(block_key[0], NO_OUTCOME)
        rows.append(dict(zip(BLOCK, block_key)) | {"seed": ALL_SEEDS, "status": "not run", "reason": reason})
    return rows


def _from_calibration_tail(calibration):
    """AUC and best threshold on the calibration tail; NaN where it has no scores, one outcome, or equal scores."""
    y, score = calibration["y"].to_numpy(), calibration["score"]
    if len(y) == 0 or y.min() == y.max():
        return float("nan"), float("nan")
    threshold = best_f1_threshold(y, score) if score.nunique() > 1 else float("nan")
    return auc_within(y, score.to_numpy(), calibration["series"].to_numpy()), threshold


def not_run_rows(metadata):
    """Rows of `metrics.csv`, as dicts, of each fold and target that an experiment could not score.

    `metadata` is by fold, as `fd01.scoring.predictions.read_experiment` returns it.
    """
    for fold, provenance in metadata.items():
        for entry in provenance["not_run"]:
            yield {"fold": fold, "status": "not run", **entry}


def describe_experiment(metadata, system):
    """What an experiment is, for `experiments.csv`: model, weights, evidence, parameter count, the days of its fit.

    `metadata` is by fold, as `fd01.scoring.predictions.read_experiment` returns it.
    """
    provenance = next(iter(metadata.values()))  # all folds have the same
    weights, made_elsewhere = provenance["weights"], "external" in provenance
    return {
        "model": provenance["model"],
        "weights": "pre-trained" if isinstance(weights, dict) else "made elsewhere" if made_elsewhere else weights,
        "evidence": evidence(provenance, system),
        "parameters": provenance.get("parameters"),
        "fitted_on": provenance["fitted_on"],
        "optimistic": provenance["optimistic"],
    }


def compared_rows(metrics, fold, target, horizon):
    """The rows of `metrics` by which experiments are compared: one block, the mean score over seeds, a defined AUC."""
    rows = of_target(metrics, target, horizon)
    return rows[rows["auc"].notna() & (rows["fold"] == fold) & (rows["seed"] == ALL_SEEDS)]


def best_baseline(rows, systems):
    """The row of the baseline with the best AUC on the calibration tail, or None.

    The block that is reported has no influence on this choice. A baseline is named by the score that it is compared by,
    never by its probability before the touch correction.

    Parameters
    ----------
    rows : DataFrame
        Rows of `compared_rows`.
    systems : dict of experiment to system
    """
    rows = rows[(rows["experiment"].map(systems) == "baseline") & (rows["score_kind"] != CLOSE_EXCEEDANCE)]
    rows = rows.dropna(subset="calibration_auc")
    return rows.loc[rows["calibration_auc"].idxmax()] if len(rows) else None


def with_seed_aucs(metrics):
    """The rows of the mean score over seeds that have an AUC, of every block and target, with a column `seed_aucs`.

    `seed_aucs` is a dict of the `min`, `mean` and `max` AUC of the single seeds; None for a deterministic experiment.
    """
    scored = metrics[metrics["auc"].notna()]
    of_mean_score = scored["seed"] == ALL_SEEDS
    key = ["experiment", *BLOCK]
    ranges = {
        name: {statistic: float(aucs.agg(statistic)) for statistic in ("min", "mean", "max")}
        for name, aucs in scored[~of_mean_score].groupby(key)["auc"]
    }
    rows = scored[of_mean_score]
    return rows.assign(seed_aucs=[ranges.get(name) for name in rows[key].itertuples(index=False, name=None)])


def seed_ranges(metrics, kinds):
    """Lowest and highest AUC of the single seeds of each experiment and fold, for the kind of score compared.

    Parameters
    ----------
    metrics : DataFrame
        Rows of one target.
    kinds : dict of experiment to the kind of score that it is compared by

    Returns
    -------
    DataFrame with fold, experiment, low and high
    """
    rows = metrics[(metrics["seed"] != ALL_SEEDS) & (metrics["score_kind"] == metrics["experiment"].map(kinds))]
    return rows.groupby(["fold", "experiment"])["auc"].agg(low="min", high="max").reset_index()
