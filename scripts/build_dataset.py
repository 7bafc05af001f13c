"""Check the prices of a dataset, add the indicators, and write what the report says of the data."""

import logging

import pyarrow as pa
import pyarrow.parquet as pq

from fd01.data.prices import build_all, read_prices
from fd01.workflow.environment import versions
from fd01.workflow.errors import UserError
from fd01.workflow.files import digest, replacing, sha256, write_json
from fd01.workflow.logs import configure_logging

ROWS = 200_000  # of a row group: a few at a time fit into any memory


def write_series(path, parts):
    """Write the tables `parts`, one per series, to one parquet file; what `dataset.json` says of each series.

    Returns
    -------
    list of dict with `name`, `rows`, `first_date`, `last_date`
    """
    about, waiting, writer = [], [], None
    try:
        for part in parts:
            table = pa.table({name: pa.array(part[name]) for name in part})  # quicker than Table.from_pandas
            writer = writer or pq.ParquetWriter(path, table.schema)
            waiting.append(table)
            if sum(map(len, waiting)) >= ROWS:
                writer.write_table(pa.concat_tables(waiting), row_group_size=ROWS)
                waiting = []
            first, last = (f"{part['Date'].iloc[row]:%Y-%m-%d}" for row in (0, -1))
            about.append({"name": part["series"].iloc[0], "rows": len(part), "first_date": first, "last_date": last})
        if waiting:
            writer.write_table(pa.concat_tables(waiting), row_group_size=ROWS)
    finally:
        if writer:
            writer.close()
    return about


def describe(title, source, series, path, prices_paths):
    """What the report says of the data: source, first and last date, series, checksums; a dict for JSON.

    `series` is what `write_series` returns for the file `path`; `prices_paths` are the price files, if there are any.
    With several price files, `source_sha256` is the digest of the list of their SHA-256.
    """
    sums = [sha256(prices) for prices in prices_paths]
    return {
        "title": title,
        "source": source,
        "source_sha256": digest(sums) if len(sums) > 1 else sums[0] if sums else None,
        "rows": sum(one["rows"] for one in series),
        "first_date": min(one["first_date"] for one in series),
        "last_date": max(one["last_date"] for one in series),
        "series": series,
        "sha256": sha256(path),
        **versions("arch", "exchange_calendars", "pandas", "pyarrow", "TA-Lib"),
    }


def build(output, paths, reading, checks, downloaded=False):
    """Write the dataset to `output`; what `write_series` returns.

    `reading` and `checks` are further arguments of `read_prices` and `build_all`. An error names the price file and, if
    it was `downloaded`, says how to download it again.
    """
    try:
        with replacing(output) as path:
            return write_series(path, build_all(read_prices(paths, **reading), **checks))
    except UserError as error:
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        whose = f"{paths[0]}{more}" if paths else "arch.data"
        again = f". To download the prices again, delete {paths[0]}" if downloaded else ""
        raise UserError(f"{whose}: {error}{again}") from None


if __name__ == "__main__":
    configure_logging(snakemake)
    params, paths = snakemake.params, list(snakemake.input)
    downloaded = params.source["kind"] == "yahoo"
    series = build(snakemake.output.dataset, paths, params.reading, params.checks, downloaded)
    description = describe(params.title, params.source, series, snakemake.output.dataset, paths)
    write_json(snakemake.output.about, description)
    logging.info("%d series", len(series))
    logging.info("%(rows)d days from %(first_date)s to %(last_date)s", description)
