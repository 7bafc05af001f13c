"""What did not run, grouped by cause, in human words."""

import re

import pandas as pd

from fd01.models.known_answers import MISSING, REFUSED

WEIGHTS, UNPROVED, SWITCHED_OFF, NO_GPU, OTHER = "weights missing", "weights refused", "switched off", "no GPU", "other"
# What the system says where no server can be reached, whatever its name.
NO_NETWORK = re.compile(r"\[Errno -?\d+\]|does not answer|name resolution|network is unreachable", re.IGNORECASE)
BESIDE = re.compile("^it is compared with the pre-trained network, (whose weights are missing|which is not run): ")


def causes(table, experiments):
    """Why experiments did not run, or not everywhere.

    Parameters
    ----------
    table : DataFrame, as the rule `evaluate` writes `experiments.csv`
    experiments : dict, that section of the configuration

    Returns
    -------
    list of dict
        `cause`, one of the names above; `text`, a clause in plain words with a capital and no full stop; `experiments`,
        list of str.
    """
    groups = {}
    for row in table[table["status"] != "ok"].to_dict("records"):
        reason = row["reason"] if isinstance(row["reason"], str) else ""
        raw = BESIDE.sub("", reason)
        cause, text = _in_words(row, raw, experiments)
        group = groups.setdefault((cause, text), {"cause": cause, "text": text, "experiments": []})
        group["experiments"].append(row["experiment"])
    order = [WEIGHTS, UNPROVED, OTHER, NO_GPU, SWITCHED_OFF]
    return sorted(groups.values(), key=lambda group: order.index(group["cause"]))


def _in_words(row, raw, experiments):
    """The cause of one experiment, and its text."""
    if pd.isna(row["model"]):
        if experiments[row["experiment"]]["run"] == "gpu" and "GPU" in raw:
            return NO_GPU, "There is no graphics card (GPU) here, and without one these take hours"
        return SWITCHED_OFF, "Switched off in the configuration"
    beside = BESIDE.match(row["reason"]) if isinstance(row["reason"], str) else None
    name = row["model"].partition(",")[0]
    if row["weights"] == MISSING or (beside and beside[1].endswith("missing")):
        why = "no network" if NO_NETWORK.search(raw) else raw.rpartition("cannot be fetched: ")[2]
        return WEIGHTS, f"The weights of {name} could not be downloaded: {why}"
    if row["weights"] == REFUSED or beside:
        return UNPROVED, f"The weights of {name} do not load, or do not give the published answers"
    return OTHER, f"Ran in part: {raw}" if row["status"] == "partly" else f"{raw[:1].upper()}{raw[1:]}"
