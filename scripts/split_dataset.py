"""Split off the days of one shard of a dataset, those of some of its series."""

import numpy as np
import pyarrow.parquet as pq

from fd01.workflow.errors import UserError
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import write_parts


def rows_of_shard(series, with_origins, shard, shards):
    """The rows of the dataset that belong to a shard: all shards have about as many series with an origin.

    Parameters
    ----------
    series : array of str, shape (days,)
        The series of each row; the rows of a series follow each other.
    with_origins : set of str, the series that some fold has
    shard, shards : int, the number of this one, from 0, and how many there are

    Returns
    -------
    slice

    Raises
    ------
    UserError
        When there are more shards than series with an origin.
    """
    names, firsts = np.unique(series, return_index=True)
    starts = np.sort(firsts[np.isin(names, list(with_origins))])
    if len(starts) < shards:
        raise UserError(
            f"there are jobs for {shards} parts of the dataset, but only {len(starts)} of its series have enough days "
            "for a fold: set a larger series_per_job, or delete this key of the dataset"
        )
    edges = [0, *(part[0] for part in np.array_split(starts, shards)[1:]), len(series)]
    return slice(int(edges[shard]), int(edges[shard + 1]))


if __name__ == "__main__":
    configure_logging(snakemake)
    files = snakemake.input
    dataset = pq.read_table(files.dataset)
    with_origins = set(pq.read_table(files.origins, columns=["series"])["series"].unique().to_pylist())
    shard, shards = int(snakemake.wildcards.shard), snakemake.params.shards
    own = rows_of_shard(dataset["series"].to_numpy(), with_origins, shard, shards)
    write_parts(snakemake.output[0], [dataset.slice(own.start, own.stop - own.start)], {"first_row": own.start})
