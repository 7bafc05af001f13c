"""Made-up prices, and small tables made from them with the labels and settings of config.yaml."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import yaml

from fd01.data.origins import build_origins
from fd01.data.price_checks import OHLCV
from fd01.data.prices import build_dataset
from fd01.evaluation.score_matrix import ScoreMatrix
from helpers.paths import ROOT

CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
LABELS = CONFIG["labels"]
UP = {"target": "up", "horizon": 1}
UP_5 = {"target": "up", "horizon": 5}

# Named so that the order of the configuration is not alphabetical.
FOLDS = {
    "validation": {"train_end": "2016-08-10", "start": "2016-08-11", "end": "2016-12-01"},
    "test": {"train_end": "2016-08-10", "start": "2016-12-02"},
}


def make_prices(days=600, seed=0, start="2015-01-02"):
    """Plausible daily OHLCV: returns with persistent volatility; DataFrame with a Date column."""
    rng = np.random.default_rng(seed)
    log_volatility = np.zeros(days)
    for t in range(1, days):
        log_volatility[t] = 0.97 * log_volatility[t - 1] + 0.15 * rng.standard_normal()
    returns = 0.01 * np.exp(log_volatility) * rng.standard_normal(days)
    close = 100 * np.exp(np.cumsum(returns))
    open_ = close * np.exp(0.002 * rng.standard_normal(days))
    spread = 0.006 * np.exp(log_volatility) * rng.random((2, days))
    return pd.DataFrame(
        {
            "Date": pd.bdate_range(start, periods=days),
            "Open": open_,
            "High": np.maximum(open_, close) * (1 + spread[0]),
            "Low": np.minimum(open_, close) * (1 - spread[1]),
            "Close": close,
            "Volume": rng.integers(1_000_000, 9_000_000, days),
        }
    )


def make_two_series(days=600, shorter=100):
    """Made-up prices of A and, below them, of B, which begins `shorter` days later; with a column `series`."""
    first, second = make_prices(days), make_prices(days, seed=5).iloc[shorter:]
    return pd.concat([first.assign(series="A"), second.assign(series="B")], ignore_index=True)


def prices_with_other_rows_after(date, seed=1):
    """The made-up prices with every row after `date` replaced by plausible others."""
    raw = make_prices().astype({"Volume": float})
    later = raw["Date"] > date
    raw.loc[later, OHLCV] = make_prices(seed=seed).loc[later, OHLCV].astype(float)
    return raw


def dataset_and_origins(raw=None, folds=FOLDS, labels=LABELS):
    """Dataset and origins."""
    dataset = build_dataset(make_prices() if raw is None else raw, largest_move=1)  # other rows may begin with a jump
    return dataset, build_origins(dataset, folds, labels, min_history=80, calibration_fraction=0.15)


def block(fold, role, y, start="2020-01-01", train_end="2019-12-31"):
    """Origins of one fold and role with the outcomes `y` of `up_1`."""
    days = pd.bdate_range(start, periods=len(y))
    outcomes = np.asarray(y, float)
    return pd.DataFrame(
        {"fold": fold, "train_end": train_end, "role": role, "series": "", "origin": days, "up_1": outcomes}
    )


def score_rows(origins, scores, *, seed=None, score_kind="probability", is_probability=True):
    """Scores of `up_1` for every row of `origins`, as `read_experiment` returns them."""
    rows = origins[["fold", "role", "series", "origin"]].assign(target="up", horizon=1, score_kind=score_kind)
    return rows.assign(
        seed=pd.array([seed] * len(rows), dtype="Int64"), score=np.asarray(scores, float), is_probability=is_probability
    )


def score_matrix(y, is_probability=True, **scores):
    """Outcomes `y` and the scores of some experiments on as many business days."""
    days = pd.bdate_range("2020-01-01", periods=len(y))
    return ScoreMatrix(
        days=days,
        y=pd.Series(np.asarray(y, float), days),
        scores=pd.DataFrame(scores, days),
        kinds=pd.Series("probability", scores.keys()),
        is_probability=pd.Series(is_probability, scores.keys()),
    )


def lacking(matrix, name, days):
    """The matrix as `read_score_matrices` has it if an experiment has no score on the days at these positions."""
    apart = matrix.only({name})
    gone = np.isin(np.arange(len(matrix.days)), days)[:, None]
    others = matrix.only(set(matrix.scores) - {name})
    return replace(others, incomplete=replace(apart, scores=apart.scores.mask(gone)))


def through_csv(table):
    """`table` as the next rule reads it."""
    return pd.read_csv(io.StringIO(table.to_csv(index=False)))


def several_series(y, days, is_probability=True, **scores):
    """A `ScoreMatrix` of several series: outcomes `y` and each score are dicts of series to an array.

    `days` is a dict of series to its days; a series may begin and end when it likes.
    """
    index = pd.DatetimeIndex(np.concatenate([days[name] for name in y]))
    return ScoreMatrix(
        days=index,
        y=pd.Series(np.concatenate([np.asarray(one, float) for one in y.values()]), index),
        scores=pd.DataFrame({name: np.concatenate([score[one] for one in y]) for name, score in scores.items()}, index),
        kinds=pd.Series("probability", scores.keys()),
        is_probability=pd.Series(is_probability, scores.keys()),
        series=np.repeat(np.array(list(y), object), [len(one) for one in y.values()]),
    )
