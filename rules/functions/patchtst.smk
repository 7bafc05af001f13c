# For the rule in patchtst.smk: the outcomes of an evaluation block, where a training looks at them.


def outcomes_to_stop_on(wildcards):
    """Input function: the outcomes, without those of sealed days, for `selection: study`; nothing for `inner`."""
    if config["experiments"][wildcards.experiment]["settings"]["selection"] == "study":
        return f"results/{wildcards.dataset}/data/outcomes.parquet"
    return []
