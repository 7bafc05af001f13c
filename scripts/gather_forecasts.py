"""Put the forecasts of the shards of a dataset into one file."""

import pyarrow.compute as pc
import pyarrow.parquet as pq

from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_metadata, write_parts


def gather(output, forecasts, firsts):
    """Write the forecasts of all shards to the file `output`.

    A shard of which no day has enough history for the model has none. If the model ran for no shard, or could not be
    opened for one, there are none at all.

    Parameters
    ----------
    output : path
    forecasts : list of path, a file of each shard
    firsts : list of int, the row of the dataset that is row 0 of each shard
    """
    provenances = [read_metadata(path) for path in forecasts]
    ran = [shard for shard, one in enumerate(provenances) if "not_run" not in one]
    # With `needed`, days of history, the weights were opened.
    stopped = [shard for shard, one in enumerate(provenances) if "not_run" in one and "needed" not in one]
    if stopped or not ran:
        shown = stopped[0] if stopped else 0
        write_parts(output, [pq.read_table(forecasts[shown])], provenances[shown])
        return
    seconds = sum(provenance["seconds"] for provenance in provenances)
    shards = (_moved(pq.read_table(forecasts[shard]), firsts[shard]) for shard in ran)
    write_parts(output, shards, provenances[ran[0]] | {"seconds": seconds})


def _moved(table, first):
    return table.set_column(table.schema.get_field_index("row"), "row", pc.add(table["row"], first))


if __name__ == "__main__":
    configure_logging(snakemake)
    firsts = [read_metadata(path)["first_row"] for path in snakemake.input.datasets]
    gather(snakemake.output[0], snakemake.input.forecasts, firsts)
