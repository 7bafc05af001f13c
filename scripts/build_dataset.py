"""Check the prices of a dataset, add the indicators, and write what the report says of the data."""

import logging

from fd01.data.prices import build_dataset, read_prices
from fd01.workflow.environment import versions
from fd01.workflow.errors import UserError
from fd01.workflow.files import replacing, sha256, write_json
from fd01.workflow.logs import configure_logging


def describe(title, source, dataset, path, prices_path):
    """What the report says of the data: source, first and last date, checksums; a dict for JSON.

    `path` is the file of the `dataset`; `prices_path` is the price file, or None for the packaged prices.
    """
    return {
        "title": title,
        "source": source,
        "source_sha256": sha256(prices_path) if prices_path else None,
        "rows": len(dataset),
        "first_date": f"{dataset['Date'].iloc[0]:%Y-%m-%d}",
        "last_date": f"{dataset['Date'].iloc[-1]:%Y-%m-%d}",
        "sha256": sha256(path),
        **versions("arch", "pandas", "pyarrow", "TA-Lib"),
    }


if __name__ == "__main__":
    configure_logging(snakemake)
    source = snakemake.params.source
    prices_path = snakemake.input.get("prices")
    raw = read_prices(prices_path)
    try:
        dataset = build_dataset(raw, source.get("start"), source.get("end"))
    except UserError as error:
        raise UserError(f"{prices_path or 'arch.data.sp500'}: {error}") from None
    with replacing(snakemake.output.dataset) as path:
        dataset.to_parquet(path, index=False)
    description = describe(snakemake.params.title, source, dataset, snakemake.output.dataset, prices_path)
    write_json(snakemake.output.about, description)
    logging.info("%(rows)d days from %(first_date)s to %(last_date)s", description)
