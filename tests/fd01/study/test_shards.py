"""Shards of a dataset of many series."""

import pytest

from fd01.study.shards import shards_of, whole

DATASET = {"title": "many", "source": {"kind": "yahoo"}, "folds": {}, "series_per_job": 50}


@pytest.mark.parametrize(
    "series, per_job, names",
    [
        (500, 50, [f"many/shards/{i}" for i in range(10)]),
        (501, 50, [f"many/shards/{i:02}" for i in range(11)]),
        (3, 2, ["many/shards/0", "many/shards/1"]),
        (50, 50, []),
        (1, 1, []),
    ],
)
def test_as_many_shards_as_the_series_need(series, per_job, names):
    assert list(shards_of("many", DATASET | {"series_per_job": per_job}, series)) == names


def test_shard_is_its_dataset_but_for_the_source():
    shard = shards_of("many", DATASET, 100)["many/shards/1"]
    assert shard == DATASET | {"source": {"kind": "shard"}}


@pytest.mark.parametrize("name", ["many/shards/07", "many", "shards/1x"])
def test_whole_takes_off_the_number_of_a_shard_alone(name):
    assert whole(name) == {"many/shards/07": "many"}.get(name, name)
