"""The experiments of one block, and of the walk-forward blocks together, with what comparing them needs."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from fd01.evaluation.bootstrap import (
    block_length,
    interval,
    resample_counts,
    resampled_brier,
    resampled_ranking,
    standard_error,
)
from fd01.evaluation.comparison import delong, detectable

POOLED = "walk-forward"
BASELINE = "the baseline chosen on training data"  # stands among the experiments of a block under this name
MEASURES = ("auc", "average_precision", "brier")


@dataclass(frozen=True)
class Block:
    """k experiments on one block of n days.

    `names` (k,) are the experiments and, last, `BASELINE`, which is the experiment `baseline` once more, unless that is
    None. `estimates` and `resampled` hold each of `MEASURES`, (k,) and (resamples, k); the Brier score of a score
    that is no probability is NaN. `covariance` (k, k) is that of the AUCs by DeLong.
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
        """Whether this is what `pool` has made of several blocks."""
        return self.name == POOLED

    @property
    def experiments(self):
        """`names` without `BASELINE`."""
        return [name for name in self.names if name != BASELINE]

    def index(self, name):
        """Position of an experiment among `names`."""
        return self.names.index(name)

    def shown(self, name):
        """The experiment behind one of `names`."""
        return self.baseline or "the best of each block" if name == BASELINE else name

    def about(self, name):
        """What the rows of an experiment begin with in every table."""
        row = {"fold": self.name, "experiment": name, "n": self.n, "positives": self.positives}
        return row | {"block_length": self.length}


def describe(name, panel, baseline, resamples, seed):
    """The `Block` of a `ScoreMatrix`; every experiment is measured on the same resamples."""
    columns = [*panel.scores, *([baseline] if baseline else [])]
    y, scores = panel.y.to_numpy(), panel.scores[columns].to_numpy()
    found = delong(y, scores)
    length = block_length(found.influence)
    probabilities = np.where(panel.is_probability[columns], scores, np.nan)

    def measures(counts):
        return dict(zip(MEASURES, [*resampled_ranking(y, scores, counts), resampled_brier(y, probabilities, counts)]))

    return Block(
        name=name,
        n=len(y),
        positives=int(y.sum()),
        length=length,
        names=[*panel.scores, *([BASELINE] if baseline else [])],
        baseline=baseline,
        covariance=found.covariance,
        estimates={key: value[0] for key, value in measures(np.ones((1, len(y)), int)).items()},
        resampled=measures(resample_counts(len(y), length, resamples, seed)),
    )


def pool(blocks):
    """Walk-forward blocks as one: only days of one block are ranked against each other.

    A measure is the weighted mean of those of the blocks, sum_b w_b m_b; for AUC w_b is proportional to positives_b x
    negatives_b, the pairs of the block, for average precision to positives_b, for Brier to n_b. Blocks lie apart and
    are fitted apart, so that cov = sum_b w_b^2 cov_b; resamples of the blocks are combined with the same weights.
    Experiments that lack a block are left out. The AUC is thus the share, among all pairs of days of one block, that
    are ranked rightly.
    """
    names = [name for name in blocks[0].names if all(name in block.names for block in blocks)]
    rows = [[block.index(name) for name in names] for block in blocks]
    n, positives = (np.array([getattr(block, key) for block in blocks]) for key in ("n", "positives"))
    sizes = dict(zip(MEASURES, (positives * (n - positives), positives, n)))
    weights = {key: size / size.sum() for key, size in sizes.items()}
    chosen = dict.fromkeys(block.baseline for block in blocks)

    def mean(what):
        return {
            key: sum(w * getattr(block, what)[key][..., row] for w, block, row in zip(weights[key], blocks, rows))
            for key in MEASURES
        }

    return Block(
        name=POOLED,
        n=int(n.sum()),
        positives=int(positives.sum()),
        length=float(np.mean([block.length for block in blocks])),
        names=names,
        baseline=next(iter(chosen)) if len(chosen) == 1 else None,
        covariance=sum(
            w**2 * block.covariance[np.ix_(row, row)] for w, block, row in zip(weights["auc"], blocks, rows)
        ),
        estimates=mean("estimates"),
        resampled=mean("resampled"),
    )


def precision(block, one, other, alpha, power):
    """How exactly a block tells the AUCs of two experiments apart, whatever their difference is; a dict.

    `se_delong` is the standard error of the paired difference by DeLong; `se` the larger of it and that of the
    stationary bootstrap. DeLong takes days for independent: it is right where the errors of the two scores are, and too
    small where they persist. The bootstrap sees that, but errs by itself in short blocks. The larger of the two keeps
    the size of the test (docs/method.md has the simulation). `half_width` is that of the interval, which must be below
    the margin to show equivalence; `detectable` the smallest difference that is found with probability `power`.
    """
    i, j = block.index(one), block.index(other)
    variance, covariance = np.diag(block.covariance), block.covariance[i, j]
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = covariance / np.sqrt(variance[i] * variance[j])
    se_delong = float(np.sqrt(max(variance[i] + variance[j] - 2 * covariance, 0)))
    resampled = block.resampled["auc"]
    se = max(se_delong, float(standard_error(resampled[:, i] - resampled[:, j])))
    half_width = norm.ppf(1 - alpha / 2) * se
    row = {"correlation": correlation, "se_delong": se_delong, "se": se, "half_width": half_width}
    return row | {"detectable": detectable(se, alpha, power)}


def difference(block, one, other, alpha):
    """Paired differences in all measures, a dict.

    `low` and `high` of each measure are the ends of the bootstrap interval of level 1 - alpha, those without a name of
    DeLong's interval of the AUC.
    """
    i, j = block.index(one), block.index(other)
    row = {}
    for key in MEASURES:
        estimate, resampled = block.estimates[key], block.resampled[key]
        row[f"{key}_difference"] = estimate[i] - estimate[j]
        ends = interval(row[f"{key}_difference"], resampled[:, i] - resampled[:, j], 1 - alpha)
        row |= dict(zip((f"{key}_low", f"{key}_high"), ends))
    variance = block.covariance[i, i] + block.covariance[j, j] - 2 * block.covariance[i, j]
    half = norm.ppf(1 - alpha / 2) * np.sqrt(max(variance, 0))
    return row | {"low": row["auc_difference"] - half, "high": row["auc_difference"] + half}


def intervals(block, alpha):
    """One dict per experiment: its measures, each with a bootstrap interval, and DeLong's of the AUC."""
    z = norm.ppf(1 - alpha / 2)
    for name in block.experiments:
        i = block.index(name)
        row = block.about(name) | {"undefined_resamples": int(np.isnan(block.resampled["auc"][:, i]).sum())}
        for key in MEASURES:
            estimate = block.estimates[key][i]
            ends = interval(estimate, block.resampled[key][:, i], 1 - alpha)
            row |= {key: estimate} | dict(zip((f"{key}_low", f"{key}_high"), np.clip(ends, 0, 1)))
        ends = row["auc"] + z * np.sqrt(block.covariance[i, i]) * np.array([-1, 1])
        yield row | dict(zip(("delong_low", "delong_high"), np.clip(ends, 0, 1)))
