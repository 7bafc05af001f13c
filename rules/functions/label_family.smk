# The baselines that label_family.smk fits to the labels.


def running_baselines(wildcards):
    """Params function: settings by name of the baselines that run on a dataset."""
    names = set(experiments_of("baseline")) & set(running(wildcards.dataset))
    return {name: config["experiments"][name]["settings"] for name in sorted(names)}
