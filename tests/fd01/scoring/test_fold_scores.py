"""Scores of folds: reasons name the series."""

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import UP, dataset_and_origins, make_prices, make_two_series

from fd01.data.touch import touch_exponent
from fd01.scoring.fold_scores import fit_folds, score_folds
from fd01.workflow.errors import NotRun

TRAIN_END = "2016-08-10"


def three_series():
    """Days and origins of A, of B, which begins 10 days later, and of C, which begins 20 days later."""
    raw = pd.concat([make_two_series(shorter=10), make_prices(seed=7).iloc[20:].assign(series="C")], ignore_index=True)
    return dataset_and_origins(raw)


def reason(origins, needed):
    rows = np.unique(origins["row"])
    frame = pd.DataFrame({"row": rows, "seed": pd.array([None] * len(rows), dtype="Int64")})
    how = (lambda frame, _: (rows, {"study": rows * 1.0})), touch_exponent
    _, not_run = score_folds(frame, origins, [UP], *how, needed=needed)
    return not_run[TRAIN_END][0]["reason"] if not_run else None


def test_series_with_the_shortest_history_is_named():
    _, origins = three_series()
    tail = origins[origins["role"] == "calibration"]
    first = tail.groupby("series", observed=True)["history"].min()
    assert first.is_monotonic_decreasing
    assert reason(origins, first["C"]) is None
    of_c = f"it needs {first['C'] + 1} days of history, and the first day to score of C has {first['C']}: 1 too few"
    assert reason(origins, first["C"] + 1) == of_c
    assert reason(origins, first["B"] + 1).endswith(" too few; too few also in B")
    assert reason(origins, first["A"] + 1).endswith(" too few; too few also in B, A")
    one = origins[origins["series"] == "A"]
    assert reason(one, first["A"] + 1).endswith(f"and the first day to score has {first['A']}: 1 too few")


@pytest.mark.parametrize("each", [True, False])
def test_every_series_that_cannot_be_fitted_is_named(each):
    def fit(split, target, train, rows):
        if (split.series[train] != "B").any():
            raise NotRun("no fit")
        yield np.zeros(len(rows)), dict(score_kind="signal", is_probability=False)

    frames, not_run = fit_folds(*three_series(), [UP], lambda days: fit, each)
    assert not_run == {TRAIN_END: [{**UP, "reason": "A: no fit; C: no fit" if each else "no fit"}]}
    assert frames[TRAIN_END].empty
