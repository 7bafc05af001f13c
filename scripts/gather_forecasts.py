"""Put the forecasts of the shards of a dataset into one file."""

import pyarrow.compute as pc
import pyarrow.parquet as pq

from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_metadata, write_parts


def gather(output, forecasts, lengths):
    """Write the forecasts of all shards to the file `output`, or none if the model did not run for one of them.

    Parameters
    ----------
    output : path
    forecasts : list of path, a file of each shard
    lengths : list of int, days of each shard: its row 0 follows the last row of the shard before
    """
    provenances = [read_metadata(path) for path in forecasts]
    stopped = next((shard for shard, one in enumerate(provenances) if "not_run" in one), None)
    if stopped is not None:
        write_parts(output, [pq.read_table(forecasts[stopped])], provenances[stopped])
        return
    seconds = sum(provenance["seconds"] for provenance in provenances)
    shards = (_moved(pq.read_table(path), sum(lengths[:shard])) for shard, path in enumerate(forecasts))
    write_parts(output, shards, provenances[0] | {"seconds": seconds})


def _moved(table, first):
    return table.set_column(table.schema.get_field_index("row"), "row", pc.add(table["row"], first))


if __name__ == "__main__":
    configure_logging(snakemake)
    lengths = [pq.read_metadata(path).num_rows for path in snakemake.input.datasets]
    gather(snakemake.output[0], snakemake.input.forecasts, lengths)
