"""Reading parquet files."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from helpers.made_up_data import make_prices
from helpers.paths import ROOT

from fd01.workflow.parquet import read_frame, read_table, write_table

OPENED = """
import os
import sys
from {module} import {reader}
opened = []
sys.addaudithook(lambda event, about: opened.append(str(about[0])) if event == "open" else None)
{reader}(sys.argv[1])
print(sys.argv[1] in opened, flush=True)
os._exit(0)  # before Python ends, as pandas' reader may abort it then
"""


def opened_by_python(module, reader, path):
    """Whether a reader opens the file at `path` in Python; Arrow opens files by itself, and Python is not told."""
    code = OPENED.format(module=module, reader=reader)
    command = [sys.executable, "-c", code, path]
    return subprocess.run(command, cwd=ROOT / "scripts", capture_output=True, check=True, text=True).stdout == "True\n"


def test_arrow_is_given_no_file_of_python_that_could_outlive_it(tmp_path):
    path = tmp_path / "prices.parquet"
    write_table(path, make_prices(days=90), {})
    assert opened_by_python("pandas", "read_parquet", path)
    assert not opened_by_python("fd01.workflow.parquet", "read_frame", path)
    assert not opened_by_python("fd01.workflow.parquet", "read_table", path)


@pytest.mark.parametrize("folder", ["plain", "year=2020"])  # Arrow may take the latter for a column
def test_frame_comes_back_as_it_was(tmp_path, folder):
    prices = make_prices(days=90).set_index("Date")
    (tmp_path / folder).mkdir()
    prices.to_parquet(tmp_path / folder / "prices.parquet")
    pd.testing.assert_frame_equal(read_frame(tmp_path / folder / "prices.parquet"), prices, check_freq=False)
    write_table(tmp_path / folder / "table.parquet", prices.reset_index(), {"model": "none"})
    frame, about = read_table(tmp_path / folder / "table.parquet")
    pd.testing.assert_frame_equal(frame, prices.reset_index())
    assert about == {"model": "none"}


@pytest.mark.parametrize("rows", [200, 0])
def test_vectors_come_back_as_columns_to_the_last_bit(tmp_path, rows):
    rng, path = np.random.default_rng(0), tmp_path / "states.parquet"
    units = [f"{name}_{i}" for name in ("h1", "h10") for i in range(12)]
    frame = pd.DataFrame(rng.standard_normal((rows, len(units))).astype(np.float32), columns=units)
    frame.insert(0, "row", np.arange(rows))
    frame.insert(1, "score", rng.standard_normal(rows))
    write_table(path, frame, {"model": "none"}, vectors=["h1", "h10", "absent"])
    assert pq.read_schema(path).names == ["row", "score", "h1", "h10"]
    pd.testing.assert_frame_equal(read_frame(path), frame)
    for columns in (None, ["score"], ["h10_11", "row"], ["h1_0", "h10_0"]):
        found, about = read_table(path, columns)
        pd.testing.assert_frame_equal(found, frame[columns or list(frame)])
        assert about == {"model": "none"}


def test_same_table_gives_the_same_bytes(tmp_path):
    for name in "ab":
        write_table(tmp_path / name, make_prices(days=90), {"model": "none"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_folder_of_files_is_one_table_with_the_metadata_of_its_files(tmp_path):
    for name in ("a", "b"):
        write_table(tmp_path / f"{name}.parquet", pd.DataFrame({"x": [name]}), {"model": "one"})
    frame, metadata = read_table(tmp_path)
    assert sorted(frame["x"]) == ["a", "b"] and metadata == {"model": "one"}
