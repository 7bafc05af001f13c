"""Forecasts that were made elsewhere: read their file, check it against the prices, and make scores of it.

docs/how-to/score-forecasts-from-elsewhere.md says what a file may hold. A file that cannot be right stops the run with
one line that names the file, the column and the days.
"""

import csv
import logging
import re
import warnings
import zlib
from collections import Counter
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy.special import ndtri

from fd01.data.inputs import SIMPLE_RETURN, input_series
from fd01.data.origins import CALIBRATION, EVALUATION, splits
from fd01.data.price_files import SERIES_NAMES, rows_by_name, series_column
from fd01.data.series import names_of_series, slices_of
from fd01.data.targets import TARGETS, require_forecast_of, threshold_return
from fd01.data.touch import CLOSE_EXCEEDANCE, level_corrected, needs_touch
from fd01.scoring.deciles import exceedance
from fd01.scoring.predictions import MOST_LACKING, PROBABILITY_KINDS, concat_scores, name_days, scores_frame
from fd01.study.systems import FORMS
from fd01.workflow.errors import NotRun, UserError, some
from fd01.workflow.parquet import read_arrow, read_table

ISO_DAY = r"\d{4}-\d{2}-\d{2}([ T]00:00(:00(\.0+)?)?(Z|[+-]\d\d:?\d\d)?)?"  # a time of day could mean another day
LEVEL_NAME = re.compile(r"(?:quantile|q|p)?[_ ]?(\d+(?:\.\d+)?|\.\d+) ?(%?)", re.IGNORECASE)
TOO_FAR = 0.5  # no forecast of the next day is farther from the Close on most days


@dataclass(frozen=True)
class Forecasts:
    """Forecasts from elsewhere, each of the day after its origin.

    Attributes
    ----------
    rows : int array, shape (n,)
        Rows of the origins in the dataset, ascending.
    values : array, shape (n, k)
        Ascending quantiles of the simple return from the Close of the origin; or one column: a point forecast of that
        return, or a probability.
    levels : array, shape (k,), or None
        The levels of the quantiles, ascending; None for a point forecast and for a probability.
    series : str or None
        The input series (`fd01.data.inputs`) of which this is a forecast, `close` or `high`; None for a probability.
    crossed : int
        On how many days the quantiles of the file were not ascending; they are sorted.
    """

    rows: np.ndarray
    values: np.ndarray
    levels: np.ndarray | None
    series: str | None
    crossed: int


def read_forecasts(path, settings, dataset):
    """The forecasts in a file.

    Parameters
    ----------
    path : str
        A csv, parquet or npz file.
    settings : dict, the settings of the experiment
    dataset : DataFrame of all days
        If it has several series, a column of the file must name the series of each row.

    Returns
    -------
    Forecasts

    Raises
    ------
    UserError
        If the file cannot be right.
    """
    table = _read_columns(path, settings)
    column = settings["date"]
    dates = _dates(path, column, table.pop(column))
    parts = _parts(path, table, dataset)
    rows = [
        _origin_rows(where, column, np.sort(dates[own]), settings["date_is"], dataset["Date"].iloc[days]) + days.start
        for where, own, days in parts
    ]
    names, levels = _used_columns(path, list(table), settings)
    numbers = np.column_stack([pd.to_numeric(table[name], errors="coerce").to_numpy(float) for name in names])
    close, values = dataset["Close"].to_numpy(float), []
    for (where, own, _), origins in zip(parts, rows):
        ordered = own[np.argsort(dates[own], kind="stable")]
        values.append(_checked(where, names, numbers[ordered], settings["values"], dates[ordered], close[origins]))
    rows, values = np.concatenate(rows), np.concatenate(values)
    if settings["values"] == "probability":
        return Forecasts(rows, values, None, None, 0)
    crossed = 0
    if levels is not None:
        if "quantiles" in settings:
            crossed = int((np.diff(values, axis=1) < 0).any(axis=1).sum())
        values = np.sort(values, axis=1)
    return Forecasts(rows, values, levels, "high" if settings["values"] == "high" else "close", crossed)


def distances(forecasts, dataset):
    """How far forecasts lie from the Close of their origins, and how far the Close moves in a day; both as shares.

    Returns
    -------
    dict
        `distance`, the median over days of the distance of a forecast, or of its median; None for probabilities.
        `move`, the median over the same days of the absolute return to the next Close.
    """
    returns = pd.Series(np.abs(input_series(dataset, SIMPLE_RETURN))).shift(-1)
    distance = None
    if forecasts.series is not None:
        distance = float(np.median(np.abs(forecasts.values[:, forecasts.values.shape[1] // 2])))
    return {"distance": distance, "move": float(returns.iloc[forecasts.rows].median())}


def read_note(path):
    """What this workflow says of a file that it has written itself: `not_run` or `note`; a dict, empty for others."""
    if Path(path).suffix != ".parquet" or b"fd01" not in (_schema(path).metadata or {}):
        return {}
    return _parquet(path, read_table)[1]


def levels_in_names(path, names):
    """The level of every one of `names` that has one, such as q10, 0.1 or 2.5%; dict.

    The numbers are percent if one of them is 1 or more, or has the sign; otherwise they are shares.

    Raises
    ------
    UserError
        If nothing says whether q1 .. q9 are percent or deciles, or if some names are numbers alone and others are not.

    >>> levels_in_names("file", ["date", "q05", "q50", "q95"])
    {'q05': 0.05, 'q50': 0.5, 'q95': 0.95}
    """
    found = {name: match for name in names if (match := LEVEL_NAME.fullmatch(name))}
    numbers = {name: float(match[1]) for name, match in found.items()}
    bare = [name for name in found if not re.match("[a-z]", name, re.IGNORECASE) and not name.endswith("%")]
    if 0 < len(bare) < len(found):
        others = some(name for name in found if name not in bare)
        raise UserError(
            f"{path}: the columns {some(bare)} are numbers alone, and {others} are not: give each column of a "
            "quantile its level, as a table in settings/quantiles"
        )
    signed = any(match[2] for match in found.values())
    if not signed and not any(number >= 1 for number in numbers.values()):
        return numbers
    if not signed and all(re.fullmatch("0?[1-9]", match[1]) for match in found.values()):
        raise UserError(
            f"{path}: the columns {', '.join(found)} may be percent or deciles: give each its level, as a table in "
            "settings/quantiles"
        )
    return {name: number / 100 for name, number in numbers.items()}


def _schema(path):
    return _parquet(path, pq.read_schema)


def _parquet(path, read):
    """What `read` finds in a parquet file; damage, for which pyarrow and pandas raise many types, is a `UserError`."""
    try:
        return read(path)
    except Exception as error:
        said = str(error).partition("\n")[0]
        raise UserError(f"{path} is no parquet file, or is damaged: {type(error).__name__}: {said}") from None


def _read_columns(path, settings):
    """The table in the file, with every column that may be needed; names are text."""
    match Path(path).suffix:
        case ".csv":
            table = _read_csv(path, settings["date"])
        case ".parquet":
            _refuse_doubles(path, _schema(path).names)
            table = _parquet(path, lambda path: read_arrow(path).to_pandas())
            if table.index.names != [None]:
                table = table.reset_index(names=[name or "index" for name in table.index.names], allow_duplicates=True)
            table.columns = table.columns.map(str)
            _refuse_doubles(path, table.columns)
        case ".npz":
            table = _read_npz(path, settings["date"])
    if settings["date"] not in table:
        raise UserError(f"{path} has no column {settings['date']!r}; it has {some(table.columns)}")
    if table.empty:
        raise UserError(f"{path} has no rows")
    return table


def _refuse_doubles(path, names):
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(f"{path} has two columns named {twice[0]!r}")


def _read_csv(path, date):
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            names = next(csv.reader(file), [])
        _refuse_doubles(path, names)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a row with more cells than there are names
            # The name of a series may look like a number, or like a missing value.
            column = _of_file(path, series_column, pd.DataFrame(columns=names))
            text = {} if column is None else {column: str}
            return pd.read_csv(path, dtype={date: str}, converters=text, encoding="utf-8-sig", index_col=False)
    except (ValueError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise UserError(f"{path} is no csv file with commas between its columns: {error}") from None


def _read_npz(path, date):
    """The arrays as long as that of the dates; a two-dimensional array `q` gives the columns q_0, q_1, and so on."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays}
    except (ValueError, TypeError, EOFError, OSError, BadZipFile, zlib.error) as error:
        raise UserError(f"{path} is no npz file of numbers and dates: {error}") from None
    length = len(found[date]) if date in found and found[date].ndim else None
    columns = {}
    for name, array in found.items():
        if array.ndim == 1 and len(array) == length:
            columns[name] = array
        elif array.ndim == 2 and len(array) == length:
            columns |= {f"{name}_{j}": array[:, j] for j in range(array.shape[1])}
    return pd.DataFrame(columns if length is not None else {name: [] for name in found})


def _dates(path, name, column):
    """The days in a column, datetime64[D] array; each is a day as YYYY-MM-DD or a midnight."""
    if isinstance(column.dtype, pd.DatetimeTZDtype) or column.dtype.kind == "M":
        local = column.dt.tz_localize(None)
        bad = local.isna() | (local != local.dt.normalize())
    else:
        local = column.map(str) if column.dtype == object else column.astype(str)
        bad = ~local.str.fullmatch(ISO_DAY)
    if bad.any():
        raise UserError(
            f"{path}: {name}: {bad.sum()} values that are no day as YYYY-MM-DD: {some(column[bad].map(str))}"
        )
    if local.dtype.kind == "M":
        return local.to_numpy().astype("datetime64[D]")
    try:
        return local.to_numpy().astype("U10").astype("datetime64[D]")
    except ValueError as error:
        raise UserError(f"{path}: {name}: a value is no day of the calendar: {error}") from None


def _of_file(path, function, value):
    """What `function` makes of a `value` of the file; its error names the file."""
    try:
        return function(value)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _parts(path, table, dataset):
    """Triples of each series that the file has: what messages begin with, its rows in `table`, and in the dataset.

    The column that names the series, if there is one, is taken out of `table`. A dataset of one series takes a file
    that names one series, whatever its name.
    """
    names, slices = names_of_series(dataset), slices_of(dataset)
    column = _of_file(path, series_column, table)
    if column is None and len(names) > 1:
        raise UserError(
            f"{path} has no column that names the series of each row ({', '.join(SERIES_NAMES)}), and this dataset has "
            f"{len(names)} series: {some(names)}"
        )
    found = {} if column is None else _of_file(path, rows_by_name, table.pop(column))
    if len(names) == 1 and len(found) < 2:
        return [(path, np.arange(len(table)), slices[0])]
    unknown = [name for name in found if name not in names]
    if unknown:
        raise UserError(
            f"{path}: {column}: {len(unknown)} series that are not in this dataset: {some(unknown)}; it has "
            f"{some(names)}"
        )
    return [(f"{path}: series {name}", found[name], days) for name, days in zip(names, slices) if name in found]


def _origin_rows(path, name, dates, date_is, days):
    """Places of the origins among `days`, those of one series; `dates` are ascending."""
    _refuse(path, name, "days that stand there twice", np.unique(dates[1:][dates[1:] == dates[:-1]]))
    days = days.to_numpy().astype("datetime64[D]")
    first = days[1 if date_is == "forecast-day" else 0]
    outside = (dates < first) | (dates > days[-1])
    reach = f"from {first} to {days[-1]} (the first prices of a file go into the indicators)"
    _refuse(path, name, f"days outside the dataset, which has forecasts {reach}", dates[outside])
    rows = np.searchsorted(days, dates)
    _refuse(path, name, "days that are no trading days of these prices", dates[days[rows] != dates])
    return rows - 1 if date_is == "forecast-day" else rows


def _used_columns(path, names, settings):
    """The columns of the forecasts, and the levels of their quantiles, ascending, or None."""
    (form,) = set(FORMS) & set(settings)
    wanted = settings[form]
    if form == "quantiles":
        return _quantile_columns(path, names, wanted)
    if form == "samples" and isinstance(wanted, str):
        wanted = [name for name in names if name.startswith(wanted)]
        if len(wanted) < 10:
            raise UserError(f"{path} has {len(wanted)} columns that begin with {settings[form]!r}; at least 10 samples")
    wanted = [wanted] if isinstance(wanted, str) else wanted
    _require_columns(path, names, wanted)
    return wanted, (np.arange(len(wanted)) + 0.5) / len(wanted) if form == "samples" else None


def _quantile_columns(path, names, wanted):
    if isinstance(wanted, list):
        if len(names) != len(wanted):
            raise UserError(
                f"{path} has {len(names)} columns beside the date, {some(names)}, and settings/quantiles lists "
                f"{len(wanted)} levels: name the columns, as a table of each column with its level"
            )
        return names, np.array(wanted, float)
    if wanted is True:
        wanted = levels_in_names(path, names)
        outside = [name for name, level in wanted.items() if not 0 < level < 1]
        if outside:
            raise UserError(f"{path}: levels outside (0, 1) in the names of the columns {some(outside)}")
        if len(wanted) < 2:
            raise UserError(f"{path} has no two columns whose names are levels, such as q10; it has {some(names)}")
    wanted = {str(name): level for name, level in wanted.items()}
    _require_columns(path, names, wanted)
    chosen = sorted(wanted, key=wanted.get)
    levels = np.array([wanted[name] for name in chosen])
    if (np.diff(levels) <= 0).any():
        raise UserError(f"{path}: two of the columns {some(chosen)} have the same level")
    return chosen, levels


def _require_columns(path, names, wanted):
    absent = [name for name in wanted if name not in names]
    if absent:
        raise UserError(f"{path} has no column {some(absent)}; it has {some(names)}")


def _checked(path, names, values, kind, dates, close):
    """The forecasts of one series, shape (n, k): probabilities, or simple returns from the Close of the origin."""
    for j, name in enumerate(names):
        _refuse(path, name, "values that are not finite numbers", dates[~np.isfinite(values[:, j])])
    if kind != "probability":
        return _simple_returns(path, names, values, kind, dates, close)
    outside = (values[:, 0] < 0) | (values[:, 0] > 1)
    _refuse(path, names[0], "probabilities outside [0, 1]", dates[outside])
    return values


def _simple_returns(path, names, values, kind, dates, close):
    """Forecasts as simple returns from the Close of the origin, shape (n, k)."""
    if kind == "price":
        for j, name in enumerate(names):
            _refuse(path, name, "prices that are not positive", dates[values[:, j] <= 0])
        values = values / close[:, None] - 1
    elif kind in ("log-return", "high"):
        with np.errstate(over="ignore"):
            values = np.expm1(values)
    far = np.abs(values[:, values.shape[1] // 2]) > TOO_FAR
    if far.mean() > 0.5:
        raise UserError(
            f"{path}: {names[values.shape[1] // 2]}: the forecast and the Close of its origin differ by more than "
            f"{100 * TOO_FAR:g} % on {far.sum()} of {len(far)} days, so these are not forecasts of this series, or not "
            f"the values that settings/values says: {kind} (returns are shares, not percent)"
        )
    for j, name in enumerate(names):
        impossible = (values[:, j] <= -1) | ~np.isfinite(values[:, j])
        _refuse(path, name, "returns of -100 % or less, or beyond any number", dates[impossible])
    return values


def _refuse(path, column, what, days):
    """Raise a `UserError` that names these days, if there are any."""
    if len(days):
        raise UserError(f"{path}: {column}: {len(days)} {what}: {some(map(str, days))}")


def scores(forecasts, target, event, dataset, labels):
    """The scores of every row, by kind.

    Quantiles at any levels and samples give what deciles give (`fd01.scoring.deciles`). m samples, sorted, count as
    the quantiles at the levels (i - 0.5) / m (Hazen): so the distribution is continuous and has tails.

    Parameters
    ----------
    forecasts : Forecasts
    target : dict with `target` and `horizon`
    event : dict or None
        What a probability is about: `target` and, for `up` and `down`, `threshold`.
    dataset : DataFrame of all days
    labels : section `labels` of the configuration

    Returns
    -------
    dict of arrays, shape (n,)
        Of a probability: `probability`. Of a point forecast: `study`, the return itself (its negative for a target that
        falls), which ranks days and is no probability. Of a distribution: `exceedance` or `close-exceedance`; `study`,
        the median, if the levels reach to both sides of 0.5; `width`, if they reach from 0.1 to 0.9.

    Raises
    ------
    NotRun
        If the forecasts say nothing about the target.
    """
    if target["horizon"] > 1:
        raise NotRun("forecasts from elsewhere are of the next day")
    name, forecast_event = target["target"], TARGETS[target["target"]]
    if forecasts.series is None:
        here = {"target": name} | ({"threshold": labels["threshold"]} if forecast_event.takes_threshold else {})
        if event != here:
            raise NotRun(f"its probability is about {_in_words(event)}, not about {_in_words(here)}")
        return {"probability": forecasts.values[:, 0]}
    require_forecast_of(name, forecasts.series)
    sign = -1 if forecast_event.falls else 1
    if forecasts.levels is None:
        return {"study": sign * forecasts.values[:, 0]}
    levels = forecasts.levels
    probability = exceedance(forecasts.values, threshold_return(dataset, name, labels)[forecasts.rows], levels)
    if forecast_event.falls:
        probability = 1 - probability
    found = {CLOSE_EXCEEDANCE if needs_touch(target, forecasts.series) else "exceedance": probability}
    if levels[0] <= 0.5 <= levels[-1]:
        found["study"] = sign * quantile_at(forecasts.values, levels, 0.5)
    if levels[0] <= 0.1 and levels[-1] >= 0.9:
        low, high = (quantile_at(forecasts.values, levels, level) for level in (0.1, 0.9))
        found["width"] = high - low
    return found


def _in_words(event):
    size = f" at {100 * event['threshold']:g} %" if "threshold" in event else ""
    return f"{event['target']}{size}"


def quantile_at(quantiles, levels, level):
    """The quantile at a level between the first and the last of `levels`, linear in its normal score; shape (n,).

    `quantiles` has the shape (n, k), `levels` the shape (k,).
    """
    probits, z = ndtri(levels), ndtri(level)
    right = min(max(int(np.searchsorted(probits, z, side="right")), 1), len(levels) - 1)
    share = (z - probits[right - 1]) / (probits[right] - probits[right - 1])
    return quantiles[:, right - 1] + share * (quantiles[:, right] - quantiles[:, right - 1])


def score_blocks(rows, origins, targets, scores_of, exponent_of, allow_missing, note=None):
    """The prediction files of forecasts from elsewhere.

    A block is scored if every evaluation day of its series has a forecast, or, with `allow_missing`, all but at most
    `MOST_LACKING` of them. The calibration tail is scored if it lacks none.

    Parameters
    ----------
    rows : int array, shape (n,)
        Rows of the dataset that have a forecast.
    origins : DataFrame, see `fd01.data.origins`
    targets : list of dict with `target` and `horizon`
    scores_of : function of a target
        Returns arrays of shape (n,) by kind of score; raises `NotRun`.
    exponent_of : function of a target and rows to train on, `fd01.data.touch.touch_exponent`
    allow_missing : bool
    note : str, optional
        Why the file may lack days.

    Returns
    -------
    blocks : dict of fold to the rows of its file and a list of {target, horizon, reason}
        As `fd01.scoring.predictions.write_blocks` takes them.
    lacking : dict of fold to list of str, as `fd01.scoring.predictions.name_days` names days
        The evaluation days without a forecast, of the folds that are scored all the same.
    """
    index, evaluation = pd.Index(rows), origins[origins["role"] == EVALUATION]
    reasons, lacking = {}, {}
    for fold, block in evaluation.groupby("fold", sort=False):
        absent = name_days(block)[~block["row"].isin(index)]
        few = len(absent) <= MOST_LACKING * len(block)
        if len(absent) and not (few and allow_missing):
            hint = f"; with allow_missing: true a block may lack {100 * MOST_LACKING:g} %" if few else ""
            known = f" ({note})" if note else ""
            have = len(block) - len(absent)
            of = _forecasts_of_series(block, index)
            reasons[fold] = f"the file has forecasts of {have} of the {len(block)} days of {fold}{of}{known}{hint}"
        elif len(absent):
            lacking[fold] = absent.to_list()
            logging.warning("%s: scored without the forecasts made on %s", fold, ", ".join(lacking[fold]))
    frames, not_run = ({fold: [] for fold in evaluation["fold"].unique()} for _ in range(2))
    for target in targets:
        try:
            values, refused = scores_of(target), None
        except NotRun as reason:
            refused = str(reason)
        for split in splits(origins, **target):
            for fold in evaluation.loc[evaluation["train_end"] == split.train_end, "fold"].unique():
                if reason := refused or reasons.get(fold):
                    logging.warning("%s, %s: not run: %s", fold, target, reason)
                    not_run[fold].append({**target, "reason": reason})
                    continue
                block = evaluation.loc[evaluation["fold"] == fold, "row"]
                evaluated = block[block.isin(index)].to_numpy()
                for role, train, wanted in (
                    (CALIBRATION, split.inner, split.calibration),
                    (EVALUATION, split.training, evaluated),
                ):
                    places = index.get_indexer(wanted)
                    if (places < 0).any():
                        continue  # the file does not reach back to the tail
                    exponent = cache(partial(exponent_of, target, train))
                    wanted_values = {kind: score[places] for kind, score in values.items()}
                    for kind, score in level_corrected(wanted_values, wanted, exponent).items():
                        columns = dict(score_kind=kind, is_probability=kind in PROBABILITY_KINDS)
                        frames[fold].append(scores_frame(origins, wanted, role, score, target=target, **columns))
    return {fold: (concat_scores(parts), not_run[fold]) for fold, parts in frames.items()}, lacking


def _forecasts_of_series(block, rows):
    """Of several series, how many days of those that lack any have a forecast, in brackets, the worst first."""
    if block["series"].nunique() == 1:
        return ""
    sizes = block["row"].isin(rows).groupby(block["series"], observed=True).agg(["sum", "size"])
    lacks = (sizes["size"] - sizes["sum"]).sort_values(ascending=False, kind="stable")
    parts = [f"{name} {sizes['sum'][name]} of {sizes['size'][name]}" for name in lacks.index[lacks > 0]]
    return f" ({some(parts)})"
