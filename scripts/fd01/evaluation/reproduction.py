"""Whether the published weights of TimesFM give the forecasts that the original study stored.

The input and the days follow from the stored numbers (docs/explanation/timesfm.md): the forecast of a day was made from
the simple returns of the 80 days before it. Two choices are not known, so all four combinations are tried.
"""

import numpy as np

from fd01.data.inputs import SIMPLE_RETURN
from fd01.evaluation.erratum import open_blocks
from fd01.models.timesfm import forecast_rows
from fd01.workflow.errors import NotRun

SETTINGS = {"input": SIMPLE_RETURN, "context": 80, "dtype": "float32", "batch_size": 128}
POINTS = {"median": 5, "mean": 0}  # columns of a forecast
# Largest difference of a forecast, a simple return, that another machine explains: in float32, and with TF32, the
# products with ten binary digits that some GPUs use.
EXACT, TF32 = 2e-6, 5e-5
REPRODUCED, WITH_TF32, NOT_REPRODUCED = "reproduced", "reproduced up to the rounding of TF32", "not reproduced"


def reproduce(model, dataset, sealed, path):
    """Make the stored forecasts again in every combination of flip and point, and compare them.

    Parameters
    ----------
    model : as `fd01.models.timesfm.load` returns it
    dataset, sealed, path : as for `fd01.evaluation.erratum.recompute`

    Returns
    -------
    dict
        `status`: one of `REPRODUCED`, `WITH_TF32`, `NOT_REPRODUCED`; `n`, forecasts; `blocks`, the blocks that they
        are of; `left_out`, dict of block to why it was left out; `combinations`, a list of dict with `flip`, `point`,
        `largest` and `median`, the absolute difference in units of a simple return, `correlation` (None for a constant
        forecast), and `agrees`; the closest comes first.

    Raises
    ------
    NotRun
        If every block is left out.
    """
    blocks, left_out = open_blocks(dataset, sealed, path)
    if not blocks:
        raise NotRun("; ".join(f"{block}: {reason}" for block, reason in left_out.items()))
    rows, stored = (np.concatenate(parts) for parts in zip(*blocks.values()))
    combinations = []
    for flip in (True, False):
        # A forecast of a day uses what is known on the day before.
        made = forecast_rows(model, dataset, rows - 1, 1, SETTINGS | {"flip": flip})[:, 0].astype(float)
        combinations += [agreement(made[:, column], stored, flip, point) for point, column in POINTS.items()]
    combinations.sort(key=lambda one: one["largest"])
    closest = combinations[0]["largest"]
    return {
        "status": REPRODUCED if closest <= EXACT else WITH_TF32 if closest <= TF32 else NOT_REPRODUCED,
        "n": len(rows),
        "blocks": list(blocks),
        "left_out": left_out,
        "combinations": combinations,
    }


def agreement(made, stored, flip, point):
    """One of the `combinations` of `reproduce`, from forecasts made and stored, arrays of shape (n,)."""
    difference = np.abs(made - stored)
    return {
        "flip": flip,
        "point": point,
        "largest": float(difference.max()),
        "median": float(np.median(difference)),
        "correlation": None if np.ptp(made) == 0 else float(np.corrcoef(made, stored)[0, 1]),
        "agrees": bool(difference.max() <= TF32),
    }
