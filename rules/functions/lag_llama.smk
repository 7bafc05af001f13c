# Of the rules in lag_llama.smk: several experiments rest on one run of the network.


def lag_llama_manifest(wildcards):
    """The manifest of the weights of a pass of Lag-Llama; none for an untrained one."""
    return [] if wildcards.weights == "untrained" else manifest("lag-llama")


def lag_llama_pass(dataset, experiment):
    """The pass of Lag-Llama that an experiment rests on; forecast and probes share it."""
    settings = config["experiments"][experiment]["settings"]
    return "results/{dataset}/forecasts/lag-llama/{weights}-{input}-{context}.parquet".format(
        dataset=dataset, **settings
    )


def lag_llama_run(wildcards):
    """`lag_llama_pass` of a job."""
    return lag_llama_pass(wildcards.dataset, wildcards.experiment)


def lag_llama_seeds(wildcards):
    """Seeds of all experiments that rest on one pass of Lag-Llama."""
    names = experiments_of("lag-llama", "lag-llama-probe")
    entries = [config["experiments"][name] for name in names if name in running(wildcards.dataset)]
    wanted = {"weights": wildcards.weights, "input": wildcards.input, "context": int(wildcards.context)}
    resting = [entry for entry in entries if wanted.items() <= entry["settings"].items()]
    return sorted({seed for entry in resting for seed in entry.get("seeds", [])})
