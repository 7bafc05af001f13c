"""Train PatchTST for one train end and seed, and score its origins."""

import logging
import time
from functools import partial

import pandas as pd

from fd01.data.indicators import INDICATORS
from fd01.data.origins import CALIBRATION, EVALUATION, each_alone, hide_outcomes, sealed_days, splits
from fd01.data.series import first_rows
from fd01.data.targets import target_column
from fd01.evaluation.metrics import auc_within
from fd01.models.early_stopping import INNER, describe_epochs
from fd01.models.heads import require_two_classes
from fd01.models.patchtst import Windows, predict, train
from fd01.scoring.predictions import concat_scores, scores_frame, write_predictions
from fd01.study.systems import EACH
from fd01.workflow.errors import NotRun
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame
from fd01.workflow.provenance import describe_job, warn_without_gpu


def training_sets(split, origins, target, selection, study_fold, outcomes):
    """Rows to train on and rows to stop on, each with their targets.

    Parameters
    ----------
    split : fd01.data.origins.Split
    origins : DataFrame
    target : dict with `target` and `horizon`
    selection : `inner` or `study`
        `inner` stops on the calibration tail. `study` trains on the whole training period and stops on an evaluation
        block, as the original study did: the result is optimistic, and serves to compare with its figures.
    study_fold : str, fold of that block
    outcomes : DataFrame
        `origins` without sealed outcomes: for `study`, none of them may decide when training stops.

    Returns
    -------
    rows, y, monitor, y_monitor : arrays; rows of the dataset, and targets 0.0 or 1.0

    Raises
    ------
    NotRun
        If one of the two sets has one class only, or if outcomes of the block are sealed or it has another train end.
    """
    if selection == "inner":
        rows, monitor = split.inner, split.calibration
        y_monitor = split.y(monitor)
    else:
        rows = split.training
        stops, column = f"selection `study` stops on {study_fold}", target_column(**target)
        known, unsealed = (
            table[(table["fold"] == study_fold) & (table["role"] == EVALUATION)].dropna(subset=column)
            for table in (origins, outcomes)
        )
        if len(unsealed) < len(known) or study_fold not in set(origins["fold"]):
            raise NotRun(f"{stops}, of which outcomes are sealed")
        if set(known["train_end"]) != {split.train_end}:
            raise NotRun(f"{stops}, which has another train end than this fold")
        monitor, y_monitor = known["row"].to_numpy(), known[column].to_numpy()
    return rows, require_two_classes(split.y(rows)), monitor, require_two_classes(y_monitor, "early-stopping")


def train_and_score(dataset, origins, split, target, settings, seed, study_fold, outcomes, device):
    """Train one network and score its origins.

    Returns
    -------
    frame : DataFrame, rows of a prediction file
    curve : DataFrame, one row per epoch
    parameters : int, number of parameters of the network

    Raises
    ------
    NotRun
        As `training_sets`.
    """
    rows, y, monitor, y_monitor = training_sets(split, origins, target, settings["selection"], study_fold, outcomes)
    values, first = dataset[INDICATORS].to_numpy(float), first_rows(dataset)

    def inputs(rows):
        return Windows(values, rows, settings["context"], first[rows]).in_memory()

    series = origins.drop_duplicates("row").set_index("row")["series"][monitor].to_numpy()
    auc = partial(auc_within, group=series)
    network, curve = train(inputs(rows), y, inputs(monitor), y_monitor, settings, seed, device, auc)
    scored = [(EVALUATION, split.evaluation)]
    if settings["selection"] == "inner":  # otherwise the calibration tail was trained on
        scored.append((CALIBRATION, split.calibration))
    columns = dict(target=target, score_kind="probability", is_probability=True, seed=seed)
    frame = pd.concat(
        scores_frame(origins, rows, role, predict(network, inputs(rows)), **columns) for role, rows in scored
    )
    return frame, pd.DataFrame(curve).assign(**target, seed=seed), sum(p.numel() for p in network.parameters())


FITTED_ON = {
    "inner": INNER,
    "study": "training period; stopped on an evaluation block",
}


if __name__ == "__main__":
    configure_logging(snakemake)
    import torch

    torch.set_num_threads(snakemake.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    warn_without_gpu(device)
    params, seed = snakemake.params, int(snakemake.wildcards.seed)
    start = time.perf_counter()
    dataset, origins = (read_frame(path) for path in (snakemake.input.dataset, snakemake.input.origins))
    outcomes, _ = hide_outcomes(origins, sealed_days(dataset["Date"], params.sealed_blocks))
    frames, curves, not_run, parameters = [], [], [], None
    each = params.fit == EACH
    own = set(origins.loc[origins["train_end"] == snakemake.wildcards.train_end, "series"])
    parts = [(None, dataset, origins)]
    if each:
        parts = [part for part in each_alone(dataset, origins) if part[0] in own]
    for target in params.targets:
        of_target = []
        try:
            for series, days, part in parts:
                if len(parts) > 1:
                    logging.info("series %s", series)
                (split,) = (s for s in splits(part, **target) if s.train_end == snakemake.wildcards.train_end)
                of_target.append(
                    train_and_score(
                        *(days, part, split, target, params.settings, seed, params.study_fold),
                        *(outcomes.loc[part.index], device),
                    )
                )
        except NotRun as reason:
            reason = f"{series}: {reason}" if len(parts) > 1 else str(reason)
            logging.info("%s: not run: %s", target, reason)
            not_run.append({**target, "reason": reason})
        else:
            frames += [frame for frame, _, _ in of_target]
            names = [series for series, _, _ in parts]
            curves += [curve.assign(series=name) for name, (_, curve, _) in zip(names, of_target)]
            parameters = next((count for _, _, count in of_target), None)  # a shard may have no series in this fold
    provenance = {
        "model": "PatchTST",
        "weights": "trained from scratch",
        "fitted_on": FITTED_ON[params.settings["selection"]],
        "optimistic": params.settings["selection"] == "study",
        "epochs": [
            describe_epochs(curve, snakemake.wildcards.train_end, params.settings["max_epochs"]) for curve in curves
        ],
        "parameters": parameters,
        "device": device,
        "dtype": "float32",
        "seconds": time.perf_counter() - start,
        **describe_job(params, "numpy", "torch"),
    }
    with replacing(snakemake.output.curve) as path:
        curve = pd.concat(curves) if curves else pd.DataFrame(columns=["epoch"])
        curve.to_csv(path, index=False)
    write_predictions(snakemake.output.scores, concat_scores(frames), provenance, not_run)
