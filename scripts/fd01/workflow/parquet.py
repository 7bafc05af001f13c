"""Reading and writing parquet files: a table and, in some files, a dict of metadata."""

import json

import pyarrow as pa
import pyarrow.parquet as pq

from fd01.workflow.files import replacing


def write_table(path, frame, metadata, schema=None):
    """Write `frame` and the dict `metadata` to `path`; `schema` is a pyarrow schema. NaN in `metadata` is refused."""
    table = pa.Table.from_pandas(frame, schema, preserve_index=False)
    table = table.replace_schema_metadata({b"fd01": json.dumps(metadata, allow_nan=False).encode()})
    with replacing(path) as temporary:
        pq.write_table(table, temporary)


def read_table(path, columns=None):
    """The frame, or some of its columns, and the metadata that `write_table` has written."""
    table = pq.read_table(path, columns=columns)
    return table.replace_schema_metadata().to_pandas(), json.loads(table.schema.metadata[b"fd01"])


def read_frame(path):
    """The frame in a parquet file.

    `pandas.read_parquet` is avoided: it passes a Python file object to the threads of Arrow. If a thread releases that
    object while Python shuts down, the job aborts although it has written all its files (apache/arrow#34314). This
    happened to one in 30 of the shortest jobs.
    """
    return pq.read_table(path).to_pandas()
