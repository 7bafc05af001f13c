"""Say in plain words what the study answers: summary.json, the first page of the report."""

from pathlib import Path

import pandas as pd

from fd01.evaluation.audit import outdated
from fd01.report.facts import Results, Study
from fd01.report.summary import summarise
from fd01.workflow.files import read_json, write_json
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    audit = pd.read_csv(files.audit) if files.audit else None
    results = Results(
        verdict=read_json(files.verdict),
        description=read_json(files.description),
        outcomes=read_frame(files.outcomes),
        checks={path.stem: read_json(path) for path in sorted(Path(files.checks).glob("*.json"))},
        audit=audit,
        outdated=[] if audit is None else outdated(audit, files.predictions),
        **{Path(path).stem: pd.read_csv(path) for path in files.tables},
    )
    write_json(snakemake.output[0], summarise(Study(snakemake.wildcards.dataset, **params.study), results))
