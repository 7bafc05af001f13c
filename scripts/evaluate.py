"""Measure every experiment on every fold, target and seed."""

from pathlib import Path

import pandas as pd

from fd01.data.origins import CALIBRATION, EVALUATION
from fd01.evaluation.metrics import ALL_SEEDS, MEASURES, best_f1_threshold, evaluate, ranking
from fd01.evaluation.outcomes import train_prevalence, with_outcomes
from fd01.scoring.predictions import mean_over_seeds, read_experiment
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_table

NOT_YET = "no outcome of this block is known yet"
BLOCK = ["fold", "target", "horizon", "score_kind"]
COLUMNS = ["experiment", "status", "reason", *BLOCK, "seed", "seeds", "is_probability", "calibration_auc", *MEASURES]


def measure(frame, origins, sealed=None):
    """Measures of one experiment: one row per block and seed, and one per block for all seeds.

    A block without a known outcome has one row that says why; `sealed` maps folds to that reason.
    """
    scored = with_outcomes(frame, origins)
    seeds = scored.dropna(subset="seed").assign(seed=lambda rows: rows["seed"].astype(str))
    scored = pd.concat([mean_over_seeds(scored).assign(seed=ALL_SEEDS), seeds])
    scored = scored.sort_values("fold", key=lambda fold: fold.map(list(origins["fold"].unique()).index), kind="stable")
    counts = frame.groupby(BLOCK)["seed"].nunique().clip(lower=1)
    rows = []
    for key, block in scored.groupby([*BLOCK, "seed"], sort=False):
        evaluation, calibration = (block[block["role"] == role] for role in (EVALUATION, CALIBRATION))
        if evaluation.empty:
            continue
        threshold = calibration_auc = float("nan")
        if calibration["y"].nunique() == 2:
            calibration_auc = ranking(calibration["y"], calibration["score"])["auc"]
            if calibration["score"].nunique() > 1:
                threshold = best_f1_threshold(calibration["y"], calibration["score"])
        is_probability = bool(block["is_probability"].iloc[0])
        prevalence = train_prevalence(origins, *key[:3])
        rows.append(
            {"status": "ok"}
            | dict(zip([*BLOCK, "seed"], key))
            | {"seeds": counts[key[:4]] if key[4] == ALL_SEEDS else 1, "is_probability": is_probability}
            | {"calibration_auc": calibration_auc}
            | evaluate(
                evaluation["y"].to_numpy(), evaluation["score"].to_numpy(), is_probability, prevalence, threshold
            )
        )
    measured = {tuple(row[name] for name in BLOCK) for row in rows}
    for key in counts.index.difference(measured, sort=False):
        reason = (sealed or {}).get(key[0], NOT_YET)
        rows.append(dict(zip(BLOCK, key)) | {"seed": ALL_SEEDS, "status": "not run", "reason": reason})
    return rows


def not_run(metadata):
    """One row per fold and target that an experiment could not score."""
    for fold, about in metadata.items():
        for entry in about["not_run"]:
            yield {"fold": fold, "status": "not run", **entry}


def describe(metadata):
    """What an experiment is: model, weights, parameter count, and the days that it was fitted on."""
    about = next(iter(metadata.values()))
    weights = "pre-trained" if isinstance(about["weights"], dict) else about["weights"]
    return {"model": about["model"], "weights": weights, "parameters": about.get("parameters")} | {
        key: about[key] for key in ("fitted_on", "optimistic")
    }


if __name__ == "__main__":
    configure_logging(snakemake)
    origins, about = read_table(snakemake.input.outcomes)
    sealed = dict.fromkeys(about["sealed"], about["reason"])
    experiments = []
    metrics = []
    for path in snakemake.input.predictions:
        name = {"experiment": Path(path).name}
        frame, metadata = read_experiment(path)
        skipped = list(not_run(metadata))
        metrics += [name | row for row in measure(frame, origins, sealed)]
        metrics += [name | row for row in skipped]
        reasons = "; ".join(sorted({row["reason"] for row in skipped}))
        ran = "ok" if not skipped else "not run" if frame.empty else "partly"
        experiments.append(name | describe(metadata) | {"status": ran, "reason": reasons})
    for experiment, reason in snakemake.params.off.items():
        experiments.append({"experiment": experiment, "status": "not run", "reason": reason})
    for output, table in (
        (snakemake.output.metrics, pd.DataFrame(metrics, columns=COLUMNS)),
        (snakemake.output.experiments, pd.DataFrame(experiments)),
    ):
        with replacing(output) as temporary:
            table.to_csv(temporary, index=False)
