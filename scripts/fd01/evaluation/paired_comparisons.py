"""Every experiment of a block against its opponents: the reference, the best baseline, and its twin."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fd01.evaluation.blocks import BASELINE, POOLED, POOLS, is_sample, paired_difference, paired_test
from fd01.evaluation.comparison import (
    EQUIVALENT,
    adjusted_interval,
    detectable,
    equivalence_p,
    equivalence_power,
    holm,
    paired_verdict,
)
from fd01.evaluation.exposure import CLEAN, exposure
from fd01.evaluation.panel import too_few_events
from fd01.study.folds import is_walk_forward

PRIMARY, SECONDARY = "primary", "secondary"


@dataclass(frozen=True)
class Design:
    """What the analysis plan says of the comparisons.

    Attributes
    ----------
    reference : str, an experiment
    twins : dict of experiment to its twin
    primary : list of str
        The experiments whose tests form the primary family.
    data_ends : dict of pre-trained experiment to the last month of its training data, or "unknown"
    statistics : dict, that section of the configuration
    """

    reference: str
    twins: dict
    primary: list
    data_ends: dict
    statistics: dict

    def single_twins(self, matrix):
        """The twins in a ScoreMatrix whose seeds are compared one by one: those of experiments without seeds.

        The mean score of several random networks ranks better than one of them. So one deterministic model is compared
        with single networks, and the mean of several trainings with the mean of as many.
        """
        return {
            twin for name, twin in self.twins.items() if name in matrix.scores and name not in matrix.seed_scores
        } & set(matrix.seed_scores)


def opponents(block, design):
    """Triples of an experiment, the kind of its opponent, and the opponent's names in the block; never itself."""
    for name in block.experiments:
        twin = design.twins.get(name)
        of_twin = [twin] if name in block.seeds else block.singles.get(twin, [twin])
        for against, names in (("reference", [design.reference]), ("baseline", [BASELINE]), ("twin", of_twin)):
            if set(names) <= set(block.names) and name != block.display_name(names[0]):
                yield name, against, names


def compare_block(block, design, incomplete=None):
    """One row per experiment and opponent of a `Block`, with p-values and verdict.

    Holm's correction is within a family: the primary experiments, or all others, that have the same kind of opponent.

    Parameters
    ----------
    block : Block, or None if no experiment has all of its days
    design : Design
    incomplete : dict of experiment to Block, optional
        An experiment that lacks days of the block, with its opponents on the days that it has: paired are the days
        that both have. Its tests belong to the same families.

    Returns
    -------
    DataFrame
        With columns of `comparisons.csv` and `power.csv`; empty if no experiment has an opponent.
    """
    statistics = design.statistics
    pairs = [(block, *pair) for pair in opponents(block, design)] if block else []
    for experiment, own in (incomplete or {}).items():
        pairs += [(own, *pair) for pair in opponents(own, design) if pair[0] == experiment]
    table = pd.DataFrame([_compare(own, design, *pair) for own, *pair in pairs])
    if table.empty:
        return table
    table["family"] = np.where(table["experiment"].isin(design.primary), PRIMARY, SECONDARY)
    table["planned"] = np.where(table["family"] == PRIMARY, len(design.primary), np.nan)
    families = table.groupby(["against", "family"])["p"]
    table["tested"] = families.transform("count")
    table["p_holm"] = families.transform(holm)
    of_test = [table[column] for column in ("auc_difference", "se", "df", "p", "p_holm", "tested")]
    table["adjusted_low"], table["adjusted_high"] = adjusted_interval(*of_test, statistics["alpha"])
    table["detectable_holm"] = detectable(table["se"], statistics["alpha"] / table["tested"], statistics["power"])
    table["may_be_equivalent"] = [
        _may_be_equivalent(own, design, row) for (own, *_), row in zip(pairs, table.itertuples())
    ]
    return decided(table, statistics["margin"], statistics["alpha"])


def _compare(block, design, name, against, names):
    """One pair of `opponents` without what depends on its family, as a dict."""
    row = block.common_columns(name) | {
        "against": against,
        "other": block.display_name(names[0]) if against != "twin" else design.twins[name],
        "exposure": exposure(block.days, design.data_ends[name]) if name in design.data_ends else None,
        "reason": _no_verdict(block, names, design.statistics),
    }
    test = paired_test(block, name, names, design.statistics)
    if is_sample(block, names):
        of_seeds = block.estimates["auc"][[block.index(one) for one in names]]
        row |= {"twin_seeds": len(names), "twin_seeds_below": int((of_seeds < test["auc"]).sum())}
    return row | paired_difference(block, name, names, design.statistics["alpha"]) | test


def decided(table, margin, alpha):
    """The rows of `compare_block` with a verdict, for this margin.

    Added are `p_equivalence`, adjusted by Holm's method within the family, `verdict`, and `small_difference`: whether
    the adjusted interval of a difference that is shown to be within the margin excludes 0.
    """
    p = [
        equivalence_p(row.auc_difference, row.se, margin, row.df) if row.may_be_equivalent else np.nan
        for row in table.itertuples()
    ]
    table = table.assign(p_equivalence=p)
    table["p_equivalence"] = table.groupby(["against", "family"])["p_equivalence"].transform(holm)
    p = table["p_holm"].where(table["reason"].isna())
    table["verdict"] = [
        paired_verdict(*of_pair, alpha) for of_pair in zip(table["auc_difference"], p, table["p_equivalence"])
    ]
    excludes_zero = (table["adjusted_low"] > 0) | (table["adjusted_high"] < 0)
    table["small_difference"] = (table["verdict"] == EQUIVALENT) & excludes_zero
    return table


def at_other_margins(table, statistics):
    """The verdicts on pooled blocks for the margin and for each of `margin_checks`; rows of `margins.csv`.

    `table` holds the rows of `compare_block` of all blocks.
    """
    alpha, rows = statistics["alpha"], []
    for _, block in table[table["fold"].isin(POOLS)].groupby("fold", sort=False):
        for margin in sorted({statistics["margin"], *statistics["margin_checks"]}):
            power = [equivalence_power(se, alpha, margin) for se in block["se"]]
            rows.append(decided(block, margin, alpha).assign(margin=margin, equivalence_power=power))
    return pd.concat(rows) if rows else pd.DataFrame()


def compare_single_twins(block, design):
    """One row per experiment and random network of its twin, for `twins.csv`; dicts.

    `p` is of one pair alone: the comparison with all of them together is in the rows of `compare_block`.
    """
    for name, against, names in opponents(block, design):
        if against == "twin" and is_sample(block, names):
            for single in names:
                test = paired_test(block, name, [single], design.statistics)
                row = {"twin": single, "twin_auc": test["other_auc"], "difference": test["auc_difference"]}
                yield block.common_columns(name) | row | {column: test[column] for column in ("auc", "se", "p")}


def _no_verdict(block, names, statistics):
    """Why a pair gets no verdict, or None."""
    few = too_few_events(block.class_counts, statistics["min_events"], block.n_series > 1)
    if few:
        return few
    if is_sample(block, names) and len(names) == 1:
        return "one random network says nothing about others"
    return None


def _may_be_equivalent(block, design, row):
    """Whether the plan lets a pair be called equivalent: on pooled clean days, and not with what contains it."""
    clean = row.experiment not in design.data_ends or row.exposure == CLEAN
    contained = row.against == "baseline" and row.experiment in block.baselines
    return block.pooled and clean and not contained and row.reason is None


def across_blocks(comparisons):
    """How far the differences on single walk-forward blocks lie apart, and how many of them are above zero.

    `comparisons` holds the rows of `compare_block` of all blocks; the result has the columns of `walk-forward.csv`.
    """
    key = ["experiment", "against"]
    single = comparisons[comparisons["fold"].map(is_walk_forward).astype(bool)]
    pooled = comparisons[comparisons["fold"] == POOLED].set_index(key)[["other", "auc_difference"]]
    groups = single.groupby(key, sort=False)["auc_difference"]
    table = groups.agg(blocks="count", sd="std", min="min", max="max", above=lambda values: (values > 0).sum())
    return table.join(pooled, how="inner").rename(columns={"auc_difference": "difference"}).reset_index()
