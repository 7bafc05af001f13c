"""Logging of a script, to the log file of its rule and to the terminal."""

import errno
import logging
import sys

from fd01.workflow.environment import enforce_environment
from fd01.workflow.errors import UserError
from fd01.workflow.secrets import without_secrets

# A disk that is full or cannot be written: no traceback says more.
FAULTS_OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)


class _Formatter(logging.Formatter):
    def format(self, record):
        return without_secrets(super().format(record))


def configure_logging(snakemake):
    """Send log records, and the exception that ends a script, to `snakemake.log[0]`, warnings and errors to stderr too.

    Snakemake itself writes nothing of a `script:` to its `log:`. A `UserError`, and a disk that cannot be written, is
    shown as its message, without a traceback. No record shows a secret (`fd01.workflow.secrets`). This is the first
    call of every script, so it also checks the environment of the job.
    """
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.WARNING)  # a person sees a bar and a line for each job
    handlers = [logging.FileHandler(snakemake.log[0], mode="w"), terminal]
    for handler in handlers:
        handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    logging.captureWarnings(True)

    def log_exception(kind, error, traceback):
        if issubclass(kind, UserError) or (issubclass(kind, OSError) and error.errno in FAULTS_OF_THE_MACHINE):
            logging.error("%s: %s", snakemake.rule, error)
        else:
            logging.error("%s failed", snakemake.rule, exc_info=(kind, error, traceback))

    sys.excepthook = log_exception
    enforce_environment()
