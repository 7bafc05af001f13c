"""Compare every experiment with the reference, the best baseline and its twin, on every block."""

import numpy as np
import pandas as pd

from fd01.evaluation.blocks import BASELINE, MEASURES, POOLED, describe, difference, intervals, pool, precision
from fd01.evaluation.comparison import detectable, holm, two_sided, verdict
from fd01.evaluation.metrics import ALL_SEEDS
from fd01.evaluation.metrics_table import best_baseline, compared_rows
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.scoring.predictions import of_target
from fd01.study.folds import is_walk_forward
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

ABOUT = ["fold", "experiment", "score_kind", "optimistic", "n", "positives", "block_length"]
PAIR = [*ABOUT[:4], "against", "other", *ABOUT[4:]]
COLUMNS = {
    "power": [*PAIR, "correlation", "se", "half_width", "detectable", "detectable_holm"],
    "comparisons": [
        *PAIR,
        *("auc", "other_auc", "other_seeds_low", "other_seeds_high", "auc_difference", "se_delong", "low", "high"),
        *("se", "z", "p", "p_holm", "auc_low", "auc_high"),
        *(f"{measure}_{what}" for measure in MEASURES[1:] for what in ("difference", "low", "high")),
        *("detectable", "verdict"),
    ],
    "intervals": [
        *(*ABOUT, "undefined_resamples", "delong_low", "delong_high"),
        *(f"{measure}{end}" for measure in MEASURES for end in ("", "_low", "_high")),
    ],
    "walk_forward": ["experiment", "against", "other", "difference", "blocks", "sd", "min", "max", "above"],
}


def pairs(block, reference, twins):
    """Experiment, what it is compared against, and the name of that in the block; nothing against itself."""
    for name in block.experiments:
        for against, other in (("reference", reference), ("baseline", BASELINE), ("twin", twins.get(name))):
            if other in block.names and name != block.shown(other):
                yield name, against, other


def compare(block, reference, twins, statistics):
    """One row per pair of a block, with Holm's correction among the pairs of one `against`, and the verdict."""
    alpha, power, rows = statistics["alpha"], statistics["power"], []
    for name, against, other in pairs(block, reference, twins):
        found = precision(block, name, other, alpha, power) | difference(block, name, other, alpha)
        z, p = two_sided(found["auc_difference"], found["se"])
        aucs = {key: block.estimates["auc"][block.index(who)] for key, who in (("auc", name), ("other_auc", other))}
        rows.append(
            block.about(name) | {"against": against, "other": block.shown(other), "z": z, "p": p} | aucs | found
        )
    table = pd.DataFrame(rows, columns=list(dict.fromkeys(COLUMNS["comparisons"] + COLUMNS["power"])))
    family = table.groupby("against")["p"]
    table["p_holm"] = family.transform(holm)
    table["detectable_holm"] = detectable(table["se"], alpha / family.transform("size"), power)
    rule = {"margin": statistics["margin"], "alpha": alpha, "pooled": block.pooled}
    table["verdict"] = [
        verdict(row.auc_difference, row.p_holm, [(row.low, row.high), (row.auc_low, row.auc_high)], **rule)
        for row in table.itertuples()
    ]
    return table


def across_blocks(comparisons):
    """Differences on the single walk-forward blocks: how far they lie apart, and how many are above zero."""
    single = comparisons[comparisons["fold"].map(is_walk_forward).astype(bool)]
    pooled = comparisons[comparisons["fold"] == POOLED].set_index(["experiment", "against"])[
        ["other", "auc_difference"]
    ]
    groups = single.groupby(["experiment", "against"], sort=False)["auc_difference"]
    table = groups.agg(blocks="count", sd="std", min="min", max="max", above=lambda values: (values > 0).sum())
    return table.join(pooled, how="inner").rename(columns={"auc_difference": "difference"}).reset_index()


def seed_ranges(metrics, kinds):
    """Lowest and highest AUC of the single seeds of each experiment and fold, for the score that it is compared by."""
    rows = metrics[(metrics["seed"] != ALL_SEEDS) & (metrics["score_kind"] == metrics["experiment"].map(kinds))]
    ranges = rows.groupby(["fold", "experiment"])["auc"].agg(other_seeds_low="min", other_seeds_high="max")
    return ranges.reset_index().rename(columns={"experiment": "other"})


def tables(panels, metrics, experiments, target, reference, systems, twins, statistics):
    """The tables that this script writes, by name; see docs/method.md."""
    blocks, kinds = [], {}
    for number, (fold, panel) in enumerate(panels.items()):
        kinds |= panel.kinds.to_dict()
        chosen = best_baseline(compared_rows(metrics, fold, **target), systems)
        random = np.random.default_rng([statistics["seed"], number])
        blocks.append(
            describe(fold, panel, None if chosen is None else chosen["experiment"], statistics["resamples"], random)
        )
    forward = [block for block in blocks if is_walk_forward(block.name) and 1 < block.positives < block.n - 1]
    blocks += [pool(forward)] if forward else []
    empty = pd.DataFrame(columns=COLUMNS["comparisons"])
    comparisons = pd.concat([compare(block, reference, twins, statistics) for block in blocks] or [empty])
    rows = [row for block in blocks for row in intervals(block, statistics["alpha"])]
    found = {"intervals": pd.DataFrame(rows, columns=COLUMNS["intervals"]), "walk_forward": across_blocks(comparisons)}
    ranges = seed_ranges(of_target(metrics, **target), kinds)
    comparisons = comparisons.drop(columns=list(ranges.columns[2:])).merge(ranges, on=["fold", "other"], how="left")
    for table in (comparisons, found["intervals"]):
        table["score_kind"] = table["experiment"].map(kinds)
        table["optimistic"] = table["experiment"].map(experiments.set_index("experiment")["optimistic"])
    found |= {"power": comparisons, "comparisons": comparisons}
    return {name: found[name].reindex(columns=columns) for name, columns in COLUMNS.items()}


if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    found = tables(
        read_score_matrices(files.predictions, read_frame(files.outcomes), params.target),
        pd.read_csv(files.metrics, dtype={"seed": str}),
        pd.read_csv(files.experiments),
        params.target,
        params.reference,
        params.systems,
        params.twins,
        params.statistics,
    )
    for name, table in found.items():
        with replacing(snakemake.output[name]) as path:
            table.to_csv(path, index=False)
