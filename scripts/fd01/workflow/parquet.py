"""Parquet files: a table and, in the metadata of some, what it is."""

import json

import pyarrow as pa
import pyarrow.parquet as pq

from fd01.workflow.files import replacing


def write_table(path, frame, about, schema=None):
    """Write `frame` and the dict `about` to `path` in one move; `schema` is a pyarrow schema."""
    table = pa.Table.from_pandas(frame, schema, preserve_index=False)
    table = table.replace_schema_metadata({b"fd01": json.dumps(about, allow_nan=False).encode()})
    with replacing(path) as temporary:
        pq.write_table(table, temporary)


def read_table(path, columns=None):
    """The frame, or some of its columns, and the dict that `write_table` has written."""
    table = pq.read_table(path, columns=columns)
    return table.replace_schema_metadata().to_pandas(), json.loads(table.schema.metadata[b"fd01"])


def read_frame(path):
    """The frame in a parquet file.

    `pandas.read_parquet` gives Arrow's threads a Python file: where one lets go of it while Python ends, a job that has
    written all its files is aborted (apache/arrow#34314), one in 30 of the shortest.
    """
    return pq.read_table(path).to_pandas()
