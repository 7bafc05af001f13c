# For the rules in data.smk and audit.smk, and for shards.smk: the price files of a dataset, how they are read and checked.

from fd01.data.price_files import files_in


def datasets_from(kind):
    """Names of the datasets whose source is of this kind."""
    return [name for name, entry in config["datasets"].items() if entry["source"]["kind"] == kind]


def price_files(dataset):
    """Paths of the files from which a dataset is built; none for packaged prices."""
    source = config["datasets"][dataset]["source"]
    match source["kind"]:
        case "packaged":
            return []
        case "yahoo":
            return [f"results/{dataset}/data/yahoo.parquet"]
        case "synthetic":
            return [f"results/{dataset}/data/simulated.parquet"]
        case "scrambled":
            return [f"results/{dataset}/data/prices.parquet"]
    paths = source["path"] if isinstance(source["path"], list) else [source["path"]]
    found = [files_in(path) for path in paths]
    for path, files in zip(paths, found):
        if not files:
            what = "parquet file in the folder" if Path(path).is_dir() else "file"
            raise WorkflowError(
                f"There is no {what} {path}: put the prices there, "
                f"or name another file in datasets/{dataset}/source/path of the configuration."
            )
    return [str(file) for files in found for file in files]


def prices(wildcards):
    """Input function: the `price_files` of a dataset under the name `prices`."""
    return {"prices": price_files(wildcards.dataset)}


def reading(wildcards):
    """Params function: what the configuration says of which series the price files hold."""
    dataset = config["datasets"][wildcards.dataset]
    index = {"source": dataset["source"]["name"]} if "name" in dataset["source"] else {}
    return (
        {"name": wildcards.dataset}
        | index
        | {key: dataset[key] for key in ("series", "layout", "pauses") if key in dataset}
    )


def checks(wildcards):
    """Params function: what the configuration says of which prices are accepted, and which days are kept."""
    dataset = config["datasets"][wildcards.dataset]
    days = {key: dataset["source"][key] for key in ("start", "end") if key in dataset["source"]}
    return days | {key: dataset[key] for key in ("calendar", "largest_move", "adjust")}


# Called for its error alone: Snakemake accepts a missing price file as long as the results exist, and would go on with
# the old results.
price_files(config["dataset"])
