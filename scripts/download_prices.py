"""Download the prices of a dataset whose source is of the kind `yahoo`."""

import logging

from fd01.data.downloads import download_all, download_yahoo
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging

if __name__ == "__main__":
    configure_logging(snakemake)
    source = snakemake.params.source
    download = download_all if isinstance(source["ticker"], list) else download_yahoo
    frame = download(source["ticker"], source.get("start"), source.get("end"))
    with replacing(snakemake.output[0]) as path:
        frame.to_parquet(path, index=False)
    logging.info("%s: %d days", source["ticker"], len(frame))
