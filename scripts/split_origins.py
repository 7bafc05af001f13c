"""Split off the origins of one shard of a dataset; their `row` counts the days of the shard."""

import pyarrow.compute as pc
import pyarrow.parquet as pq

from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_metadata, write_parts

if __name__ == "__main__":
    configure_logging(snakemake)
    files = snakemake.input
    first, days = read_metadata(files.shard)["first_row"], pq.read_metadata(files.shard).num_rows
    origins = pq.read_table(files.origins)
    row = pc.subtract(origins["row"], first)
    own = pc.and_(pc.greater_equal(row, 0), pc.less(row, days))
    origins = origins.set_column(origins.schema.get_field_index("row"), "row", row).filter(own)
    write_parts(snakemake.output[0], [origins], {})
