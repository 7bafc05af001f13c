"""Compare every experiment with the reference, the best baseline and its twin, on every block."""

import numpy as np
import pandas as pd

from fd01.evaluation.blocks import AFTER_CUTOFF, POOLED, RESAMPLED_MEASURES, intervals, measure_block, paired_test, pool
from fd01.evaluation.exposure import clean_parts, data_ends
from fd01.evaluation.heterogeneity import detectable_by_number, series_differences, series_table, summarise
from fd01.evaluation.metrics_table import best_baseline, compared_rows, seed_ranges
from fd01.evaluation.paired_comparisons import (
    Design,
    across_blocks,
    at_other_margins,
    compare_block,
    compare_single_twins,
)
from fd01.evaluation.panel import EQUAL
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.scoring.predictions import of_target
from fd01.study.folds import is_walk_forward
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

EXPERIMENT = [
    *("fold", "experiment", "score_kind", "optimistic"),
    *("n", "positives", "dates", "n_series", "one_class", "lacking", "block_length"),
]
PAIR = [*EXPERIMENT[:4], "against", "other", "family", "exposure", *EXPERIMENT[4:]]
COLUMNS = {
    "power": [
        *(*PAIR, "planned", "tested", "correlation", "se", "half_width"),
        *("detectable", "detectable_holm", "equivalence_power"),
    ],
    "comparisons": [
        *(*PAIR, "planned", "tested", "auc", "other_auc", "other_seeds_low", "other_seeds_high"),
        *("twin_seeds", "twin_seeds_below", "auc_difference", "se_delong", "se", "df", "low", "high"),
        *("adjusted_low", "adjusted_high", "z", "p", "p_holm", "p_equivalence", "auc_low", "auc_high"),
        *(f"{measure}_{end}" for measure in RESAMPLED_MEASURES[1:] for end in ("difference", "low", "high")),
        *("detectable", "equivalence_power", "verdict", "small_difference", "reason"),
    ],
    "margins": [
        *("fold", "experiment", "against", "other", "family", "margin"),
        *("p_equivalence", "equivalence_power", "verdict", "small_difference"),
    ],
    "twins": ["fold", "experiment", "twin", "n", "positives", "auc", "twin_auc", "difference", "se", "p"],
    "intervals": [
        *(*EXPERIMENT, "undefined_resamples", "delong_low", "delong_high"),
        *(f"{measure}{end}" for measure in RESAMPLED_MEASURES for end in ("", "_low", "_high")),
    ],
    "walk_forward": ["experiment", "against", "other", "difference", "blocks", "sd", "min", "max", "above"],
    "series": [
        *("fold", "experiment", "other", "series", "n", "positives", "auc", "other_auc", "difference", "se"),
        *("shrunken", "shrunken_se", "weight", "without"),
    ],
    "heterogeneity": [
        *("fold", "experiment", "other", "series", "above", "pooled", "without_low", "without_high"),
        *("equal", "equal_low", "equal_high", "correlation"),
        *("shrinkage", "random_series", "random_mean", "random_se", "random_low", "random_high", "random_tau"),
    ],
    "detectable": ["fold", "experiment", "other", "number", "se", "detectable"],
}


def comparison_tables(matrices, metrics, experiments, target, systems, cut_off, design):
    """The tables that this script writes, by name; docs/explanation/comparisons.md says what they hold.

    Parameters
    ----------
    matrices : dict of fold to ScoreMatrix
    metrics, experiments : DataFrame
        As the rule `evaluate` writes them.
    target : dict with `target` and `horizon`
    systems : dict of experiment to its system
    cut_off : str or None
        The month after which days are clean for all primary experiments.
    design : Design
    """
    statistics, kinds, folds = design.statistics, {}, list(matrices)
    for matrix in matrices.values():
        for name, own in matrix.each():
            kinds[name] = own.kinds[name]

    def measured(fold, matrix, *random):
        """The block of a fold, None without a complete experiment; and of each incomplete one, the block of its days.

        The latter has the experiment and its opponents.
        """
        baseline = best_baseline(compared_rows(metrics, fold, **target), systems)
        baseline = None if baseline is None else baseline["experiment"]

        def measure(part, lacking=0):
            generator = np.random.default_rng([statistics["seed"], folds.index(fold), *random])
            resamples, singles = statistics["resamples"], design.single_twins(part)
            return measure_block(fold, part, baseline, resamples, generator, singles, lacking)

        apart = {
            name: measure(
                own.only({name, baseline, design.reference, design.twins.get(name)}), len(matrix.days) - len(own.days)
            )
            for name, own in matrix.pairable()
        }
        return measure(matrix) if len(matrix.kinds) else None, apart

    blocks = {fold: measured(fold, matrix) for fold, matrix in matrices.items()}
    clean = {
        fold: blocks[fold] if matrix is matrices[fold] else measured(fold, matrix, 1)
        for fold, matrix in clean_parts(matrices, cut_off).items()
    }
    pools = {AFTER_CUTOFF: clean, POOLED: {fold: pair for fold, pair in blocks.items() if is_walk_forward(fold)}}
    of_folds, blocks = blocks, list(blocks.values())
    for name, parts in pools.items():
        blocks += pooled_with_apart(list(parts.values()), name)

    compared = [table for block, apart in blocks if len(table := compare_block(block, design, apart))]
    comparisons = pd.concat(compared) if compared else pd.DataFrame(columns=[*PAIR, "auc_difference"])
    ranges = seed_ranges(of_target(metrics, **target), kinds)
    ranges = ranges.rename(columns={"experiment": "other", "low": "other_seeds_low", "high": "other_seeds_high"})
    comparisons = comparisons.merge(ranges, on=["fold", "other"], how="left")
    per_experiment = [row for block, _ in blocks if block for row in intervals(block, statistics["alpha"])]
    for _, apart in blocks:
        for name, own in apart.items():
            per_experiment += [row for row in intervals(own, statistics["alpha"]) if row["experiment"] == name]
    tables = {
        "power": comparisons,
        "comparisons": comparisons,
        "intervals": pd.DataFrame(per_experiment, columns=COLUMNS["intervals"]),
        "margins": at_other_margins(comparisons, statistics),
        "twins": pd.DataFrame([row for block, _ in blocks if block for row in compare_single_twins(block, design)]),
        "walk_forward": across_blocks(comparisons),
        **series_tables(matrices, {fold: block for fold, (block, _) in of_folds.items()}, design),
    }
    optimistic = experiments.set_index("experiment")["optimistic"]
    for table in (comparisons, tables["intervals"]):
        table["score_kind"] = table["experiment"].map(kinds)
        table["optimistic"] = table["experiment"].map(optimistic)
    return {name: tables[name].reindex(columns=columns) for name, columns in COLUMNS.items()}


def series_tables(matrices, blocks, design):
    """How the difference to the reference varies from series to series; tables by name, empty for a single series.

    Parameters
    ----------
    matrices, blocks : dicts of fold to ScoreMatrix, and to Block or None
    design : Design

    Returns
    -------
    dict of DataFrame
        `series`, a row per series; `heterogeneity`, a row per pair of experiments, with the difference if all series
        have the same weight; `detectable`, a row per number of series. By `fd01.evaluation.heterogeneity`.
    """
    statistics, alpha = design.statistics, design.statistics["alpha"]
    tables = {"series": [], "heterogeneity": [], "detectable": []}
    for fold, block in blocks.items():
        if block is None or block.n_series == 1 or design.reference not in block.experiments:
            continue
        matrix, generator = matrices[fold], np.random.default_rng([statistics["seed"], 2])
        alike = measure_block(fold, matrix, None, statistics["resamples"], generator, weights=EQUAL)
        for experiment in block.experiments:
            if experiment == design.reference:
                continue
            pair = {"fold": fold, "experiment": experiment, "other": design.reference}
            found = series_differences(matrix, experiment, matrix.scores[[design.reference]], block.length)
            tables["series"].append(series_table(found, alpha).assign(**pair))
            equal = paired_test(alike, experiment, [design.reference], statistics)
            ends = {"equal": equal["auc_difference"], "equal_low": equal["low"], "equal_high": equal["high"]}
            tables["heterogeneity"].append(pd.DataFrame([pair | summarise(found, alpha) | ends]))
            tables["detectable"].append(detectable_by_number(found, statistics).assign(**pair))
    return {name: pd.concat(parts) if parts else pd.DataFrame() for name, parts in tables.items()}


def pooled_with_apart(parts, name):
    """The pool of several blocks, and of each experiment that lacks days of one, the pool of its own days.

    Parameters
    ----------
    parts : list of pairs
        A Block or None, and a dict of experiment to Block, as `comparison_tables` measures them.
    name : str, of the pool

    Returns
    -------
    list of one such pair; empty if there is nothing to pool
    """

    def usable(blocks):
        """Those of which the covariance is defined: of one series it needs two days of each class."""
        return [block for block in blocks if block and not np.isnan(block.covariance).any()]

    whole, apart = usable(block for block, _ in parts), {}
    for experiment in dict.fromkeys(experiment for _, of_part in parts for experiment in of_part):
        own = usable(of_part.get(experiment, block) for block, of_part in parts)
        if own and all(experiment in block.names for block in own):
            apart[experiment] = pool(own, name)
    return [(pool(whole, name) if whole else None, apart)] if whole or apart else []


if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    design = Design(params.reference, params.twins, params.primary, data_ends(files.predictions), params.statistics)
    tables = comparison_tables(
        read_score_matrices(files.predictions, read_frame(files.outcomes), params.target),
        pd.read_csv(files.metrics, dtype={"seed": str}),
        pd.read_csv(files.experiments),
        params.target,
        params.systems,
        params.cut_off,
        design,
    )
    for name, table in tables.items():
        with replacing(snakemake.output[name]) as path:
            table.to_csv(path, index=False)
