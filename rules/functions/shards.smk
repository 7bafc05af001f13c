# For common.smk, which adds the shards to the datasets, and for shards.smk: a dataset of many series is split, so that
# forecasts are made for some series in each job.

from fd01.data.price_files import PACKAGED, most_series
from fd01.study.shards import shards_of


def series_in(dataset):
    """How many series a dataset has; of price files, how many there may be."""
    entry = config["datasets"][dataset]
    source = entry["source"]
    match source["kind"]:
        case "packaged":
            return len(PACKAGED[source.get("name", "sp500")])
        case "yahoo":
            return len(source["ticker"]) if isinstance(source["ticker"], list) else 1
        case "synthetic":
            return source.get("series", 1)
    try:
        return most_series(price_files(dataset))
    except UserError as error:
        raise WorkflowError(str(error)) from None


def shards():
    """The shards of the chosen dataset, and of the one that the audit compares it with, by name of dataset."""
    name = config["dataset"]
    if "series_per_job" not in config["datasets"][name]:
        return {}
    series = series_in(name)
    split = {other: shards_of(other, config["datasets"][other], series) for other in (name, name + SCRAMBLED)}
    return {other: parts for other, parts in split.items() if parts}


def made_in_shards():
    """Experiments of which each series has forecasts of its own, whatever the other series are."""
    fits_nothing = experiments_storing(*DISTRIBUTIONS)
    return [name for name, entry in config["experiments"].items() if name in fits_nothing or fits_each(entry)]


def number_of_shards(wildcards):
    """Params function: how many shards a dataset has."""
    return len(SHARDS[wildcards.dataset])


def of_shards(path):
    """Input function: a file or folder of every shard of a dataset; `path` is below the folder of a shard."""

    def files(wildcards):
        return [f"results/{shard}/{path.format(**wildcards)}" for shard in SHARDS[wildcards.dataset]]

    return files
