"""Logging of a script, to the log file of its rule and to the terminal."""

import atexit
import errno
import logging
import os
import re
import sys
from pathlib import Path

from fd01.workflow.environment import enforce_environment
from fd01.workflow.errors import UserError
from fd01.workflow.secrets import without_secrets

# A disk that is full or cannot be written: no traceback says more.
FAULTS_OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)
USED = re.compile(r"used ([\d.]+) CPU seconds(?:, at most (\d+) MB of memory)?$")  # the end of a log


class _Formatter(logging.Formatter):
    def format(self, record):
        return without_secrets(super().format(record))


def configure_logging(snakemake):
    """Send log records, and the exception that ends a script, to `snakemake.log[0]`, warnings and errors to stderr too.

    Snakemake itself writes nothing of a `script:` to its `log:`. A `UserError`, and a disk that cannot be written, is
    shown as its message, without a traceback. No record shows a secret (`fd01.workflow.secrets`). This is the first
    call of every script, so it also checks the environment of the job. The last line of the log is what the job used.
    """
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.WARNING)  # a person sees a bar and a line for each job
    handlers = [logging.FileHandler(snakemake.log[0], mode="w"), terminal]
    for handler in handlers:
        handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # where the disk is full, the log cannot say so

    def log_exception(kind, error, traceback):
        if issubclass(kind, UserError) or (issubclass(kind, OSError) and error.errno in FAULTS_OF_THE_MACHINE):
            logging.error("%s: %s", snakemake.rule, error)
        else:
            logging.error("%s failed", snakemake.rule, exc_info=(kind, error, traceback))

    sys.excepthook = log_exception
    atexit.register(_log_usage)
    enforce_environment()


def _log_usage():
    times = os.times()
    used = f"used {times.user + times.system + times.children_user + times.children_system:.2f} CPU seconds"
    status = Path("/proc/self/status")  # of Linux; the figure of `resource` may be that of the parent
    if status.exists() and (kilobytes := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        used += f", at most {int(kilobytes[1]) // 1024} MB of memory"
    logging.info(used)


def usage(log):
    """What the job with this log file has used, its imports included.

    The benchmark file cannot say: Snakemake measures a long job only every 30 seconds.

    Returns
    -------
    dict
        `cpu_seconds`, of all cores, None if the job has not ended by itself; `memory_mb`, the largest resident memory
        in MB (2**20 bytes), None where the system does not tell it.
    """
    path = Path(log)
    last = path.read_text(errors="replace").splitlines()[-1:] if path.exists() else []
    found = USED.search("".join(last))
    used = found.groups() if found else (None, None)
    return {key: value and float(value) for key, value in zip(("cpu_seconds", "memory_mb"), used)}
