"""Stored predictive distributions, deciles or parameters of a Student-t: read them, ask them, change them."""

from dataclasses import dataclass, replace
from functools import cache, cached_property, partial

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from fd01.data.touch import level_corrected, touch_exponent
from fd01.models.forecasts import DECILE_COLUMNS, PARAMETERS
from fd01.scoring.deciles import return_deciles, scores_of_returns
from fd01.scoring.student_t import scores as scores_of_student_t
from fd01.study.systems import STUDENT_T
from fd01.workflow.errors import NotRun
from fd01.workflow.parquet import read_table


@dataclass(frozen=True)
class Forecaster:
    """An experiment that stores predictive distributions.

    Attributes
    ----------
    experiment : str
    input : str
        The input series, see `fd01.data.inputs.input_series`.
    frame : DataFrame
        The distributions of all seeds, see `fd01.models.forecasts`.
    reason : str or None
        Why there are none.
    """

    experiment: str
    input: str
    frame: pd.DataFrame
    reason: str | None

    @property
    def is_student_t(self):
        """Whether `frame` holds parameters of Student-t distributions, in percent, instead of deciles."""
        return "df" in self.frame

    def of_rows(self, rows):
        """The distributions of these rows of the dataset alone; a `Forecaster`."""
        frame = self.frame[self.frame["row"].isin(rows)] if self.reason is None else self.frame
        reason = self.reason or (None if len(frame) else "no day of the blocks has a forecast")
        return replace(self, frame=frame, reason=reason)

    def exceedance(self, target, train, dataset, labels):
        """Probability of the target by row of the dataset, the mean over seeds; Series.

        It comes from the distribution over the whole horizon, never from a product of daily probabilities.

        Parameters
        ----------
        target : dict with `target` and `horizon`
        train : int array
            Rows of the training period, for the touch correction (`fd01.data.touch`).
        dataset : DataFrame of all days
        labels : section `labels` of the configuration

        Raises
        ------
        NotRun
            If there are no distributions, or if they say nothing about the target.
        """
        if self.reason:
            raise NotRun(self.reason)
        exponent = cache(partial(touch_exponent, target, train, dataset, labels))
        parts = [
            pd.Series(level_corrected(scores, rows, exponent)["exceedance"], index=rows)
            for rows, scores in self._scores(target, dataset, labels)
        ]
        return pd.concat(parts).groupby(level=0).mean()

    def _scores(self, target, dataset, labels):
        """Rows and scores of each seed."""
        # Not by groupby, which would copy the whole frame.
        codes, seeds = pd.factorize(self.frame["seed"], sort=True, use_na_sentinel=False)
        groups = (self.frame[codes == code] for code in range(len(seeds)))
        if self.is_student_t:
            return [scores_of_student_t(group, target, self.input, dataset, labels) for group in groups]
        horizon, close = target["horizon"], dataset["Close"].to_numpy(float)
        if horizon not in self._returns:
            self._returns[horizon] = [return_deciles(group, self.input, close, horizon) for group in groups]
        arguments = target, self.input, dataset, labels
        return [(rows, scores_of_returns(rows, deciles, *arguments)) for rows, deciles in self._returns[horizon]]

    @cached_property
    def _returns(self):
        """By horizon, what `return_deciles` gives of each seed: the same for all events and thresholds."""
        return {}


def read_forecasters(paths, entries, days=None):
    """Read the stored distributions of experiments; a generator of `Forecaster`.

    Parameters
    ----------
    paths : list of the files of `entries`
    entries : dict of experiment to {stores, input, seeds}
        `stores` as in `fd01.study.systems`, `input` the input series, `seeds` empty for a deterministic experiment.
    days : int, optional
        Forecasts of so many days alone, of those that reach further.
    """
    for path, (experiment, entry) in zip(paths, entries.items()):
        kept = {"seed": entry["seeds"]} if entry["seeds"] else {}
        if entry["stores"] == STUDENT_T:  # the file also has 1,440 columns of hidden states
            frame, provenance = read_table(path, ["row", "seed", *PARAMETERS], kept)
        else:
            frame, provenance = read_table(path, kept=kept | ({"step": list(range(1, days + 1))} if days else {}))
        yield Forecaster(experiment, entry["input"], frame, provenance.get("not_run"))


def swapped(frame, location=None, width=None):
    """Distributions of the same shape with another median, another width, or both.

    Parameters
    ----------
    frame : DataFrame, as in `Forecaster`
    location, width : arrays, shape (days,), or None for no change
        The new median, and the new distance from the 10 % to the 90 % quantile, in units of `frame`.

    Returns
    -------
    DataFrame, `frame` with other values
    """
    rows = frame["row"].to_numpy()
    if "df" in frame:
        changed = {}
        if location is not None:
            changed["loc"] = location[rows]
        if width is not None:
            changed["scale"] = width[rows] / (2 * stdtrit(frame["df"].to_numpy(float), 0.9))
        return frame.assign(**changed)
    deciles = np.sort(frame[DECILE_COLUMNS].to_numpy(float))
    median = deciles[:, 4:5]
    shape = deciles - median
    if width is not None:
        shape *= (width[rows] / np.maximum(np.ptp(deciles, axis=1), np.finfo(float).tiny))[:, None]
    deciles = shape + (median if location is None else location[rows, None])
    return frame.assign(**dict(zip(DECILE_COLUMNS, deciles.T)))
