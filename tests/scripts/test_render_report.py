"""Tables and sections of the report."""

import re

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import UP, block
from helpers.paths import ROOT
from jinja2 import UndefinedError
from plot_auc import draw_auc
from plot_scores import published_pairs
from recompute_published import make_erratum

from fd01.report.figures import Cast
from fd01.report.html import DoesNotApply, count, number, render
from fd01.report.sections import SECTIONS
from fd01.report.tables import RESULT_COLUMNS, meanings, result_tables, score_kinds

OUTCOMES = pd.concat(
    [block("b", "train", [0, 1, 0, 1], start="2019-06-03"), block("b", "evaluation", [np.nan] * 3)], ignore_index=True
)
REPORT = ROOT / "report"


def metrics_row(seed, auc, seeds=2, score_kind="probability", **more):
    """A row of `metrics.csv`."""
    measures = {column.key: 0.25 for column in RESULT_COLUMNS if column.key not in ("auc", "single_seeds")}
    row = {"experiment": "PTST", "fold": "b", **UP, "score_kind": score_kind, "status": "ok", "reason": None}
    row["n"] = 3
    return row | measures | {"seed": seed, "auc": auc, "seeds": seeds} | more


def tables_of(*rows):
    """The results tables of one block with these rows of metrics."""
    experiments = pd.DataFrame([{"experiment": "PTST", "model": "PatchTST", "reason": ""}])
    return list(result_tables(pd.DataFrame(rows), experiments, OUTCOMES, UP))


def test_block_without_a_known_outcome_lists_each_experiment_once():
    why = "no outcome of this block is known yet"
    rows = [metrics_row(seed, np.nan, np.nan, status="not run", reason=why) for seed in ("all", "0", "1")]
    (table,) = tables_of(*rows)
    assert table["rows"] == []
    assert table["absent"] == [{"experiment": "PTST", "reason": why}]
    assert (table["n"], table["train_prevalence"]) == (0, 0.5)
    assert np.isnan(table["prevalence"])


def test_results_have_the_range_of_single_seeds_where_there_are_several():
    (table,) = tables_of(*(metrics_row(seed, auc) for seed, auc in (("all", 0.7), ("0", 0.6), ("1", 0.65))))
    assert [(row["label"], row["single_seeds"]) for row in table["rows"]] == [("PTST", "0.600 to 0.650")]
    (table,) = tables_of(metrics_row("all", 0.7, seeds=1), metrics_row("0", 0.7, seeds=1))
    assert table["rows"][0]["single_seeds"] == "–"


def test_kinds_of_score_are_explained_where_a_label_names_them():
    assert score_kinds(tables_of(metrics_row("all", 0.7))) == []
    blocks = tables_of(metrics_row("all", 0.7, score_kind="width"), metrics_row("all", 0.8, score_kind="study"))
    assert [row["label"] for row in blocks[0]["rows"]] == ["PTST (study)", "PTST (width)"]
    assert [text.split(" is ")[0] for text in score_kinds(blocks)] == ["study", "width"]


def test_results_table_has_one_cell_and_one_meaning_per_column():
    content = {
        "blocks": tables_of(metrics_row("all", 0.7, seeds=1)),
        "result_columns": RESULT_COLUMNS,
        "meanings": meanings(RESULT_COLUMNS),
        "verdict": {"reference": "PTST"},
        "config": {"targets": [UP]},
        "figures": {"auc": ""},
        "optimistic": [],
        "score_kinds": [],
        "twins": [],
    }
    page = render(REPORT, "sections/results.html.j2", **content)
    assert re.findall(r'<th class="n">(.*?)</th>', page) == [column.header for column in RESULT_COLUMNS]
    cells = ["0.700", "–", "0.250", "0.250", "0.250", "0.25", "0.25", "0.25", "0.25"]
    assert re.findall(r'<td class="n">(.*?)</td>', page) == cells
    explained = re.findall(r"<b>(.*?)</b>: ", page)
    assert " and ".join(explained).split(" and ") == [column.header for column in RESULT_COLUMNS]
    del content["twins"]
    with pytest.raises(UndefinedError, match="'twins' is undefined"):
        render(REPORT, "sections/results.html.j2", **content)


LABEL_ROWS = [  # target, threshold, experiment, AUC
    ("up", 0.01, "HAR", 0.75),
    ("up", 0.02, "HAR", 0.95),
    ("down", 0.01, "HAR", 0.8),
    ("scaled", np.nan, "HAR", 0.61),
    ("scaled", np.nan, "return", 0.66),
    ("direction", np.nan, "return", 0.53),
]


@pytest.mark.parametrize(
    ("target", "first", "best"),
    [
        ("up", "a rise to a fixed threshold. It is more likely on days with large price moves", 0.75),
        ("down", "a fall to a fixed threshold. It is more likely on days with large price moves", 0.8),
        (
            "scaled",
            "a rise to a threshold that grows with recent volatility. It is more likely on days with larger",
            0.66,
        ),
        ("direction", "the direction of the price. Volatility says little about it", None),
    ],
)
def test_labels_section_is_about_the_event_of_the_study(target, first, best):
    columns = ["target", "threshold", "experiment", "auc"]
    labels = pd.DataFrame(LABEL_ROWS, columns=columns).assign(fold="b", horizon=1, n=99, positives=30, chance=0.06)
    content = {
        "tables": {"labels": labels.to_dict("records")},
        "headline": {"fold": "b"},
        "verdict": {"target": target, "horizon": 1},
        "config": {"labels": {"threshold": 0.01}},
        "events": {},
        "figures": {"labels": ""},
    }
    text = " ".join(render(REPORT, "sections/labels.html.j2", **content).split())
    assert f"The event of this study is {first}" in text
    found = re.findall(r"<b>The best AUC is (\S+) on the event of this study and (\S+) on true direction", text)
    assert found == ([(f"{best:.3f}", "0.530")] if best else [])
    assert re.findall(r"<tr><th>(.*?)</th>", text)[1:] == ["up 1 %", "down 1 %", "scaled", "direction"]


def test_calibration_shows_the_probability_before_the_touch_correction_beside_the_corrected_one():
    arms = {"raw": 0.14, "platt": 0.13, "isotonic": 0.15, "close-exceedance": 0.16}
    measures = dict.fromkeys(("log_loss", "slope", "miscalibration", "discrimination", "uncertainty"), 0.5)
    rows = [
        {"fold": "b", "experiment": name, "arm": arm, "brier": brier, "reason": np.nan} | measures
        for name in ("GARCH", "PTST")
        for arm, brier in arms.items()
    ]
    content = {
        "headline": {"fold": "b"},
        "verdict": {"reference": "PTST"},
        "config": {"statistics": {"alpha": 0.05}},
        "figures": {"reliability": ""},
    }
    pages = [
        render(REPORT, "sections/calibration.html.j2", tables={"calibration": kept}, **content)
        for kept in (rows[:-1], [row for row in rows if row["arm"] != "close-exceedance"])
    ]
    heads = [re.findall(r'<th class="n">(.*?)</th>', page)[:-2] for page in pages]
    assert heads[0] == 2 * ["uncorrected", "raw", "Platt", "isotonic"] + ["raw", "Platt"]
    assert heads[1] == 2 * ["raw", "Platt", "isotonic"] + ["raw", "Platt"]
    first = [re.findall(r'<td class="n">(.*?)</td>', line)[:4] for line in pages[0].splitlines() if "</td>" in line]
    assert first == [["0.1600", "0.1400", "0.1300", "0.1500"], ["–", "0.1400", "0.1300", "0.1500"]]
    assert "For GARCH, “raw” is therefore <b>level corrected on training data</b>" in pages[0]
    assert "level corrected" not in pages[1]


def test_explanation_names_who_adds_by_the_size_of_the_gain_and_never_by_p_alone():
    measures = ("auc", "auc_within", "volatility_within", "volatility_auc", "joint_auc", "width_auc")
    measures += ("har_scale", "har_location", "gain", "low", "high")

    def row(name, verdict, p_holm, reason=np.nan):
        values = {"fold": "b", "experiment": name, "verdict": verdict, "p_holm": p_holm, "added_reason": reason}
        return dict.fromkeys(measures, 0.5) | {"swap_reason": np.nan} | values

    rows = [
        *(row("LARGE", "adds", 0.01), row("SURE", "too small to matter", 0.001), row("VAGUE", "undecided", 0.2)),
        row("FIXED", np.nan, np.nan, "its score is the same every day"),
    ]
    content = {
        "headline": {"fold": "b"},
        "verdict": {"reference": "PTST"},
        "config": {"statistics": {"alpha": 0.05, "smallest_gain": 0.005}},
        "figures": {"explanation": ""},
    }

    def sentences(rows):
        page = render(REPORT, "sections/explanation.html.j2", tables={"explanation": rows, "terciles": []}, **content)
        assert len(re.findall("<th[ >]", page.partition("</thead>")[0])) == 13
        return re.sub(r"\s+", " ", page[page.index("</table>") : page.index('<p class="note">')])

    text = sentences(rows)
    assert "Shown to add to volatility</b> at least 0.005 nats per day: <b>LARGE</b>." in text
    assert "Shown to add less than that: SURE." in text and "too few: VAGUE." in text and "FIXED" not in text
    text = sentences(rows[1:])
    assert "No experiment is shown to add to volatility</b> the 0.005 nats per day that matter." in text
    assert "LARGE" not in text


def test_report_on_another_dataset_does_not_mention_published_figures():
    erratum = make_erratum("qqq", "spy", None, [], None)
    verdict = {"published": [], "protocol": {"status": "not applicable"}}
    content = {"erratum": erratum, "verdict": verdict, "config": {"decision": {"dataset": "spy"}}}
    for name in ("erratum", "published", "protocol"):
        with pytest.raises(DoesNotApply, match="original study"):
            render(REPORT, f"sections/{name}.html.j2", **content)


def test_part_of_the_erratum_that_was_not_computed_gives_its_reason_and_the_others_their_figures():
    blocks = [
        {"block": "val", "reason": None, "n": 502, "published": 0.364, "auc": 0.364, "realigned": 0.3189},
        {"block": "test", "reason": "the outcomes of 9 of its 9 days are sealed"},
    ]
    erratum = {"status": "ok", "reason": None, "lag_llama": {"reason": "they are other prices"}, "timesfm": blocks}
    page = render(REPORT, "sections/erratum.html.j2", erratum=erratum, reproduction=None)
    assert "Lag-Llama: not run, because they are other prices." in page and "0.3189" in page
    assert '<td>test</td><td colspan="4">not run, because the outcomes of 9 of its 9 days are sealed</td>' in page


def test_report_says_whether_the_stored_forecasts_are_reproduced():
    erratum = {"status": "ok", "reason": None, "lag_llama": {"reason": "they are other prices"}, "timesfm": []}
    lines = [
        {"flip": flip, "point": "median", "largest": largest, "median": 1e-7, "correlation": 1.0, "agrees": agrees}
        for flip, largest, agrees in ((True, 3e-7, True), (False, 2e-3, False))
    ]
    found = {"status": "reproduced", "n": 762, "blocks": ["val", "test"], "left_out": {}, "combinations": lines}
    found |= {"weights": "verified", "context": 80}
    page = render(REPORT, "sections/erratum.html.j2", erratum=erratum, reproduction=found)
    assert "from the 80 simple returns before each day" in page
    assert "<strong>reproduced</strong>" in page and "on 762 days of val and test" in page
    rows = re.findall(r"<tr><td>(on|off)</td>.*?<td>(yes|no)</td></tr>", page)
    assert rows == [("on", "yes"), ("off", "no")] and "3e-07" in page and "known answers" not in page
    doubtful = render(REPORT, "sections/erratum.html.j2", erratum=erratum, reproduction=found | {"weights": "off"})
    assert "the weights of TimesFM (known answers: off)" in doubtful
    missing = {"status": "not run", "reason": "the hub does not answer", "context": 80}
    page = render(REPORT, "sections/erratum.html.j2", erratum=erratum, reproduction=missing)
    assert "not run, because the hub does not answer." in page and "combinations" not in page


def test_registry_names_every_section_and_the_tables_and_figures_that_sections_use():
    registry = (ROOT / "rules" / "functions" / "report.smk").read_text()
    listed = {
        name: re.findall(r'"([\w-]+)"', text)
        for name, text in re.findall(r"^(REPORT_\w+) = \[(.*?)\]$", registry, re.MULTILINE | re.DOTALL)
    }
    sections = {path.name.removesuffix(".html.j2"): path.read_text() for path in (REPORT / "sections").iterdir()}
    assert sorted(section.name for section in SECTIONS) == sorted(sections)
    for what, sometimes in (("tables", {"truth"}), ("figures", {"walk-forward"})):
        pattern = rf'\b(?<!block_){what}(?:\.(\w+)|\["([\w-]+)"\])'
        used = {"".join(names) for text in sections.values() for names in re.findall(pattern, text)}
        assert used == set(listed[f"REPORT_{what.upper()}"]) | sometimes


def test_numbers_have_true_minus_signs_and_dashes_where_there_is_none():
    assert (number(-0.12345), number(0.5, 1), number(None), number(np.nan)) == ("−0.123", "0.5", "–", "–")
    assert (count(1234567.0), count(np.nan)) == ("1,234,567", "–")


def test_figure_has_an_experiment_that_ran_on_the_second_block_alone():
    rows = [("PTST", "a", 0.7), ("PTST", "b", 0.6), ("LL", "b", 0.65)]
    table = pd.DataFrame(rows, columns=["label", "fold", "auc"]).assign(seed="all", compared=True)
    figure, title, _ = draw_auc(table.assign(experiment=table["label"]), Cast("PTST", {}, {}))
    sheet, *panels = figure.axes
    names = [text.get_text() for text in sheet.texts if text.get_ha() == "right"]
    assert names == ["PTST", "LL", "PTST"]
    assert [len([line for line in panel.lines if line.get_marker() == "o"]) for panel in panels] == [1, 2]
    assert title == "Highest AUC: PTST 0.700 on a; LL 0.650 on b"


def test_published_pairs_are_drawn_on_their_block_and_for_their_target_alone():
    published = [{"dataset": "spy", "fold": "b", "precision": 0.58, "recall": 0.45}, {"dataset": "spy", "fold": "b"}]
    assert published_pairs(published, "spy", "b", UP) == [(0.45, 0.58)]
    for other in (("sp500", "b", UP), ("spy", "a", UP), ("spy", "b", {"target": "scaled", "horizon": 1})):
        assert published_pairs(published, *other) == []
