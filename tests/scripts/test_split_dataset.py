"""Which rows of a dataset each shard has."""

import numpy as np
import pytest
from split_dataset import rows_of_shard

from fd01.workflow.errors import UserError

SERIES = np.repeat(["A", "B", "C", "D", "E"], [3, 4, 5, 6, 7])


def split(with_origins, shards):
    return [rows_of_shard(SERIES, set(with_origins), shard, shards) for shard in range(shards)]


@pytest.mark.parametrize("shards", [1, 2, 3, 4, 5])
def test_shards_are_all_rows_once_in_their_order_and_cut_no_series(shards):
    parts = split("ABCDE", shards)
    rows = np.concatenate([np.arange(len(SERIES))[part] for part in parts])
    assert np.array_equal(rows, np.arange(len(SERIES)))
    series = [set(SERIES[part]) for part in parts]
    assert sum(map(len, series)) == 5
    assert max(map(len, series)) - min(map(len, series)) <= 1


@pytest.mark.parametrize("with_origins", ["DE", "AB", "AE", "CD"])
def test_every_shard_has_a_series_with_origins_wherever_they_stand(with_origins):
    assert [len(set(SERIES[part]) & set(with_origins)) for part in split(with_origins, 2)] == [1, 1]


def test_more_shards_than_series_with_origins_are_refused():
    with pytest.raises(UserError, match="3 parts of the dataset, but only 2 of its series have enough days"):
        rows_of_shard(SERIES, {"A", "E"}, 0, 3)
