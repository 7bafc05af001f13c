"""Reading and writing parquet files: a table and, in some files, a dict of metadata."""

import json
from itertools import chain

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fd01.workflow.files import replacing


def write_table(path, frame, metadata, schema=None, vectors=()):
    """Write `frame` and the dict `metadata` to `path`; NaN in `metadata` is refused.

    Parameters
    ----------
    path : path
    frame : DataFrame
    metadata : dict
    schema : pyarrow.Schema, optional
    vectors : list of str, optional
        For a name v, the columns v_0, v_1, ... of float32 become one column v of lists in the file: it is smaller and
        written faster. `read_table` and `read_frame` give the single columns back.
    """
    units = {name: frame.columns[frame.columns.str.startswith(f"{name}_")] for name in vectors}
    units = {name: columns for name, columns in units.items() if len(columns)}
    rest = frame.drop(columns=[column for columns in units.values() for column in columns])
    table = pa.Table.from_pandas(rest, schema, preserve_index=False)
    for name, columns in units.items():
        values = pa.array(frame[columns].to_numpy(np.float32).ravel())
        table = table.append_column(name, pa.FixedSizeListArray.from_arrays(values, len(columns)))
    write_parts(path, [table], metadata)


def write_parts(path, tables, metadata):
    """Write Arrow tables of the same columns, one at a time, to one file with the dict `metadata`, as `write_table`."""
    tables = iter(tables)
    first = next(tables)
    schema = first.schema.with_metadata({b"fd01": json.dumps(metadata, allow_nan=False).encode()})
    # Few numbers repeat, so a dictionary of them only adds to the file; their first bytes, put together, shrink.
    numbers = [field.name for field in schema if pa.types.is_floating(field.type)]
    vectors = [field.name for field in schema if _is_vector(field)]
    options = {
        "compression": "zstd",
        "use_dictionary": [name for name in schema.names if name not in {*numbers, *vectors}],
        "use_byte_stream_split": [*numbers, *(f"{name}.list.element" for name in vectors)],
    }
    with replacing(path) as temporary, pq.ParquetWriter(temporary, schema, **options) as writer:
        for table in chain([first], tables):
            writer.write_table(table.cast(schema))


def read_arrow(path, **options):
    """The Arrow table in a parquet file; `options` are those of `pyarrow.parquet.read_table`.

    Raises OSError if a page does not match its checksum. By default Arrow does not check.
    """
    return pq.read_table(path, page_checksum_verification=True, **options)


def read_table(path, columns=None, kept=None):
    """The frame, or some of its columns, and the metadata that `write_table` has written.

    `kept` has, by the name of a column, the values that its rows may have.
    """
    stored = columns and [field.name for field in pq.read_schema(path) if not set(columns).isdisjoint(_columns(field))]
    filters = [(name, "in", values) for name, values in (kept or {}).items()] or None
    table = read_arrow(path, columns=stored, filters=filters)
    frame, metadata = _frame(table.replace_schema_metadata()), _metadata(table.schema)
    del table
    _return_memory()
    return frame[columns] if columns else frame, metadata


def read_metadata(path):
    """The metadata that `write_table` has written."""
    return _metadata(pq.read_schema(path))


def _metadata(schema):
    return json.loads(schema.metadata[b"fd01"])


def read_frame(path):
    """The frame in a parquet file.

    `pandas.read_parquet` is avoided: it passes a Python file object to the threads of Arrow. If a thread releases that
    object while Python shuts down, the job aborts although it has written all its files (apache/arrow#34314). This
    happened to one in 30 of the shortest jobs.
    """
    frame = _frame(read_arrow(path))
    _return_memory()
    return frame


def _return_memory():
    """Give back what Arrow has read with: it would keep it, and that is more than the frame itself takes."""
    pa.default_memory_pool().release_unused()


def _columns(field):
    """Names of the columns that a field of the file becomes in the frame."""
    return [f"{field.name}_{i}" for i in range(field.type.list_size)] if _is_vector(field) else [field.name]


def _is_vector(field):
    return pa.types.is_fixed_size_list(field.type)


def _frame(table):
    vectors = list(filter(_is_vector, table.schema))
    if not vectors:
        return table.to_pandas()
    parts = [table.drop_columns([field.name for field in vectors]).to_pandas()]
    for field in vectors:
        values = table[field.name].combine_chunks().flatten().to_numpy()
        parts.append(pd.DataFrame(values.reshape(-1, field.type.list_size), columns=_columns(field)))
    return pd.concat(parts, axis=1)
