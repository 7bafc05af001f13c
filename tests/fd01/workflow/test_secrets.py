"""Passwords and tokens appear in no text that a run writes."""

import pytest

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
