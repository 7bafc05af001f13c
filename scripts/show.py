"""Print the verdict and where the report lies."""

from pathlib import Path

from fd01.files import read_json
from fd01.logs import configure_logging

if __name__ == "__main__":
    configure_logging(snakemake)
    print(f"\n{read_json(snakemake.input.verdict)['sentence']}\n\nReport: {Path(snakemake.input.report).resolve()}\n")
