"""Tables of the report."""

import numpy as np
import pandas as pd
from helpers.made_up_data import UP, block
from plot_auc import draw_auc
from render_report import block_tables

ORIGINS = pd.concat(
    [block("b", "train", [0, 1, 0, 1], start="2019-06-03"), block("b", "evaluation", [np.nan] * 3)], ignore_index=True
)


def test_block_without_a_known_outcome_lists_each_experiment_once():
    row = {"experiment": "PTST", "fold": "b", **UP, "score_kind": "probability", "status": "not run"}
    row |= {"reason": "no outcome of this block is known yet", "auc": np.nan, "seeds": np.nan}
    metrics = pd.DataFrame([row | {"seed": seed} for seed in ("all", "0", "1")])
    experiments = pd.DataFrame([{"experiment": "PTST", "model": "PatchTST", "reason": ""}])
    (table,) = block_tables(metrics, experiments, ORIGINS, UP)
    assert table["rows"] == []
    assert table["absent"] == [{"experiment": "PTST", "reason": "no outcome of this block is known yet"}]
    assert (table["n"], table["train_prevalence"]) == (0, 0.5)
    assert np.isnan(table["prevalence"])


def test_figure_has_an_experiment_that_ran_on_the_second_block_alone():
    rows = [("PTST", "a", 0.7), ("PTST", "b", 0.6), ("LL", "b", 0.65)]
    table = pd.DataFrame(rows, columns=["label", "fold", "auc"]).assign(seed="all")
    panels = draw_auc(table).axes
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["PTST", "LL"]
    assert [len(panel.collections[0].get_offsets()) for panel in panels] == [1, 2]
