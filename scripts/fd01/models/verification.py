"""Check of pre-trained weights: do they give, through the code that forecasts here, the answers published of them?

The cases lie in `resources/known-answers/{model}.json`, with their sources.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from fd01.models.forecasts import quantile_frame
from fd01.models.known_answers import MISSING, NOT_VERIFIED, OFF, checksums, differing_files, is_pinned, judge, wrong
from fd01.models.lag_llama import load as load_lag_llama
from fd01.models.lag_llama import sampled_means
from fd01.models.timesfm import forecast
from fd01.models.timesfm import load as load_timesfm
from fd01.models.weights import read_manifest
from fd01.workflow.errors import NotRun, UserError
from fd01.workflow.files import read_json

QUOTED = ("name", "source", "licence", "flags", "columns")  # of a case, for the record


def load_cases(path):
    """The published answers of one model, from a JSON file; None if `path` is empty, as there are none.

    A file has `cases` and, optionally, `files`: what is published of the files of the weights, by name. A case has

    - name, source, licence
    - input: `values`, and for Lag-Llama their `first_month`; or `sine`, sin(x) at `points` x from 0 to `stop`
    - flags: of TimesFM, `flip`; of Lag-Llama, context, prediction_length, samples and seed
    - horizon, columns, and expected, the forecast, of shape (horizon, columns)
    - tolerance: by number format, in standard deviations of the input

    Raises `UserError` if there is no such file, or no JSON in it.
    """
    try:
        return read_json(path) if path else None
    except (OSError, ValueError) as error:
        raise UserError(f"known_answers of the configuration: {path} cannot be read: {error}") from None


def verify(manifest, cases, dtypes, off=False):
    """Check the weights of a manifest.

    Parameters
    ----------
    manifest : path
    cases : dict, as `load_cases` returns it; None if there are none
    dtypes : list of number formats, `float32` and, if an experiment needs it, `bfloat16`
    off : bool, whether the configuration switches the check off

    Returns
    -------
    dict
        The content of `known-answers.json`. Nothing in it depends on the time.

        - model, and status, one of the words in `fd01.models.known_answers`
        - checked: the SHA-256 of the files by name; pinned: whether they are the published ones beyond doubt
        - files: what is published of each, and what it is here
        - cases: what is expected and what was computed; `difference` and `tolerance` are in standard deviations of the
          input

    Raises
    ------
    UserError
        If a file of the weights is gone or has changed, or if nothing here can run the model.
    """
    about = read_json(manifest)
    result = {"model": about["model"], "status": MISSING, "checked": checksums(about), "pinned": False}
    result |= {"files": [], "cases": []}
    try:
        read_manifest(manifest)
    except NotRun:
        return result
    if off or not cases:
        return result | {"status": OFF if off else NOT_VERIFIED}
    if result["model"] not in RUN:
        raise UserError(f"known_answers of {result['model']}: only {' and '.join(RUN)} can be checked")
    import torch

    torch.set_num_threads(1)  # with such small inputs, more threads wait for each other: three times the CPU seconds
    result["files"] = [_compare_file(name, file, about["files"]) for name, file in cases.get("files", {}).items()]
    result["cases"] = [
        _compare(case, dtype, found)
        for case, dtype, found in RUN[result["model"]](Path(manifest).parent, cases["cases"], dtypes)
    ]
    return result | {"pinned": is_pinned(result["files"]), "status": judge(result["cases"], result["files"])}


def warnings(answers):
    """What a person should see: one line each."""
    texts = [f"{answers['model']}: {line}" for line in differing_files(answers)]
    if names := wrong(answers):
        texts.append(f"{answers['model']} is {answers['status']}: other answers than published: {names}")
    return texts


def run_timesfm(folder, cases, dtypes):
    """Yield each case with each number format that it has a tolerance for, and the forecast of TimesFM."""
    model = load_timesfm(folder)
    for case in cases:
        values = input_of(case).astype(np.float32)
        settings = {"context": len(values), "flip": case["flags"]["flip"], "batch_size": 1}
        for dtype in dtypes:
            if dtype in case["tolerance"]:
                quantiles = forecast(model, [values], case["horizon"], settings | {"dtype": dtype})
                yield case, dtype, quantile_frame([0], quantiles)[case["columns"]].to_numpy()


def run_lag_llama(folder, cases, dtypes):
    """Yield each case, `float32`, and the forecast of Lag-Llama, the mean of sampled paths; `dtypes` is not used."""
    for case in cases:
        values, flags = input_of(case), case["flags"]
        network = load_lag_llama(folder, flags["context"], flags["prediction_length"])
        months = pd.date_range(case["input"]["first_month"], periods=len(values) + case["horizon"], freq="ME")
        means = sampled_means(network, values, months, flags["samples"], flags["seed"])
        yield case, "float32", means[:, None]


RUN = {"timesfm": run_timesfm, "lag-llama": run_lag_llama}


def input_of(case):
    """The series that a case forecasts, float64 array of shape (n,)."""
    made = case["input"]
    if "sine" in made:
        return np.sin(np.linspace(0, made["sine"]["stop"], made["sine"]["points"]))
    return np.array(made["values"], dtype=float)


def _compare(case, dtype, found):
    difference = np.abs(found - np.array(case["expected"])).max() / input_of(case).std()
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
