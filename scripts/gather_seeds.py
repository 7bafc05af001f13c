"""Gather the scores of every train end and seed of an experiment into one file per fold."""

import pandas as pd

from fd01.logs import configure_logging
from fd01.predictions import concat_scores, read_predictions, write_folds


def gather(paths, train_end_of):
    """Scores and reasons by train end, and one provenance with the seconds and epochs of all jobs.

    Parameters
    ----------
    paths : list of files written by `fd01.predictions.write_predictions`
    train_end_of : function from path to train end
    """
    frames, not_run, provenances = {}, {}, []
    for path in paths:
        frame, provenance = read_predictions(path)
        train_end = train_end_of(path)
        frames.setdefault(train_end, []).append(frame)
        for reason in provenance.pop("not_run"):
            if reason not in not_run.setdefault(train_end, []):
                not_run[train_end].append(reason)
        provenances.append(provenance)
    return {end: concat_scores(parts) for end, parts in frames.items()}, not_run, _merge(provenances)


def _merge(provenances):
    parameters = {about["parameters"] for about in provenances} - {None}
    return {
        **provenances[0],
        "seconds": sum(about["seconds"] for about in provenances),
        "parameters": parameters.pop() if parameters else None,
        "epochs": [training for about in provenances for training in about["epochs"]],
    }


if __name__ == "__main__":
    configure_logging(snakemake)
    frames, not_run, provenance = gather(snakemake.input.scores, lambda path: path.split("/")[-2])
    write_folds(snakemake.output[0], frames, pd.read_parquet(snakemake.input.origins), provenance, not_run)
