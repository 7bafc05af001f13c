"""Prediction files: one per experiment and fold, `predictions/{experiment}/{fold}.parquet`.

A row is a score of one origin for one target. Columns: series, origin (date), role (`calibration` or `evaluation`),
target, horizon (trading days), seed (null for a deterministic experiment), score_kind, score (the higher, the likelier
the target), is_probability.

Score kinds: `probability` (by a classifier), `exceedance` (from a predictive distribution), `close-exceedance` (the
same before the touch correction, see `fd01.data.touch`), `signal` (a ranking only), `study` (the score of the original
study: the point forecast as a return), `width` (90 % less 10 % quantile).

A file is complete, or says what is missing: its metadata are the provenance of the scores, `not_run`, a list of
{target, horizon, reason}, and `folds`, the names of the files that were written together. Where scores are corrected,
`touch_exponents` has the k of every train end, target and role, or their range over several series
(`fd01.data.touch.touch_exponents`). Forecasts that were made elsewhere (`fd01.scoring.external`) may lack a few days of
a block: `lacking` names them by fold (`name_days`).
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from fd01.data.origins import EVALUATION, ORIGIN_KEY
from fd01.data.targets import target_column
from fd01.data.touch import CLOSE_EXCEEDANCE
from fd01.workflow.errors import UserError, some
from fd01.workflow.parquet import read_metadata, read_table, write_table

SCHEMA = pa.schema(
    [
        pa.field("series", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("origin", pa.timestamp("us"), nullable=False),
        pa.field("role", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("horizon", pa.int64(), nullable=False),
        pa.field("seed", pa.int64()),
        pa.field("score_kind", pa.string(), nullable=False),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("is_probability", pa.bool_(), nullable=False),
    ]
)
SCHEMA_TEXT = str(SCHEMA).splitlines()  # the schema as text, for archives
PROBABILITY_KINDS = ("probability", "exceedance", CLOSE_EXCEEDANCE)
KEY = ["role", "target", "horizon", "seed", "score_kind", *ORIGIN_KEY]
MOST_LACKING = 0.01  # share of the days of a block that forecasts made elsewhere may lack


def scores_frame(origins, rows, role, scores, *, target, score_kind, is_probability, seed=None):
    """Scores as rows of a prediction file.

    Parameters
    ----------
    origins : DataFrame, see `fd01.data.origins`; it gives the series and the dates of the rows
    rows : int array, shape (n,), rows of the dataset
    role : `calibration` or `evaluation`
    scores : array, shape (n,)
    target : dict with `target` and `horizon`
    """
    days = origins.drop_duplicates("row").set_index("row").loc[rows]
    return pd.DataFrame(
        {
            "series": days["series"].array,
            "origin": days["origin"].to_numpy(),
            "role": role,
            "target": target["target"],
            "horizon": target["horizon"],
            "seed": pd.array([seed] * len(rows), dtype="Int64"),
            "score_kind": score_kind,
            "score": scores,
            "is_probability": is_probability,
        }
    )


def name_days(block):
    """The ISO date of each origin of a block, after the name of its series if there are several; Series of str."""
    dates = block["origin"].dt.strftime("%Y-%m-%d")
    return block["series"].astype(str) + " " + dates if block["series"].nunique() > 1 else dates


def concat_scores(frames):
    """One table of several; an empty one with the columns of a prediction file if there are none."""
    if not frames:
        return SCHEMA.empty_table().to_pandas()
    # An empty table among others would have a say in the types of the columns.
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)


def write_predictions(path, frame, provenance, not_run=()):
    """Write one prediction file in one move, sorted by `KEY`; a missing score is a ValueError."""
    write_table(path, frame.sort_values(KEY), {**provenance, "not_run": list(not_run)}, SCHEMA)


def read_predictions(path, columns=None, **kept):
    """Rows and metadata, a dict, of one prediction file or of the scores of one training.

    `columns` and `kept`, the values that the rows may have by column, choose what is read of the rows.
    """
    frame, metadata = read_table(path, columns, kept)
    return frame.astype({"seed": "Int64"} if "seed" in frame else {}), metadata


def write_folds(directory, frames, origins, provenance, not_run=None):
    """Write the prediction file of every fold of `origins` into `directory`.

    Parameters
    ----------
    frames : dict of train end to DataFrame
        The scores of all origins with that train end; each file gets the origins of its fold.
    origins : DataFrame, see `fd01.data.origins`
    provenance : dict
    not_run : dict of train end to list of `{target, horizon, reason}`, optional
    """
    blocks = {}
    for (fold, train_end), block in origins.groupby(["fold", "train_end"], sort=False):
        rows = frames[train_end].merge(block[[*ORIGIN_KEY, "role"]], on=[*ORIGIN_KEY, "role"])
        blocks[fold] = rows, (not_run or {}).get(train_end, ())
    write_blocks(directory, blocks, provenance)


def write_blocks(directory, blocks, provenance):
    """Write one prediction file per fold into `directory`.

    Parameters
    ----------
    blocks : dict of fold to a pair
        The rows of its file, and a list of `{target, horizon, reason}` of the targets without any.
    provenance : dict, the same for all files
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    provenance = {**provenance, "folds": sorted(blocks)}
    for fold, (rows, not_run) in blocks.items():
        write_predictions(directory / f"{fold}.parquet", rows, provenance, not_run)


def read_experiment(directory, columns=None, **kept):
    """All prediction files of an experiment.

    Parameters
    ----------
    directory : path
    columns : list of str, optional
        The columns to read.
    kept : list by column
        The values that the rows may have, such as `role=[EVALUATION]`; other rows are not read.

    Returns
    -------
    frame : DataFrame, the rows of all folds with a column `fold`
    metadata : dict of fold to dict

    Raises
    ------
    UserError
        If a file is damaged or gone: Snakemake does not notice a file that is gone from a folder.
    """
    files = _read_all(directory, lambda path: read_predictions(path, columns, **kept))
    frame = concat_scores([frame.assign(fold=fold) for fold, (frame, _) in files.items()])
    frame = frame.astype({"series": "category"} if "series" in frame else {})  # the files may have different series
    return frame, {fold: metadata for fold, (_, metadata) in files.items()}


def read_experiment_metadata(directory):
    """The metadata of all prediction files of an experiment, as `read_experiment` returns them, without the rows."""
    return {
        fold: metadata for fold, (_, metadata) in _read_all(directory, lambda path: (None, read_metadata(path))).items()
    }


def _read_all(directory, read):
    """By fold, what `read` returns for the path of its prediction file: the rows, if any, and the metadata."""
    found, again = {}, f"delete the folder {directory} and run again"
    for path in sorted(Path(directory).glob("*.parquet")):
        try:
            found[path.stem] = read(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"{path} is damaged: {again} ({error})") from None
    gone = sorted({fold for _, metadata in found.values() for fold in metadata["folds"]} - set(found))
    if gone or not found:
        raise UserError(f"there is no {' and no '.join(gone) or 'prediction'} file any more: {again}")
    return found


def check_same_origins(experiment, frame, metadata, origins, targets, seeds):
    """Check that every target of every fold is scored on exactly the origins of its block.

    All evaluation origins must be there, once per score kind and seed; the calibration origins all or none. A target
    that `not_run` names must have no score. Forecasts that were made elsewhere may lack the evaluation origins that
    `lacking` names, at most the share `MOST_LACKING` of a block.

    Parameters
    ----------
    experiment : str
    frame, metadata : as `read_experiment` returns them
    origins : DataFrame, see `fd01.data.origins`
    targets : list of dict with `target` and `horizon`
    seeds : list of int, empty for a deterministic experiment

    Raises
    ------
    UserError
        With the experiment, the fold, the target and the days.
    """
    for fold, block in origins.groupby("fold", sort=False):
        if fold not in metadata:
            raise UserError(f"{experiment}: no prediction file for fold {fold}")
        skipped = {(entry["target"], entry["horizon"]) for entry in metadata[fold]["not_run"]}
        block = _without_lacking(experiment, fold, block, metadata[fold])
        for target in targets:
            pair = (target["target"], target["horizon"])
            rows = of_target(frame[frame["fold"] == fold], *pair)
            where = f"{experiment}, {fold}, {target_column(*pair)}"
            if pair in skipped:
                if len(rows):
                    raise UserError(f"{where}: marked as not run, but it has {len(rows)} scores")
                continue
            if EVALUATION not in set(rows["role"]):
                raise UserError(f"{where}: no scores, and no reason why")
            # Calibration origins without a known target are left out; evaluation origins never are.
            expected = block[(block["role"] == EVALUATION) | block[target_column(*pair)].notna()]
            for (role, kind), group in rows.groupby(["role", "score_kind"]):
                scored = sorted(map(int, group["seed"].dropna().unique()))
                if scored != sorted(seeds):
                    raise UserError(f"{where}, {role}, {kind}: scored with the seeds {scored}, not {sorted(seeds)}")
            for (role, seed, kind), group in rows.groupby(["role", "seed", "score_kind"], dropna=False):
                _check_days(f"{where}, {role}, seed {seed}, {kind}", group, expected[expected["role"] == role])


def _without_lacking(experiment, fold, block, metadata):
    """The origins of a fold without those that its forecasts, made elsewhere, may lack."""
    lacking = metadata.get("lacking", {}).get(fold, [])
    if not lacking:
        return block
    evaluation = block["role"] == EVALUATION
    lacks = evaluation & name_days(block).isin(lacking)
    if lacks.any() and ("external" not in metadata or lacks.sum() > MOST_LACKING * evaluation.sum()):
        raise UserError(
            f"{experiment}, {fold}: {lacks.sum()} of {evaluation.sum()} days lack a score; only forecasts from "
            f"elsewhere may lack any, and at most {100 * MOST_LACKING:g} %"
        )
    return block[~lacks]


def _check_days(where, group, block):
    days, scored = (pd.MultiIndex.from_frame(table[ORIGIN_KEY]) for table in (block, group))
    for what, dates in (
        ("days without a score", days.difference(scored)),
        ("scores for days outside the block", scored.difference(days)),
        ("days scored twice", scored[scored.duplicated()]),
        ("scores that are not finite", scored[~np.isfinite(group["score"])]),
        ("probabilities outside [0, 1]", scored[group["is_probability"] & ~group["score"].between(0, 1)]),
    ):
        if len(dates):
            several = block["series"].nunique() > 1
            shown = some(f"{series} " * several + f"{date:%Y-%m-%d}" for series, date in dates)
            raise UserError(f"{where}: {len(dates)} {what}: {shown}")


def of_target(rows, target, horizon):
    """The rows of one target in a table with the columns `target` and `horizon`."""
    return rows[(rows["target"] == target) & (rows["horizon"] == horizon)]


def mean_over_seeds(frame):
    """The mean of the scores over seeds, by which experiments are compared; without the column `seed`."""
    keys = [name for name in frame.columns if name not in ("seed", "score")]
    if frame["seed"].isna().all():
        return frame[[*keys, "score"]].reset_index(drop=True)
    return frame.groupby(keys, as_index=False, sort=False, observed=True)["score"].mean()
