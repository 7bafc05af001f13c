"""A small study on made-up prices, with the labels and settings of config.yaml."""

import io

import numpy as np
import pandas as pd
import yaml
from conftest import ROOT, make_prices

from fd01.data.origins import build_origins
from fd01.data.prices import OHLCV, build_dataset

CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
LABELS = CONFIG["labels"]
UP = {"target": "up", "horizon": 1}
UP_5 = {"target": "up", "horizon": 5}

# Named so that the order of the configuration is not that of the alphabet.
FOLDS = {
    "validation": {"train_end": "2016-08-10", "start": "2016-08-11", "end": "2016-12-01"},
    "test": {"train_end": "2016-08-10", "start": "2016-12-02"},
}


def prices_with_other_rows_after(date, seed=1):
    """The made-up prices with every row after `date` replaced by plausible others."""
    raw = make_prices().astype({"Volume": float})
    later = raw["Date"] > date
    raw.loc[later, OHLCV] = make_prices(seed=seed).loc[later, OHLCV].astype(float)
    return raw


def small_study(raw=None, folds=FOLDS, labels=LABELS):
    """Dataset and origins."""
    dataset = build_dataset(make_prices() if raw is None else raw)
    return dataset, build_origins(dataset, folds, labels, min_history=80, calibration_fraction=0.15)


def block(fold, role, y, start="2020-01-01", train_end="2019-12-31"):
    """Origins of one fold and role with the outcomes `y` of `up_1`."""
    days = pd.bdate_range(start, periods=len(y))
    outcomes = np.asarray(y, float)
    return pd.DataFrame({"fold": fold, "train_end": train_end, "role": role, "origin": days, "up_1": outcomes})


def score_rows(origins, scores, *, seed=None, score_kind="probability", is_probability=True):
    """Scores of `up_1` for every row of `origins`, as `read_experiment` returns them."""
    rows = origins[["fold", "role", "origin"]].assign(target="up", horizon=1, score_kind=score_kind)
    return rows.assign(
        seed=pd.array([seed] * len(rows), dtype="Int64"), score=np.asarray(scores, float), is_probability=is_probability
    )


def through_csv(table):
    """`table` as the next rule reads it."""
    return pd.read_csv(io.StringIO(table.to_csv(index=False)))
