"""The measures of all experiments on one block with their uncertainty, paired differences, and pooled blocks."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from fd01.evaluation.bootstrap import (
    block_length,
    normal_interval,
    resample_counts,
    resampled_brier,
    resampled_ranking,
    standard_error,
)
from fd01.evaluation.comparison import delong, detectable

POOLED = "walk-forward"  # the name of the pooled walk-forward blocks
BASELINE = "the baseline chosen on training data"  # among the experiments of a block, the name of its best baseline
RESAMPLED_MEASURES = ("auc", "average_precision", "brier")


@dataclass(frozen=True)
class Block:
    """k experiments on one block of n days, or on the pooled walk-forward blocks.

    Attributes
    ----------
    name : str
    n, positives : int
        Days, and days with the event.
    length : float
        Mean length of the blocks of the bootstrap, days.
    names : list of str, shape (k,)
        The experiments and, last, `BASELINE`.
    baseline : str or None
        The experiment that stands under `BASELINE` once more; None if there is no such column, or if the best baseline
        differs between the pooled blocks.
    covariance : array, shape (k, k)
        Covariance of the AUCs by DeLong.
    estimates, resampled : dicts of each of `RESAMPLED_MEASURES` to an array, shape (k,) and (resamples, k)
        The Brier score is NaN where the scores are no probabilities.
    """

    name: str
    n: int
    positives: int
    length: float
    names: list
    baseline: str | None
    covariance: np.ndarray
    estimates: dict
    resampled: dict

    @property
    def pooled(self):
        """Whether these are the pooled walk-forward blocks."""
        return self.name == POOLED

    @property
    def experiments(self):
        """`names` without `BASELINE`."""
        return [name for name in self.names if name != BASELINE]

    def index(self, name):
        """Position of an experiment among `names`."""
        return self.names.index(name)

    def display_name(self, name):
        """How tables name one of `names`: `BASELINE` by the experiment that was chosen."""
        return self.baseline or "the best of each block" if name == BASELINE else name

    def common_columns(self, name):
        """The columns with which the rows of an experiment begin in every table, as a dict."""
        row = {"fold": self.name, "experiment": name, "n": self.n, "positives": self.positives}
        return row | {"block_length": self.length}


def measure_block(name, matrix, baseline, resamples, seed):
    """The `Block` of a `ScoreMatrix`; every experiment is measured on the same resamples.

    `baseline` is the experiment that also stands under `BASELINE`, or None; `seed` is for the bootstrap.
    """
    columns = [*matrix.scores, *([baseline] if baseline else [])]
    y, scores = matrix.y.to_numpy(), matrix.scores[columns].to_numpy()
    ranking = delong(y, scores)
    length = block_length(ranking.influence)
    probabilities = np.where(matrix.is_probability[columns], scores, np.nan)

    def measures(counts):
        measured = *resampled_ranking(y, scores, counts), resampled_brier(y, probabilities, counts)
        return dict(zip(RESAMPLED_MEASURES, measured))

    return Block(
        name=name,
        n=len(y),
        positives=int(y.sum()),
        length=length,
        names=[*matrix.scores, *([BASELINE] if baseline else [])],
        baseline=baseline,
        covariance=ranking.covariance,
        estimates={measure: values[0] for measure, values in measures(np.ones((1, len(y)), int)).items()},
        resampled=measures(resample_counts(len(y), length, resamples, seed)),
    )


def pool(blocks):
    """Walk-forward blocks as one `Block`, in which only days of the same block are ranked against each other.

    The pooled AUC is the share of correctly ranked pairs among all pairs of days of one block. Every measure is a
    weighted mean over blocks, sum_b w_b m_b. The weights are proportional to positives_b x negatives_b, the pairs of
    the block, for AUC; to positives_b for average precision; to n_b for the Brier score. The blocks do not overlap and
    each has its own fit, so cov = sum_b w_b^2 cov_b. Resamples are combined with the same weights. An experiment that
    lacks a block is left out.
    """
    names = [name for name in blocks[0].names if all(name in block.names for block in blocks)]
    columns = [[block.index(name) for name in names] for block in blocks]
    n, positives = (np.array([getattr(block, count) for block in blocks]) for count in ("n", "positives"))
    sizes = dict(zip(RESAMPLED_MEASURES, (positives * (n - positives), positives, n)))
    weights = {measure: size / size.sum() for measure, size in sizes.items()}
    baselines = dict.fromkeys(block.baseline for block in blocks)

    def mean(attribute):
        return {
            measure: sum(
                w * getattr(block, attribute)[measure][..., column]
                for w, block, column in zip(weights[measure], blocks, columns)
            )
            for measure in RESAMPLED_MEASURES
        }

    return Block(
        name=POOLED,
        n=int(n.sum()),
        positives=int(positives.sum()),
        length=float(np.mean([block.length for block in blocks])),
        names=names,
        baseline=next(iter(baselines)) if len(baselines) == 1 else None,
        covariance=sum(
            w**2 * block.covariance[np.ix_(column, column)] for w, block, column in zip(weights["auc"], blocks, columns)
        ),
        estimates=mean("estimates"),
        resampled=mean("resampled"),
    )


def paired_uncertainty(block, experiment, opponent, alpha, power):
    """How precisely a block measures the difference between two AUCs, whatever that difference is.

    Returns
    -------
    dict
        `correlation`: of the two AUCs, by DeLong. `se_delong`: standard error of the difference, by DeLong. `se`: the
        larger of `se_delong` and the standard error by the stationary bootstrap. `half_width`: of the interval of level
        1 - alpha; it must be below the margin to show equivalence. `detectable`: the smallest difference that is
        detected with probability `power`. All but `correlation` are in units of AUC.

    Notes
    -----
    DeLong's error takes the days for independent. It is right where the errors of the two scores are independent from
    day to day, and too small where they persist. The bootstrap sees the persistence, but is imprecise in short blocks.
    With the larger of the two, the test rejects about as often as its level says
    (docs/explanation/comparisons.md has the simulation).
    """
    i, j = block.index(experiment), block.index(opponent)
    variance, covariance = np.diag(block.covariance), block.covariance[i, j]
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = covariance / np.sqrt(variance[i] * variance[j])
    se_delong = float(np.sqrt(max(variance[i] + variance[j] - 2 * covariance, 0)))
    resampled = block.resampled["auc"]
    se = max(se_delong, float(standard_error(resampled[:, i] - resampled[:, j])))
    half_width = norm.ppf(1 - alpha / 2) * se
    row = {"correlation": correlation, "se_delong": se_delong, "se": se, "half_width": half_width}
    return row | {"detectable": detectable(se, alpha, power)}


def paired_difference(block, experiment, opponent, alpha):
    """The differences between two experiments in all of `RESAMPLED_MEASURES`, with intervals of level 1 - alpha.

    Returns
    -------
    dict
        Of each measure `{measure}_difference`, and `{measure}_low` and `{measure}_high`, the bootstrap interval. `low`
        and `high` are DeLong's interval of the difference between the AUCs.
    """
    i, j = block.index(experiment), block.index(opponent)
    row = {}
    for measure in RESAMPLED_MEASURES:
        estimate, resampled = block.estimates[measure], block.resampled[measure]
        difference = estimate[i] - estimate[j]
        ends = normal_interval(difference, resampled[:, i] - resampled[:, j], 1 - alpha)
        row |= dict(zip((f"{measure}_difference", f"{measure}_low", f"{measure}_high"), (difference, *ends)))
    variance = block.covariance[i, i] + block.covariance[j, j] - 2 * block.covariance[i, j]
    half_width = norm.ppf(1 - alpha / 2) * np.sqrt(max(variance, 0))
    return row | {"low": row["auc_difference"] - half_width, "high": row["auc_difference"] + half_width}


def intervals(block, alpha):
    """One dict per experiment: its measures, each with a bootstrap interval, and DeLong's interval of the AUC.

    Intervals have the level 1 - alpha and are cut to [0, 1].
    """
    z = norm.ppf(1 - alpha / 2)
    for name in block.experiments:
        i = block.index(name)
        undefined = int(np.isnan(block.resampled["auc"][:, i]).sum())  # resamples with one class only
        row = block.common_columns(name) | {"undefined_resamples": undefined}
        for measure in RESAMPLED_MEASURES:
            estimate = block.estimates[measure][i]
            ends = normal_interval(estimate, block.resampled[measure][:, i], 1 - alpha)
            row |= {measure: estimate} | dict(zip((f"{measure}_low", f"{measure}_high"), np.clip(ends, 0, 1)))
        ends = row["auc"] + z * np.sqrt(block.covariance[i, i]) * np.array([-1, 1])
        yield row | dict(zip(("delong_low", "delong_high"), np.clip(ends, 0, 1)))
