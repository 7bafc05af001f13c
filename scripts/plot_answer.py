"""Draw the answer: the difference of every experiment to the reference, period by period, and what direction leaves."""

from collections import Counter
from pathlib import Path

import pandas as pd

from fd01.evaluation.comparison import BETTER, EQUIVALENT, INCONCLUSIVE, NO_VERDICT, WORSE
from fd01.evaluation.exposure import CLEAN
from fd01.report.figures import GUESS_LINE, MARGIN, NAMES, WIDTH, Column, message_figure, save_figure
from fd01.report.html import number
from fd01.report.palette import BETTER as BETTER_COLOUR
from fd01.report.palette import EQUIVALENT as EQUIVALENT_COLOUR
from fd01.report.palette import GUESSING, INK, ON_DIRECTION, ON_EVENT, PAPER, SOFT, TOO_SMALL
from fd01.report.palette import UNDECIDED as UNDECIDED_COLOUR
from fd01.report.palette import WORSE as WORSE_COLOUR
from fd01.report.svg import VALUE
from fd01.workflow.files import read_json
from fd01.workflow.logs import configure_logging

# The look of each verdict: shapes differ, as colours do not in print, and only what is inconclusive is hollow.
LOOKS = {
    BETTER: {"marker": ">", "ms": 8, "color": BETTER_COLOUR},
    EQUIVALENT: {"marker": "s", "ms": 6.5, "color": EQUIVALENT_COLOUR},
    WORSE: {"marker": "<", "ms": 8, "color": WORSE_COLOUR},
    INCONCLUSIVE: {"marker": "o", "ms": 7, "mfc": PAPER, "mew": 1.6, "color": UNDECIDED_COLOUR},
    NO_VERDICT: {"marker": "D", "ms": 6, "mfc": PAPER, "mew": 1.6, "color": UNDECIDED_COLOUR},
}
SEEN = "\u2020"  # behind the name of a model that may have seen the days
ROWS = ["fold", "experiment", "name", "group", "status", "difference", "low", "high", "verdict", "exposure", "doubt"]
DIRECTION = [
    *("fold", "title", "event_auc", "event_experiment", "direction_auc", "direction_experiment"),
    *("tried", "chance_low", "chance_high"),
]


def row_name(row, seen=f" {SEEN}"):
    """The name of a row, with what a reader must know of it."""
    return ", ".join(filter(None, [row["name"], row["doubt"]])) + ("" if row["exposure"] in (None, CLEAN) else seen)


def verdict_word(row):
    """The verdict on a row in words."""
    return row["verdict"] or NO_VERDICT


def estimate(row):
    """The difference of a row, with its interval, in words."""
    difference, low, high = (
        f"{'+' if value is not None and value >= 0 else ''}{number(value)}"
        for value in (row["difference"], row["low"], row["high"])
    )
    return (
        f"{row_name(row, ', may have seen these days')}: {difference}, interval {low} to {high}, {verdict_word(row)}."
    )


def describe(rows, period, reference):
    """Title and description of the figure of a period."""
    shown = [row for row in rows if row["difference"] is not None]
    absent = [row["name"] for row in rows if row["difference"] is None]
    found = [f"{count} {word}" for word, count in Counter(map(verdict_word, shown)).items()]
    found += [f"{len(absent)} not run"] if absent else []
    sentences = [estimate(row) for row in shown] + ([f"Not run: {'; '.join(absent)}."] if absent else [])
    return f"Difference in AUC to {reference}, {period['title']}: {', '.join(found)}", " ".join(sentences)


def span(rows, margin):
    """The lowest and the highest difference that figures of these rows show: one scale for all periods."""
    ends = [row[end] for row in rows for end in ("low", "high", "difference") if row[end] is not None]
    return min([*ends, -2 * margin]), max([*ends, 2 * margin])


def draw_answer(rows, period, reference, margin, ends):
    """The figure of one period, its title and its description.

    Parameters
    ----------
    rows : list of dict with `ROWS`, in their order in the figure
    period : dict with `title`, `n`, `series` and `positives`
    reference : str, its name in words
    margin : float, AUC; smaller differences do not matter
    ends : pair of float, from `span`
    """
    if not rows:
        return message_figure(f"{period['title']}: nothing is compared with {reference}.")
    column = Column()
    column.write(period["title"], weight="bold")
    of_series = f" of {period['series']:,} series" if period["series"] > 1 else ""
    column.write(f"{period['n']:,} days{of_series}, {period['positives']:,} with the event", color=SOFT)
    column.space(5)
    groups = [row["group"] for row in rows]
    headings = {i: group for i, group in enumerate(groups) if group and (i == 0 or groups[i - 1] != group)}
    top = column.height + 3
    column.space(20)
    axes, centres = column.rows([row_name(row) for row in rows], headings)
    lowest, highest = ends
    room = 0.06 * (highest - lowest)
    axes.set_xlim(lowest - room, highest + room)
    axes.xaxis.set_major_formatter(lambda value, _: f"{'+' if value > 0 else ''}{value:.3g}".replace("-", "\u2212"))
    axes.axvspan(-margin, margin, color=TOO_SMALL, lw=0)
    axes.axvline(0, color=INK, lw=1.2)
    column.sheet.text(NAMES, top + 11, "\u2190 reference better", color=SOFT)
    column.sheet.text(WIDTH - MARGIN, top + 11, "better \u2192", ha="right", color=SOFT)
    side, place = ("left", 0.02) if -lowest > highest else ("right", 0.98)
    for row, centre in zip(rows, centres):
        if row["difference"] is None:
            look = {"color": SOFT, "style": "italic", "bbox": {"fc": PAPER, "ec": "none", "pad": 1}}
            axes.text(place, centre, "not run", transform=axes.get_yaxis_transform(), ha=side, va="center", **look)
            continue
        look = LOOKS[verdict_word(row)]
        if row["low"] is not None:
            axes.plot([row["low"], row["high"]], [centre, centre], color=look["color"], lw=2)
        axes.plot(row["difference"], centre, ls="", gid=f"{VALUE}{estimate(row)}", **look)
    column.write("difference in AUC, with its interval", color=SOFT)
    column.space(3)
    shown = {verdict_word(row) for row in rows if row["difference"] is not None}
    column.legend_line([({"ls": "", **look}, verdict) for verdict, look in LOOKS.items() if verdict in shown])
    band = {"color": TOO_SMALL, "lw": 12, "solid_capstyle": "butt"}
    column.legend([(band, f"too small to matter: at most {margin:g} either way")])
    if any(row["exposure"] not in (None, CLEAN) for row in rows):
        column.write(f"{SEEN} may have seen these days when it was pre-trained")
    return column.finish(), *describe(rows, period, reference)


def draw_direction(rows, event):
    """The best AUC on the event and on true direction in every period, its title and its description.

    Parameters
    ----------
    rows : list of dict with `DIRECTION`
    event : str, the event in words
    """
    if not rows:
        return message_figure("No period has an AUC on true direction.")
    column, sentences, beyond = Column(), [], []
    values = [row[key] for row in rows for key in ("event_auc", "direction_auc", "chance_low", "chance_high")]
    values = [value for value in values if value is not None]
    for row in rows:
        column.write(row["title"], weight="bold")
        kinds = [("this event", "event", ON_EVENT, "o"), ("true direction", "direction", ON_DIRECTION, "D")]
        kinds = [kind for kind in kinds if row[f"{kind[1]}_auc"] is not None]
        whose = {kind: row[f"{kind}_name"] for _, kind, _, _ in kinds}
        axes, centres = column.rows([f"{words}: {whose[kind]}" for words, kind, _, _ in kinds], right=300)
        axes.set_xlim(min([*values, 0.48]) - 0.02, max([*values, 0.6]) + 0.02)
        axes.axvline(0.5, **GUESS_LINE)
        for (_, kind, colour, marker), centre in zip(kinds, centres):
            auc = row[f"{kind}_auc"]
            if kind == "direction" and row["chance_low"] is not None:
                band = {"color": GUESSING, "lw": 14, "solid_capstyle": "butt", "zorder": 0.5}
                axes.plot([row["chance_low"], row["chance_high"]], [centre, centre], **band)
                if auc > row["chance_high"]:
                    beyond.append(row["title"])
            value = f"{VALUE}{whose[kind]}: {number(auc)}"
            axes.plot(auc, centre, marker=marker, color=colour, ms=8, gid=value)
            axes.text(1.03, centre, number(auc), transform=axes.get_yaxis_transform(), va="center")
        sentences.append(f"{row['title']}: best AUC of {row['tried']}:")
        sentences += [f"{number(row[f'{kind}_auc'])} on {words}, {whose[kind]};" for words, kind, _, _ in kinds]
        if row["chance_low"] is not None:
            sentences.append(f"guessing reaches {number(row['chance_low'])} to {number(row['chance_high'])}.")
        column.space(6)
    entries = [
        ({"ls": "", "marker": "o", "ms": 8, "color": ON_EVENT}, f"this event: {event}"),
        ({"ls": "", "marker": "D", "ms": 8, "color": ON_DIRECTION}, "true direction: whether the Close rises"),
    ]
    title = "The best AUC on this event and on true direction"
    if judged := [row for row in rows if row["chance_low"] is not None]:
        best_of = " or ".join(f"{count:,}" for count in sorted({row["tried"] for row in judged}))
        band = {"color": GUESSING, "lw": 12, "solid_capstyle": "butt"}
        entries.append((band, f"what the best of {best_of} guesses reaches"))
        title = (
            f"True direction: the best AUC is above what guessing reaches in {', '.join(beyond)}"
            if beyond
            else "True direction: in no period is the best AUC above what the best of as many guesses reaches"
        )
    column.legend(entries)
    return column.finish(), title, " ".join(sentences)


if __name__ == "__main__":
    configure_logging(snakemake)
    summary = read_json(snakemake.input.summary)
    answers = Path(snakemake.output.answer)
    answers.mkdir()
    ends = span(summary["rows"], summary["margin"])
    for period in summary["periods"]:
        rows = [row for row in summary["rows"] if row["fold"] == period["fold"]]
        drawn = draw_answer(rows, period, summary["reference"]["name"], summary["margin"], ends)
        save_figure(*drawn, pd.DataFrame(rows, columns=ROWS), answers / period["fold"])
    drawn = draw_direction(summary["direction"], summary["event"]["text"])
    table = pd.DataFrame(summary["direction"], columns=DIRECTION)
    save_figure(*drawn, table, Path(snakemake.output.direction).with_suffix(""))
