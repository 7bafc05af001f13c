"""Put the predictions of an experiment for the shards of a dataset into one file per fold."""

from pathlib import Path

from fd01.data.touch import join_exponents
from fd01.scoring.joining import join_provenance, join_scores
from fd01.scoring.predictions import read_experiment, write_blocks
from fd01.workflow.logs import configure_logging


def gather(folders):
    """The predictions in several folders, of which one is empty if no fold has a series of its shard.

    Returns
    -------
    blocks : dict of fold to a pair, rows and what did not run, as `fd01.scoring.predictions.write_blocks` takes them
    provenance : dict
    """
    folds, provenances = {}, []
    for folder in filter(lambda folder: any(Path(folder).iterdir()), folders):
        frame, metadata = read_experiment(folder)
        for fold, of_fold in metadata.items():
            folds.setdefault(fold, []).append((frame[frame["fold"] == fold].drop(columns="fold"), of_fold))
        provenances.append(next(iter(metadata.values())))
    provenance = join_provenance(provenances)
    if "touch_exponents" in provenance:
        provenance["touch_exponents"] = join_exponents(one for part in provenances for one in part["touch_exponents"])
    return {fold: join_scores(parts) for fold, parts in folds.items()}, provenance


if __name__ == "__main__":
    configure_logging(snakemake)
    write_blocks(snakemake.output[0], *gather(snakemake.input))
