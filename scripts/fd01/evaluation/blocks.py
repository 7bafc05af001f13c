"""The measures of all experiments on one block with their uncertainty, paired differences, and pooled blocks."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from fd01.evaluation.bootstrap import block_length, normal_interval, resample_counts, spread_of_mean, standard_error
from fd01.evaluation.comparison import detectable, equivalence_power, two_sided
from fd01.evaluation.panel import PAIRS, Panel, rank_panel, resampler

POOLED = "walk-forward"  # the name of the pooled walk-forward blocks
AFTER_CUTOFF = "after-cutoff"  # the name of the pooled days after the training data of all primary models
POOLS = (AFTER_CUTOFF, POOLED)
BASELINE = "the baseline chosen on training data"  # among the experiments of a block, the name of its best baseline
RESAMPLED_MEASURES = ("auc", "average_precision", "brier")


@dataclass(frozen=True)
class Block:
    """k columns of scores on one block, or on several blocks that are pooled.

    The block has n rows: the days of one series, or of several. Where the text says days, it counts rows.

    Attributes
    ----------
    name : str
    days : DatetimeIndex, shape (n,)
        The day of each row; series share days.
    dates : int
        Number of different days.
    series : list of str
        All series of the block.
    one_class : list of str
        Those among them that have the event on all days or on none: they have no AUC.
    positives : int
        Days with the event.
    class_counts : int array, shape (2, dates)
        How many series have the event on each date, and how many have not, of those that have an AUC.
    pairs : int
        Pairs of a day with the event and one without, both of one series.
    length : float
        Mean length of the blocks of the bootstrap, dates.
    names : list of str, shape (k,)
        The `experiments`, then `BASELINE` if there is one, then the single seeds.
    experiments : list of str
    seeds : dict of experiment to int
        Number of seeds over which a score is the mean, of every stochastic experiment.
    singles : dict of experiment to list of str
        The names of its single seeds, of the experiments whose seeds are measured one by one.
    baselines : set of str
        The experiments that stand under `BASELINE`: one, or, in pooled blocks, possibly several.
    covariance : array, shape (k, k)
        Covariance of the AUCs by DeLong; of several series, by date (`fd01.evaluation.panel.rank_panel`).
    lacking : int
        Days of the block that are not among these because an experiment has no score on them.
    estimates, resampled : dicts of each of `RESAMPLED_MEASURES` to an array, shape (k,) and (resamples, k)
        The Brier score is NaN where the scores are no probabilities.
    """

    name: str
    days: pd.DatetimeIndex
    dates: int
    series: list
    one_class: list
    positives: int
    class_counts: np.ndarray
    pairs: int
    length: float
    names: list
    experiments: list
    seeds: dict
    singles: dict
    baselines: set
    covariance: np.ndarray
    estimates: dict
    resampled: dict
    lacking: int = 0

    @property
    def n(self):
        """Number of rows: days, of all series together."""
        return len(self.days)

    @property
    def n_series(self):
        """Number of series."""
        return len(self.series)

    @property
    def pooled(self):
        """Whether several blocks are pooled here."""
        return self.name in POOLS

    def index(self, name):
        """Position of an experiment among `names`."""
        return self.names.index(name)

    def display_name(self, name):
        """How tables name one of `names`: `BASELINE` by the experiment that was chosen."""
        if name != BASELINE:
            return name
        return next(iter(self.baselines)) if len(self.baselines) == 1 else "the best of each block"

    def common_columns(self, name):
        """The columns with which the rows of an experiment begin in every table, as a dict."""
        row = {"fold": self.name, "experiment": name, "n": self.n, "positives": self.positives}
        row |= {"dates": self.dates, "n_series": self.n_series, "one_class": len(self.one_class)}
        return row | {"lacking": self.lacking, "block_length": self.length}


def measure_block(name, matrix, baseline, resamples, seed, singles=(), lacking=0, weights=PAIRS):
    """The `Block` of a `ScoreMatrix`; every column is measured on the same resamples.

    A resample draws dates, with all rows of a date. Resamples are set further apart by `spread_of_mean`: without it the
    tests would reject too often (docs/explanation/comparisons.md has the simulations).

    Parameters
    ----------
    name : str
    matrix : ScoreMatrix
    baseline : str or None
        The experiment that also stands under `BASELINE`.
    resamples : int
    seed : int or `numpy.random.Generator`, for the bootstrap
    singles : collection of str
        Stochastic experiments whose seeds are measured one by one too.
    lacking : int
        Days of the block that the matrix lacks.
    weights : `PAIRS` or `EQUAL` of `fd01.evaluation.panel`
        How the AUCs of several series are weighted.
    """
    experiments = list(matrix.scores)
    columns = {experiment: matrix.scores[experiment] for experiment in experiments}
    is_probability = list(matrix.is_probability[experiments])
    if baseline:
        columns[BASELINE] = matrix.scores[baseline]
        is_probability.append(matrix.is_probability[baseline])
    names = {}
    for experiment in [one for one in experiments if one in singles and one in matrix.seed_scores]:
        of_seeds = matrix.seed_scores[experiment]
        names[experiment] = [f"{experiment}, seed {number}" for number in of_seeds]
        columns |= dict(zip(names[experiment], of_seeds.to_numpy().T))
        is_probability += [matrix.is_probability[experiment]] * of_seeds.shape[1]
    y, scores = matrix.y.to_numpy(), np.column_stack(list(columns.values()))
    panel = Panel.of(matrix.series, matrix.days)
    positives, negatives = panel.class_sizes(y)
    ranking = rank_panel(y, scores, panel, weights)
    length = block_length(ranking.influence[:, : len(experiments) + bool(baseline)])
    probabilities, dates = np.where(is_probability, scores, np.nan), len(panel.dates)
    measure = resampler(y, scores, probabilities, panel, ranking, resamples, weights)

    estimates = [values[0] for values in measure(np.ones((1, dates), int))]
    resampled = measure(resample_counts(dates, length, resamples, seed))
    spread = spread_of_mean(dates, length)
    resampled = [estimate + spread * (values - estimate) for estimate, values in zip(estimates, resampled)]
    return Block(
        name=name,
        days=matrix.days,
        dates=dates,
        series=list(panel.series),
        one_class=list(panel.series[positives * negatives == 0]),
        positives=int(y.sum()),
        class_counts=panel.class_counts(y),
        pairs=int(positives @ negatives),
        length=length,
        names=list(columns),
        experiments=experiments,
        seeds={experiment: of_seeds.shape[1] for experiment, of_seeds in matrix.seed_scores.items()},
        singles=names,
        baselines={baseline} if baseline else set(),
        covariance=ranking.covariance,
        estimates=dict(zip(RESAMPLED_MEASURES, estimates)),
        resampled=dict(zip(RESAMPLED_MEASURES, resampled)),
        lacking=lacking,
    )


def pool(blocks, name):
    """Several blocks as one `Block`, in which only days of the same block and series are ranked against each other.

    The pooled AUC is the share of correctly ranked pairs among all pairs of days of one block and series. Every measure
    is a weighted mean over blocks, sum_b w_b m_b. The weights are proportional to the pairs of the block for AUC (of
    one series they are positives_b x negatives_b); to positives_b for average precision; to n_b for the Brier score.
    The blocks do not overlap in time, so cov = sum_b w_b^2 cov_b. Resamples are combined with the same weights. An
    experiment that lacks a block is left out.
    """
    names = [one for one in blocks[0].names if all(one in block.names for block in blocks)]
    columns = [[block.index(one) for one in names] for block in blocks]
    pairs, positives, n = (np.array([getattr(block, size) for block in blocks]) for size in ("pairs", "positives", "n"))
    sizes = dict(zip(RESAMPLED_MEASURES, (pairs, positives, n)))
    weights = {measure: size / size.sum() for measure, size in sizes.items()}

    def mean(attribute):
        return {
            measure: sum(
                w * getattr(block, attribute)[measure][..., column]
                for w, block, column in zip(weights[measure], blocks, columns)
            )
            for measure in RESAMPLED_MEASURES
        }

    ranked = {series for block in blocks for series in block.series if series not in block.one_class}
    series = list(dict.fromkeys(series for block in blocks for series in block.series))
    return Block(
        name=name,
        days=blocks[0].days.append([block.days for block in blocks[1:]]),
        dates=sum(block.dates for block in blocks),
        series=series,
        one_class=[one for one in series if one not in ranked],
        positives=int(positives.sum()),
        class_counts=np.hstack([block.class_counts for block in blocks]),
        pairs=int(pairs.sum()),
        length=float(np.mean([block.length for block in blocks])),
        names=names,
        experiments=[one for one in blocks[0].experiments if one in names],
        seeds=blocks[0].seeds,
        singles={one: single for one, single in blocks[0].singles.items() if set(single) <= set(names)},
        baselines=set().union(*(block.baselines for block in blocks)),
        covariance=sum(
            w**2 * block.covariance[np.ix_(column, column)] for w, block, column in zip(weights["auc"], blocks, columns)
        ),
        estimates=mean("estimates"),
        resampled=mean("resampled"),
        lacking=sum(block.lacking for block in blocks),
    )


def paired_uncertainty(block, experiment, opponents, statistics):
    """How precisely a block measures the difference between two AUCs, whatever that difference is.

    Parameters
    ----------
    block : Block
    experiment : str
    opponents : list of str
        One of `block.names`; or the single seeds of one experiment, of which the mean AUC is compared.
    statistics : dict, that section of the configuration

    Returns
    -------
    dict
        `correlation`: of the two AUCs, by DeLong. `se_delong`: standard error of the difference, by DeLong. `se`: the
        standard error by which is decided, see below. `df`: the degrees of freedom of its t distribution. `half_width`:
        of the interval of level 1 - alpha. `detectable`: the smallest difference that is detected with probability
        `power`. `equivalence_power`: the probability to show equivalence if there is no difference. All but
        `correlation`, `df` and `equivalence_power` are in units of AUC.

    Notes
    -----
    DeLong's error takes the days for independent. It is right where the errors of the two scores are independent from
    day to day, and too small where they persist. The bootstrap sees the persistence, but is imprecise in short blocks.
    With the larger of the two, the test rejects about as often as its level says
    (docs/explanation/comparisons.md has the simulation).

    S single seeds are a sample of all random networks. The error of their mean AUC then has a second part, v / S, with
    v the variance between networks: the variance of the S AUCs, less the part that the days explain, by DeLong
    (DerSimonian and Laird, Controlled Clinical Trials 1986). As v is estimated from S values, the sum has
    (S - 1) (se^2 / (v / S))^2 degrees of freedom (Satterthwaite, Biometrics Bulletin 1946). One seed is no sample: the
    error is NaN.
    """
    i, js = block.index(experiment), [block.index(name) for name in opponents]
    weights = np.zeros(len(block.names))
    weights[js] = 1 / len(js)
    variance, of_opponents = block.covariance[i, i], weights @ block.covariance @ weights
    covariance = block.covariance[i] @ weights
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = covariance / np.sqrt(variance * of_opponents)
    se_delong = float(np.sqrt(max(variance + of_opponents - 2 * covariance, 0)))
    resampled = block.resampled["auc"]
    squared = max(se_delong, float(standard_error(resampled[:, i] - resampled[:, js].mean(axis=1)))) ** 2
    between = _between_seeds(block, js) / len(js) if is_sample(block, opponents) else 0.0
    squared, df = squared + between, np.inf
    if between > 0:
        df = (len(js) - 1) * (squared / between) ** 2
    se, alpha = float(np.sqrt(squared)), statistics["alpha"]
    return {
        "correlation": correlation,
        "se_delong": se_delong,
        "se": se,
        "df": df,
        "half_width": float(stdtrit(df, 1 - alpha / 2) * se),
        "detectable": detectable(se, alpha, statistics["power"]),
        "equivalence_power": equivalence_power(se, alpha, statistics["margin"]),
    }


def paired_test(block, experiment, opponents, statistics):
    """The difference between two AUCs, its interval and its test; arguments and notes as for `paired_uncertainty`.

    Returns
    -------
    dict
        What `paired_uncertainty` returns, and `auc`, `other_auc` (of several opponents, the mean), `auc_difference`,
        its interval `low` to `high` of level 1 - alpha, `z` and the two-sided `p`.
    """
    aucs = block.estimates["auc"]
    auc, other_auc = aucs[block.index(experiment)], aucs[[block.index(name) for name in opponents]].mean()
    difference, uncertainty = auc - other_auc, paired_uncertainty(block, experiment, opponents, statistics)
    z, p = two_sided(difference, uncertainty["se"], uncertainty["df"])
    low, high = difference + uncertainty["half_width"] * np.array([-1, 1])
    row = {"auc": auc, "other_auc": other_auc, "auc_difference": difference, "low": low, "high": high, "z": z, "p": p}
    return row | uncertainty


def is_sample(block, opponents):
    """Whether `opponents` are the single seeds of an experiment, a sample of all its random networks."""
    return opponents in block.singles.values()


def _between_seeds(block, columns):
    """Variance of the AUC between random networks, apart from what the days explain; NaN for one network."""
    aucs, covariance = block.estimates["auc"][columns], block.covariance[np.ix_(columns, columns)]
    if len(columns) == 1:
        return np.nan
    # Mean over pairs of half the variance of their difference.
    by_days = (np.trace(covariance) - covariance.sum() / len(columns)) / (len(columns) - 1)
    return max(float(np.var(aucs, ddof=1) - by_days), 0.0)


def paired_difference(block, experiment, opponents, alpha):
    """The differences between an experiment and its opponents in all of `RESAMPLED_MEASURES`, with intervals.

    `opponents` as for `paired_uncertainty`: of several, the mean measure is compared. The level is 1 - alpha.

    Returns
    -------
    dict
        Of each measure `{measure}_difference`, and `{measure}_low` and `{measure}_high`, the bootstrap interval.
    """
    i, js = block.index(experiment), [block.index(name) for name in opponents]
    row = {}
    for measure in RESAMPLED_MEASURES:
        estimate, resampled = block.estimates[measure], block.resampled[measure]
        difference = estimate[i] - estimate[js].mean()
        ends = normal_interval(difference, resampled[:, i] - resampled[:, js].mean(axis=1), 1 - alpha)
        row |= dict(zip((f"{measure}_difference", f"{measure}_low", f"{measure}_high"), (difference, *ends)))
    return row


def intervals(block, alpha):
    """One dict per experiment: its measures, each with a bootstrap interval, and DeLong's interval of the AUC.

    Intervals have the level 1 - alpha and are cut to [0, 1].
    """
    z = ndtri(1 - alpha / 2)
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
