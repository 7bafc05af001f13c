"""Print the verdict and where the report lies."""

from pathlib import Path

from fd01.workflow.files import read_json
from fd01.workflow.logs import configure_logging

if __name__ == "__main__":
    configure_logging(snakemake)
    verdict = read_json(snakemake.input.verdict)
    print(f"\n{verdict['sentence']}\n\nReport: {Path(snakemake.input.report).resolve()}\n")
    if verdict["sealed"]["folds"]:
        print(f"WARNING: not looked at: {', '.join(verdict['sealed']['folds'])} ({verdict['sealed']['reason']}).\n")
    if verdict["without_weights"]:
        print(
            f"WARNING: not run for want of weights: {', '.join(verdict['without_weights'])}. "
            "Fetch them: snakemake weights. Then call this again.\n"
        )
