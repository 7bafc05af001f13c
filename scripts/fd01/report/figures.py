"""How every figure looks and is saved; `fd01.report.palette` has the colours.

Nothing else imports matplotlib: `pyplot` undoes what a matplotlibrc of the user says before anything is drawn.
"""

from itertools import cycle, product
from pathlib import Path

import numpy as np

from fd01.report.palette import BASELINES, GRID, GUESS, MODELS, REFERENCE, TWIN
from fd01.workflow.files import replacing

STYLE = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "fd01",  # equal inputs give equal files
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.3,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.title_fontsize": 8,
}
GUESS_LINE = {"color": GUESS, "lw": 0.8}

# Lines by the kind of experiment: the colours, then the dashes, that they take in turn, and their width.
LINES = {
    "reference": ([REFERENCE], ["-"], 2.4),
    "model": (MODELS, ["-", "-."], 1.8),
    "baseline": (BASELINES, ["--", (0, (2, 1))], 1),
    "twin": ([TWIN], [":"], 1),
}


def display_names(rows):
    """Name of each row in a figure: its experiment, with the kind of score where there are several."""
    kinds = rows.groupby("experiment")["score_kind"].transform("nunique")
    return rows["experiment"].where(kinds == 1, rows["experiment"] + " (" + rows["score_kind"] + ")")


def line_kind(experiment, reference, systems, twins):
    """The kind of line of an experiment, a key of `LINES`.

    Parameters
    ----------
    experiment, reference : str
    systems : dict of experiment to system
    twins : dict of experiment to its twin
    """
    if experiment == reference:
        return "reference"
    if systems[experiment] == "baseline":
        return "baseline"
    return "twin" if experiment in twins.values() else "model"


def line_styles(kinds):
    """Line style by name, keywords of matplotlib's `plot`; `kinds` maps names to keys of `LINES`."""
    looks = {kind: cycle(product(dashes, colours)) for kind, (colours, dashes, _) in LINES.items()}
    styles = {}
    for name, kind in kinds.items():
        dash, colour = next(looks[kind])
        styles[name] = {"color": colour, "ls": dash, "lw": LINES[kind][2]}
    return styles


def pyplot():
    """matplotlib.pyplot in the style of the project, drawing to SVG, whatever a matplotlibrc of the user says."""
    import matplotlib

    matplotlib.rcdefaults()
    matplotlib.rcParams.update(STYLE)
    matplotlib.use("svg")
    from matplotlib import pyplot

    return pyplot


def small_multiples(table, columns=3):
    """A figure with one panel per label; pairs of label and axes."""
    names = list(table["label"].unique())
    rows = int(np.ceil(len(names) / columns))
    figure, axes = pyplot().subplots(rows, columns, figsize=(7.5, 1.6 * rows + 0.6), squeeze=False)
    for panel in axes.flat[len(names) :]:
        panel.set_axis_off()
    for label, panel in zip(names, axes.flat):
        panel.set_title(label, fontsize=9)
        panel.tick_params(labelsize=7)
        panel.locator_params(axis="x", nbins=5)
    return figure, list(zip(names, axes.flat))


def message_figure(text):
    """A figure that says why there is nothing to draw."""
    figure = pyplot().figure(figsize=(6, 1))
    figure.text(0.5, 0.5, text, ha="center", va="center")
    return figure


def save_figure(figure, table, stem):
    """Write `figure` to `{stem}.svg` and the `table` behind it to `{stem}.csv`, and close the figure."""
    with replacing(Path(f"{stem}.csv")) as path:
        table.to_csv(path, index=False)
    with replacing(Path(f"{stem}.svg")) as path:
        figure.savefig(path, format="svg", metadata={"Date": None})
    pyplot().close(figure)
