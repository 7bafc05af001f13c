"""Make up prices of which the truth is known."""

from fd01.files import replacing
from fd01.logs import configure_logging
from fd01.synthetic import simulate

if __name__ == "__main__":
    configure_logging(snakemake)
    source = {key: value for key, value in snakemake.params.source.items() if key != "kind"}
    with replacing(snakemake.output[0]) as path:
        simulate(**source).to_parquet(path, index=False)
