"""Compare every experiment with the reference, the best baseline and its twin, on every block."""

import numpy as np
import pandas as pd

from fd01.evaluation.blocks import (
    BASELINE,
    POOLED,
    RESAMPLED,
    intervals,
    measure_block,
    paired_difference,
    paired_uncertainty,
    pool,
)
from fd01.evaluation.comparison import detectable, holm, paired_verdict, two_sided
from fd01.evaluation.metrics import ALL_SEEDS
from fd01.evaluation.metrics_table import best_baseline, compared_rows
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.scoring.predictions import of_target
from fd01.study.folds import is_walk_forward
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

EXPERIMENT = ["fold", "experiment", "score_kind", "optimistic", "n", "positives", "block_length"]
PAIR = [*EXPERIMENT[:4], "against", "other", *EXPERIMENT[4:]]
COLUMNS = {
    "power": [*PAIR, "correlation", "se", "half_width", "detectable", "detectable_holm"],
    "comparisons": [
        *PAIR,
        *("auc", "other_auc", "other_seeds_low", "other_seeds_high", "auc_difference", "se_delong", "low", "high"),
        *("se", "z", "p", "p_holm", "auc_low", "auc_high"),
        *(f"{measure}_{end}" for measure in RESAMPLED[1:] for end in ("difference", "low", "high")),
        *("detectable", "verdict"),
    ],
    "intervals": [
        *(*EXPERIMENT, "undefined_resamples", "delong_low", "delong_high"),
        *(f"{measure}{end}" for measure in RESAMPLED for end in ("", "_low", "_high")),
    ],
    "walk_forward": ["experiment", "against", "other", "difference", "blocks", "sd", "min", "max", "above"],
}


def opponents(block, reference, twins):
    """Triples of an experiment, the kind of its opponent, and the opponent's name in the block; never itself."""
    for name in block.experiments:
        for against, opponent in (("reference", reference), ("baseline", BASELINE), ("twin", twins.get(name))):
            if opponent in block.names and name != block.display_name(opponent):
                yield name, against, opponent


def compare_block(block, reference, twins, statistics):
    """One row per experiment and opponent of a block, with p-values and verdict; DataFrame.

    Holm's correction is among the experiments that have the same kind of opponent.
    """
    alpha, power, rows = statistics["alpha"], statistics["power"], []
    for name, against, opponent in opponents(block, reference, twins):
        difference = paired_difference(block, name, opponent, alpha)
        uncertainty = paired_uncertainty(block, name, opponent, alpha, power)
        z, p = two_sided(difference["auc_difference"], uncertainty["se"])
        auc, other_auc = (block.estimates["auc"][block.index(one)] for one in (name, opponent))
        row = block.common_columns(name) | {"against": against, "other": block.display_name(opponent)}
        rows.append(row | {"auc": auc, "other_auc": other_auc, "z": z, "p": p} | uncertainty | difference)
    table = pd.DataFrame(rows, columns=list(dict.fromkeys(COLUMNS["comparisons"] + COLUMNS["power"])))
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
    """How far the differences on single walk-forward blocks lie apart, and how many of them are above zero."""
    single = comparisons[comparisons["fold"].map(is_walk_forward).astype(bool)]
    pooled = comparisons[comparisons["fold"] == POOLED].set_index(["experiment", "against"])[
        ["other", "auc_difference"]
    ]
    groups = single.groupby(["experiment", "against"], sort=False)["auc_difference"]
    table = groups.agg(blocks="count", sd="std", min="min", max="max", above=lambda values: (values > 0).sum())
    return table.join(pooled, how="inner").rename(columns={"auc_difference": "difference"}).reset_index()


def seed_ranges(metrics, kinds):
    """Lowest and highest AUC of the single seeds of each experiment and fold, of the kind of score compared.

    `kinds` maps experiments to that kind. The result has the columns of an opponent.
    """
    rows = metrics[(metrics["seed"] != ALL_SEEDS) & (metrics["score_kind"] == metrics["experiment"].map(kinds))]
    ranges = rows.groupby(["fold", "experiment"])["auc"].agg(other_seeds_low="min", other_seeds_high="max")
    return ranges.reset_index().rename(columns={"experiment": "other"})


def comparison_tables(matrices, metrics, experiments, target, reference, systems, twins, statistics):
    """The tables that this script writes, by name; docs/method.md says what they hold.

    Parameters
    ----------
    matrices : dict of fold to ScoreMatrix
    metrics, experiments : DataFrame
        As the rule `evaluate` writes them.
    target : dict with `target` and `horizon`
    reference : str, an experiment
    systems, twins : dict of experiment to its system, and to its twin
    statistics : dict, that section of the configuration
    """
    blocks, kinds = [], {}
    for number, (fold, matrix) in enumerate(matrices.items()):
        kinds |= matrix.kinds.to_dict()
        baseline = best_baseline(compared_rows(metrics, fold, **target), systems)
        baseline = None if baseline is None else baseline["experiment"]
        random = np.random.default_rng([statistics["seed"], number])
        blocks.append(measure_block(fold, matrix, baseline, statistics["resamples"], random))
    # DeLong's covariance needs two days of each class.
    walk_forward = [block for block in blocks if is_walk_forward(block.name) and 1 < block.positives < block.n - 1]
    blocks += [pool(walk_forward)] if walk_forward else []

    empty = pd.DataFrame(columns=COLUMNS["comparisons"])
    comparisons = pd.concat([compare_block(block, reference, twins, statistics) for block in blocks] or [empty])
    ranges = seed_ranges(of_target(metrics, **target), kinds)
    seed_columns = ["other_seeds_low", "other_seeds_high"]
    comparisons = comparisons.drop(columns=seed_columns).merge(ranges, on=["fold", "other"], how="left")
    per_experiment = [row for block in blocks for row in intervals(block, statistics["alpha"])]
    tables = {
        "power": comparisons,
        "comparisons": comparisons,
        "intervals": pd.DataFrame(per_experiment, columns=COLUMNS["intervals"]),
        "walk_forward": across_blocks(comparisons),
    }
    optimistic = experiments.set_index("experiment")["optimistic"]
    for table in (comparisons, tables["intervals"]):
        table["score_kind"] = table["experiment"].map(kinds)
        table["optimistic"] = table["experiment"].map(optimistic)
    return {name: tables[name].reindex(columns=columns) for name, columns in COLUMNS.items()}


if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    tables = comparison_tables(
        read_score_matrices(files.predictions, read_frame(files.outcomes), params.target),
        pd.read_csv(files.metrics, dtype={"seed": str}),
        pd.read_csv(files.experiments),
        params.target,
        params.reference,
        params.systems,
        params.twins,
        params.statistics,
    )
    for name, table in tables.items():
        with replacing(snakemake.output[name]) as path:
            table.to_csv(path, index=False)
