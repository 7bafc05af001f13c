"""The file of the dataset: any number of series in one table, and what is said of them."""

import build_dataset as script
import pandas as pd
import pyarrow.parquet as pq
import pytest
from build_dataset import build, describe
from helpers.made_up_data import make_prices

from fd01.data.prices import build_dataset
from fd01.workflow.errors import UserError
from fd01.workflow.files import digest, sha256
from fd01.workflow.parquet import read_frame

CHECKS = {"calendar": "none", "largest_move": 0.25, "adjust": False}


@pytest.fixture
def files(tmp_path):
    """Price files of three series of different lengths; their paths."""
    paths = [tmp_path / f"{name}.parquet" for name in ("C", "A", "B")]
    for i, path in enumerate(paths):
        make_prices(days=500 + 10 * i, seed=i).to_parquet(path)
    return paths


@pytest.mark.parametrize("rows", [1, 500, 200_000])
def test_file_is_one_table_whatever_its_row_groups(files, tmp_path, monkeypatch, rows):
    monkeypatch.setattr(script, "ROWS", rows)
    about = build(tmp_path / "dataset.parquet", files, {"name": "mine"}, CHECKS)
    dataset = read_frame(tmp_path / "dataset.parquet")
    long = pd.concat([read_frame(path).assign(series=path.stem) for path in files])
    pd.testing.assert_frame_equal(dataset, build_dataset(long), check_exact=True)
    assert list(dataset["series"].cat.categories) == ["A", "B", "C"]
    assert about == [
        {"name": name, "rows": len(days), "first_date": f"{days.min():%Y-%m-%d}", "last_date": f"{days.max():%Y-%m-%d}"}
        for name, days in dataset.groupby("series", observed=True)["Date"]
    ]
    assert pq.read_metadata(tmp_path / "dataset.parquet").num_rows == len(dataset)


def test_description_covers_all_series(files, tmp_path):
    path = tmp_path / "dataset.parquet"
    series = build(path, files, {"name": "mine"}, CHECKS)
    found = describe("Title", {"kind": "parquet"}, series, path, files)
    dates = read_frame(path)["Date"]
    assert (found["rows"], found["series"]) == (len(dates), series)
    assert (found["first_date"], found["last_date"]) == (f"{dates.min():%Y-%m-%d}", f"{dates.max():%Y-%m-%d}")
    assert found["source_sha256"] == digest([sha256(file) for file in files])
    assert describe("Title", {}, series, path, files[:1])["source_sha256"] == sha256(files[0])
    assert describe("Title", {}, series, path, [])["source_sha256"] is None


def test_error_names_the_file_and_the_series_and_leaves_nothing(files, tmp_path):
    make_prices().assign(Close=-1.0).to_parquet(files[1])
    with pytest.raises(UserError, match=r"C\.parquet and 2 more: series A: prices that are not positive: row 0"):
        build(tmp_path / "dataset.parquet", files, {"name": "mine"}, CHECKS)
    assert sorted(tmp_path.iterdir()) == sorted(files)


def test_download_that_fails_the_checks_says_how_to_download_again(files, tmp_path):
    prices = make_prices()
    prices.assign(Close=prices["Close"].where(prices.index < 599)).to_parquet(files[0])
    with pytest.raises(UserError, match=r"To download the prices again, delete .*C\.parquet$"):
        build(tmp_path / "dataset.parquet", files[:1], {"name": "mine"}, CHECKS, downloaded=True)
