"""Gather the scores of every train end and seed of an experiment, at the best learning rate, into one file per fold."""

import logging
import re

import pandas as pd

from fd01.scoring.predictions import concat_scores, read_predictions, write_folds
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

TRAINING = re.compile(r"/(?P<train_end>\d{4}-\d{2}-\d{2})/(lr-(?P<lr>[^/]+)/)?seed-\d+")


def sweep(curves):
    """Inner validation of a learning-rate sweep: one row per train end and rate, the best first; may be empty.

    `curves` maps the path of a training's scores to its learning curve; the loss of a rate is the mean over
    seeds and targets of that of the epochs that were kept. Rates at which a training diverged come last.
    """
    rows = [
        TRAINING.search(path).groupdict() | {"monitor_loss": loss}
        for path, curve in curves.items()
        if "monitor_loss" in curve
        for loss in curve.loc[curve["selected"], "monitor_loss"]
    ]
    if not rows:
        return pd.DataFrame(columns=["train_end", "lr", "trainings", "monitor_loss"])
    loss = pd.DataFrame(rows).groupby(["train_end", "lr"])["monitor_loss"]
    losses = loss.agg(trainings="size", monitor_loss="mean").reset_index()
    order = {"train_end": True, "trainings": False, "monitor_loss": True}
    return losses.sort_values(list(order), ascending=list(order.values()), ignore_index=True)


def winners(paths, losses):
    """The paths whose learning rate is the best of their train end; the first rate where none has a loss."""
    best = losses.drop_duplicates("train_end").set_index("train_end")["lr"].to_dict()
    for path in paths:
        about = TRAINING.search(path)
        best.setdefault(about["train_end"], about["lr"])
    return [path for path in paths if best[TRAINING.search(path)["train_end"]] == TRAINING.search(path)["lr"]]


def gather(paths):
    """Scores and reasons by train end, and one provenance with the seconds and epochs of all jobs.

    `paths` are files written by `fd01.scoring.predictions.write_predictions`.
    """
    frames, not_run, provenances = {}, {}, []
    for path in paths:
        frame, provenance = read_predictions(path)
        train_end = TRAINING.search(path)["train_end"]
        frames.setdefault(train_end, []).append(frame)
        for reason in provenance.pop("not_run"):
            if reason not in not_run.setdefault(train_end, []):
                not_run[train_end].append(reason)
        provenances.append(provenance)
    frames = {end: _without(concat_scores(parts), not_run.get(end, ())) for end, parts in frames.items()}
    return frames, not_run, _merge(provenances)


def _without(frame, reasons):
    """`frame` less the targets that some seed did not run for: a score is that of all seeds."""
    skipped = [(reason["target"], reason["horizon"]) for reason in reasons]
    return frame[~pd.MultiIndex.from_frame(frame[["target", "horizon"]]).isin(skipped)]


def _merge(provenances):
    parameters = {about["parameters"] for about in provenances} - {None}
    return {
        **provenances[0],
        "seconds": sum(about["seconds"] for about in provenances),
        "parameters": parameters.pop() if parameters else None,
        "epochs": [training for about in provenances for training in about["epochs"]],
    }


if __name__ == "__main__":
    configure_logging(snakemake)
    files = snakemake.input
    losses = sweep({path: pd.read_csv(curve) for path, curve in zip(files.scores, files.curves)})
    frames, not_run, provenance = gather(winners(files.scores, losses))
    if len(losses):
        logging.info("learning rates by loss on the calibration tail:\n%s", losses.to_string(index=False))
        provenance["sweep"] = losses.to_dict("records")
    write_folds(snakemake.output[0], frames, read_frame(files.origins), provenance, not_run)
