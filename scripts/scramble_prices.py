"""Make the prices for the leakage audit: the same up to one day, the cut, and other prices after it."""

import logging

import pandas as pd

from fd01.data.prices import adjusted, read_prices
from fd01.evaluation.audit import choose_cut, scramble
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

if __name__ == "__main__":
    configure_logging(snakemake)
    cut = choose_cut(read_frame(snakemake.input.origins))
    prices = read_prices(list(snakemake.input.get("prices", [])), **snakemake.params.reading)
    tables = []
    for name, read in prices.items():
        raw = adjusted(read()) if snakemake.params.checks["adjust"] else read()
        tables.append(scramble(raw, cut).assign(series=name))
    with replacing(snakemake.output[0]) as path:
        pd.concat(tables).to_parquet(path, index=False)
    logging.info("every row after %s has other prices", f"{cut:%Y-%m-%d}")
