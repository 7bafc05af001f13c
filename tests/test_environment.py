"""A job under `--sdm conda` keeps to its environment."""

import sys

import numpy as np
import pytest

from fd01.environment import FOLDER, keep_to_environment, stack
from fd01.errors import UserError


def test_stack_names_the_place_and_the_versions():
    found = stack("numpy", "scikit-learn")
    assert found["prefix"] == sys.prefix
    assert found["packages"].keys() == {"python", "numpy", "scikit-learn"}
    assert found["packages"]["numpy"] == np.__version__


def test_missing_package_is_named():
    with pytest.raises(UserError, match=r"lacks no-such-package\. If envs/\*\.yaml names it, delete"):
        stack("numpy", "no-such-package")


def test_package_imported_from_elsewhere_stops_a_job_under_conda_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    stack("numpy")
    monkeypatch.setenv(FOLDER, str(tmp_path))
    with pytest.raises(UserError, match=rf"numpy was imported from {np.__file__}, outside the environment {tmp_path}"):
        stack("numpy")


def test_job_outside_the_environments_stops_under_conda_alone(monkeypatch, tmp_path):
    before = [*sys.path]
    keep_to_environment()
    monkeypatch.setenv(FOLDER, str(tmp_path))
    with pytest.raises(
        UserError, match=rf"runs on the Python in {sys.prefix}, not in a conda environment in {tmp_path}"
    ):
        keep_to_environment()
    assert sys.path == before


def test_job_inside_finds_no_packages_of_others(monkeypatch, tmp_path):
    inside, other = tmp_path / "environments/a/lib", tmp_path / "other"
    code = next(entry for entry in sys.path if entry.endswith("scripts"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environments/a"))
    monkeypatch.setattr(sys, "path", [str(inside), str(other), code])
    monkeypatch.setenv(FOLDER, str(tmp_path / "environments"))
    keep_to_environment()
    assert sys.path == [str(inside), code]
