"""Give out the outcomes that experiments are judged by."""

import pandas as pd

from fd01.files import replacing
from fd01.logs import configure_logging

if __name__ == "__main__":
    configure_logging(snakemake)
    with replacing(snakemake.output[0]) as path:
        pd.read_parquet(snakemake.input.origins).to_parquet(path, index=False)
