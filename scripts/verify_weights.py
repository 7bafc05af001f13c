"""Compare the forecasts of a model's weights with those that others have published of them: known-answers.json."""

import logging

from fd01.models.known_answers import lines, stop_if_refused, warnings
from fd01.models.verification import load_cases, verify
from fd01.workflow.files import write_json
from fd01.workflow.logs import configure_logging

if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    answers = verify(files.manifest, load_cases(files.cases, snakemake.wildcards.model), **params.check)
    for line in lines(answers):
        logging.info(line)
    for line in warnings(answers):
        logging.warning(line)
    if params.missing == "fail":
        stop_if_refused(answers)
    write_json(snakemake.output[0], answers)
