"""The commit of the code, as git tells it."""

import subprocess

import pytest
from helpers.paths import ROOT

from fd01.workflow.provenance import git_commit


def test_commit_is_that_of_the_code():
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True)
    if head.returncode:
        pytest.skip("this project is no clone, or git is not installed")
    assert git_commit().removesuffix("+dirty") == head.stdout.strip()


def test_clone_of_another_owner_has_no_commit(monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):  # which may declare any folder safe
        monkeypatch.setenv(name, "/dev/null")
    assert git_commit() is None


def test_copy_without_git_has_no_commit(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert git_commit() is None
