"""What experiments and their networks are called in words."""

from fd01.study.systems import SYSTEMS


def display_name(experiment, entry):
    """The name of an experiment in words, and its own in brackets; without a name in words, its own alone.

    `entry` is its entry in the configuration.

    >>> display_name("TFM-01", {"name": "TimesFM 2.5, zero-shot on returns"})
    'TimesFM 2.5, zero-shot on returns (TFM-01)'
    >>> display_name("TFM-01", {})
    'TFM-01'
    """
    return f"{entry['name']} ({experiment})" if "name" in entry else experiment


def names_of(experiments):
    """The name of each experiment in words, without its own, where it has one; a dict by its own name.

    `experiments` is that section of the configuration.
    """
    return {experiment: entry.get("name", experiment) for experiment, entry in experiments.items()}


def model_of(experiment, experiments):
    """The network of an experiment in words; of forecasts made elsewhere, the one that they stand for, or their source.

    `experiments` is that section of the configuration.
    """
    entry = experiments[experiment]
    if "stands_for" in entry:
        return model_of(entry["stands_for"], experiments)
    return entry["settings"].get("source") or SYSTEMS[entry["system"]].model or entry["system"]
