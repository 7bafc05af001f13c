"""Check of pre-trained weights: do they give, through the code that forecasts here, the answers published of them?

The cases lie in `resources/known-answers/{model}.json`, with their sources.
"""

import json
import re
from functools import partial
from pathlib import Path
from textwrap import shorten

import numpy as np
import pandas as pd

from fd01.models.forecasts import DECILE_COLUMNS, quantile_frame
from fd01.models.known_answers import MISSING, NOT_VERIFIED, OFF, REFUSED, checksums, is_pinned, judge
from fd01.models.lag_llama import history_length, sampled_means
from fd01.models.lag_llama import load as load_lag_llama
from fd01.models.lag_llama_checkpoint import ARCHITECTURE
from fd01.models.timesfm import forecast
from fd01.models.timesfm import load as load_timesfm
from fd01.models.weights import read_manifest
from fd01.workflow.errors import NotRun, UserError
from fd01.workflow.files import read_json

QUOTED = ("name", "source", "licence", "flags", "columns")  # of a case, for the record
# The keys of a case and their types.
TEXT, OBJECT, LIST, WHOLE, NUMBER, SWITCH = (str,), (dict,), (list,), (int,), (int, float), (bool,)
CASE = {
    **dict.fromkeys(("name", "source", "licence"), TEXT),
    **dict.fromkeys(("flags", "input", "tolerance"), OBJECT),
    **dict.fromkeys(("columns", "expected"), LIST),
    "horizon": WHOLE,
}
FLAGS = {
    "timesfm": {"flip": SWITCH},
    "lag-llama": dict.fromkeys(("context", "prediction_length", "samples", "seed"), WHOLE),
}
COLUMNS = {"timesfm": ["mean", *DECILE_COLUMNS], "lag-llama": ["mean"]}
FORMATS = {"timesfm": ["float32", "bfloat16"], "lag-llama": ["float32"]}
WORDS = {
    TEXT: "text",
    OBJECT: "an object in braces",
    LIST: "a list",
    WHOLE: "a whole number",
    NUMBER: "a number",
    SWITCH: "true or false",
}


class DoesNotLoad(Exception):
    """The weights have no place in the network; the message says why, in one line."""


def load_cases(path, model):
    """The published answers of a model, from a JSON file; None if `path` is empty, as there are none.

    A file has `cases` and, optionally, `files`: what is published of the files of the weights, by name. A case has

    - name, source, licence
    - input: `values`, and for Lag-Llama their `first_month`; or `sine`, sin(x) at `points` x from 0 to `stop`
    - flags: of TimesFM, `flip`; of Lag-Llama, context, prediction_length, samples and seed, and, if it is to be
      checked, rope_scaling
    - horizon, columns, and expected, the forecast, of shape (horizon, columns)
    - tolerance: by number format, in standard deviations of the input

    Raises `UserError` if there is no such file, no JSON in it, or a part that is missing or wrong.
    """
    if not path:
        return None
    where = f"known_answers of the configuration: {path}"
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{where} cannot be read: {error}") from None
    _require(where, content, {"cases": LIST})
    files = content.get("files", {})
    _require(where, {"files": files}, {"files": OBJECT})
    _require(f"{where}: files", files, dict.fromkeys(files, OBJECT))
    for name, file in files.items():
        _require(f"{where}: files: {name}", file, {"certain": SWITCH, "source": TEXT})
    for number, case in enumerate(content["cases"], start=1):
        name = case.get("name", number) if isinstance(case, dict) else number
        _check_case(f"{where}: case {name}", case, model)
    return content


def _check_case(where, case, model):
    _require(where, case, CASE)
    _require(f"{where}: flags", case["flags"], FLAGS.get(model, {}))
    made = case["input"]
    if "sine" in made:
        _require(f"{where}: input", made, {"sine": OBJECT})
        _require(f"{where}: input: sine", made["sine"], {"stop": NUMBER, "points": WHOLE})
    else:
        _require(f"{where}: input", made, {"values": LIST})
    if model == "lag-llama":
        _require(f"{where}: input", made, {"first_month": TEXT})
        try:
            pd.Period(made["first_month"], freq="M")
        except ValueError:
            raise UserError(f"{where}: input: first_month must be a month such as 1949-01") from None
    values, expected = _numbers(where, "input", input_of, case), _numbers(where, "expected", np.array, case["expected"])
    if values.ndim != 1 or not values.size or not values.std() > 0:
        raise UserError(f"{where}: input must be a list of numbers that are not all equal")
    if not case["columns"] or not all(column in COLUMNS.get(model, case["columns"]) for column in case["columns"]):
        raise UserError(f"{where}: columns must be names out of {', '.join(COLUMNS[model])}")
    shape = (case["horizon"], len(case["columns"]))
    if expected.shape != shape:
        raise UserError(f"{where}: expected has the shape {expected.shape}, not (horizon, columns), which is {shape}")
    formats = FORMATS.get(model, case["tolerance"])
    if not case["tolerance"] or not set(case["tolerance"]) <= set(formats):
        raise UserError(f"{where}: tolerance must have keys out of {', '.join(formats)}")
    _require(f"{where}: tolerance", case["tolerance"], dict.fromkeys(case["tolerance"], NUMBER))


def _require(where, part, keys):
    """Raise `UserError` unless `part` is a dict with these keys, of these types."""
    if not isinstance(part, dict):
        raise UserError(f"{where} must be {WORDS[OBJECT]}")
    for key, types in keys.items():
        if key not in part:
            raise UserError(f"{where}: the key {key} is missing")
        if type(part[key]) not in types:
            raise UserError(f"{where}: {key} must be {WORDS[types]}")


def _numbers(where, key, read, content):
    try:
        numbers = read(content).astype(float)
    except (TypeError, ValueError):
        raise UserError(f"{where}: {key} must hold numbers, in rows of equal length") from None
    if not np.isfinite(numbers).all():
        raise UserError(f"{where}: {key} must hold finite numbers")
    return numbers


def verify(manifest, cases, off=False):
    """Check that the weights of a manifest load, and that they give the known answers.

    Parameters
    ----------
    manifest : path
    cases : dict, as `load_cases` returns it; None if there are none
        A case is compared in each number format that it has a tolerance for.
    off : bool, whether the configuration switches the comparison off; the weights must load all the same

    Returns
    -------
    dict
        The content of `known-answers.json`. Nothing in it depends on the time.

        - model, and status, one of the words in `fd01.models.known_answers`
        - checked: the SHA-256 of the files by name; pinned: whether they are the published ones beyond doubt
        - files: what is published of each, and what it is here
        - cases: what is expected and what was computed; `difference` and `tolerance` are in standard deviations of the
          input
        - reason: only of weights that do not load, why

    Raises
    ------
    UserError
        If a file of the weights is gone or has changed, if nothing here can run the model, or if a case contradicts it.
    """
    about = read_json(manifest)
    result = {"model": about["model"], "status": MISSING, "checked": checksums(about), "pinned": False}
    result |= {"files": [], "cases": []}
    try:
        read_manifest(manifest)
    except NotRun:
        return result
    if result["model"] not in RUN:
        if cases and not off:
            raise UserError(f"known_answers of {result['model']}: only {' and '.join(RUN)} can be checked")
        return result | {"status": OFF if off else NOT_VERIFIED}
    import torch

    folder = Path(manifest).parent
    torch.set_num_threads(1)  # with such small inputs, more threads wait for each other: three times the CPU seconds
    try:
        if off or not cases:
            _loaded(LOAD[result["model"]], folder)
            return result | {"status": OFF if off else NOT_VERIFIED}
        result["files"] = [_compare_file(name, file, about["files"]) for name, file in cases.get("files", {}).items()]
        result["pinned"] = is_pinned(result["files"])
        forecasts = RUN[result["model"]](folder, cases["cases"])
        result["cases"] = [_compare(case, dtype, found) for case, dtype, found in forecasts]
    except DoesNotLoad as error:
        return result | {"status": REFUSED, "reason": str(error)}
    return result | {"status": judge(result["cases"], result["files"])}


def run_timesfm(folder, cases):
    """Yield each case with each number format that it has a tolerance for, and the forecast of TimesFM.

    Raises `DoesNotLoad`, and `UserError` if a case has more days than the network forecasts.
    """
    model = _loaded(load_timesfm, folder)
    for case in cases:
        values = input_of(case).astype(np.float32)
        settings = {"context": len(values), "flip": case["flags"]["flip"], "batch_size": 1}
        for dtype in FORMATS["timesfm"]:
            if dtype in case["tolerance"]:
                try:
                    quantiles = forecast(model, [values], case["horizon"], settings | {"dtype": dtype})
                except NotRun as error:
                    raise UserError(f"known_answers of timesfm: case {case['name']}: horizon: {error}") from None
                yield case, dtype, quantile_frame([0], quantiles)[case["columns"]].to_numpy()


def run_lag_llama(folder, cases):
    """Yield each case, `float32`, and the forecast of Lag-Llama, the mean of sampled paths.

    Raises `DoesNotLoad`, and `UserError` if a case says `rope_scaling` where there is none, or the reverse, or has more
    values than the network reads.
    """
    for case in cases:
        values, flags = input_of(case), case["flags"]
        network = _loaded(load_lag_llama, folder, flags["context"], flags["prediction_length"])
        native = json.loads((folder / ARCHITECTURE).read_text())["context_length"]
        scaled = flags["context"] > native
        if flags.get("rope_scaling", scaled) != scaled:
            raise UserError(
                f"known_answers of lag-llama: case {case['name']}: flags: rope_scaling must be {str(scaled).lower()}: "
                f"positions are scaled if context, here {flags['context']}, is more than {native}"
            )
        if len(values) > (most := history_length(network)):
            raise UserError(f"known_answers of lag-llama: case {case['name']}: input must have at most {most} values")
        months = pd.date_range(case["input"]["first_month"], periods=len(values) + case["horizon"], freq="ME")
        means = sampled_means(network, values, months, flags["samples"], flags["seed"])
        yield case, "float32", means[:, None]


def _loaded(load, *arguments):
    from safetensors import SafetensorError

    try:
        return load(*arguments)
    # What PyTorch and the packages raise depends on the damage.
    except (
        RuntimeError,
        SafetensorError,
        LookupError,
        TypeError,
        ValueError,
        ArithmeticError,
        AssertionError,
    ) as error:
        if re.search("CUDA|alloc", str(error)):  # a lack of memory or of a GPU says nothing of the weights
            raise
        raise DoesNotLoad(shorten(f"{type(error).__name__}: {error}", 200, placeholder=" ...")) from error


RUN = {"timesfm": run_timesfm, "lag-llama": run_lag_llama}
LOAD = {"timesfm": load_timesfm, "lag-llama": partial(load_lag_llama, context=1)}  # any context fits the same weights


def input_of(case):
    """The series that a case forecasts, float64 array of shape (n,)."""
    made = case["input"]
    if "sine" in made:
        return np.sin(np.linspace(0, made["sine"]["stop"], made["sine"]["points"]))
    return np.array(made["values"], dtype=float)


def _compare(case, dtype, found):
    expected = np.array(case["expected"])
    if found.shape != expected.shape:
        shapes = f"the forecast has the shape {found.shape}, expected has {expected.shape}"
        raise UserError(f"known_answers: case {case['name']}: {shapes}")
    difference = np.abs(found - expected).max() / input_of(case).std()
    finite, tolerance = bool(np.isfinite(found).all()), case["tolerance"][dtype]
    return {
        **{key: case[key] for key in QUOTED},
        "dtype": dtype,
        "expected": case["expected"],
        "found": found.astype(float).tolist() if finite else None,
        "tolerance": tolerance,
        "difference": float(difference) if finite else None,
        "ok": finite and bool(difference <= tolerance),
    }


def _compare_file(name, published, files):
    expected = {key: published[key] for key in ("sha256", "bytes") if key in published}
    found = {key: files[name][key] for key in expected} if name in files else {}
    ok = found == expected
    return {"name": name, "expected": expected, "found": found, "ok": ok} | {
        key: published[key] for key in ("certain", "source")
    }
