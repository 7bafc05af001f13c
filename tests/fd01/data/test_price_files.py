"""Price files: one table or a series each, and which column names the series."""

import pandas as pd
import pytest
from helpers.made_up_data import make_prices

from fd01.data.price_files import files_in, most_series, series_of_files, series_of_table
from fd01.workflow.errors import UserError

PARTS = [range(200), range(200, 400), range(400, 600)]


@pytest.fixture
def prices():
    """600 days of made-up prices."""
    return make_prices()


@pytest.fixture
def save(tmp_path):
    """Write frames by the names of their files; the paths."""

    def write(frames):
        paths = [tmp_path / f"{name}.parquet" for name in frames]
        for path, frame in zip(paths, frames.values()):
            frame.to_parquet(path)
        return paths

    return write


def read_all(series):
    return {name: read() for name, read in series.items()}


@pytest.mark.parametrize("column", ["series", "unique_id", "item_id", "Ticker", "Symbol", "SYMBOL"])
def test_column_in_any_of_its_names_names_the_series(prices, column):
    long = pd.concat([prices.assign(**{column: name}) for name in ("SPY", "QQQ")])
    found = read_all(series_of_table(long, "mine"))
    assert list(found) == ["QQQ", "SPY"]
    assert list(found["QQQ"].index) == list(range(600, 1200))  # as they are numbered in the file
    for frame in found.values():
        pd.testing.assert_frame_equal(frame.reset_index(drop=True), prices, check_exact=True, check_dtype=False)


def test_names_may_be_numbers_or_categories(prices):
    long = pd.concat([prices.assign(series=number) for number in (10, 9)])
    assert list(series_of_table(long, "mine")) == ["10", "9"]
    names = pd.Categorical(["b"] * 600 + ["a"] * 600, ["c", "b", "a"])
    assert list(series_of_table(long.assign(series=names), "mine")) == ["a", "b"]


def test_two_columns_that_could_name_the_series_are_refused(prices):
    with pytest.raises(UserError, match="several columns could name the series, Ticker, item_id: delete all but one"):
        series_of_table(prices.assign(Ticker="SPY", item_id="SPY"), "mine")


@pytest.mark.parametrize("nothing", [None, ""])
def test_row_without_a_name_is_refused(prices, nothing):
    names = pd.Series("SPY", prices.index, dtype=object).where(prices.index != 7, nothing)
    with pytest.raises(UserError, match="Ticker is empty in row 7: it must name the series"):
        series_of_table(prices.assign(Ticker=names), "mine")


def test_lists_name_no_series(prices, save):
    lists = prices.assign(Ticker=[["SPY"]] * len(prices))
    for read in (lambda: series_of_table(lists, "mine"), lambda: most_series(save({"lists": lists}))):
        with pytest.raises(UserError, match="Ticker holds lists or tables: it must name the series, in text"):
            read()


ALIKE = {
    "blank at the end": ("SPY ", "SPY", "names of series that begin or end with a blank: 'SPY '"),
    "blanks alone": ("  ", "SPY", "names of series that begin or end with a blank: '  '"),
    "case": ("spy", "SPY", "names of series that differ in nothing but upper and lower case: 'SPY', 'spy'"),
}


@pytest.mark.parametrize(("first", "second", "problem"), ALIKE.values(), ids=ALIKE)
def test_names_that_look_alike_are_refused(prices, tmp_path, first, second, problem):
    table = pd.concat([prices.assign(series=name) for name in (first, second)], ignore_index=True)
    with pytest.raises(UserError, match=f"^{problem}\\. Give each series one name$"):
        series_of_table(table, "mine")
    paths = [tmp_path / folder / f"{name}.parquet" for folder, name in (("a", first), ("b", second))]
    for path in paths:  # in two folders, since not every file system tells upper from lower case
        path.parent.mkdir()
        prices.to_parquet(path)
    with pytest.raises(UserError, match=f"^{problem}\\. Give each series one name$"):
        series_of_files(paths, "mine")


def test_blanks_and_case_within_names_are_kept(prices):
    table = pd.concat([prices.assign(series=name) for name in ("S P", "SP", "sPy")], ignore_index=True)
    assert list(series_of_table(table, "mine")) == ["S P", "SP", "sPy"]


def test_parts_of_one_table(prices, save):
    series = series_of_files(save({f"part-{i}": prices.iloc[rows] for i, rows in enumerate(PARTS)}), "mine")
    assert list(series) == ["mine"]
    pd.testing.assert_frame_equal(series["mine"](), prices, check_exact=True, check_dtype=False)


def test_parts_may_be_listed_in_any_order(prices, save, tmp_path):
    save({f"part-{i}": prices.iloc[50 * i : 50 * i + 50] for i in range(12)})  # part-10 stands before part-2
    series = series_of_files(files_in(tmp_path), "mine")
    pd.testing.assert_frame_equal(series["mine"](), prices, check_exact=True, check_dtype=False)


def test_parts_of_a_table_of_several_series(prices, save):
    series = series_of_files(save({f"part-{i}": prices.assign(Symbol=name) for i, name in enumerate("ba")}), "mine")
    assert {name: len(frame) for name, frame in read_all(series).items()} == {"a": 600, "b": 600}


@pytest.mark.parametrize("index", [False, True])
def test_files_with_the_same_dates_are_series(prices, save, index):
    frame = prices.set_index("Date") if index else prices
    found = read_all(series_of_files(save({"SPY": frame, "BRK.B": frame.iloc[100:]}), "mine"))
    assert {name: len(frame) for name, frame in found.items()} == {"BRK.B": 500, "SPY": 600}


UNCLEAR = {
    "years": lambda prices: {f"{i}": prices.iloc[rows] for i, rows in enumerate(PARTS)},
    "years that share a day": lambda prices: {"2015": prices.iloc[:300], "2016": prices.iloc[299:]},
    "parts with the same dates": lambda prices: {"part-0": prices, "part-1": prices},
    "parts beside another file": lambda prices: {"part-0": prices.iloc[:300], "SPY": prices},
}


@pytest.mark.parametrize("files", UNCLEAR.values(), ids=UNCLEAR)
def test_files_that_may_be_either_are_refused_until_the_layout_is_named(prices, save, files):
    frames = files(prices)
    paths = save(frames)
    with pytest.raises(UserError, match=r"neither parts of one table nor clearly a series each\. Set the dataset"):
        series_of_files(paths, "mine")
    assert list(series_of_files(paths, "mine", layout="series")) == sorted(frames)
    assert len(read_all(series_of_files(paths, "mine", layout="table"))["mine"]) == sum(map(len, frames.values()))


def test_parts_of_different_schemas_are_refused(prices, save):
    other = prices.iloc[300:].drop(columns="Volume").astype({"Open": "float32"})
    with pytest.raises(UserError, match=r"part-1.parquet is a part of one table but differs .* in Open, Volume: parts"):
        series_of_files(save({"part-0": prices.iloc[:300], "part-1": other}), "mine")


def test_file_of_two_series_among_others_is_refused(prices, save):
    both = pd.concat([prices.assign(series=name) for name in "ab"])
    read, _ = series_of_files(save({"A": both, "B": prices}), "mine", layout="series").values()
    with pytest.raises(UserError, match=r"A\.parquet is one of several files and holds 2 series"):
        read()


def test_files_of_one_name_are_refused(prices, tmp_path):
    paths = [tmp_path / folder / "SPY.parquet" for folder in "ab"]
    for path in paths:
        path.parent.mkdir()
        prices.to_parquet(path)
    with pytest.raises(UserError, match="several files have the name SPY"):
        series_of_files(paths, "mine")


def test_broken_file_is_named(tmp_path, prices, save):
    broken = tmp_path / "a.parquet"
    broken.write_bytes(b"PAR1 and nothing else")
    for paths in ([broken], [*save({"b": prices}), broken]):
        with pytest.raises(UserError, match=r"a\.parquet cannot be read as a parquet file"):
            series_of_files(paths, "mine")


def test_flipped_byte_of_a_page_with_a_checksum_is_refused(tmp_path, prices):
    path = tmp_path / "prices.parquet"
    prices.to_parquet(path, write_page_checksum=True, compression=None, use_dictionary=False)
    whole = path.read_bytes()
    price = prices["Close"].iloc[300]
    where = whole.index(price.tobytes())
    path.write_bytes(whole[:where] + bytes([whole[where] ^ 1]) + whole[where + 1 :])
    with pytest.raises(UserError, match=r"prices.parquet cannot be read as a parquet file: .*CRC"):
        series_of_files([path], "mine")


def test_folder_stands_for_its_parquet_files(save, prices, tmp_path):
    paths = save({"b": prices, "a": prices, "_hidden": prices})
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / ".a.parquet.crc").touch()
    assert files_in(tmp_path) == [paths[1], paths[0]]
    assert files_in(paths[0]) == [paths[0]] and files_in(tmp_path / "absent.parquet") == []
