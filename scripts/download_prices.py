"""Download the prices of a dataset whose source is of the kind `yahoo`."""

import logging
import shutil
from pathlib import Path

from fd01.data.downloads import download_all, download_yahoo
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging

if __name__ == "__main__":
    configure_logging(snakemake)
    source, output = snakemake.params.source, Path(snakemake.output[0])
    ticker, days = source["ticker"], {key: source[key] for key in ("start", "end") if key in source}
    fetched = output.with_suffix("")  # a folder for what is there while a ticker is not
    frame = download_all(ticker, fetched, **days) if isinstance(ticker, list) else download_yahoo(ticker, **days)
    with replacing(output) as path:
        frame.to_parquet(path, index=False)
    shutil.rmtree(fetched, ignore_errors=True)
    logging.info("%s: %d days", ticker, len(frame))
