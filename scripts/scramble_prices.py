"""Make the prices for the leakage audit: the same up to one day, the cut, and other prices after it."""

import logging

import pandas as pd

from fd01.data.prices import adjusted, read_prices
from fd01.evaluation.audit import choose_cut, scramble
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame


def scramble_all(prices, cut, adjust):
    """All series of `fd01.data.prices.read_prices`, scrambled after `cut`, in one table with a column `series`.

    `adjust` says whether the prices are `fd01.data.prices.adjusted` first.
    """
    tables = []
    for name, read in prices.items():
        raw = adjusted(read()) if adjust else read()
        tables.append(scramble(raw, cut).assign(series=name))
    return pd.concat(tables)


if __name__ == "__main__":
    configure_logging(snakemake)
    cut = choose_cut(read_frame(snakemake.input.origins))
    prices = read_prices(list(snakemake.input.get("prices", [])), **snakemake.params.reading)
    with replacing(snakemake.output[0]) as path:
        scramble_all(prices, cut, snakemake.params.checks["adjust"]).to_parquet(path, index=False)
    logging.info("every row after %s has other prices", f"{cut:%Y-%m-%d}")
