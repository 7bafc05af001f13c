"""Scores of several jobs, put together."""

import pandas as pd
from gather_predictions import gather

from fd01.scoring.joining import join_provenance, join_scores
from fd01.scoring.predictions import concat_scores, read_experiment, scores_frame, write_blocks

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


def test_folds_of_all_shards_are_gathered_though_one_shard_lacks_a_fold_and_one_has_none(tmp_path):
    for shard, folds in (("0", ["old", "new"]), ("1", ["new"]), ("2", [])):
        frame, metadata = part(shard, [UP])
        provenance = {key: value for key, value in metadata.items() if key != "not_run"}
        write_blocks(tmp_path / shard, {fold: (frame, []) for fold in folds}, provenance)
    blocks, provenance = gather([tmp_path / shard for shard in "012"])
    write_blocks(tmp_path / "whole", blocks, provenance)
    frame, metadata = read_experiment(tmp_path / "whole")
    assert frame.groupby(["fold", "series"], observed=True).size().to_dict() == {
        ("new", "0"): 3, ("new", "1"): 3, ("old", "0"): 3,
    }  # fmt: skip
    assert metadata["new"]["folds"] == ["new", "old"] and metadata["new"]["seconds"] == 4
