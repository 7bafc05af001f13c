# For the rules in data.smk: the price file of a dataset, and the digest of the analysis plan.

from fd01.study.seal import plan_digest, seal


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


def plan_file():
    """Path of the analysis plan: a file in the working directory, or else in this repository."""
    name = config["plan"]["file"]
    if not any(Path(folder, name).exists() for folder in (".", HERE)):
        raise WorkflowError(
            f"There is no file {name}: write the analysis plan there, "
            "or name another file in plan/file of the configuration."
        )
    return name if Path(name).exists() else workflow.source_path(f"../../{name}")


PLAN_DIGEST = plan_digest(plan_file(), config)

# Called for its error alone: Snakemake accepts a missing price file as long as the results exist, and would go on with
# the old results.
price_file(config["dataset"])
