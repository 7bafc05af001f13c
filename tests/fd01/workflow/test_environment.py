"""A job under `--sdm conda` keeps to its environment."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.paths import ROOT

from fd01.workflow.environment import UNDER_CONDA, enforce_environment, versions
from fd01.workflow.errors import UserError


def test_stack_names_the_place_and_the_versions():
    found = versions("numpy", "scikit-learn")
    assert found["prefix"] == sys.prefix
    assert found["packages"].keys() == {"python", "numpy", "scikit-learn"}
    assert found["packages"]["numpy"] == np.__version__


def test_missing_package_is_named():
    with pytest.raises(UserError, match=r"lacks the package no-such-package\. If envs/\*\.yaml lists it, delete"):
        versions("numpy", "no-such-package")


def test_package_imported_from_elsewhere_stops_a_job_under_conda_alone(monkeypatch, tmp_path):
    (tmp_path / "a.env_setup_done").touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "a"))
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(mean=np.mean))
    enforce_environment()
    monkeypatch.setenv(UNDER_CONDA, "yes")
    monkeypatch.setattr("fd01.workflow.environment._is_inside", lambda path, folder: path != np.__file__)
    with pytest.raises(UserError, match=f"^numpy was imported from {np.__file__}: the environment .* lacks .* numpy"):
        enforce_environment()


def test_job_outside_the_environments_stops_under_conda_alone(monkeypatch):
    before = [*sys.path]
    enforce_environment()
    monkeypatch.setenv(UNDER_CONDA, "yes")
    with pytest.raises(
        UserError, match=f"the Python in {sys.prefix}, which is not a conda environment made by Snakemake: the"
    ):
        enforce_environment()
    assert sys.path == before


def test_job_inside_finds_no_packages_of_others(monkeypatch, tmp_path):
    environment = tmp_path / "a"
    environment.symlink_to(sys.prefix)  # what was imported lies there
    (tmp_path / "a.env_setup_done").touch()
    monkeypatch.setattr(sys, "prefix", str(environment))
    inside, code = str(environment / "lib"), str(ROOT / "scripts")
    monkeypatch.setattr(sys, "path", [inside, str(tmp_path / "other"), code])
    monkeypatch.setenv(UNDER_CONDA, "yes")
    enforce_environment()
    assert sys.path == [inside, code]
