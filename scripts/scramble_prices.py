"""Make the prices for the leakage audit: the same up to one day, the cut, and other prices after it."""

import logging

from fd01.data.prices import read_prices
from fd01.evaluation.audit import choose_cut, scramble
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

if __name__ == "__main__":
    configure_logging(snakemake)
    cut = choose_cut(read_frame(snakemake.input.origins))
    with replacing(snakemake.output[0]) as path:
        scramble(read_prices(snakemake.input.get("prices")), cut).to_parquet(path, index=False)
    logging.info("every row after %s has other prices", f"{cut:%Y-%m-%d}")
