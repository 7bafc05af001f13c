"""Shards: the parts of a dataset of many series. Each is a dataset of its own to the rules that make forecasts."""

import math
import re

_SHARD = re.compile(r"/shards/\d+$")


def shards_of(name, dataset, series):
    """The shards of a dataset of so many `series`, which the configuration describes by `dataset`.

    They are as many as the key `series_per_job` asks for; a dataset that would be one shard has none.

    Returns
    -------
    dict of str to dict
        What the configuration would say of each shard, by its name, such as `indices/shards/0`.
    """
    number = math.ceil(series / dataset["series_per_job"])
    shard = dataset | {"source": {"kind": "shard"}}
    width = len(str(number - 1))
    return {f"{name}/shards/{i:0{width}}": shard for i in range(number)} if number > 1 else {}


def whole(name):
    """The name of the dataset of which the dataset with this name is a shard, or that name itself.

    >>> whole("indices/shards/07"), whole("indices")
    ('indices', 'indices')
    """
    return _SHARD.sub("", name)
