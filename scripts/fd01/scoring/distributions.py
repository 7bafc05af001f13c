"""The predictive distributions that forecasters have stored: deciles, or the parameters of a Student-t."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from fd01.models.forecasts import DECILES, PARAMETERS
from fd01.scoring.deciles import scores as scores_of_deciles
from fd01.scoring.student_t import scores as scores_of_student_t
from fd01.study.systems import STUDENT_T
from fd01.workflow.errors import NotRun
from fd01.workflow.parquet import read_table


@dataclass(frozen=True)
class Forecaster:
    """An experiment and all its stored distributions, the seeds one below the other; or why there are none."""

    experiment: str
    input: str  # series, see `fd01.data.series.input_series`
    frame: pd.DataFrame
    reason: str | None

    @property
    def is_student_t(self):
        """Whether `frame` holds parameters, in percent, instead of deciles."""
        return "df" in self.frame

    def exceedance(self, target, dataset, labels):
        """Probability of the target by row of the dataset, the mean over seeds; Series.

        It is that of the distribution over the whole horizon, never a product of daily ones. Raises `NotRun` if the
        distributions say nothing of the target, or if there are none.
        """
        if self.reason:
            raise NotRun(self.reason)
        scores = scores_of_student_t if self.is_student_t else scores_of_deciles
        parts = []
        for _, group in self.frame.groupby("seed", dropna=False):
            rows, by_kind = scores(group, target, self.input, dataset, labels)
            parts.append(pd.Series(by_kind["exceedance"], index=rows))
        return pd.concat(parts).groupby(level=0).mean()


def read_forecasters(paths, entries):
    """A `Forecaster` for each of `entries`: {experiment: {stores, input, seeds}}; `paths` are their files.

    `stores` is what `fd01.study.systems` calls it, `input` the series that the forecasts speak of.
    """
    for path, (experiment, entry) in zip(paths, entries.items()):
        # The file of Lag-Llama also holds hidden states, 1,440 columns of them.
        frame, about = read_table(path, ["row", "seed", *PARAMETERS] if entry["stores"] == STUDENT_T else None)
        if entry["seeds"]:
            frame = frame[frame["seed"].isin(entry["seeds"])]
        yield Forecaster(experiment, entry["input"], frame, about.get("not_run"))


def swapped(frame, location=None, width=None):
    """The distributions of a forecaster's `frame` with another median, another width, or both; their shape stays.

    Parameters
    ----------
    location, width : arrays, shape (days,), or None to keep the forecaster's
        Median, and 90 % less 10 % quantile, in units of the frame.
    """
    rows = frame["row"].to_numpy()
    if "df" in frame:
        changed = {}
        if location is not None:
            changed["loc"] = location[rows]
        if width is not None:
            changed["scale"] = width[rows] / (2 * student_t.ppf(0.9, frame["df"].to_numpy(float)))
        return frame.assign(**changed)
    deciles = np.sort(frame[DECILES].to_numpy(float))
    median = deciles[:, 4:5]
    shape = deciles - median
    if width is not None:
        shape *= (width[rows] / np.maximum(np.ptp(deciles, axis=1), np.finfo(float).tiny))[:, None]
    deciles = shape + (median if location is None else location[rows, None])
    return frame.assign(**dict(zip(DECILES, deciles.T)))
