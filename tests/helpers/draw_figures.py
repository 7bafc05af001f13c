"""Draw one figure of each kind from made-up numbers, as a job would: `python draw_figures.py folder`."""

import sys
from pathlib import Path

import calibrate_scores
import explain_scores
import measure_labels
import numpy as np
import pandas as pd
import plot_auc
import plot_scores
import plot_walk_forward

from fd01.report.figures import line_styles, message_figure, save_figure

SYSTEMS = {"P": "patchtst", "B": "baseline"}


def scores():
    """Scores of two labels on 60 days, with outcomes."""
    rng = np.random.default_rng(0)
    y = (np.arange(60) % 3 == 0).astype(float)
    tables = [pd.DataFrame({"label": name, "origin": range(60), "score": rng.random(60) + y, "y": y}) for name in "PB"]
    return pd.concat(tables)


def figures():
    """Pairs of a name and a figure."""
    yield "message", message_figure("nothing to draw")
    styles = line_styles({"P": "reference", "B": "baseline"})
    for name, (tabulate, draw) in plot_scores.FIGURES.items():
        yield name, draw(tabulate(scores()), styles, [(0.5, 0.5)])
    aucs = pd.DataFrame({"label": ["P", "B"] * 2, "fold": "test", "seed": ["all"] * 2 + ["0"] * 2, "auc": 0.6})
    yield "auc", plot_auc.draw_auc(aucs)
    blocks = ["wf-2003", "wf-2005", "walk-forward"]
    history = pd.DataFrame({"fold": blocks * 2, "experiment": list("PPPBBB"), "auc": 0.6})
    history = history.assign(auc_low=0.5, auc_high=0.7)
    yield "walk-forward", plot_walk_forward.draw_walk_forward(history, "P", SYSTEMS, {})
    forecast = np.linspace(0.1, 0.9, 20)
    curves = pd.DataFrame({"label": "P", "forecast": forecast, "frequency": np.round(forecast, 1), "days": 3})
    curves = curves.assign(low=forecast - 0.1, high=forecast + 0.1)
    yield "reliability", calibrate_scores.draw(pd.concat([curves.assign(arm=name) for name in ("raw", "platt")]))
    explained = pd.DataFrame({"fold": "test", "experiment": ["P", "B"], "auc": [0.7, 0.6], "auc_within": [0.6, 0.5]})
    yield "explanation", explain_scores.draw(explained)
    labels = pd.DataFrame({"fold": "test", "target": ["up", "down"], "threshold": 0.01, "horizon": 1})
    yield "labels", measure_labels.draw(labels.assign(experiment="P", auc=[0.8, 0.3]))


if __name__ == "__main__":
    for name, figure in figures():
        save_figure(figure, pd.DataFrame(), Path(sys.argv[1]) / name)
