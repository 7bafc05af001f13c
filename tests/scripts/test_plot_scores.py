"""Figures of scores: of several series they rank days within each."""

import numpy as np
import pandas as pd
import plot_scores
import pytest
from helpers.draw_figures import scores
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from fd01.evaluation.metrics import auc_within
from fd01.report.figures import WIDTH, text_width

NAMES = ["first", "second"]


def three_series():
    """Scores of two experiments on three series of 60 days, the second of which has a level of its own."""
    parts = []
    for i, name in enumerate("ABC"):
        rows = scores(NAMES).assign(series=name)
        noise = np.random.default_rng(i).standard_normal(len(rows))
        parts.append(rows.assign(score=rows["score"] + noise + 10 * (name == "B"), y=np.roll(rows["y"], i)))
    return pd.concat(parts, ignore_index=True)


def block_of(table, series):
    aucs = plot_scores.aucs_of(table)
    names = {name: name for name in NAMES}
    return plot_scores.Block("test", aucs, len(aucs), list(aucs.index), names, NAMES[0], [], series)


def test_tables_of_one_series_are_those_of_scikit_learn():
    table = scores(NAMES)
    rows = table[table["label"] == "first"]
    assert plot_scores.aucs_of(table)["first"] == roc_auc_score(rows["y"], rows["score"])
    found = plot_scores.roc_table(table).query("label == 'first'")
    fpr, tpr, _ = roc_curve(rows["y"], rows["score"])
    assert (found["false_positive_rate"].to_numpy() == fpr).all() and (found["true_positive_rate"] == tpr).all()
    found = plot_scores.precision_recall_table(table).query("label == 'first'")
    precision, recall, _ = precision_recall_curve(rows["y"], rows["score"])
    assert (found["precision"].to_numpy() == precision[:-1]).all() and (found["recall"] == recall[:-1]).all()
    assert list(plot_scores.distribution_table(table)) == ["label", "origin", "score", "y"]


@pytest.mark.parametrize("kind", plot_scores.FIGURES)
def test_level_and_names_of_series_move_no_figure(kind):
    tabulate, _ = plot_scores.FIGURES[kind]
    table = three_series()
    levelled = table.assign(score=table["score"] - 10 * (table["series"] == "B"))
    renamed = table.assign(series=table["series"].map({"A": "Z", "B": "Y", "C": "X"}))
    found = tabulate(table)
    assert len(found)
    for other in (levelled, renamed):
        pd.testing.assert_frame_equal(tabulate(other).reset_index(drop=True), found.reset_index(drop=True))
        pd.testing.assert_series_equal(plot_scores.aucs_of(other), plot_scores.aucs_of(table))


def test_aucs_of_several_series_are_pooled_over_pairs_of_one_series():
    table = three_series()
    for label, rows in table.groupby("label"):
        wanted = auc_within(*(rows[name].to_numpy() for name in ("y", "score", "series")))
        assert plot_scores.aucs_of(table)[label] == wanted
        curve = plot_scores.roc_table(table).query("label == @label")
        assert np.trapezoid(curve["true_positive_rate"], curve["false_positive_rate"]) == pytest.approx(wanted)


def test_scores_that_are_constant_in_every_series_and_series_of_one_outcome_have_no_curve():
    table = three_series()
    flat = table.assign(score=table["series"].map({"A": 1.0, "B": 2.0, "C": 3.0}))
    assert plot_scores.aucs_of(flat).empty and plot_scores.roc_table(flat).empty
    split = table.assign(y=(table["series"] == "A").astype(float))  # both outcomes, but never in one series
    assert plot_scores.aucs_of(split).empty and plot_scores.precision_recall_table(split).empty


@pytest.mark.parametrize("kind", plot_scores.FIGURES)
def test_figures_of_several_series_say_so(kind):
    table = three_series()
    tabulate, draw = plot_scores.FIGURES[kind]
    figure, _, text = draw(tabulate(table), block_of(table, 3))
    words = [one.get_text() for one in figure.axes[0].texts]
    assert any("series" in one for one in words) and text.startswith("AUC: ")
    assert max(text_width(one) for one in words) < WIDTH
    figure, _, _ = draw(tabulate(scores(NAMES)), block_of(scores(NAMES), 1))
    assert not any("series" in one.get_text() for one in figure.axes[0].texts)
