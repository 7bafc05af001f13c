"""How every figure looks and is saved."""

from pathlib import Path

import numpy as np

from fd01.workflow.files import replacing

STYLE = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "fd01",  # equal inputs give equal files
    "font.family": "sans-serif",
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def display_names(rows):
    """Name of each row in a figure: its experiment, with the kind of score where there are several."""
    kinds = rows.groupby("experiment")["score_kind"].transform("nunique")
    return rows["experiment"].where(kinds == 1, rows["experiment"] + " (" + rows["score_kind"] + ")")


def pyplot():
    """matplotlib.pyplot in the style of the project, drawing to SVG."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update(STYLE)
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
