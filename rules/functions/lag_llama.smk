# For the rules in lag_llama.smk: several experiments use one run of the network of Lag-Llama.


def of_lag_llama_run(wildcards, names):
    """Those of the experiments `names` that are made for one run of the network, as entries of the configuration."""
    wanted = {"weights": wildcards.weights, "input": wildcards.input, "context": int(wildcards.context)}
    entries = (config["experiments"][name] for name in names)
    return [entry for entry in entries if wanted.items() <= entry["settings"].items()]


def lag_llama_users(wildcards):
    """The experiments that use one run of the network, as entries of the configuration."""
    names = experiments_of("lag-llama", "lag-llama-probe")
    return of_lag_llama_run(wildcards, [name for name in names if name in running(wildcards.dataset)])


def lag_llama_manifest(wildcards):
    """Input function: the manifest of the weights for one run of the network; nothing if an experiment needs none."""
    return manifest_path("lag-llama") if all(map(needed_weights, lag_llama_users(wildcards))) else []


def lag_llama_answers(wildcards):
    """Input function: what the known answers say of these weights; nothing if an experiment needs none."""
    return answers_path("lag-llama") if lag_llama_manifest(wildcards) else []


def lag_llama_run_of(dataset, experiment):
    """The file of the run of the network that an experiment uses; a forecast and probes may share it."""
    settings = config["experiments"][experiment]["settings"]
    return "results/{dataset}/forecasts/lag-llama/{weights}-{input}-{context}.parquet".format(
        dataset=dataset, **settings
    )


def lag_llama_run(wildcards):
    """Input function: `lag_llama_run_of` the experiment of a job."""
    return lag_llama_run_of(wildcards.dataset, wildcards.experiment)


def shared_passes(wildcards):
    """Params function: for each experiment that uses a run of Lag-Llama's network, the name of that run."""
    names = set(experiments_of("lag-llama", "lag-llama-probe")) & set(made_here(wildcards.dataset))
    return {name: Path(lag_llama_run_of(wildcards.dataset, name)).stem for name in sorted(names)}


def lag_llama_states(wildcards):
    """Params function: whether a probe reads the hidden states of one run of the network; `only` does not matter."""
    return bool(of_lag_llama_run(wildcards, experiments_of("lag-llama-probe")))


def lag_llama_seeds(wildcards):
    """Params function: the seeds of all experiments that use one run of the network."""
    return sorted({seed for entry in lag_llama_users(wildcards) for seed in entry.get("seeds", [])})
