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
from fd01.report.glossary import anchor, read_glossary
from fd01.report.html import DoesNotApply, count, number, render
from fd01.report.sections import ONE_SERIES, SECTIONS
from fd01.report.tables import (
    MEASURES,
    baselines_of,
    experiment_rows,
    meanings,
    opponent_rows,
    outside_its_seeds,
    report_blocks,
    score_kinds,
    table_order,
)

OUTCOMES = pd.concat(
    [block("b", "train", [0, 1, 0, 1], start="2019-06-03"), block("b", "evaluation", [np.nan] * 3)], ignore_index=True
)
REPORT = ROOT / "report"


def metrics_row(seed, auc, seeds=2, score_kind="probability", experiment="PTST", **more):
    """A row of `metrics.csv`."""
    measures = {measure.key: 0.25 for measure in MEASURES}
    row = {"experiment": experiment, "fold": "b", **UP, "score_kind": score_kind, "status": "ok", "reason": None}
    row["n"] = 3
    return row | measures | {"seed": seed, "auc": auc, "seeds": seeds} | more


def blocks_of(*rows):
    """What is said of one block with these rows of metrics."""
    return list(report_blocks(pd.DataFrame(rows), OUTCOMES, UP))


def test_block_without_a_known_outcome_has_no_row():
    why = "no outcome of this block is known yet"
    rows = [metrics_row(seed, np.nan, np.nan, status="not run", reason=why) for seed in ("all", "0", "1")]
    (block,) = blocks_of(*rows)
    assert block["rows"] == [] and (block["n"], block["train_prevalence"]) == (0, 0.5)
    assert np.isnan(block["prevalence"])


def test_kinds_of_score_are_explained_where_a_label_names_them():
    assert score_kinds(blocks_of(metrics_row("all", 0.7))) == []
    blocks = blocks_of(metrics_row("all", 0.7, score_kind="width"), metrics_row("all", 0.8, score_kind="study"))
    assert [row["label"] for row in blocks[0]["rows"]] == ["PTST (study)", "PTST (width)"]
    assert [text.split(" is ")[0] for text in score_kinds(blocks)] == ["study", "width"]


def pair(experiment, fold, against, other, difference, p_holm, verdict, **more):
    """A row of `comparisons.csv`, with an adjusted interval that agrees with p."""
    half = np.nan if np.isnan(p_holm) else abs(difference) * (0.5 if p_holm < 0.05 else 2)
    row = {"experiment": experiment, "fold": fold, "against": against, "other": other, "family": "secondary"}
    row |= {"auc": 0.7, "other_auc": 0.7 - difference, "auc_difference": difference, "p_holm": p_holm}
    row |= {"adjusted_low": difference - half, "adjusted_high": difference + half, "verdict": verdict}
    row |= {"reason": np.nan, "exposure": np.nan, "small_difference": False, "lacking": 0, "n": 90}
    row |= {"twin_seeds": np.nan, "planned": np.nan, "tested": 2}
    return row | more


FOLDS = ["first", "second"]
AUCS = {  # by block; PTST has three seeds, TFM another score
    "PTST": (0.70, 0.80),
    "TFM": (0.75, np.nan),
    "BASE-A": (0.60, 0.85),
    "BASE-B": (0.65, 0.70),
}
EVIDENCE = {"PTST": "trained here", "TFM": "pre-trained, unverified", "BASE-A": "baseline", "BASE-B": "baseline"}
PAIRS = [
    pair("TFM", "first", "reference", "PTST", 0.05, 0.3, "inconclusive", family="primary", exposure="clean"),
    pair("TFM", "first", "twin", "TFM-untrained", 0.2, np.nan, "inconclusive", reason="one random network"),
    pair("BASE-A", "second", "reference", "PTST", 0.05, 0.01, "better"),
    pair("PTST", "first", "baseline", "BASE-A", 0.1, 0.2, "inconclusive"),
    pair("PTST", "second", "baseline", "BASE-A", -0.05, 0.2, "inconclusive"),
]


def results(comparisons=PAIRS):
    """What `read_results` makes of these tables."""
    about = {"n": 90, "lacking": 0, "score_kind": "probability", "optimistic": False}
    intervals = pd.DataFrame(
        [
            {"fold": fold, "experiment": name, "auc": aucs[index]} | about
            for index, fold in enumerate(FOLDS)
            for name, aucs in AUCS.items()
            if not np.isnan(aucs[index])
        ]
    )
    rows = [metrics_row("all", row.auc, 1, fold=row.fold, experiment=row.experiment) for row in intervals.itertuples()]
    rows[0] |= {"seeds": 3}
    rows += [metrics_row(str(seed), auc, 1, fold="first") for seed, auc in enumerate((0.62, 0.66, 0.69))]
    rows.append(metrics_row("all", 0.58, 1, fold="first", experiment="TFM", score_kind="width"))
    experiments = pd.DataFrame(EVIDENCE.items(), columns=["experiment", "evidence"])
    comparisons = pd.DataFrame(comparisons, columns=list(PAIRS[0]))
    table = experiment_rows(intervals, comparisons, pd.DataFrame(rows), experiments, ["TFM"])
    chosen = comparisons[comparisons["against"] == "baseline"]
    return {
        "folds": FOLDS,
        "rows": table,
        "opponents": opponent_rows(comparisons, table),
        "baselines": list(baselines_of(table, FOLDS, dict(zip(chosen["fold"], chosen["other"])))),
        "example": outside_its_seeds(table),
    }


def test_main_table_has_a_row_per_experiment_best_first_and_folds_other_scores():
    rows = results()["rows"]
    assert [row["experiment"] for row in rows] == ["TFM", "PTST", "BASE-B", "BASE-A"]
    assert [(row["family"], row["group"]) for row in rows][:2] == [
        ("primary", "Pre-trained models"),
        ("secondary", "Networks trained on these prices"),
    ]
    assert rows[0]["others"] == {"width": {"first": 0.58}} and list(rows[0]["cells"]) == ["first"]
    cell = rows[1]["cells"]["first"]
    assert (cell["seeds"], cell["seed_min"], cell["seed_max"], cell["pair"]) == (3, 0.62, 0.69, None)
    assert rows[3]["cells"]["second"]["pair"]["verdict"] == "better"


def test_chosen_baseline_and_a_better_one_are_named_by_block():
    first, second = results()["baselines"]
    assert (first["chosen"], first["best"], first["best_auc"]) == ("BASE-A", "BASE-B", 0.65)
    assert (second["chosen"], second["best"]) == ("BASE-A", "BASE-A")
    (none, _) = results([])["baselines"]
    assert none["chosen"] is None and none["best"] == "BASE-B"


def test_days_of_several_series_are_told_from_dates():
    days = [block("b", "evaluation", [0, 1, 0]).assign(series=name) for name in "AB"]
    outcomes = pd.concat([*days, block("b", "evaluation", [1, np.nan], "2020-01-06").assign(series="C")])
    (found,) = report_blocks(pd.DataFrame([metrics_row("all", 0.7)]), outcomes, UP)
    assert (found["n"], found["n_series"], found["dates"], found["positives"]) == (7, 3, 4, 3)
    page = results_page(blocks=[found])
    assert "2020-01-01 to 2020-01-07, 7 days of 3 series on 4 dates, 3 with the event" in page
    (alone,) = report_blocks(pd.DataFrame([metrics_row("all", 0.7)]), days[0], UP)
    assert "3 days, 1 with the event" in results_page(blocks=[alone])


def test_ensemble_outside_the_range_of_its_seeds_is_the_example():
    example = results()["example"]
    assert (example["experiment"], example["fold"], example["auc"]) == ("PTST", "first", 0.70)


def test_clean_days_stand_first_and_single_walk_forward_blocks_do_not():
    found = ["wf-2003", "test", "walk-forward", "validation", "after-cutoff"]
    assert table_order(found, ["validation", "test"]) == ["after-cutoff", "validation", "test", "walk-forward"]
    assert table_order([], ["test"]) == []


def results_page(comparisons=PAIRS, **changes):
    """The section with these comparisons."""
    content = {
        "results": results(comparisons),
        "blocks": blocks_of(metrics_row("all", 0.7, seeds=1)),
        "tables": {"comparisons": comparisons, "margins": []},
        "measures": MEASURES,
        "meanings": meanings(MEASURES),
        "names": {"TFM": "TimesFM, zero-shot"},
        "verdict": {"reference": "PTST", "sealed": {"folds": {"b": {}}, "reason": "sealed: no plan"}},
        "config": {
            "targets": [UP],
            "statistics": {"alpha": 0.05, "margin": 0.02},
            "decision": {"primary": ["TFM", "TFM-2"], "known_before_plan": []},
        },
        "figures": {"auc": ""},
        "optimistic": [],
        "score_kinds": [],
        "titles": {},
        "twins": [],
    }
    return render(REPORT, "sections/results.html.j2", **content | changes)


def test_results_section_shows_one_interval_per_pair_and_none_that_speaks_against_its_verdict():
    page = results_page()
    assert page.count("0.025 to 0.075") == 1 and not re.search(r"<td[^>]*>no verdict", page)
    cells = re.findall(
        r'class="whole">([\d.−]+) to ([\d.−]+)</small></td>\s*<td data-key="(.*?)"><span class="tag (\w+)', page
    )
    for low, high, p, verdict in cells:
        excludes_zero = float(low.replace("−", "-")) > 0 or float(high.replace("−", "-")) < 0
        assert excludes_zero == (verdict in ("better", "worse")) == (float(p) < 0.05)
    assert len(cells) == 4
    (without,) = re.findall(r'<td data-key="nan">(.*?)</td>', page)
    assert "no verdict" in without and "one random network" in without and ">inconclusive<" not in without


def test_tables_of_more_than_three_blocks_are_printed_across_the_page():
    folds = [*FOLDS, "third", "fourth"]
    pages = [results_page(results=results() | {"folds": folds[:count]}) for count in (3, 4)]
    assert [page.count('class="scroll wide"') for page in pages] == [0, 3]


def test_results_section_names_experiments_seeds_and_baselines_in_words():
    page = " ".join(results_page().replace("&nbsp;", " ").split())
    assert '<th scope="row">TimesFM, zero-shot <small>TFM</small> <b>primary</b>' in page
    assert "1 other score</summary>" in page and "width: 0.580 on first" in page
    assert page.count("<small>ensemble of 3 seeds</small>") == 1
    assert "0.700<br><small>single seeds 0.620 to 0.690</small>" in page
    assert "(as that of PTST does on first: 0.700, single seeds 0.620 to 0.690)" in page
    assert "<b>a better one on these days is BASE-B, AUC 0.650</b>" in page
    assert "is BASE-A, AUC 0.850; no other is better on these days." in page
    assert "2 pre-trained experiments for the question. Of these, 1 could be compared here" in page
    assert "<b>b</b>: 2020-01-01 to 2020-01-03, no known outcome: sealed: no plan" in page


def test_measures_have_one_cell_and_one_meaning_per_column():
    page = results_page()
    page = page[page.index("<summary>Other measures") :]
    heads = re.findall(r'<th class="n" data-sort="number">(.*?)</th>', page)
    assert heads == ["AUC"] + [measure.header for measure in MEASURES]
    cells = ["0.700", "0.250", "0.250", "0.250", "0.25", "0.25", "0.25", "0.25"]
    assert re.findall(r'<td class="n">(.*?)</td>', page) == cells
    explained = re.findall(r"<b>([^<]*?)</b>: ", page)
    assert " and ".join(explained).split(" and ") == heads[1:]


def test_a_name_that_a_template_lacks_is_an_error():
    content = {"not_run": [{"text": "No network", "experiments": ["TFM"]}]}
    assert "1 experiment\n" in render(REPORT, "sections/not-run.html.j2", names={}, **content)
    with pytest.raises(UndefinedError, match="'names' is undefined"):
        render(REPORT, "sections/not-run.html.j2", **content)


def test_terms_that_sections_link_to_are_in_the_glossary():
    anchors = {entry.anchor for entry in read_glossary((ROOT / "docs/reference/glossary.md").read_text())}
    calls = [
        (path.name, *found)
        for path in (REPORT / "sections").iterdir()
        for found in re.findall(r'\bterm\("([^"]+)"(?:, "([^"]+)")?\)', path.read_text())
    ]
    assert len(calls) > 30
    assert [call for call in calls if anchor(call[2] or call[1]) not in anchors] == []


def test_plan_section_says_whether_its_digest_is_fixed():
    def page(fixed, sealed, series=1, fit="each"):
        plan = {"file": "plan.md", "sha256": fixed, "sealed": ["test"], "changes": 1}
        config = {"plan": plan, "statistics": {"alpha": 0.05, "power": 0.8, "margin": 0.02}}
        config["decision"] = {"primary": ["TFM"], "known_before_plan": []}
        config["experiments"] = {"PTST": {"fit": fit}}
        verdict = {"sealed": {"folds": dict.fromkeys(sealed)}, "reference": "PTST"}
        content = {"config": config, "verdict": verdict, "provenance": {"plan_digest": "d1"}, "how_to_open": "Fix it."}
        content["dataset"] = {"series": [{}] * series}
        return " ".join(render(REPORT, "sections/plan.html.j2", **content).split())

    fixed = page(["d0", "d1"], [])
    assert "is one of the 2 that the configuration fixes" in fixed and "So every block of this run is open." in fixed
    assert "d0<br>d1 (this run)" in fixed
    other = page(["d0"], ["test"])
    assert "is none of the 1 that" in other and "So test is" in other and "Fix it." in other
    assert "fixes no digest" in page([], ["test"])
    row = '<th scope="row">reference</th><td>PTST</td>'
    assert row in fixed and "the other way round" not in fixed
    kinds = [(10, "each"), (11, "together"), (1, "together"), (11, "each"), (2, "together")]
    shown = ["the other way round" in page(["d1"], [], *kind) for kind in kinds]
    assert shown == [False, False, False, True, True]


@pytest.mark.parametrize(
    ("section", "tables"),
    [
        *(("calibration", "calibration"), ("explanation", "explanation"), ("labels", "labels")),
        *(("contamination", "contamination"), ("losses", "losses"), ("power", "power")),
    ],
)
def test_section_without_a_row_does_not_apply(section, tables):
    with pytest.raises(DoesNotApply, match=r"^no "):
        render(REPORT, f"sections/{section}.html.j2", tables={tables: []})


def test_results_without_a_score_say_so():
    empty = {"folds": [], "rows": [], "opponents": [], "baselines": [], "example": None}
    page = results_page([], results=empty)
    assert "There is nothing to compare: no block has a known outcome and a score." in page
    assert "<table" not in page


def test_known_answers_are_shown_case_by_case():
    about = {"source": "a paper", "licence": "MIT", "expected": [[1.0, 2.0], [3.0, 4.0]], "tolerance": 1e-4}
    cases = [
        about | {"name": "passengers", "dtype": "float32", "difference": 2e-5, "ok": True},
        about | {"name": "sunspots", "dtype": "bfloat16", "difference": None, "ok": False},
    ]
    files = [{"name": "model.bin", "expected": {"sha256": "ab", "bytes": 9}, "found": {}, "ok": False}]
    answers = [
        {"model": "timesfm", "status": "refused", "cases": cases, "files": files},
        {"model": "lag-llama", "status": "refused", "cases": [], "files": [], "reason": "the shapes differ"},
    ]
    page = render(REPORT, "sections/known-answers.html.j2", known_answers=answers)
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>.*?<td>(yes|no)</td></tr>', page)
    assert rows == [("passengers", "yes"), ("sunspots", "no"), ("model.bin", "no")]
    assert '<td class="n">4</td><td class="n">2e-05</td><td class="n">0.0001</td>' in page
    assert "ab, 9" in page and "These weights do not load: the shapes differ." in page
    with pytest.raises(DoesNotApply):
        render(REPORT, "sections/known-answers.html.j2", known_answers=[])


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
        "names": {},
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
        "names": {},
        "figures": {"reliability": ""},
        "clip": 0.001,
    }
    pages = [
        render(REPORT, "sections/calibration.html.j2", tables={"calibration": kept}, **content)
        for kept in (rows[:-1], [row for row in rows if row["arm"] != "close-exceedance"])
    ]
    heads = [re.findall(r'<th class="n(?: edge)?">(.*?)</th>', page)[:-2] for page in pages]
    assert heads[0] == 2 * ["un\N{SOFT HYPHEN}corrected", "raw", "Platt", "isotonic"] + ["raw", "Platt"]
    assert heads[1] == 2 * ["raw", "Platt", "isotonic"] + ["raw", "Platt"]
    first = [
        re.findall(r'<td class="n(?: edge)?">(.*?)</td>', line)[:4] for line in pages[0].splitlines() if "</td>" in line
    ]
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
        "names": {},
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
    verdict = {"published": [], "protocol": {"status": "not applicable", "reason": "it is about the original study"}}
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
    assert "Lag-Llama: not recomputed, because they are other prices." in page and "0.3189" in page
    assert (
        '<td>test</td><td colspan="4">not recomputed, because the outcomes of 9 of its 9 days are sealed</td>' in page
    )


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
    assert "not made again, because the hub does not answer." in page and "combinations" not in page


def test_registry_names_every_section_and_the_tables_and_figures_that_sections_use():
    registry = (ROOT / "rules" / "functions" / "report.smk").read_text()
    listed = {
        name: re.findall(r'"([\w-]+)"', text)
        for name, text in re.findall(r"^(REPORT_\w+) = \[(.*?)\]$", registry, re.MULTILINE | re.DOTALL)
    }
    sections = {path.name.removesuffix(".html.j2"): path.read_text() for path in (REPORT / "sections").iterdir()}
    assert {section.name for section in SECTIONS + ONE_SERIES} == set(sections)
    # The script itself reads the intervals.
    for what, sometimes, read in (("tables", {"truth"}, {"intervals"}), ("figures", {"walk-forward"}, set())):
        pattern = rf'\b(?<!block_){what}(?:\.(\w+)|\["([\w-]+)"\])'
        used = {"".join(names) for text in sections.values() for names in re.findall(pattern, text)}
        assert used | read == set(listed[f"REPORT_{what.upper()}"]) | sometimes


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
