"""Every experiment of a block against its opponents: the reference, the best baseline, and its twin."""

import pandas as pd

from fd01.evaluation.blocks import BASELINE, POOLED, paired_difference, paired_uncertainty
from fd01.evaluation.comparison import detectable, holm, paired_verdict, two_sided
from fd01.study.folds import is_walk_forward


def opponents(block, reference, twins):
    """Triples of an experiment, the kind of its opponent, and the opponent's name in the block; never itself.

    `reference` is an experiment, `twins` maps experiments to their twins; either may be absent from the block.
    """
    for name in block.experiments:
        for against, opponent in (("reference", reference), ("baseline", BASELINE), ("twin", twins.get(name))):
            if opponent in block.names and name != block.display_name(opponent):
                yield name, against, opponent


def compare_block(block, reference, twins, statistics):
    """One row per experiment and opponent of a `Block`, with p-values and verdict.

    Holm's correction is among the experiments that have the same kind of opponent.

    Parameters
    ----------
    block : Block
    reference, twins : as in `opponents`
    statistics : dict, that section of the configuration

    Returns
    -------
    DataFrame
        With columns of `comparisons.csv` and `power.csv`; empty if no experiment has an opponent.
    """
    alpha, power, rows = statistics["alpha"], statistics["power"], []
    for name, against, opponent in opponents(block, reference, twins):
        difference = paired_difference(block, name, opponent, alpha)
        uncertainty = paired_uncertainty(block, name, opponent, alpha, power)
        z, p = two_sided(difference["auc_difference"], uncertainty["se"])
        auc, other_auc = (block.estimates["auc"][block.index(one)] for one in (name, opponent))
        row = block.common_columns(name) | {"against": against, "other": block.display_name(opponent)}
        rows.append(row | {"auc": auc, "other_auc": other_auc, "z": z, "p": p} | uncertainty | difference)
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    family = table.groupby("against")["p"]
    table["p_holm"] = family.transform(holm)
    table["detectable_holm"] = detectable(table["se"], alpha / family.transform("size"), power)
    rule = {"margin": statistics["margin"], "alpha": alpha, "pooled": block.pooled}
    table["verdict"] = [
        paired_verdict(row.auc_difference, row.p_holm, [(row.low, row.high), (row.auc_low, row.auc_high)], **rule)
        for row in table.itertuples()
    ]
    return table


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
