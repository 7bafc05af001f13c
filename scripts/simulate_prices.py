"""Simulate prices with a known truth."""

from fd01.data.synthetic import simulate
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging

if __name__ == "__main__":
    configure_logging(snakemake)
    source = {key: value for key, value in snakemake.params.source.items() if key != "kind"}
    with replacing(snakemake.output[0]) as path:
        simulate(**source).to_parquet(path, index=False)
