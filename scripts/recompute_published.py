"""Recompute, without any model, the figures that the original study published for Lag-Llama and TimesFM."""

import logging

from fd01.data.origins import sealed_days
from fd01.evaluation.erratum import recompute
from fd01.workflow.files import write_json
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, read_table


def make_erratum(name, original, dataset, blocks, path):
    """The erratum of the dataset `name`: what `recompute` returns, with a `status` and, if it is no figure, a `reason`.

    Parameters
    ----------
    name, original : str, names of this dataset and of the original study's
    dataset : DataFrame, the table `dataset.parquet`
    blocks : list of dict, the sealed blocks, as `fd01.study.seal.seal` returns them
    path : npz file of the original study's TimesFM forecasts, or None
    """
    if name == original:
        return {"status": "ok", "reason": None} | recompute(dataset, sealed_days(dataset["Date"], blocks), path)
    reason = f"the figures that the original study published belong to the dataset {original}"
    return {"status": "not applicable", "reason": reason, "lag_llama": None, "timesfm": []}


if __name__ == "__main__":
    configure_logging(snakemake)
    files, name = snakemake.input, snakemake.wildcards.dataset
    dataset, (_, seal) = read_frame(files.dataset), read_table(files.outcomes)
    erratum = make_erratum(name, snakemake.params.original, dataset, seal["blocks"], files.study_predictions or None)
    parts = [{"block": "Lag-Llama"} | erratum["lag_llama"], *erratum["timesfm"]] if erratum["lag_llama"] else []
    for part in parts:
        if part["reason"]:
            logging.warning("%s: not run, because %s", part["block"], part["reason"])
    write_json(snakemake.output[0], erratum)
