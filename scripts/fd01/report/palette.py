"""The colours of every figure, named by what they mean: to change one, change its line here and nothing else.

The headings below name the figures.

People with any kind of colour vision can tell the colours of lines and areas apart: they are those of seaborn's palette
"colorblind".
"""

BLUE = "#0173b2"
ORANGE = "#de8f05"
GREEN = "#029e73"
RED = "#d55e00"
PURPLE = "#cc78bc"
BROWN = "#ca9161"
SKY = "#56b4e9"
BLACK = "#000000"
WHITE = "#ffffff"

# ROC, precision-recall, walk-forward: a line for each experiment. Those with several colours take them in turn.
REFERENCE = BLACK
MODELS = [BLUE, ORANGE, GREEN, RED, PURPLE, BROWN, SKY]
BASELINES = MODELS
TWIN = "#8c8c8c"

# Several numbers of one experiment: AUC (mean and seeds), explanation (all days, similar volatility), threshold sweep.
MEAN_OF_SEEDS = BLUE
SINGLE_SEED = ORANGE
ALL_DAYS = BLUE
SIMILAR_VOLATILITY = ORANGE
CHANGE = "#cccccc"  # between two points of one experiment
PRECISION = BLUE
RECALL = ORANGE
F1 = GREEN
RAW = BLUE
RECALIBRATED = ORANGE
SHARE_OF_DAYS = "#e0e0e0"

# Score distributions and reliability: days.
EVENT = ORANGE
NO_EVENT = BLUE

# Lines to compare with, in every figure.
GUESS = "#b3b3b3"
PREVALENCE = "#b3b3b3"
CALIBRATED = "#b3b3b3"
PUBLISHED = BLACK
GRID = "#b0b0b0"

# The heat map of AUC, whose middle is guessing.
AUC_MAP = "RdBu_r"
ON_LIGHT = BLACK
ON_DARK = WHITE
BETWEEN_TARGETS = BLACK
