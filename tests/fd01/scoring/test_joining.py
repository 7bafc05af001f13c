"""Scores of several jobs, put together."""

import pandas as pd
from gather_forecasts import gather as gather_forecasts
from gather_predictions import gather

from fd01.scoring.joining import join_provenance, join_scores
from fd01.scoring.predictions import concat_scores, read_experiment, scores_frame, write_blocks
from fd01.workflow.parquet import read_table, write_table

UP, DOWN = ({"target": name, "horizon": 1} for name in ("up", "down"))
REASON = {**DOWN, "reason": "B: too short"}


def part(series, targets, not_run=()):
    dates = pd.date_range("2020-01-01", periods=3)
    origins = pd.DataFrame({"series": pd.Categorical([series] * 3), "origin": dates, "row": range(3)})
    frames = [
        scores_frame(origins, [0, 1, 2], "evaluation", [0.1, 0.2, 0.3], target=target, score_kind="signal",
                     is_probability=False)
        for target in targets
    ]  # fmt: skip
    return concat_scores(frames), {"not_run": list(not_run), "seconds": 2.0, "model": "last-return"}


def test_target_that_one_part_lacks_has_no_score_and_one_reason():
    parts = [part("A", [UP, DOWN]), part("B", [UP], [REASON]), part("C", [UP], [REASON | {"reason": "C: too short"}])]
    frame, not_run = join_scores(parts)
    assert not_run == [REASON]
    assert frame.groupby(["series", "target"], observed=True).size().to_dict() == {(name, "up"): 3 for name in "ABC"}


def test_provenance_adds_what_each_part_took_and_lists_what_each_was_trained_for():
    joined = join_provenance(
        [
            {"seconds": 2.0, "parameters": None, "epochs": [1], "not_run": [REASON]},
            {"seconds": 3.0, "parameters": 7, "epochs": [2], "not_run": []},
        ]
    )
    assert joined == {"seconds": 5.0, "parameters": 7, "epochs": [1, 2]}


FOLDS = {fold: {"train_end": end} for fold, end in (("old", "2018"), ("new", "2019"), ("newest", "2019"))}


def write_shards(folder, shards):
    """Write predictions of shards; `shards` has, by name, the folds and what did not run in all of them."""
    for name, (folds, not_run) in shards.items():
        frame, _ = part(name, [UP] if not_run else [UP, DOWN])
        write_blocks(folder / name, {fold: (frame, not_run) for fold in folds}, {"seconds": 2.0, "model": "any"})
    return [folder / name for name in shards]


def test_folds_of_all_shards_are_gathered_though_one_shard_lacks_a_fold(tmp_path):
    blocks, provenance = gather(write_shards(tmp_path, {"A": (["old", "new"], []), "B": (["new"], [])}), FOLDS)
    write_blocks(tmp_path / "whole", blocks, provenance)
    frame, metadata = read_experiment(tmp_path / "whole")
    sizes = frame.groupby(["fold", "series"], observed=True).size().to_dict()
    assert sizes == {("new", "A"): 6, ("new", "B"): 6, ("old", "A"): 6}
    assert metadata["new"]["folds"] == ["new", "old"] and metadata["new"]["seconds"] == 4


def test_what_one_shard_cannot_fit_has_no_score_in_any_fold_of_that_train_end(tmp_path):
    shards = {"A": (["old", "new", "newest"], []), "B": (["new"], [REASON])}
    blocks, _ = gather(write_shards(tmp_path, shards), FOLDS)
    targets = {fold: sorted(frame["target"].unique()) for fold, (frame, _) in blocks.items()}
    assert targets == {"old": ["down", "up"], "new": ["up"], "newest": ["up"]}
    assert {fold: not_run for fold, (_, not_run) in blocks.items()} == {"old": [], "new": [REASON], "newest": [REASON]}


def forecasts(path, rows, **metadata):
    write_table(path, pd.DataFrame({"row": rows, "df": [4.0] * len(rows)}).astype({"row": "int64"}), metadata)
    return path


def test_forecasts_of_shards_are_put_where_their_days_are(tmp_path):
    young = {"seconds": 1.0, "needed": 1125, "not_run": "it needs 1125 days"}
    paths = [
        forecasts(tmp_path / "0", [5, 6], seconds=2.0, model="m"),
        forecasts(tmp_path / "1", [], **young),  # no day has enough history: the others keep theirs
        forecasts(tmp_path / "2", [0, 3], seconds=3.0, model="m"),
    ]
    gather_forecasts(tmp_path / "all", paths, [0, 10, 30])
    frame, metadata = read_table(tmp_path / "all")
    assert frame["row"].tolist() == [5, 6, 30, 33]
    assert metadata == {"seconds": 6.0, "model": "m"}
    paths[1] = forecasts(tmp_path / "1", [], seconds=1.0, not_run="no weights")
    gather_forecasts(tmp_path / "all", paths, [0, 10, 30])
    frame, metadata = read_table(tmp_path / "all")
    assert frame.empty and metadata["not_run"] == "no weights"
