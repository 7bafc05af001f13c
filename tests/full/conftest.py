"""Tests that run Snakemake; `make test-fast` leaves them out."""

from pathlib import Path

import pytest
from helpers.in_every_job.loaded_modules import FOLDER
from helpers.studies import save_tiny

HERE = Path(__file__).parent
# Workers take whole files in this order: the longest first, or one worker would end long before the other.
LONGEST_FIRST = {"test_study.py": 0, "test_report_in_a_browser.py": 1, "test_restart.py": 2, "test_notebooks.py": 3}


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items):
    """Mark the tests of this folder, and let them begin before all others."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker("full")
    items.sort(key=lambda item: (item.path.parent != HERE, LONGEST_FIRST.get(item.path.name, 4)))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """Weights of the tiny TimesFM: a file in the published format."""
    return save_tiny(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="module", autouse=True)
def loaded_modules(tmp_path_factory):
    """Folder in which every job of the studies of a file notes the modules that it loads."""
    folder = tmp_path_factory.mktemp("loaded-modules")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER, str(folder))
        yield folder
