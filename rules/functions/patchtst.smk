# For patchtst.smk: the sealed days that a training could look at.


def sealed_blocks_to_stop_on(wildcards):
    """Params function: the sealed blocks of which a training with `selection: study` could see an outcome.

    It stops on an evaluation block. If that ends before the sealed ones begin, and every horizon is one day, it sees
    none: then opening or closing the seal need not train it again.
    """
    if config["experiments"][wildcards.experiment]["settings"]["selection"] == "inner":
        return []
    entry, blocks = config["datasets"][wildcards.dataset], seal_of(wildcards)["blocks"]
    end = entry["folds"].get(entry["study_fold"], {}).get("end")
    next_day_alone = all(target["horizon"] == 1 for target in config["targets"])
    return [] if next_day_alone and end and all(end < block["start"] for block in blocks) else blocks
