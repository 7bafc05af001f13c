"""Gather the trainings of an experiment, one per train end and seed, into one prediction file per fold.

If several learning rates were tried, the trainings with the best rate of each train end are used.
"""

import json
import logging
import re

import pandas as pd

from fd01.scoring.joining import join_provenance, join_scores
from fd01.scoring.predictions import read_predictions, write_folds
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

PATH = re.compile(r"/(?P<train_end>\d{4}-\d{2}-\d{2})/(lr-(?P<lr>[^/]+)/)?seed-\d+")


def learning_rate_losses(curves):
    """Losses of the learning rates that were tried, for each train end.

    The loss of a rate is the mean, over seeds and targets, of the monitor loss of the epochs that were kept. A rate
    at which a training diverged has fewer trainings and comes after the others.

    Parameters
    ----------
    curves : dict of DataFrame, learning curve by path of the scores of the training

    Returns
    -------
    DataFrame with train_end, lr, trainings and monitor_loss, the best rate of each train end first; empty for trainings
    that were not stopped on a loss
    """
    rows = [
        PATH.search(path).groupdict() | {"monitor_loss": loss}
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
    """The `paths` with the best learning rate of their train end, by `losses`; the first rate where none has a loss."""
    best = losses.drop_duplicates("train_end").set_index("train_end")["lr"].to_dict()
    trainings = {path: PATH.search(path) for path in paths}
    for training in trainings.values():
        best.setdefault(training["train_end"], training["lr"])
    return [path for path, training in trainings.items() if training["lr"] == best[training["train_end"]]]


def gather(paths):
    """Scores and provenance of trainings.

    Parameters
    ----------
    paths : list of the files of their scores

    Returns
    -------
    frames, not_run : dicts by train end, as `fd01.scoring.predictions.write_folds` takes them
    provenance : dict, with the seconds and the epochs of all trainings
    """
    trainings = {}
    for path in paths:
        trainings.setdefault(PATH.search(path)["train_end"], []).append(read_predictions(path))
    scored = {train_end: join_scores(parts) for train_end, parts in trainings.items()}
    frames, not_run = ({end: pair[i] for end, pair in scored.items()} for i in (0, 1))
    provenances = [metadata for parts in trainings.values() for _, metadata in parts]
    provenance = join_provenance(provenances)
    # Every training has those of its own train end; trainings of one train end have the same.
    exponents = {json.dumps(one): one for part in provenances for one in part.get("touch_exponents", ())}
    return frames, not_run, provenance | ({"touch_exponents": list(exponents.values())} if exponents else {})


if __name__ == "__main__":
    configure_logging(snakemake)
    files = snakemake.input
    losses = learning_rate_losses({path: pd.read_csv(curve) for path, curve in zip(files.scores, files.curves)})
    frames, not_run, provenance = gather(winners(files.scores, losses))
    if len(losses):
        logging.info("learning rates by loss on the calibration tail:\n%s", losses.to_string(index=False))
        provenance["sweep"] = losses.to_dict("records")
    write_folds(snakemake.output[0], frames, read_frame(files.origins), provenance, not_run)
