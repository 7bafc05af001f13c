"""Train PatchTST for one train end and seed, and score its origins."""

import logging
import time

import pandas as pd

from fd01.data.indicators import INDICATORS
from fd01.data.origins import CALIBRATION, EVALUATION, splits
from fd01.data.targets import target_column
from fd01.models.early_stopping import INNER, epochs
from fd01.models.heads import two_classes
from fd01.models.patchtst import predict, train, windows
from fd01.scoring.predictions import concat_scores, scores_frame, write_predictions
from fd01.workflow.environment import versions
from fd01.workflow.errors import NotRun
from fd01.workflow.files import digest, replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame
from fd01.workflow.provenance import git_commit, warn_without_gpu


def training_sets(split, origins, target, selection, study_fold):
    """Rows to train on and rows to stop on, each with their targets.

    `inner` stops on the calibration tail. `study` trains on the whole period and stops on the
    evaluation block that the study reported: optimistic, and kept to compare with its figures.
    """
    if selection == "inner":
        rows, monitor = split.inner, split.calibration
        y_monitor = split.y(monitor)
    else:
        rows = split.training
        block = origins[(origins["fold"] == study_fold) & (origins["role"] == EVALUATION)]
        if set(block["train_end"]) != {split.train_end}:
            raise NotRun(f"selection `study` stops on {study_fold}, which has another train end than this fold")
        block = block.dropna(subset=target_column(**target))
        monitor, y_monitor = block["row"].to_numpy(), block[target_column(**target)].to_numpy()
    return rows, two_classes(split.y(rows)), monitor, two_classes(y_monitor, "early-stopping")


def run(dataset, origins, split, target, settings, seed, study_fold, device):
    """Scores, learning curve and parameter count of one training."""
    rows, y, monitor, y_monitor = training_sets(split, origins, target, settings["selection"], study_fold)
    values = dataset[INDICATORS].to_numpy(float)

    def inputs(rows):
        return windows(values, rows, settings["context"])

    network, curve = train(inputs(rows), y, inputs(monitor), y_monitor, settings, seed, device)
    scored = [(EVALUATION, split.evaluation)]
    if settings["selection"] == "inner":  # otherwise the calibration tail was trained on
        scored.append((CALIBRATION, split.calibration))
    kind = dict(target=target, score_kind="probability", is_probability=True, seed=seed)
    frame = pd.concat(
        scores_frame(origins, rows, role, predict(network, inputs(rows)), **kind) for role, rows in scored
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
    frames, curves, not_run, parameters = [], [], [], None
    for target in params.targets:
        (split,) = (s for s in splits(origins, **target) if s.train_end == snakemake.wildcards.train_end)
        try:
            frame, curve, parameters = run(
                dataset, origins, split, target, params.settings, seed, params.study_fold, device
            )
        except NotRun as reason:
            logging.warning("%s: not run: %s", target, reason)
            not_run.append({**target, "reason": str(reason)})
        else:
            frames.append(frame)
            curves.append(curve)
    provenance = {
        "model": "PatchTST",
        "weights": "trained from scratch",
        "fitted_on": FITTED_ON[params.settings["selection"]],
        "optimistic": params.settings["selection"] == "study",
        "epochs": [epochs(curve, snakemake.wildcards.train_end, params.settings["max_epochs"]) for curve in curves],
        "parameters": parameters,
        "device": device,
        "dtype": "float32",
        "seconds": time.perf_counter() - start,
        **versions("numpy", "torch"),
        "git_commit": git_commit(),
        "config_sha256": digest(dict(params)),
    }
    with replacing(snakemake.output.curve) as path:
        curve = pd.concat(curves) if curves else pd.DataFrame(columns=["epoch"])
        curve.to_csv(path, index=False)
    write_predictions(snakemake.output.scores, concat_scores(frames), provenance, not_run)
