"""The scores of several series side by side: every row keeps its series, its day, its outcome and its scores."""

import weakref

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import UP

from fd01.evaluation import score_matrix
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.scoring.predictions import write_blocks

DAYS = pd.to_datetime(["2020-01-03", "2020-01-01", "2020-01-02"])
# Series B lacks the first day. The score says which row it is: 10 for A, 20 for B, and the day of the month.
ROWS = pd.DataFrame({"series": ["B", "A", "A", "A", "B"], "origin": DAYS[[0, 0, 1, 2, 2]]})
NUMBERS = ROWS["series"].map({"A": 10.0, "B": 20.0}) + ROWS["origin"].dt.day
OUTCOMES = ROWS.assign(fold="test", role="evaluation", up_1=(NUMBERS % 2 == 1).astype(float))
OUTCOMES_KEYS = sorted(OUTCOMES[["series", "origin"]].itertuples(index=False, name=None))


def predictions(scores, kind="probability", seed=None):
    frame = ROWS.assign(fold="test", role="evaluation", **UP, seed=pd.array([seed] * 5, "Int64"), score=scores)
    return frame.assign(score_kind=kind, is_probability=kind == "probability")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Experiments with one score, with two kinds and two seeds, and without a day of B; the categories are B, A."""
    frames = {
        "X": predictions(NUMBERS),
        "S": pd.concat(
            [predictions(NUMBERS + seed, seed=seed) for seed in (0, 1)] + [predictions(0 * NUMBERS, "study")]
        ),
        "L": predictions(-NUMBERS, "signal").drop(index=0),
    }
    folder = tmp_path_factory.mktemp("predictions")
    for name, frame in frames.items():
        frame["series"] = pd.Categorical(frame["series"], ["B", "A", "none"])
        write_blocks(folder / name, {"test": (frame.drop(columns="fold"), ())}, {})
    return [folder / name for name in frames]


@pytest.fixture(scope="module")
def matrix(folders):
    return read_score_matrices(folders, OUTCOMES, UP)["test"]


def test_rows_are_in_the_order_of_series_and_days(matrix):
    assert matrix.series.tolist() == ["A", "A", "A", "B", "B"]
    assert matrix.days.day.tolist() == [1, 2, 3, 2, 3]
    assert matrix.scores.columns.name == matrix.kinds.index.name == "experiment"
    number = np.array([11.0, 12, 13, 22, 23])
    np.testing.assert_array_equal(matrix.scores["X"], number)
    np.testing.assert_array_equal(matrix.scores["S"], number + 0.5)
    np.testing.assert_array_equal(matrix.seed_scores["S"], number[:, None] + [0, 1])
    np.testing.assert_array_equal(matrix.y, number % 2)
    for table in (matrix.y, matrix.scores, matrix.seed_scores["S"]):
        pd.testing.assert_index_equal(table.index, matrix.days)


def test_another_kind_of_score_is_a_matrix_of_its_own(folders):
    scores = read_score_matrices(folders, OUTCOMES, UP, kinds=["study"])["test"].scores
    assert list(scores) == ["S"] and (scores["S"] == 0).all()
    assert read_score_matrices(folders, OUTCOMES, UP, role="calibration") == {}


def test_a_day_that_no_experiment_scores_or_whose_outcome_is_unknown_is_no_row(folders):
    unscored = pd.concat([OUTCOMES, OUTCOMES.iloc[:1].assign(series="C")])
    unscored.iloc[1, unscored.columns.get_loc("up_1")] = np.nan  # A, day 3
    found = read_score_matrices(folders, unscored, UP)["test"]
    assert found.keys.tolist() == [key for key in OUTCOMES_KEYS if key != ("A", DAYS[0])]


def test_rows_of_one_experiment_are_in_memory_at_a_time(folders, monkeypatch):
    read, alive = score_matrix.read_experiment, []

    def counting(path, columns, **kept):
        assert not [frame for frame in alive if frame() is not None]
        frame, metadata = read(path, columns, **kept)
        assert "role" not in frame and "study" not in set(frame["score_kind"])
        alive.append(weakref.ref(frame))
        return frame, metadata

    monkeypatch.setattr(score_matrix, "read_experiment", counting)
    read_score_matrices(folders, OUTCOMES, UP, kinds=("probability", "signal"))
    assert len(alive) == 3


def test_an_experiment_that_lacks_a_day_of_one_series_is_paired_on_the_rows_that_it_has(matrix):
    assert list(matrix.scores) == ["S", "X"] and list(matrix.incomplete.scores) == ["L"]
    ((name, own),) = matrix.pairable()
    assert name == "L" and own.series.tolist() == ["A", "A", "A", "B"]
    np.testing.assert_array_equal(own.scores["L"], -own.scores["X"])


def test_some_rows_keep_their_series(matrix):
    some = matrix.on(matrix.days.day == 2)
    assert some.series.tolist() == ["A", "B"] and some.incomplete.series.tolist() == ["A", "B"]
    np.testing.assert_array_equal(some.scores["X"], [12, 22])
    assert matrix.only({"X"}).series.tolist() == matrix.series.tolist()


def test_one_series_has_the_rows_that_it_has_among_all(matrix, folders):
    mask = matrix.series == "A"
    alone, among_all = read_score_matrices(folders, OUTCOMES, UP, series="A")["test"], matrix.on(mask)
    assert alone.series.tolist() == ["A", "A", "A"]
    pd.testing.assert_frame_equal(alone.scores[["X", "S"]], among_all.scores[["X", "S"]], check_names=False)
    pd.testing.assert_series_equal(alone.y, among_all.y)
    # L lacks a day of B alone.
    assert "L" in alone.scores and "L" not in matrix.scores
