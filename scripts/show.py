"""Print the verdict, the path of the report, and what is missing from them."""

import csv
from pathlib import Path

from fd01.study.seal import HOW_TO_OPEN, LEFT_OUT
from fd01.workflow.files import read_json
from fd01.workflow.logs import configure_logging

if __name__ == "__main__":
    configure_logging(snakemake)
    verdict = read_json(snakemake.input.verdict)
    print(f"\n{verdict['sentence']}\n\nReport: {Path(snakemake.input.report).resolve()}\n")
    sealed = verdict["sealed"]
    if sealed["folds"]:
        print(f"WARNING: not evaluated: {', '.join(sealed['folds'])} ({sealed['reason']}). {HOW_TO_OPEN}\n")
    if sealed["left_out"]:
        print(f"WARNING: {', '.join(sealed['left_out'])}: {LEFT_OUT}.\n")
    if verdict["without_weights"]:
        print(
            f"WARNING: not run, because their weights are missing: {', '.join(verdict['without_weights'])}. "
            "To fetch the weights: source .venv/bin/activate, then snakemake weights. Then repeat this command.\n"
        )
    if verdict["refused_weights"]:
        print(
            "WARNING: not run, because these weights do not give the published answers: "
            f"{', '.join(verdict['refused_weights'])}. snakemake weights says which answers differ, and what to do.\n"
        )
    with open(snakemake.input.alignment, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["k"]:  # days that a forecast is away from its own
                print(f"WARNING: the {row['what']} that {row['experiment']} forecasts: {row['verdict']}.\n")
