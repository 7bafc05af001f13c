# Of the rules in data.smk: where prices come from, and the digest of the analysis plan.

from fd01.study.plan import plan_digest, seal


def datasets_from(kind):
    """Datasets with one kind of source."""
    return [name for name, entry in config["datasets"].items() if entry["source"]["kind"] == kind]


def prices_of(dataset):
    """The file that a dataset is built from; none for a packaged one."""
    source = config["datasets"][dataset]["source"]
    if source["kind"] == "yahoo":
        return {"prices": f"results/{dataset}/data/yahoo.parquet"}
    if source["kind"] == "synthetic":
        return {"prices": f"results/{dataset}/data/simulated.parquet"}
    if source["kind"] == "packaged":
        return {}
    if source["kind"] == "scrambled":
        return {"prices": f"results/{dataset}/data/prices.parquet"}
    if not Path(source["path"]).exists():
        raise WorkflowError(
            f"There is no file {source['path']}: put the prices there, "
            f"or name another file in datasets/{dataset}/source/path of the configuration."
        )
    return {"prices": source["path"]}


def prices(wildcards):
    """`prices_of` the dataset of a job."""
    return prices_of(wildcards.dataset)


def plan_file():
    """The analysis plan: a file of the working directory, or else of this repository."""
    name = config["plan"]["file"]
    if not any(Path(folder, name).exists() for folder in (".", HERE)):
        raise WorkflowError(f"There is no file {name}: write the analysis plan there, or name another in plan/file.")
    return name if Path(name).exists() else workflow.source_path(f"../../{name}")


PLAN_DIGEST = plan_digest(plan_file(), config)

# Snakemake forgives a missing file whose products exist, and would go on with the old ones.
prices_of(config["dataset"])
