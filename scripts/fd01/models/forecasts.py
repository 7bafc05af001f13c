"""What a model stores of its forecasts: one row per dataset row and seed.

- Deciles, `forecasts/{experiment}/quantiles.parquet`: row, seed (null for a deterministic model), step (1 is the next
  day), mean, q10 .. q90, in units of the input series.
- A Student-t distribution of the next value: row, seed, df, loc, scale, the latter two in percent.
- Hidden states: row, seed, and one column per unit.
"""

import numpy as np
import pandas as pd

LEVELS = np.arange(1, 10) / 10
DECILES = [f"q{level:.0f}" for level in 100 * LEVELS]
COLUMNS = ["row", "seed", "step", "mean", *DECILES]
PARAMETERS = ["df", "loc", "scale"]
# Hidden units of Lag-Llama: the last token after each block and after the final norm, and the mean of the latter.
STATES = [f"{layer}_{unit}" for layer in (*(f"h{i}" for i in range(8)), "norm", "mean") for unit in range(144)]


def quantile_frame(rows, quantiles, seed=None):
    """A model's output as rows of the file of deciles: `quantiles` has shape (rows, steps, 10), the mean first."""
    n, steps, _ = quantiles.shape
    frame = pd.DataFrame(quantiles.reshape(n * steps, -1), columns=["mean", *DECILES])
    frame.insert(0, "row", np.repeat(rows, steps))
    frame.insert(1, "seed", pd.array([seed] * (n * steps), dtype="Int64"))
    frame.insert(2, "step", np.tile(np.arange(1, steps + 1), n))
    return frame
