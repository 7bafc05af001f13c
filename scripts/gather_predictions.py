"""Put the predictions of an experiment for the shards of a dataset into one file per fold."""

from fd01.data.touch import join_exponents
from fd01.scoring.joining import join_provenance, join_scores
from fd01.scoring.predictions import read_experiment, write_blocks
from fd01.workflow.logs import configure_logging


def gather(folders, folds):
    """The predictions in several folders.

    Parameters
    ----------
    folders : list of path, one per shard
    folds : dict of fold to dict with `train_end`
        What cannot be fitted for a train end has no score in all its folds.

    Returns
    -------
    blocks : dict of fold to a pair, rows and what did not run, as `fd01.scoring.predictions.write_blocks` takes them
    provenance : dict
    """
    parts, provenances = {}, []  # the parts by train end and fold
    for folder in folders:
        frame, metadata = read_experiment(folder)
        for fold, of_fold in metadata.items():
            of_train_end = parts.setdefault(folds[fold]["train_end"], {})
            of_train_end.setdefault(fold, []).append((frame[frame["fold"] == fold], of_fold))
        provenances.append(next(iter(metadata.values())))
    blocks = {}
    for of_train_end in parts.values():
        frame, not_run = join_scores([part for of_fold in of_train_end.values() for part in of_fold])
        blocks |= {fold: (frame[frame["fold"] == fold].drop(columns="fold"), not_run) for fold in of_train_end}
    provenance = join_provenance(provenances)
    if "touch_exponents" in provenance:
        provenance["touch_exponents"] = join_exponents(one for part in provenances for one in part["touch_exponents"])
    return blocks, provenance


if __name__ == "__main__":
    configure_logging(snakemake)
    write_blocks(snakemake.output[0], *gather(snakemake.input, snakemake.params.folds))
