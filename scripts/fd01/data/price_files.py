"""Price files: which of them are one table and which are a series each, and the raw prices of each series."""

from collections import Counter
from collections.abc import Hashable
from functools import partial
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fd01.data.dates import with_date_column
from fd01.workflow.errors import UserError, some
from fd01.workflow.parquet import read_arrow, read_frame

SERIES = "series"
SERIES_NAMES = (SERIES, "unique_id", "item_id", "ticker", "symbol")  # of the column, in any case
LAYOUTS = ("table", SERIES)
PACKAGED = {"sp500": ["sp500"], "indices": ["nasdaq", "sp500"]}  # modules of `arch.data` by the name of the source
NO_NAMES = "{} holds lists or tables: it must name the series, in text"
LAYOUT = "Set the dataset's key layout: `table` (the files are parts of one table) or `series` (each file is a series)"


def files_in(path):
    """The price files that a path of the configuration names: itself, or the parquet files in this folder.

    Returns a list of Path, which is empty if there is no such file.
    """
    path = Path(path)
    if path.is_dir():
        return sorted(file for file in path.glob("*.parquet") if file.is_file() and file.name[0] not in "._")
    return [path] if path.is_file() else []


def series_of_files(paths, name, layout=None):
    """The series in price files.

    Parameters
    ----------
    paths : list of path
    name : str
        Name of the series of a single table that names none.
    layout : {"table", "series"}, optional
        Whether several files are parts of one table or a series each. Without it, their names and dates must tell.

    Returns
    -------
    dict of str to function
        For the name of each series, sorted, the function that reads its rows, a DataFrame with a column Date.

    Raises
    ------
    UserError
        When a file cannot be read, or when it is not clear what belongs to one series.
    """
    layout = layout or (LAYOUTS[0] if len(paths) == 1 else _layout_of(paths))
    if layout == LAYOUTS[0]:
        _require_one_schema(paths)
        parts = [_parquet(read_frame, path) for path in paths]
        if len(parts) > 1:  # by name, part-10 stands before part-2
            parts.sort(key=lambda part: with_date_column(part)["Date"].min())
        return series_of_table(pd.concat(parts), name)
    names = [_stem(path) for path in paths]
    repeated = [stem for stem, count in Counter(names).items() if count > 1]
    if repeated:
        raise UserError(f"a series is named by its file, but several files have the name {', '.join(repeated)}")
    _refuse_names_alike(names)
    return {stem: partial(_only_series, path) for stem, path in sorted(zip(names, paths))}


def most_series(paths):
    """How many series there may be in price files, by the columns that name them; other files may hold one each.

    Raises `UserError` when a file cannot be read.
    """
    names, unnamed = set(), 0
    for path in paths:
        column = series_column(pd.DataFrame(columns=_columns(path)))
        if column is None:
            unnamed += 1
        else:
            values = _parquet(partial(read_arrow, columns=[column]), path)[column]
            if pa.types.is_nested(values.type):
                raise UserError(NO_NAMES.format(column))
            names |= set(values.unique().to_pylist())
    return len(names) + unnamed


def series_of_table(raw, name):
    """The series in the table `raw`, as `series_of_files` returns them; `name` is that of a series without a name.

    A row keeps its number in `raw` as the index.
    """
    frame = with_date_column(raw)
    column = series_column(frame)
    if column is None:
        return {name: lambda: frame}
    rows = rows_by_name(frame.pop(column))
    return {key: partial(frame.take, rows[key]) for key in sorted(rows)}


def rows_by_name(column):
    """The rows of each series, int arrays by its name; `column`, a Series, names the series of each row."""
    if len(column) and not isinstance(column.iloc[0], Hashable):  # all values of a parquet file have one type
        raise UserError(NO_NAMES.format(column.name))
    names = column.astype(str)
    unnamed = column.isna() | (names == "")
    if unnamed.any():
        raise UserError(f"{column.name} is empty in row {int(unnamed.to_numpy().argmax())}: it must name the series")
    rows = names.groupby(names.to_numpy()).indices
    _refuse_names_alike(rows)
    return rows


def _refuse_names_alike(names):
    """Stop on names that a reader takes for another one: a typing error would be a series of its own."""
    names = sorted(names)
    padded = [name for name in names if name != name.strip()]
    folded = Counter(map(str.casefold, names))
    twins = [name for name in names if folded[name.casefold()] > 1]
    for problem, found in (
        ("begin or end with a blank", padded),
        ("differ in nothing but upper and lower case", twins),
    ):
        if found:
            raise UserError(f"names of series that {problem}: {some(map(repr, found))}. Give each series one name")


def _stem(path):
    return Path(path).name.removesuffix(".parquet")


def series_column(frame):
    """The column that names the series of each row, one of `SERIES_NAMES` in any case; None if there is none.

    Raises `UserError` when there are several.
    """
    found = [name for name in frame.columns if str(name).lower() in SERIES_NAMES]
    if len(found) > 1:
        raise UserError(f"several columns could name the series, {', '.join(map(str, found))}: delete all but one")
    return found[0] if found else None


def _parquet(read, path):
    """What the function `read` reads from a price file."""
    try:
        return read(path)
    except Exception as error:  # pyarrow raises many types, depending on the damage
        raise UserError(f"{path} cannot be read as a parquet file: {error}") from error


def _only_series(path):
    """The rows of a file that holds one series."""
    try:
        series = series_of_table(_parquet(read_frame, path), _stem(path))
    except UserError as error:
        raise UserError(f"{Path(path).name}: {error}") from None
    if len(series) > 1:
        raise UserError(f"{Path(path).name} is one of several files and holds {len(series)} series. {LAYOUT}")
    (read,) = series.values()
    return read()


def _layout_of(paths):
    """Whether several files are one table or a series each, by their names and dates."""
    parts = [Path(path).name.startswith("part-") for path in paths]
    dates = {path: _dates_in(path) for path in paths}
    if all(parts):
        named = all(series_column(pd.DataFrame(columns=_columns(path))) is not None for path in paths)
        if named or not _overlap(dates.values()):
            return LAYOUTS[0]
    elif not any(parts) and all(_shares_dates(path, dates) for path in paths):
        return SERIES
    shown = ", ".join(Path(path).name for path in paths[:3])
    raise UserError(
        f"{len(paths)} files ({shown}, ...) are neither parts of one table nor clearly a series each. {LAYOUT}"
    )


def _columns(path):
    return _parquet(pq.read_schema, path).names


def _dates_in(path):
    """First and last date of a file."""
    if "Date" in _columns(path):
        raw = _parquet(partial(read_arrow, columns=["Date"]), path).replace_schema_metadata().to_pandas()
    else:
        raw = _parquet(read_frame, path)
    try:
        dates = with_date_column(raw)["Date"]
    except UserError as error:
        raise UserError(f"{Path(path).name}: {error}") from None
    return dates.min(), dates.max()


def _overlap(extents):
    ordered = sorted(extents)
    return any(start <= end for (_, end), (start, _) in pairwise(ordered))


def _shares_dates(path, extents):
    """Whether another file covers half or more of the days of a file."""
    first, last = extents[path]
    shared = (min(last, end) - max(first, start) for other, (start, end) in extents.items() if other != path)
    return any(days >= (last - first) / 2 for days in shared)


def _require_one_schema(paths):
    """Stop if the files of one table differ in their columns or types."""
    first, *others = ({field.name: field.type for field in _parquet(pq.read_schema, path)} for path in paths)
    for path, schema in zip(paths[1:], others):
        names = sorted(name for name in first.keys() | schema.keys() if first.get(name) != schema.get(name))
        if names:
            raise UserError(
                f"{Path(path).name} is a part of one table but differs from {Path(paths[0]).name} in "
                f"{', '.join(names)}: parts must have the same columns, of the same types"
            )
