"""The commit of the code, as git tells it."""

import shutil
import subprocess
import sys

import pytest
from helpers.paths import ROOT

from fd01.workflow.provenance import git_commit


def test_commit_is_that_of_the_code():
    if not (shutil.which("git") and (ROOT / ".git").exists()):
        pytest.skip("this project is no clone, or git is not installed")
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert git_commit().removesuffix("+dirty") == head.stdout.strip()


def test_clone_of_another_owner_has_no_commit(monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):  # which may declare any folder safe
        monkeypatch.setenv(name, "/dev/null")
    assert git_commit() is None


def test_copy_in_another_repository_has_no_commit(tmp_path):
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    shutil.copytree(ROOT / "scripts/fd01/workflow", tmp_path / "study/scripts/fd01/workflow")
    for arguments in ("init --quiet", "-c user.name=me -c user.email=me@there commit --allow-empty --quiet -m other"):
        subprocess.run(["git", "-C", tmp_path, *arguments.split()], check=True)
    code = "from fd01.workflow.provenance import git_commit; print(git_commit())"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path / "study/scripts", capture_output=True, text=True, check=True)
    assert done.stdout == "None\n"


def test_machine_without_git_has_no_commit(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert git_commit() is None
