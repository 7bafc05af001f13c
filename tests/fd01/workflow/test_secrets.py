"""Passwords and tokens appear in no text that a run writes."""

import logging
import sys
from types import SimpleNamespace

import pytest

from fd01.workflow.logs import configure_logging
from fd01.workflow.secrets import without_secrets


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_abcdef")
    monkeypatch.setenv("https_proxy", "http://user:pass#word@proxy:3128")
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bearer hf_abcdef refused", "Bearer *** refused"),
        ("no answer from http://user:pass#word@proxy:3128/", "no answer from http://***@proxy:3128/"),
        ("cannot parse 'pass#word'", "cannot parse '***'"),
        ("https://other:secret@host/a@b", "https://***@host/a@b"),
        ("https://host/someone@else is no secret", "https://host/someone@else is no secret"),
        ("a@b and c://d", "a@b and c://d"),
    ],
)
def test_secrets_of_the_environment_and_of_addresses_are_hidden(environment, text, shown):
    assert without_secrets(text) == shown


def test_log_and_terminal_show_no_secret_even_in_a_traceback(environment, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.excepthook", None)
    job = SimpleNamespace(log=[tmp_path / "job.log"], rule="fetch")
    root = logging.getLogger()
    before = root.handlers[:]
    try:
        configure_logging(job)
        logging.warning("asking %s", "http://user:pass#word@proxy:3128")
        try:
            raise ValueError("the token hf_abcdef is wrong")
        except ValueError as error:
            sys.excepthook(type(error), error, error.__traceback__)
    finally:
        root.handlers[:] = before
    for text in ((tmp_path / "job.log").read_text(), capsys.readouterr().err):
        assert "asking http://***@proxy:3128" in text and "the token *** is wrong" in text
        assert "pass#word" not in text and "hf_abcdef" not in text
