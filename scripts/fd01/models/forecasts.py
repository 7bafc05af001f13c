"""The tables in which models store their forecasts; one row per seed, dataset row and, for deciles, day ahead.

The columns `row` (of the dataset) and `seed` (null for a deterministic model) are followed by

- deciles: `step` (days ahead, from 1), `mean`, `q10` .. `q90`, in units of the input series; the file is
  `forecasts/{experiment}/quantiles.parquet`
- a Student-t distribution of the next value: `df`, `loc`, `scale`; the last two in percent
- hidden states: one column per unit, `rounded`
"""

import numpy as np
import pandas as pd

LEVELS = np.arange(1, 10) / 10
DECILE_COLUMNS = [f"q{level:.0f}" for level in 100 * LEVELS]
COLUMNS = ["row", "seed", "step", "mean", *DECILE_COLUMNS]
PARAMETERS = ["df", "loc", "scale"]
# Hidden units of Lag-Llama: the last token after each of 8 blocks and after the final norm, then the mean over tokens.
LAYERS = [*(f"h{i}" for i in range(8)), "norm", "mean"]
STATE_COLUMNS = [f"{layer}_{unit}" for layer in LAYERS for unit in range(144)]


def quantile_frame(rows, quantiles, seed=None):
    """Forecasts as rows of the table of deciles.

    Parameters
    ----------
    rows : int array, shape (n,), rows of the dataset
    quantiles : array, shape (n, steps, 10), the mean first, then the nine deciles
    seed : int, optional
    """
    n, steps, _ = quantiles.shape
    frame = pd.DataFrame(quantiles.reshape(n * steps, -1), columns=["mean", *DECILE_COLUMNS])
    frame.insert(0, "row", np.repeat(rows, steps))
    frame.insert(1, "seed", pd.array([seed] * (n * steps), dtype="Int64"))
    frame.insert(2, "step", np.tile(np.arange(1, steps + 1), n))
    return frame


def rounded(states):
    """Hidden states, a float32 array, as they are stored: rounded to 14 significant binary digits of 24.

    The other ten are as good as random, and without them the files take a third less. A state moves by at most 2^-14 of
    itself, and the scores of probes by about 1e-5. Source: Dekker, "A floating-point technique for extending the
    available precision", Numerische Mathematik, 1971.
    """
    carried = states * np.float32(2**10 + 1)
    return carried - (carried - states)
