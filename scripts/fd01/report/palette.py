"""The colours of every figure, named by what they mean: to change one, change its line here and nothing else.

The headings below name the figures.

A figure is drawn in the colours of the light scheme. Inside the report they become variables of CSS, whose values
`style` gives for a light and for a dark screen. On the paper of each scheme, texts have a contrast of at least 4.5,
lines and markers of at least 3. No meaning rests on a colour alone: lines also differ in their dashes, markers in their
shape.
"""

import re

# The colour in the light scheme, and in the dark one.
SCHEMES = {
    "ink": ("#1a1d21", "#e8eaed"),
    "soft": ("#5b6570", "#a3adb8"),
    "paper": ("#ffffff", "#14181d"),
    "blue": ("#0173b2", "#4fa3e0"),
    "orange": ("#c98200", "#e8a838"),
    "green": ("#02855f", "#2fb894"),
    "red": ("#c8370a", "#f07f4f"),
    "purple": ("#b565a7", "#d990cd"),
    "brown": ("#7a4a1e", "#b08a5e"),
    # Areas that lie behind lines, markers and texts.
    "shade": ("#dde5ee", "#2b3641"),
    "hair": ("#d4d9de", "#39424b"),
    "below-1": ("#d8e8f6", "#1b2d3f"),
    "below-2": ("#a9cdeb", "#1f4566"),
    "below-3": ("#78b0df", "#255c88"),
    "above-1": ("#fde6d1", "#3d2b19"),
    "above-2": ("#f8c59b", "#5e3d1c"),
    "above-3": ("#f0a063", "#7d5017"),
}
AREAS = ("paper", "shade", "hair", *(f"{side}-{level}" for side in ("below", "above") for level in (1, 2, 3)))

_LIGHT = {name: light for name, (light, _) in SCHEMES.items()}
_NAMES = {light: name for name, light in _LIGHT.items()}
BLUE, ORANGE, GREEN, RED, PURPLE, BROWN = (
    _LIGHT[name] for name in ("blue", "orange", "green", "red", "purple", "brown")
)

INK = _LIGHT["ink"]  # text, axes
SOFT = _LIGHT["soft"]  # text that explains
PAPER = _LIGHT["paper"]
HAIR = _LIGHT["hair"]  # leads the eye along a row

# ROC, precision-recall, walk-forward: a line for each experiment; all but the reference take the colours in turn.
REFERENCE = INK
OTHERS = [BLUE, RED, GREEN, PURPLE, ORANGE, BROWN]

# The answer: the verdict on a pair.
BETTER = BLUE
EQUIVALENT = GREEN
WORSE = RED
UNDECIDED = SOFT
TOO_SMALL = _LIGHT["shade"]

# Several numbers of one experiment: AUC (mean and seeds), explanation (all days, similar volatility), direction,
# threshold sweep, reliability.
MEAN_OF_SEEDS = BLUE
SINGLE_SEED = RED
ALL_DAYS = BLUE
SIMILAR_VOLATILITY = RED
ON_EVENT = BLUE
ON_DIRECTION = RED
CHANGE = SOFT  # between two points of one experiment
PRECISION = BLUE
RECALL = RED
F1 = INK
RAW = BLUE
RECALIBRATED = RED
BAND = _LIGHT["below-1"]
SHARE_OF_DAYS = HAIR

# Score distributions: days.
EVENT = RED
NO_EVENT = BLUE

# Lines and areas to compare with, in every figure.
GUESS = SOFT
GUESSING = _LIGHT["shade"]
PREVALENCE = SOFT
CALIBRATED = SOFT
PUBLISHED = INK

# The heat map of AUC, from 0 to 1 with guessing in the middle: the classes from the lowest to the highest.
AUC_CLASSES = [
    *(_LIGHT[f"below-{level}"] for level in (3, 2, 1)),
    PAPER,
    *(_LIGHT[f"above-{level}"] for level in (1, 2, 3)),
]

# The heat map of differences to the reference, with none in the middle: from the worst to the best.
DIFFERENCE_CLASSES = [
    *(_LIGHT[f"above-{level}"] for level in (3, 2, 1)),
    PAPER,
    *(_LIGHT[f"below-{level}"] for level in (1, 2, 3)),
]


def as_variables(svg):
    """The text `svg` with the variables of CSS in place of the colours."""
    return re.sub(
        r"#[0-9a-f]{6}\b", lambda found: f"var(--figure-{_NAMES[found[0]]})" if found[0] in _NAMES else found[0], svg
    )


def style():
    """The CSS that gives the variables their values, for a light and for a dark screen; prints are light."""
    light, dark = (
        " ".join(f"--figure-{name}: {colours[scheme]};" for name, colours in SCHEMES.items()) for scheme in (0, 1)
    )
    return f":root {{ {light} }}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
