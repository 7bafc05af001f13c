"""Draw one figure of each kind from made-up numbers, as a job would: `python draw_figures.py folder`."""

import sys
from pathlib import Path

import calibrate_scores
import explain_scores
import measure_labels
import numpy as np
import pandas as pd
import plot_answer
import plot_auc
import plot_scores
import plot_series
import plot_walk_forward
import series

from fd01.report.figures import CURVES, Cast, message_figure, save_svg
from helpers.summaries import long_name, summary


def few(i):
    """A short name."""
    return "PB"[i]


def cast_of(names):
    """The first name is the reference, the second a baseline, the third, if any, pre-trained and unverified."""
    evidence = dict.fromkeys(names, "trained here")
    evidence |= dict(zip(names[1:3], ["baseline", "pre-trained, unverified"]))
    return Cast(names[0], evidence, dict.fromkeys(names[2:3], "unverified"))


def scores(names):
    """Scores of experiments on 60 days, with outcomes."""
    rng = np.random.default_rng(0)
    y = (np.arange(60) % 3 == 0).astype(float)
    days = {"series": "", "origin": range(60), "y": y, "score_kind": "signal"}
    return pd.concat(
        [pd.DataFrame(days | {"label": name, "experiment": name, "score": rng.random(60) + y}) for name in names]
    )


def figures(count=2, name=few):
    """Pairs of a name and what `fd01.report.figures.save_svg` writes but the path, with `count` experiments."""
    names = [name(i) for i in range(count)]
    cast, experiments = cast_of(names), {name: name for name in names}
    yield "message", message_figure("nothing to draw")

    made_up = summary(min(count, 16), 1 if count > 2 else 0, name)
    for period in made_up["periods"]:
        rows = [row for row in made_up["rows"] if row["fold"] == period["fold"]]
        yield (
            f"answer-{period['fold']}",
            plot_answer.draw_answer(rows, period, made_up["reference"]["name"], 0.02, (-0.5, 0.3)),
        )
    yield "direction", plot_answer.draw_direction(made_up["direction"], made_up["event"]["text"])

    table = scores(names)
    aucs = plot_scores.aucs_of(table)
    shown = cast.choose(aucs, experiments, CURVES)
    labels = {name: cast.named(name, name) for name in names}
    block = plot_scores.Block("test", aucs, len(aucs), shown, labels, names[0], [(0.5, 0.5)])
    for kind, (tabulate, draw) in plot_scores.FIGURES.items():
        yield kind, draw(tabulate(table), block)
    for kind, axes in plot_scores.WITH_ALL.items():
        yield f"{kind}-all", plot_scores.draw_all(plot_scores.FIGURES[kind][0](table), block, *axes)

    aucs = pd.DataFrame({"label": names * 2, "experiment": names * 2, "fold": "test", "compared": True})
    aucs = aucs.assign(seed=["all"] * count + ["0"] * count, auc=np.linspace(0.4, 0.9, 2 * count))
    yield "auc", plot_auc.draw_auc(aucs, cast)

    blocks = ["wf-2003", "wf-2005", "wf-2007", "walk-forward"]
    history = pd.DataFrame({"fold": blocks * count, "experiment": np.repeat(names, len(blocks)), "auc": 0.6})
    yield "walk-forward", plot_walk_forward.draw_walk_forward(history.assign(auc_low=0.5, auc_high=0.7), cast)

    of_series = pd.DataFrame({"series": [name(i) for i in range(count)], "difference": np.linspace(-0.2, 0.3, count)})
    of_series = of_series.assign(se=0.05, weight=1 / count)
    pool = {"fold": "test", "experiment": names[1], "other": names[0], "n": 500}
    pool |= {"low": -0.03, "auc_difference": 0.05, "high": 0.13}
    yield "series", plot_series.draw_series(of_series, pd.Series(pool), cast, 0.02)
    values = np.outer(of_series["difference"], np.linspace(-1, 1, count))
    wide = pd.DataFrame(values, of_series["series"], names).drop(columns=names[0])
    wide.iloc[-1] = np.nan
    yield "series-map", plot_series.draw_experiments(wide, wide.mean(), wide.mean(), cast, "test")
    of_one = pd.DataFrame({"auc": np.linspace(0.4, 0.8, count), "low": 0.3, "high": 0.9, "all_auc": 0.6}, names)
    yield "one-series", series.draw_aucs(of_one, cast, name(0), "test")

    forecast = np.linspace(0.1, 0.9, 20)
    curve = pd.DataFrame({"fold": "test", "forecast": forecast, "frequency": np.round(forecast, 1), "days": 3})
    curve = curve.assign(low=forecast - 0.1, high=forecast + 0.1)
    curves = pd.concat([curve.assign(label=name, arm=arm) for name in names for arm in ("raw", "platt")])
    measures = pd.DataFrame({"experiment": names, "arm": "raw", "auc": np.linspace(0.5, 0.6, count), "slope": 0.9})
    yield "reliability", calibrate_scores.draw(curves, measures, cast)

    explained = pd.DataFrame({"fold": "test", "experiment": names, "auc": 0.7, "auc_within": 0.6})
    yield "explanation", explain_scores.draw(explained, cast)

    events = [("up", 0.01), ("up", 0.02), ("down", 0.01), ("direction", np.nan)]
    labels = pd.DataFrame(
        [
            ("test", *event, horizon, name, auc)
            for horizon in (1, 5)
            for name in names
            for event, auc in zip(events, (0.2, 0.4, 0.6, 0.9))
        ],
        columns=["fold", *measure_labels.LABEL, "experiment", "auc"],
    )
    yield "labels", measure_labels.draw(labels, cast)


def hard_figures():
    """The same with 80 experiments and series whose names have 60 characters."""
    return figures(80, long_name)


if __name__ == "__main__":
    for name, drawn in figures():
        save_svg(*drawn, Path(sys.argv[1]) / f"{name}.svg")
