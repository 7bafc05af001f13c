"""How every figure looks and is saved; `fd01.report.palette` has the colours.

A figure is as wide as a column of the report, which is a phone's screen; there its texts are as large as drawn.
Nothing else imports matplotlib: `empty_figure` undoes what a matplotlibrc of the user says before anything is drawn.
"""

import io
from dataclasses import dataclass, field
from functools import cache
from itertools import cycle
from pathlib import Path

import pandas as pd

from fd01.evaluation.evidence import PRETRAINED, doubts
from fd01.evaluation.score_matrix import COMPARED_KINDS
from fd01.report.palette import GUESS, HAIR, INK, OTHERS, PAPER, REFERENCE, SOFT
from fd01.report.svg import short
from fd01.study.systems import BASELINE
from fd01.workflow.files import replacing, write_text

# Lengths are in points.
WIDTH = 360
MARGIN = 16  # to the right of axes: half of the last number below them
NAMES = 148  # of the column with the names of rows
TEXT = 11.5
LINE = 14.5
CURVES = 7  # at most, in one panel
ROWS = 20  # at most, in one panel
CHOICE = "the reference, the best baseline, the pre-trained models, then the others with the highest AUC"

STYLE = {
    "svg.fonttype": "none",  # text stays text
    "text.parse_math": False,  # a name may hold dollar signs
    "svg.hashsalt": "fd01",  # equal inputs give equal files
    "path.simplify_threshold": 0.5,
    "font.size": TEXT,
    "axes.titlesize": TEXT,
    "axes.labelsize": TEXT,
    "xtick.labelsize": TEXT,
    "ytick.labelsize": TEXT,
    "xtick.bottom": False,
    "ytick.left": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.facecolor": "none",
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
}
GUESS_LINE = {"color": GUESS, "lw": 1}
# Dashes, one for each of the colours of lines.
DASHES = ["-", (0, (6, 2)), (0, (2, 1.2)), (0, (7, 2, 1.5, 2)), (0, (1, 1)), (0, (9, 2, 1.5, 2, 1.5, 2))]
REFERENCE_LINE = {"color": REFERENCE, "ls": "-", "lw": 2.6}


def display_names(rows):
    """Name of each row in a figure: its experiment, with the kind of score where there are several."""
    kinds = rows.groupby("experiment")["score_kind"].transform("nunique")
    return rows["experiment"].where(kinds == 1, rows["experiment"] + " (" + rows["score_kind"] + ")")


def compared(rows):
    """Which `rows` hold the score by which their experiment is compared, the only one in most figures; bool Series."""
    place = rows["score_kind"].map({kind: i for i, kind in enumerate(COMPARED_KINDS)})
    return place == place.groupby(rows["experiment"]).transform("min")


@dataclass(frozen=True)
class Cast:
    """What the experiments of a figure are.

    Attributes
    ----------
    reference : str
    evidence : dict of experiment to its level of evidence, see `fd01.evaluation.evidence`
    doubts : dict of experiment to the label that a reader must see
    names : dict of experiment to its name in words; without one, a figure calls it by its own name
    """

    reference: str
    evidence: dict
    doubts: dict
    names: dict = field(default_factory=dict)

    @classmethod
    def read(cls, path, reference, names):
        """From the table `experiments.csv`, and `names` by experiment."""
        table = pd.read_csv(path)
        return cls(reference, table.set_index("experiment")["evidence"].to_dict(), doubts(table), names)

    def named(self, label, experiment):
        """`label`, which begins with an `experiment`, in words, with what speaks against the experiment."""
        words = self.names.get(experiment, experiment) + label.removeprefix(experiment)
        return f"{words}, {self.doubts[experiment]}" if experiment in self.doubts else words

    def choose(self, aucs, experiments, most):
        """The labels that a figure with room for `most` shows, highest AUC first: `CHOICE`.

        Parameters
        ----------
        aucs : Series of AUC by label; labels without are left out
        experiments : mapping of label to experiment
        most : int
        """
        best_first = list(aucs.dropna().sort_values(ascending=False, kind="stable").index)
        baselines = [label for label in best_first if self.evidence.get(experiments[label]) == BASELINE]

        def place(label):
            if experiments[label] == self.reference:
                return 0
            if label in baselines[:1]:
                return 1
            return 2 if self.evidence.get(experiments[label]) in PRETRAINED else 3

        chosen = sorted(best_first, key=place)[:most]
        return [label for label in best_first if label in chosen]


def line_styles(labels, reference):
    """Line style by label, keywords of matplotlib's `plot`; `reference` is thick, the dashes of all differ."""
    looks = cycle({"color": colour, "ls": dash, "lw": 1.5} for colour, dash in zip(OTHERS, DASHES))
    return {label: REFERENCE_LINE if label == reference else next(looks) for label in labels}


def rest(shown, total, file="the table of the figure"):
    """A sentence on what a figure leaves out, and on the `file` that has all; empty if it shows all."""
    return f"{shown} of {total} experiments: {CHOICE}. All: {file}." if shown < total else ""


def empty_figure():
    """A matplotlib figure in the style of the project, whatever a matplotlibrc of the user says."""
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcdefaults()
    matplotlib.rcParams.update(STYLE)
    return Figure(figsize=(WIDTH / 72, 1))


@cache
def text_width(text, weight="normal"):
    """Width of a line of text, in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    return text_to_path.get_text_width_height_descent(text, FontProperties(size=TEXT, weight=weight), False)[0]


def wrap(text, width, weight="normal"):
    """Lines of `text` that are at most `width` points wide; words that are longer break at a hyphen, or anywhere."""

    def fits(line):
        return text_width(line, weight) <= width

    lines, line = [], ""
    for word in text.split():
        if line and not fits(f"{line} {word}"):
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
        while not fits(line):
            end = next(end for end in range(len(line) - 1, 0, -1) if fits(line[:end]) or end == 1)
            end = line.rfind("-", 1, end) + 1 or end
            lines.append(line[:end])
            line = line[end:]
    return [*lines, line]


class Column:
    """A figure as wide as a column of the report, which grows downwards as parts are added.

    Attributes
    ----------
    sheet : matplotlib axes
        The whole figure, behind all panels; its coordinates are points from the top left.
    height : float
        Of what there is.
    """

    def __init__(self):
        self._figure = empty_figure()
        self.sheet = self._figure.add_axes([0, 0, 1, 1], xlim=(0, WIDTH))
        self.sheet.set_axis_off()
        self.height = 0
        self._panels = []

    def write(self, text, left=0, right=WIDTH, weight="normal", color=INK):
        """Add a paragraph."""
        self.height = self._lines(wrap(text, right - left, weight), left, self.height, weight=weight, color=color)

    def space(self, height):
        """Add nothing."""
        self.height += height

    def panel(self, height, left=0, right=WIDTH - MARGIN, below=LINE + 6):
        """Add axes, with room `below` for numbers; returns them."""
        axes = self._axes(self.height, height, left, right)
        self.height += height + below
        return axes

    def rows(self, names, headings=None, heights=None, right=WIDTH - MARGIN, below=LINE + 6):
        """Add axes with a row for each name, beside the names; returns the axes and the height of every row in them.

        Parameters
        ----------
        names : list of str
        headings : dict of int to str, optional
            Headings before the rows with these numbers.
        heights : dict of int to float, optional
            Of the rows with these numbers; the others are as high as their names.
        right, below : float, as in `panel`
        """
        top, centres = self.height, []
        for i, name in enumerate(names):
            if heading := (headings or {}).get(i):
                lines = wrap(heading, NAMES - MARGIN, "bold")
                self.height = self._lines(lines, 0, self.height + 5, weight="bold") + 2
            lines = wrap(name, NAMES - MARGIN)
            height = (heights or {}).get(i, max(len(lines) * LINE + 3, 18))
            centres.append(self.height + height / 2 - top)
            self._lines(lines, NAMES - MARGIN, self.height + (height - len(lines) * LINE) / 2, ha="right")
            self.height += height
        axes = self._axes(top, self.height - top, NAMES, right)
        axes.set(ylim=(self.height - top, 0), yticks=[])
        axes.spines["left"].set_visible(False)
        axes.hlines(centres, 0, 1, transform=axes.get_yaxis_transform(), color=HAIR, lw=0.8, zorder=0)
        self.height += below
        return axes, centres

    def multiples(self, names, height, columns=2, below=LINE + 8):
        """Add small panels with these names above them; returns their axes."""
        left, gap = 14, 26
        width = (WIDTH - MARGIN - left - gap * (columns - 1)) / columns
        axes = []
        for first in range(0, len(names), columns):
            heads = [wrap(name, width) for name in names[first : first + columns]]
            top = self.height + max(map(len, heads)) * LINE + 4
            for i, lines in enumerate(heads):
                start = left + i * (width + gap)
                self._lines(lines, start, top - 4 - len(lines) * LINE)
                axes.append(self._axes(top, height, start, start + width))
            self.height = top + height + below
        return axes

    def legend(self, entries):
        """Add a line for each of `entries`: what explains it (keywords of matplotlib's `plot`), and a text."""
        for look, text in entries:
            lines = wrap(text, WIDTH - 36)
            middle = self.height + LINE / 2
            places = [15] if look.get("ls") == "" else [2, 28]
            self.sheet.plot(places, [middle] * len(places), clip_on=False, **look)
            self.height = self._lines(lines, 36, self.height)

    def legend_line(self, entries):
        """Add `entries` as in `legend`, side by side as far as they fit; their texts are short."""
        x = 0
        for look, text in entries:
            width = 22 + text_width(text) + 16
            if x + width > WIDTH and x:
                x, self.height = 0, self.height + LINE
            self.sheet.plot([x + 9], [self.height + LINE / 2], clip_on=False, **look)
            self._lines([text], x + 22, self.height)
            x += width
        self.height += LINE

    def finish(self):
        """The figure."""
        self.height += 4
        self._figure.set_size_inches(WIDTH / 72, self.height / 72)
        self.sheet.set_ylim(self.height, 0)
        for axes, top, height, left, right in self._panels:
            axes.set_position(
                [left / WIDTH, 1 - (top + height) / self.height, (right - left) / WIDTH, height / self.height]
            )
        return self._figure

    def _axes(self, top, height, left, right):
        axes = self._figure.add_axes([0, 0, 1, 1], label=str(len(self._panels)))
        axes.locator_params(nbins=4)
        self._panels.append((axes, top, height, left, right))
        return axes

    def _lines(self, lines, x, top, **look):
        """Write lines below `top`; returns the height of their end."""
        for i, line in enumerate(lines):
            self.sheet.text(x, top + (i + 0.76) * LINE, line, va="baseline", **look)
        return top + len(lines) * LINE


def message_figure(text):
    """A figure that says why there is nothing to draw, its title and its description."""
    column = Column()
    column.space(8)
    column.write(text, color=SOFT)
    column.space(8)
    return column.finish(), text, "There is nothing to draw."


def save_svg(figure, title, description, path):
    """Write `figure` to the file `path`.

    `title` and `description` say the finding in words, for those who cannot see the figure.
    """
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    write_text(path, short(drawn.getvalue(), title, description))


def save_figure(figure, title, description, table, stem):
    """Write a figure to `{stem}.svg`, as `save_svg` does, and the `table` behind it to `{stem}.csv`."""
    with replacing(Path(f"{stem}.csv")) as path:
        table.to_csv(path, index=False)
    save_svg(figure, title, description, Path(f"{stem}.svg"))
