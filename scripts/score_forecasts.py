"""Turn stored quantiles into the scores of every target and fold."""

import pandas as pd

from fd01.logs import configure_logging
from fd01.predictions import write_folds
from fd01.quantiles import score_all
from fd01.tables import read_table

if __name__ == "__main__":
    configure_logging(snakemake)
    params = snakemake.params
    quantiles, about = read_table(snakemake.input.quantiles)
    dataset, origins = (pd.read_parquet(path) for path in (snakemake.input.dataset, snakemake.input.origins))
    frames, not_run = score_all(
        quantiles, dataset, origins, params.input_series, params.targets, params.labels, about.pop("not_run", None)
    )
    write_folds(snakemake.output[0], frames, origins, about, not_run)
