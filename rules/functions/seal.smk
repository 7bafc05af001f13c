# For common.smk, which leaves out folds under the seal, and for the rules that need the digest of the analysis plan.

from fd01.study.seal import plan_digest, seal


def plan_file():
    """Path of the analysis plan: a file in the working directory, or else in this repository."""
    name = config["plan"]["file"]
    if not any(Path(folder, name).exists() for folder in (".", HERE)):
        raise WorkflowError(
            f"There is no file {name}: write the analysis plan there, "
            "or name another file in plan/file of the configuration."
        )
    return name if Path(name).exists() else source(name)


PLAN = plan_file()
PLAN_DIGESTS = {name: plan_digest(PLAN, config, name) for name in config["datasets"]}
SEALS = {name: seal(config["plan"], PLAN_DIGESTS[name], entry["folds"]) for name, entry in config["datasets"].items()}
# No job may see such a fold: what it trains on includes outcomes of sealed days, so its scores would tell of them.
for name, entry in config["datasets"].items():
    entry["folds"] = {fold: dates for fold, dates in entry["folds"].items() if fold not in SEALS[name]["left_out"]}


def seal_of(wildcards):
    """Params function: the seal of a dataset, as `fd01.study.seal.seal` returns it."""
    return SEALS[whole(wildcards.dataset).removesuffix(SCRAMBLED)]


def plan_digest_of(wildcards):
    """Params function: the digest of the analysis plan for a dataset."""
    return PLAN_DIGESTS[wildcards.dataset.removesuffix(SCRAMBLED)]
