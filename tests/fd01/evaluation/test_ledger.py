"""The trial ledger."""

import copy

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import UP, UP_5, block, through_csv

from fd01.evaluation.ledger import COLUMNS, expected_maximum, list_trials, multiplicity, record
from fd01.workflow.errors import UserError

EXPERIMENTS = {
    "BASE-HAR": {"about": "x", "system": "baseline", "run": "all", "settings": {"method": "har"}},
    "PTST": {"about": "y", "system": "patchtst", "run": "all", "seeds": [0, 1], "settings": {"heads": 2, "lr": 0.1}},
}
MANIFEST = {"revision": "1d95", "source": "/mine", "files": {"model.bin": {"sha256": "2f77", "bytes": 5}}}
WEIGHTS = {"BASE-HAR": None, "PTST": MANIFEST}
STUDY = {"labels": {"threshold": 0.01, "horizons": [1, 5]}, "origins": {"min_history": 80}}
FOLDS = {
    name: {"train_end": "2014-12-31", "start": f"20{year}-01-01"} for name, year in (("validation", 15), ("test", 17))
}
WHEN = {"first_seen": "2026-01-01T00:00:00+00:00", "plan": "p", "git_commit": "c"}


def metrics(experiments=("BASE-HAR", "PTST"), folds=("validation", "test"), kinds=("probability",)):
    rows = [
        {"experiment": name, "fold": fold, **target, "score_kind": kind, "seed": "all", "status": "ok"}
        for name in experiments
        for fold in folds
        for target in (UP, UP_5)
        for kind in kinds
    ]
    single = [row | {"seed": "0"} for row in rows]
    closed = [row | {"fold": "sealed", "status": "not run"} for row in rows]
    return through_csv(pd.DataFrame([*rows, *single, *closed]))


def trials(measured=None, sha256="d", **changes):
    parts = dict(experiments=EXPERIMENTS, weights=WEIGHTS, study=STUDY, folds=FOLDS) | changes
    return list_trials(metrics() if measured is None else measured, dataset_sha256=sha256, **parts)


def enter(path, rows, **about):
    return record(path, rows, **WHEN | {"dataset": "sp500", "dataset_sha256": "d"} | about)


def with_setting(name, *keys, value):
    changed = copy.deepcopy(EXPERIMENTS)
    node = changed[name]
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = value
    return changed


def test_each_measured_block_target_and_kind_is_a_trial():
    assert len(trials()) == 2 * 2 * 2
    assert len(trials(metrics(kinds=("study", "exceedance")))) == 16
    assert "sealed" not in set(trials()["fold"])
    # The probability before the touch correction ranks the days as the corrected one does.
    assert len(trials(metrics(kinds=("study", "exceedance", "close-exceedance")))) == 16


def test_same_configuration_is_entered_once(tmp_path):
    path = tmp_path / "ledger" / "sp500.csv"
    first = enter(path, trials())
    text = path.read_text()
    again = enter(path, trials(), first_seen="2027-01-01T00:00:00+00:00", plan="other", git_commit="other")
    assert path.read_text() == text
    pd.testing.assert_frame_equal(first, again)
    assert list(again.columns) == COLUMNS


def test_order_of_experiments_and_settings_changes_nothing(tmp_path):
    turned = {name: dict(reversed(entry.items())) for name, entry in reversed(EXPERIMENTS.items())}
    turned["PTST"]["settings"] = dict(reversed(turned["PTST"]["settings"].items()))
    shuffled = trials(metrics().sample(frac=1, random_state=0), experiments=turned)
    pd.testing.assert_frame_equal(shuffled, trials())


@pytest.mark.parametrize(
    ("changes", "new"),
    [
        ({"experiments": with_setting("PTST", "settings", "lr", value=0.2)}, 4),
        ({"experiments": with_setting("PTST", "seeds", value=[0, 1, 2])}, 4),
        ({"experiments": with_setting("PTST", "system", value="other")}, 4),
        ({"weights": WEIGHTS | {"PTST": MANIFEST | {"files": {"model.bin": {"sha256": "other"}}}}}, 4),
        ({"study": STUDY | {"labels": STUDY["labels"] | {"threshold": 0.02}}}, 8),
        ({"study": STUDY | {"origins": {"min_history": 100}}}, 8),
        ({"folds": FOLDS | {"test": FOLDS["test"] | {"end": "2018-12-31"}}}, 4),
        ({"sha256": "other"}, 8),
        ({"experiments": with_setting("PTST", "about", value="other")}, 0),
        ({"experiments": with_setting("PTST", "run", value=["sp500"])}, 0),
        ({"weights": WEIGHTS | {"PTST": MANIFEST | {"source": "/elsewhere"}}}, 0),
        ({"study": STUDY | {"labels": STUDY["labels"] | {"horizons": [1, 5, 10]}}}, 0),
    ],
)
def test_what_determines_the_score_makes_a_new_trial(tmp_path, changes, new):
    path = tmp_path / "sp500.csv"
    before = enter(path, trials())
    after = enter(path, trials(**changes))
    assert len(after) - len(before) == new
    pd.testing.assert_frame_equal(after.iloc[: len(before)], before)


def test_renamed_experiment_is_no_new_trial(tmp_path):
    enter(tmp_path / "sp500.csv", trials())
    renamed = {"HAR": EXPERIMENTS["BASE-HAR"], "PTST": EXPERIMENTS["PTST"]}
    rows = trials(metrics(("HAR", "PTST")), experiments=renamed, weights={"HAR": None, "PTST": MANIFEST})
    assert len(enter(tmp_path / "sp500.csv", rows)) == 8


def test_entries_survive_an_entry_that_fails(tmp_path):
    class Unwritable:
        def __str__(self):
            raise OSError("no space left on device")

    path = tmp_path / "sp500.csv"
    enter(path, trials())
    text = path.read_text()
    with pytest.raises(OSError):
        enter(path, trials(sha256="other"), git_commit=Unwritable())
    assert path.read_text() == text
    assert [file.name for file in tmp_path.iterdir()] == ["sp500.csv"]


def test_another_file_in_the_place_of_the_ledger_is_left_alone(tmp_path):
    path = tmp_path / "sp500.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"sp500.csv is not a trial ledger: it has the columns a, b, not first_seen"):
        enter(path, trials())
    assert path.read_text() == "a,b\n1,2\n"


def test_multiplicity_counts_every_trial_of_a_block(tmp_path):
    outcomes = pd.concat([block("validation", "evaluation", [1, 0, 0] * 20), block("test", "evaluation", [np.nan] * 6)])
    outcomes["up_5"] = outcomes["up_1"]
    enter(tmp_path / "sp500.csv", trials())
    now = trials(metrics(folds=("validation",)), experiments=with_setting("PTST", "settings", "lr", value=0.2))
    ledger = enter(tmp_path / "sp500.csv", now)
    table = multiplicity(ledger, now, outcomes, [UP, UP_5])
    assert table[["fold", "target", "horizon"]].drop_duplicates().shape == (4, 3)
    first = table[table["horizon"] == 1].set_index("fold")
    assert first[["ever", "now", "n", "positives"]].to_numpy().tolist() == [[3, 2, 60, 20], [2, 0, 0, 0]]
    assert first.loc["validation", "expected_maximum"] == expected_maximum(3, 20, 40)
    assert np.isnan(first.loc["test", "expected_maximum"])


def test_days_of_several_series_are_counted_in_each():
    first, second = block("test", "evaluation", [1, 0, 0] * 20), block("test", "evaluation", [0, 1] * 15)
    one_class = block("test", "evaluation", [1.0] * 7)
    tables = [table.assign(series=name) for name, table in zip("ABC", (first, second, one_class))]
    now = trials()[lambda rows: rows["horizon"] == 1]
    (row,) = multiplicity(now, now, pd.concat(tables), [UP]).to_dict("records")
    assert (row["n"], row["positives"], row["now"]) == (97, 42, 2)
    assert row["expected_maximum"] == expected_maximum(2, np.array([20, 15]), np.array([40, 15]))
    assert expected_maximum(2, np.array([20, 7]), np.array([40, 0])) == expected_maximum(2, 20, 40)


def test_expected_maximum_over_series_equals_a_simulation():
    rng, sizes = np.random.default_rng(0), ((30, 70), (10, 20))
    pairs = [positives * negatives for positives, negatives in sizes]
    of_series = []
    for positives, negatives in sizes:
        ranks = rng.random((400, 10, positives + negatives)).argsort(axis=2).argsort(axis=2)[:, :, :positives] + 1
        of_series.append((ranks.sum(axis=2) - positives * (positives + 1) / 2) / (positives * negatives))
    best = np.average(of_series, axis=0, weights=pairs).max(axis=1)
    found = expected_maximum(10, *np.transpose(sizes))
    assert found == pytest.approx(best.mean(), abs=4 * best.std() / 20)


@pytest.mark.parametrize(("count", "positives", "negatives"), [(1, 30, 70), (10, 30, 70), (40, 20, 20)])
def test_expected_maximum_equals_a_simulation_of_scores_that_know_nothing(count, positives, negatives):
    rng = np.random.default_rng(0)
    ranks = rng.random((400, count, positives + negatives)).argsort(axis=2).argsort(axis=2)[:, :, :positives] + 1
    aucs = (ranks.sum(axis=2) - positives * (positives + 1) / 2) / (positives * negatives)
    best = aucs.max(axis=1)
    assert expected_maximum(count, positives, negatives) == pytest.approx(best.mean(), abs=4 * best.std() / 20)
