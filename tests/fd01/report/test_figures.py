"""Figures: one style and one palette, whatever the user's own settings of matplotlib are."""

import ast
import os
import re
import subprocess
import sys
from functools import cache
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from helpers.draw_figures import figures, hard_figures
from helpers.paths import ROOT
from helpers.summaries import long_name, summary
from matplotlib import colormaps
from matplotlib.colors import is_color_like
from plot_answer import LOOKS, draw_answer, span
from plot_scores import FIGURES, WITH_ALL

from fd01.evaluation.comparison import VERDICTS
from fd01.report import palette
from fd01.report.figures import CURVES, WIDTH, Cast, line_styles, save_svg, text_width
from fd01.report.html import inline_svg
from fd01.report.svg import short

SCRIPTS = sorted((ROOT / "scripts").rglob("*.py"))
STYLE = ROOT / "scripts" / "fd01" / "report" / "figures.py"
DRAWING = [path for path in SCRIPTS if "fd01.report.figures import" in path.read_text()]

HOSTILE = """
text.usetex: True
text.color: white
font.family: monospace
font.size: 40
figure.facecolor: black
figure.figsize: 1, 1
savefig.facecolor: black
savefig.bbox: tight
svg.fonttype: path
axes.facecolor: black
axes.edgecolor: white
axes.labelcolor: white
axes.grid: True
axes.prop_cycle: cycler('color', ['ff0000'])
xtick.color: white
lines.linewidth: 9
lines.markersize: 30
legend.facecolor: black
backend: agg
"""


def draw(folder, settings):
    """The bytes of every figure, by name, drawn by a process whose matplotlibrc has the text `settings`."""
    folder.mkdir()
    (folder / "matplotlibrc").write_text(settings)
    environment = os.environ | {
        "MATPLOTLIBRC": str(folder / "matplotlibrc"),
        "PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT / 'tests'}",
    }
    environment.pop("MPLBACKEND", None)
    subprocess.run(
        [sys.executable, ROOT / "tests" / "helpers" / "draw_figures.py", folder], env=environment, check=True
    )
    return {path.name: path.read_bytes() for path in folder.glob("*.svg")}


def test_settings_of_the_user_change_no_figure(tmp_path):
    drawn = draw(tmp_path / "plain", "")
    assert len(drawn) == 18
    assert draw(tmp_path / "hostile", HOSTILE) == drawn


def imports(path):
    """Packages that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


def test_only_the_module_of_the_style_imports_a_plotting_library():
    assert [path for path in SCRIPTS if {"matplotlib", "seaborn"} & set(imports(path))] == [STYLE]


@pytest.mark.parametrize("path", [*DRAWING, STYLE], ids=lambda path: path.stem)
def test_colours_come_from_the_palette(path):
    constants = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
    texts = {value for value in constants if isinstance(value, str)}
    texts -= {"g", "none", "y", "0"}  # a format of numbers, no filling, a column, a digit
    assert not {text for text in texts if is_color_like(text) or text in colormaps}


SVG = "{http://www.w3.org/2000/svg}"


def written(path):
    """The texts of the file `path`: each with its size, and its box, (left, top, right, bottom), in points."""
    svg = ElementTree.parse(path).getroot()
    for text in svg.iter(f"{SVG}text"):
        size, moved = float(text.get("font-size", svg.get("font-size"))), text.get("transform", "")
        x, y = map(float, re.findall(r"[-\d.]+", moved)[:2] if "translate" in moved else (text.get("x"), text.get("y")))
        width = text_width(text.text, "bold" if text.get("font-weight") == "700" else "normal") * size / 11.5
        left = x - width * {"end": 1, "middle": 0.5, None: 0}[text.get("text-anchor")]
        box = left, y - 0.76 * size, left + width, y + 0.24 * size
        if "rotate(-90" in moved:
            box = x + box[1] - y, y - (box[2] - x), x + box[3] - y, y - (left - x)
        yield text.text, size, box


NAMES = ["message", "answer-test", "answer-validation", "direction", *FIGURES, *(f"{kind}-all" for kind in WITH_ALL)]
NAMES += ["auc", "walk-forward", "series", "series-map", "one-series", "reliability", "explanation", "labels"]
every = cache(lambda many: dict(hard_figures() if many else figures()))


@pytest.fixture(params=[False, True], ids=["two", "80 long names"])
def drawn(request, name):
    """A figure, its title and its description."""
    return every(request.param)[name]


def test_every_kind_of_figure_is_looked_at():
    assert set(every(False)) == set(every(True)) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_texts_are_readable_on_a_phone_and_do_not_overlap(drawn, tmp_path):
    save_svg(*drawn, tmp_path / "figure.svg")
    svg = ElementTree.parse(tmp_path / "figure.svg").getroot()
    _, _, width, height = map(float, svg.get("viewBox").split())
    assert width == WIDTH == 360
    texts = list(written(tmp_path / "figure.svg"))
    assert texts
    for text, size, (left, top, right, bottom) in texts:
        assert size >= 11.5
        assert left > -1 and right < width + 1 and top > -1 and bottom < height + 1, text
    for (one, _, a), (other, _, b) in combinations(texts, 2):
        assert min(a[2], b[2]) - max(a[0], b[0]) < 1 or min(a[3], b[3]) - max(a[1], b[1]) < 1, (one, other)


@pytest.mark.parametrize("name", NAMES)
def test_figure_says_in_words_what_it_shows(drawn, tmp_path):
    figure, title, description = drawn
    save_svg(figure, title, description, tmp_path / "figure.svg")
    svg = ElementTree.parse(tmp_path / "figure.svg").getroot()
    assert svg.get("role") == "img"
    referred = svg.get("aria-labelledby").split()
    said = [svg.find(f".//*[@id='{name}']").text for name in referred]
    assert said == [title, description] and all(said)
    assert len({text for text in said}) == 2


def test_description_names_every_verdict_and_what_did_not_run():
    made_up = summary(8, 2, few_words, folds=["test"])
    rows = made_up["rows"]
    _, title, description = draw_answer(rows, made_up["periods"][0], "PatchTST", 0.02, (-0.3, 0.3))
    assert title.startswith("Difference in AUC to PatchTST, test")
    assert title.endswith("2 equivalent, 2 worse, 1 better, 1 inconclusive, 2 not run")
    for row in rows[2:]:
        assert f"{row['name']}" in description
    assert "Not run: model 0; model 1." in description
    assert "model 5, unverified, may have seen these days: \N{MINUS SIGN}0.055, interval" in description


def few_words(i):
    return f"model {i}"


def test_forest_plot_tells_verdicts_apart_without_colours():
    shapes = {(look["marker"], look.get("mfc")) for look in LOOKS.values()}
    assert len(shapes) == len(LOOKS) and set(VERDICTS) < set(LOOKS)
    assert [verdict for verdict, look in LOOKS.items() if "mfc" in look] == ["inconclusive", "no verdict"]


def test_forest_plot_keeps_a_row_for_what_did_not_run_and_marks_doubts():
    made_up = summary(8, 2, few_words, folds=["test"])
    figure, *_ = draw_answer(made_up["rows"], made_up["periods"][0], "PatchTST", 0.02, (-0.3, 0.3))
    sheet, axes = figure.axes
    words = [text.get_text() for text in sheet.texts]
    names = [text for text in words if re.match(r"model \d", text)]
    assert [name.split(",")[0].removesuffix(" \N{DAGGER}") for name in names] == [few_words(i) for i in range(8)]
    assert "unverified" in " ".join(words) and "\u2190 reference better" in words
    assert [text.get_text() for text in axes.texts] == ["not run"] * 2
    points = [line.get_xdata()[0] for line in axes.lines if line.get_marker() not in ("None", None, "")]
    assert points == [row["difference"] for row in made_up["rows"][2:]]


@pytest.mark.parametrize("kind", ["roc", "precision-recall"])
def test_at_most_seven_curves_and_the_reference_is_one(kind):
    drawn = every(True)
    figure, _, description = drawn[kind]
    panel = figure.axes[1]
    curves = [line for line in panel.lines if len(line.get_xdata()) > 2]
    assert len(curves) == CURVES == 7
    looks = {
        (line.get_color(), line.get_linestyle(), line._dash_pattern[1] and tuple(line._dash_pattern[1]))
        for line in curves
    }
    assert len({look[1:] for look in looks}) == 7 or len(looks) == 7
    assert long_name(0) in description and f"{long_name(2)}, unverified" in description
    assert len(drawn[f"{kind}-all"][0].axes) == 1 + 80


def test_lines_differ_without_colours():
    styles = line_styles([f"experiment {i}" for i in range(7)], "experiment 3")
    assert len({(str(style["ls"]), style["lw"]) for style in styles.values()}) == 7
    assert len({style["color"] for style in styles.values()}) == 7
    assert styles["experiment 3"]["lw"] == max(style["lw"] for style in styles.values())


def test_figures_choose_the_reference_the_best_baseline_and_pretrained_models_first():
    evidence = {"P": "trained here", "B1": "baseline", "B2": "baseline", "F": "pre-trained, verified by known answers"}
    cast = Cast("P", evidence | {"X": "untrained twin"}, {})
    aucs = pd.Series({"B1": 0.7, "B2": 0.9, "X": 0.95, "P": 0.4, "F": 0.3, "none": np.nan})
    names = {name: name for name in aucs.index}
    assert cast.choose(aucs, names, 3) == ["B2", "P", "F"]
    assert cast.choose(aucs, names, 4) == ["X", "B2", "P", "F"]
    assert cast.choose(aucs, names, 9) == ["X", "B2", "B1", "P", "F"]


def test_figures_name_experiments_in_words():
    cast = Cast("P", {}, {"X": "unverified"}, {"X": "model X, zero-shot"})
    assert cast.named("X (width)", "X") == "model X, zero-shot (width), unverified"
    assert cast.named("P", "P") == "P"


def test_forest_plots_of_all_periods_have_one_scale():
    made_up = summary(8, 2, few_words)
    made_up["rows"][3]["low"] = -0.7  # of the first period
    ends = span(made_up["rows"], 0.02)
    assert ends == (-0.7, max(row["high"] for row in made_up["rows"][2:8]))
    limits = set()
    for period in made_up["periods"]:
        rows = [row for row in made_up["rows"] if row["fold"] == period["fold"]]
        figure, *_ = draw_answer(rows, period, "PatchTST", 0.02, ends)
        limits.add(figure.axes[1].get_xlim())
    assert len(limits) == 1
    assert span([row for row in made_up["rows"] if row["difference"] is None], 0.02) == (-0.04, 0.04)


def luminance(colour):
    """Relative luminance (WCAG 2.2) of "#rrggbb"."""
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    """Contrast (WCAG 2.2) of two colours."""
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrast_in_both_schemes(scheme):
    colours = {name: both[scheme] for name, both in palette.SCHEMES.items()}
    names = {both[0]: name for name, both in palette.SCHEMES.items()}
    for name in ("ink", "soft"):
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
    for name in palette.AREAS:  # numbers stand on the classes of the heat map
        assert contrast(colours["ink"], colours[name]) >= 4.5, name
    for name in set(colours) - set(palette.AREAS):
        assert contrast(colours[name], colours["paper"]) >= 3, name
    behind = {
        palette.TOO_SMALL: [palette.BETTER, palette.EQUIVALENT, palette.WORSE, palette.UNDECIDED],
        palette.GUESSING: [palette.ON_DIRECTION],
        palette.BAND: [palette.RAW, palette.RECALIBRATED],
        palette.SHARE_OF_DAYS: [palette.RAW, palette.RECALIBRATED],
    }
    for area, lines in behind.items():
        for line in lines:
            assert contrast(colours[names[line]], colours[names[area]]) >= 3, (names[area], names[line])


def test_page_and_figures_have_the_same_paper():
    style = (ROOT / "report" / "style.css").read_text()
    for name in ("ink", "paper"):
        found = re.findall(rf"--{name}: (#\w+)", style)
        assert found == list(palette.SCHEMES[name]), name


def test_inline_figure_takes_the_colours_of_the_page_and_has_ids_of_its_own(tmp_path):
    drawn = every(False)["roc"]
    for name in ("one", "two"):
        save_svg(*drawn, tmp_path / f"{name}.svg")
    one, two = (inline_svg(tmp_path / f"{name}.svg") for name in ("one", "two"))
    assert not re.search(r'"#[0-9a-f]{6}"', one) and "var(--figure-ink)" in one
    defined = set(re.findall(r"--figure-[\w-]+(?=:)", palette.style()))
    assert set(re.findall(r"var\((--figure-[\w-]+)\)", one)) <= defined
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (one, two)]
    assert ids[0] and not ids[0] & ids[1]
    for svg, known in zip((one, two), ids):
        used = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg))
        assert {a or b for a, b in used} | set(re.search('labelledby="([^"]+)"', svg)[1].split()) == known


def test_marks_of_the_forest_plot_carry_their_values(tmp_path):
    made_up = summary(8, 2, few_words, folds=["test"])
    drawn = draw_answer(made_up["rows"], made_up["periods"][0], "PatchTST", 0.02, (-0.3, 0.3))
    save_svg(*drawn, tmp_path / "figure.svg")
    values = [mark.get("data-value") for mark in ElementTree.parse(tmp_path / "figure.svg").getroot().iter()]
    values = [value for value in values if value]
    assert len(values) == 6 and values[0].startswith("model 2: +0.050, interval")


def test_short_svg_draws_the_same_path_with_fewer_points():
    path = "M 10 10.04 \nL 20 10 \nL 30 10 \nL 30 20 \nL 30 15 \nL 41.26 15.5 \nz"
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 360 100.123" width="360pt"><metadata/>'
        f'<g id="axes_1"><path id="p" d="{path}" style="fill: none; stroke: #1a1d21"/></g></svg>'
    )
    drawn = ElementTree.fromstring(short(svg, "a < b", "why"))
    assert drawn.get("viewBox") == "0 0 360 100.1"
    found = drawn.find("{http://www.w3.org/2000/svg}path")
    assert found.attrib == {"d": "M10 10 H30 V20 15 L41.3 15.5 z", "fill": "none", "stroke": "#1a1d21"}
    assert drawn[0].text == "a < b"


def hostile(i):
    """A name that a person, or somebody's file, may give."""
    return f'<script>x</script>&"{i} $x_{{$'


def test_name_of_an_experiment_is_text_in_every_figure(tmp_path):
    shown = 0
    for kind, drawn in figures(3, hostile):
        save_svg(*drawn, tmp_path / f"{kind}.svg")
        root = ElementTree.parse(tmp_path / f"{kind}.svg").getroot()
        assert not [one.tag for one in root.iter() if "script" in one.tag], kind
        shown += "<script>x</script>&" in "".join(root.itertext())
    assert shown > 5
