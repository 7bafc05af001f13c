# For the rules in data.smk: the price file of a dataset.


def datasets_from(kind):
    """Names of the datasets whose source is of this kind."""
    return [name for name, entry in config["datasets"].items() if entry["source"]["kind"] == kind]


def price_file(dataset):
    """Path of the file from which a dataset is built; None for packaged prices."""
    source = config["datasets"][dataset]["source"]
    match source["kind"]:
        case "packaged":
            return None
        case "yahoo":
            return f"results/{dataset}/data/yahoo.parquet"
        case "synthetic":
            return f"results/{dataset}/data/simulated.parquet"
        case "scrambled":
            return f"results/{dataset}/data/prices.parquet"
    if not Path(source["path"]).is_file():
        raise WorkflowError(
            f"There is no file {source['path']}: put the prices there, "
            f"or name another file in datasets/{dataset}/source/path of the configuration."
        )
    return source["path"]


def prices(wildcards):
    """Input function: the `price_file` of a dataset under the name `prices`; nothing for packaged prices."""
    path = price_file(wildcards.dataset)
    return {"prices": path} if path else {}


# Called for its error alone: Snakemake accepts a missing price file as long as the results exist, and would go on with
# the old results.
price_file(config["dataset"])
