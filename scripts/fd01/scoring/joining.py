"""Scores of one experiment that several jobs have made, put together."""

import pandas as pd

from fd01.scoring.predictions import concat_scores


def join_scores(parts):
    """The scores of several files of one experiment.

    Parameters
    ----------
    parts : list of pairs, as `fd01.scoring.predictions.read_predictions` returns them

    Returns
    -------
    frame : DataFrame
        Without the targets that did not run in one of the parts: such a target has no score at all.
    not_run : list of {target, horizon, reason}
    """
    reasons = {}  # the first of each target
    for _, metadata in parts:
        for reason in metadata["not_run"]:
            reasons.setdefault((reason["target"], reason["horizon"]), reason)
    frame = concat_scores([frame for frame, _ in parts])
    return frame[~pd.MultiIndex.from_frame(frame[["target", "horizon"]]).isin(list(reasons))], list(reasons.values())


def join_provenance(parts):
    """The provenance in several files of one experiment as one dict, without `not_run`.

    `seconds` are added, and the lists `epochs` joined; all else is that of the first part.
    """
    joined = {key: value for key, value in parts[0].items() if key != "not_run"}
    joined["seconds"] = sum(part["seconds"] for part in parts)
    if "parameters" in joined:  # a training that did not run has none
        joined["parameters"] = next((part["parameters"] for part in parts if part["parameters"] is not None), None)
    if "epochs" in joined:
        joined["epochs"] = [training for part in parts for training in part["epochs"]]
    return joined
