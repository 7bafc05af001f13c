# For scoring.smk and the rules that read predictive distributions: what the models have stored.


def forecasters(wildcards):
    """Params function: for each experiment that stores predictive distributions, their form, input series and seeds."""
    names = sorted(set(experiments_storing(*DISTRIBUTIONS)) & set(made_here(wildcards.dataset)))
    entries = {name: config["experiments"][name] for name in names}
    return {
        name: {"stores": SYSTEMS[entry["system"]].stores, "input": input_of(entry), "seeds": entry.get("seeds", [])}
        for name, entry in entries.items()
    }


def distribution_files(wildcards):
    """Input function: the file of each of the `forecasters`, in their order."""
    quantiles = f"results/{wildcards.dataset}/forecasts/{{}}/quantiles.parquet"
    return [
        lag_llama_run_of(wildcards.dataset, name) if entry["stores"] == STUDENT_T else quantiles.format(name)
        for name, entry in forecasters(wildcards).items()
    ]


def states_of(wildcards):
    """Input function: the hidden states on which a probe is fitted."""
    if wildcards.experiment in experiments_of("lag-llama-probe"):
        return lag_llama_run(wildcards)
    return f"results/{wildcards.dataset}/forecasts/{wildcards.experiment}/states.parquet"


def all_trainings(suffix):
    """Input function: the files `{train_end}/.../seed-{seed}{suffix}` of all trainings of an experiment.

    There is one training per train end and seed, and per learning rate if the experiment sweeps several.
    """

    def files(wildcards):
        entry = config["experiments"][wildcards.experiment]
        folds = config["datasets"][wildcards.dataset]["folds"].values()
        rates = entry["settings"].get("lr_sweep")
        return expand(
            "results/{dataset}/forecasts/{experiment}/{train_end}/"
            + ("lr-{lr:g}/" if rates else "")
            + "seed-{seed}{suffix}",
            dataset=wildcards.dataset,
            experiment=wildcards.experiment,
            train_end=dict.fromkeys(fold["train_end"] for fold in folds),
            lr=rates or [],
            seed=entry["seeds"],
            suffix=suffix,
        )

    return files
