"""Figures: one style and one palette, whatever the user's own settings of matplotlib are."""

import ast
import os
import subprocess
import sys

import pytest
from helpers.paths import ROOT
from matplotlib import colormaps
from matplotlib.colors import is_color_like

from fd01.report.figures import LINES, line_kind, line_styles

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
    environment = os.environ | {"MATPLOTLIBRC": str(folder / "matplotlibrc"), "PYTHONPATH": str(ROOT / "scripts")}
    environment.pop("MPLBACKEND", None)
    subprocess.run(
        [sys.executable, ROOT / "tests" / "helpers" / "draw_figures.py", folder], env=environment, check=True
    )
    return {path.name: path.read_bytes() for path in folder.glob("*.svg")}


def test_settings_of_the_user_change_no_figure(tmp_path):
    drawn = draw(tmp_path / "plain", "")
    assert len(drawn) == 10
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
    texts -= {"g", "none", "y"}  # a format of numbers, the fonts of an SVG, a column
    assert not {text for text in texts if is_color_like(text) or text in colormaps}


def test_kind_of_line_says_what_an_experiment_is():
    systems = {"PTST": "patchtst", "HAR": "baseline", "TFM": "timesfm", "TFM-untrained": "timesfm"}
    kinds = {name: line_kind(name, "PTST", systems, {"TFM": "TFM-untrained"}) for name in systems}
    assert kinds == {"PTST": "reference", "HAR": "baseline", "TFM": "model", "TFM-untrained": "twin"}
    assert line_kind("HAR", "HAR", systems, {}) == "reference"


def test_lines_of_all_experiments_of_the_study_differ_but_for_twins():
    kinds = {f"{kind} {i}": kind for kind in LINES for i in range(1 if kind == "reference" else 9)}
    styles = line_styles(kinds)
    assert list(styles) == list(kinds)
    looks = {name: tuple(style.values()) for name, style in styles.items()}
    assert len(set(looks.values())) == 1 + 9 + 9 + 1
    assert len({looks[name] for name in looks if kinds[name] == "twin"}) == 1
