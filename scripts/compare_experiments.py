"""Compare every experiment with the reference, the best baseline and its twin, on every block."""

import numpy as np
import pandas as pd

from fd01.evaluation.blocks import RESAMPLED_MEASURES, intervals, measure_block, pool
from fd01.evaluation.metrics_table import best_baseline, compared_rows, seed_ranges
from fd01.evaluation.paired_comparisons import across_blocks, compare_block
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
        *(f"{measure}_{end}" for measure in RESAMPLED_MEASURES[1:] for end in ("difference", "low", "high")),
        *("detectable", "verdict"),
    ],
    "intervals": [
        *(*EXPERIMENT, "undefined_resamples", "delong_low", "delong_high"),
        *(f"{measure}{end}" for measure in RESAMPLED_MEASURES for end in ("", "_low", "_high")),
    ],
    "walk_forward": ["experiment", "against", "other", "difference", "blocks", "sd", "min", "max", "above"],
}


def comparison_tables(matrices, metrics, experiments, target, reference, systems, twins, statistics):
    """The tables that this script writes, by name; docs/explanation/comparisons.md says what they hold.

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

    compared = [table for block in blocks if len(table := compare_block(block, reference, twins, statistics))]
    comparisons = pd.concat(compared) if compared else pd.DataFrame(columns=[*PAIR, "auc_difference"])
    ranges = seed_ranges(of_target(metrics, **target), kinds)
    ranges = ranges.rename(columns={"experiment": "other", "low": "other_seeds_low", "high": "other_seeds_high"})
    comparisons = comparisons.merge(ranges, on=["fold", "other"], how="left")
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
