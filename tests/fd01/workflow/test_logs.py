"""What a job that fails says in its log and on the terminal."""

import errno
import logging
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from helpers.paths import ROOT

from fd01.workflow.errors import UserError
from fd01.workflow.logs import configure_logging, usage


@pytest.fixture
def said_of(tmp_path, capsys, monkeypatch):
    """A function that ends a job with an exception, and returns what the log and the terminal show."""
    monkeypatch.setattr("sys.excepthook", None)
    monkeypatch.setattr("atexit.register", lambda function: None)
    monkeypatch.setenv("HF_TOKEN", "hf_abcdef")
    root, log = logging.getLogger(), tmp_path / "job.log"
    before = root.handlers[:]

    def said(error):
        configure_logging(SimpleNamespace(log=[log], rule="fetch"))
        logging.warning("asking http://user:pass#word@proxy:3128")
        try:
            raise error
        except type(error):
            sys.excepthook(*sys.exc_info())
        return log.read_text(), capsys.readouterr().err

    yield said
    root.handlers[:] = before


@pytest.mark.parametrize(
    "error",
    [
        UserError("write it so"),
        *(OSError(number, os.strerror(number), "a/file") for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)),
        PermissionError(errno.EACCES, "Permission denied", "a/file"),
    ],
    ids=repr,
)
def test_what_a_person_can_mend_is_one_line(said_of, error):
    for text in said_of(error):
        assert f"ERROR fetch: {error}\n" in text and "Traceback" not in text


def test_fault_of_the_code_has_a_traceback(said_of):
    for text in said_of(FileNotFoundError(errno.ENOENT, "No such file", "a/file")):
        assert "ERROR fetch failed\nTraceback" in text


def test_no_secret_is_shown_even_in_a_traceback(said_of):
    for text in said_of(ValueError("the token hf_abcdef is wrong")):
        assert "asking http://***@proxy:3128" in text and "ValueError: the token *** is wrong" in text
        assert "pass#word" not in text and "hf_abcdef" not in text


JOB = """
import subprocess, sys
from types import SimpleNamespace
from fd01.workflow.logs import configure_logging as begin

begin(SimpleNamespace(log=["{log}"], rule="fetch"))
busy = "import time\\nwhile time.process_time() < 0.4: pass"
exec(busy)
large = bytearray(200 * 2**20)
del large  # the largest memory counts, not the last
subprocess.run([sys.executable, "-c", busy])
{end}
"""


@pytest.mark.parametrize(
    "end", ["", "raise ValueError", "import logging; logging.info('used 9.00 CPU seconds so far')"]
)
def test_log_ends_with_what_the_job_and_its_children_have_used(tmp_path, end):
    log = tmp_path / "job.log"
    done = subprocess.run([sys.executable, "-c", JOB.format(log=log, end=end)], cwd=ROOT / "scripts")
    assert done.returncode == (1 if "raise" in end else 0)
    used = usage(log)
    assert 0.75 <= used["cpu_seconds"] < 3  # the clock of the system ticks in hundredths
    if sys.platform == "linux":
        assert 200 < used["memory_mb"] < 400


def test_log_of_a_killed_job_does_not_say_what_it_has_used(tmp_path):
    log = tmp_path / "job.log"
    subprocess.run(
        [sys.executable, "-c", JOB.format(log=log, end="import os; os.kill(os.getpid(), 9)")], cwd=ROOT / "scripts"
    )
    nothing = {"cpu_seconds": None, "memory_mb": None}
    assert log.exists() and usage(log) == usage(tmp_path / "other.log") == nothing
