"""Logging of a script: to the rule's log file and to the terminal."""

import logging
import sys

from fd01.workflow.environment import keep_to_environment
from fd01.workflow.errors import UserError


def configure_logging(snakemake):
    """Send log records, and the exception that ends the script, to `snakemake.log[0]` and stderr.

    Snakemake's `log:` captures nothing of a `script:`. A `UserError` is shown as its message alone. A job outside its
    environment ends here.
    """
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        handlers=[logging.FileHandler(snakemake.log[0], mode="w"), logging.StreamHandler()],
        force=True,
    )
    logging.captureWarnings(True)

    def log_exception(kind, error, traceback):
        if issubclass(kind, UserError):
            logging.error("%s: %s", snakemake.rule, error)
        else:
            logging.error("%s failed", snakemake.rule, exc_info=(kind, error, traceback))

    sys.excepthook = log_exception
    keep_to_environment()
