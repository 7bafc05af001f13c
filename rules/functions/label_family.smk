# Of the rule in label_family.smk.


def running_baselines(wildcards):
    """Settings of the baselines that run on a dataset."""
    names = set(experiments_of("baseline")) & set(running(wildcards.dataset))
    return {name: config["experiments"][name]["settings"] for name in sorted(names)}
