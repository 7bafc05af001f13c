"""Measure what TimesFM 2.5 costs here, and how flip and bf16 change its scores (--effects); see README.md."""

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path

from figures import note

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT / "scripts")  # instead of this folder, whose timesfm.py would hide the package
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from forecast_timesfm import rows_to_forecast  # noqa: E402

from fd01.data.inputs import input_series, windows  # noqa: E402
from fd01.models.timesfm import WEIGHTS, forecast_rows, import_timesfm, load, load_untrained  # noqa: E402
from fd01.workflow.parquet import read_frame  # noqa: E402

THREADS = 1  # as in the study
KINDS = ("study", "exceedance", "width")
UNITS = ("amx_bf16", "avx512_bf16")  # instructions for bf16


def study_of(prices):
    """Configuration, dataset and origins for the file `prices`, or for the packaged prices if it is None."""
    import yaml

    from fd01.data.origins import build_origins
    from fd01.data.prices import build_dataset, load_packaged
    from fd01.study.config import check_config

    config, schema = (
        yaml.safe_load((ROOT / path).read_text()) for path in ("config.yaml", "schemas/config.schema.yaml")
    )
    check_config(config, schema)
    dataset = build_dataset(read_frame(prices) if prices else load_packaged())
    folds = config["datasets"]["spy" if prices else "sp500"]["folds"]
    return config, dataset, build_origins(dataset, folds, config["labels"], **config["origins"])


def cpu_seconds(work):
    """CPU seconds of all threads while `work()` runs."""
    start = time.process_time()
    work()
    return time.process_time() - start


def product_rate(dtype, rows, products=10):
    """GFLOP per CPU second of the product (rows, 1280) x (1280, 3840), the most frequent one of the network."""
    import torch

    dtype = getattr(torch, dtype)
    x, layer = torch.randn(rows, 1280, dtype=dtype), torch.nn.Linear(1280, 3840, bias=False, dtype=dtype)
    with torch.no_grad():
        seconds = [cpu_seconds(lambda: [layer(x) for _ in range(products)]) for _ in range(5)]
    return 2e-9 * products * rows * layer.weight.numel() / statistics.median(seconds)


def gflop_per_window(module, context):
    """GFLOP of the linear layers that a forecast needs: blocks on all patches, the hidden layer of heads on the last.

    Left out are attention and the last layer of the heads, which for few patches and one day are small.
    """
    import torch

    heads = (module.output_projection_point, module.output_projection_quantiles)
    weights, of_heads = (
        sum(layer.weight.numel() for part in parts for layer in part.modules() if isinstance(layer, torch.nn.Linear))
        for parts in ([module], heads)
    )
    last = sum(head.hidden_layer.weight.numel() for head in heads)
    return 2e-9 * ((weights - of_heads) * -(-context // module.p) + last)


def by_package(model, inputs, context, size=1):
    """Forecast through the API of the package with flip, `size` windows per call; the old notebooks took one."""
    model.compile(
        import_timesfm().ForecastConfig(
            max_context=context,
            max_horizon=1,
            per_core_batch_size=size,
            normalize_inputs=True,
            use_continuous_quantile_head=True,
            force_flip_invariance=True,
            infer_is_positive=False,
        )
    )
    for start in range(0, len(inputs), size):
        model.forecast(1, inputs[start : start + size])


def scores_of(quantiles, rows, study):
    """Scores of the first target, DataFrame of shape (rows, kinds)."""
    from fd01.data.origins import splits
    from fd01.data.touch import level_corrected, touch_exponent
    from fd01.models.forecasts import quantile_frame
    from fd01.scoring.deciles import scores

    config, dataset, origins = study
    target, labels = config["targets"][0], config["labels"]
    scored, by_kind = scores(quantile_frame(rows, quantiles), target, "close", dataset, labels)
    split = next(splits(origins, **target))
    by_kind = level_corrected(by_kind, partial(touch_exponent, target, split.training, dataset, labels))
    return pd.DataFrame(by_kind, index=scored)


def aucs(scores, study):
    """AUC by block and kind of score, Series."""
    from fd01.data.origins import EVALUATION
    from fd01.data.targets import target_column
    from fd01.evaluation.metrics import auc

    config, _, origins = study
    column = target_column(**config["targets"][0])
    return pd.Series(
        {
            (fold, kind): auc(block[column].to_numpy(), scores.loc[block["row"], kind].to_numpy())
            for fold, block in origins[origins["role"] == EVALUATION].groupby("fold", sort=False)
            for kind in KINDS
        }
    )


def fresh_process(job):
    """Measure, in a process that has just started, imports, loading, one window and one batch; print JSON.

    It has the CPU and wall seconds of each, and the peak memory in bytes.
    """
    import torch

    import_timesfm()
    clocks = [(0, job["started"]), (time.process_time(), time.time())]
    torch.set_num_threads(THREADS)
    dataset, rows, settings = read_frame(job["dataset"]), np.array(job["rows"]), job["settings"]
    model = load(job["folder"])
    clocks.append((time.process_time(), time.time()))
    for size in (1, settings["batch_size"]):
        forecast_rows(model, dataset, rows[:size], 1, settings | {"batch_size": size})
        clocks.append((time.process_time(), time.time()))
    forecast_rows(model, dataset, rows, 1, settings)
    print(json.dumps({"seconds": np.diff(clocks, axis=0).tolist(), "peak": peak_memory()}))


def peak_memory():
    """Peak memory of this process, in bytes."""
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # On Linux ru_maxrss also counts the process that started this one.
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])


def costs(model, forecast, windows, alone, rows, settings, rounds):
    """Rows of the table on rates and times.

    `forecast` is a function `(model, rows, flip, dtype)`; `windows` are the inputs, `alone` how many of them go through
    the package one at a time. Other work on the machine can only add CPU seconds, so each time is the smallest of the
    rounds and each rate the highest. bf16 is left out where the CPU has no units for it.
    """
    dtypes = {"fp32": "float32"} | ({"bf16": "bfloat16"} if has_units() else {})
    ways = [(name, flip) for name in dtypes for flip in (False, True)]
    rates, seconds = {name: [] for name in dtypes}, {way: [] for way in [*ways, "package", "alone"]}
    forecast(model, rows[: settings["batch_size"]], False, "float32")  # the first call is slower
    for _ in range(rounds):
        for name, dtype in dtypes.items():
            rates[name].append(product_rate(dtype, 3 * settings["batch_size"]))
        for name, flip in ways:
            seconds[name, flip].append(cpu_seconds(partial(forecast, model, rows, flip, dtypes[name])))
        size, context = settings["batch_size"], settings["context"]
        seconds["package"].append(cpu_seconds(partial(by_package, model, windows, context, size)))
        few = cpu_seconds(partial(by_package, model, windows[:alone], context))
        seconds["alone"].append(few * len(rows) / alone)
    rates = {name: max(measured) for name, measured in rates.items()}
    seconds = {way: min(measured) for way, measured in seconds.items()}

    gflop = gflop_per_window(model.model, settings["context"])
    for name, rate in rates.items():
        yield f"matrix product, {name}", f"{rate:.0f} GFLOP per CPU second", ""
    yield "linear layers, flip off, on", f"{gflop:.3f}, {2 * gflop:.3f} GFLOP per window", ""
    for name, flip in ways:
        floor = gflop * (1 + flip) * len(rows) / rates[name]
        took = seconds[name, flip]
        measured = f"{took:.1f} CPU s, {took / floor:.2f} x the floor"
        if name == "bf16":
            measured += f", {seconds['fp32', flip] / took:.2f} x faster than fp32"
        target = {"fp32": "at most 1.20 x the floor", "bf16": "at least 2 x faster"}[name]
        yield f"{name}, flip {'on' if flip else 'off'}", measured, target
    yield "flip", f"{seconds['fp32', True] / seconds['fp32', False]:.2f} x the time without (fp32)", ""
    floor = 2 * gflop * len(rows) / rates["fp32"]
    note(f"TimesFM, {len(rows)} windows, flip on", seconds["fp32", True], seconds["package"], floor)
    gain = seconds["alone"] / seconds["fp32", True]
    took, ratio = seconds["package"], seconds["fp32", True] / seconds["package"]
    yield "the package's own forecast, flip on, fp32", f"{took:.1f} CPU s; ours takes {ratio:.2f} x of it", ""
    took = f"{seconds['alone']:.0f} CPU s, scaled from {alone} windows"
    yield "one window at a time, flip on, fp32", f"{took}; batches are {gain:.1f} x faster", "at least 15 x"


def start_up(folder, dataset, rows, settings, rounds):
    """Rows of the table on a process from its start to its first forecast."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "dataset.parquet")
        dataset.to_parquet(path)
        job = {"folder": str(folder), "dataset": str(path), "rows": rows.tolist(), "settings": settings}
        processes = []
        for _ in range(rounds):
            command = [sys.executable, __file__, "--job", json.dumps(job | {"started": time.time()})]
            processes.append(json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout))
    imports, loading, one, batch = np.min([process["seconds"] for process in processes], axis=0)
    for what, (cpu, wall), target in (
        ("imports", imports, ""),
        ("load to first forecast, one window", loading + one, "under 5 s"),
        (f"load to first batch of {settings['batch_size']}", loading + batch, ""),
        ("imports and load to first forecast", imports + loading + one, ""),
    ):
        yield what, f"{wall:.1f} s, {cpu:.1f} CPU s", target
    yield "peak memory", f"{max(process['peak'] for process in processes) / 1e9:.2f} GB", "under 2.5 GB"


def effects(loaders, forecast, rows, study):
    """Rows of the table on how the scores change: with bf16, on the first model, and with flip, on all models."""
    on, off = [], []
    for load_model in loaders:
        model = load_model()
        scores = scores_of(forecast(model, rows, True, "float32"), rows, study)
        on.append(aucs(scores, study))
        off.append(aucs(scores_of(forecast(model, rows, False, "float32"), rows, study), study))
        if len(on) == 1:
            rounded = scores_of(forecast(model, rows, True, "bfloat16"), rows, study)
            moved = (rounded - scores)["exceedance"].abs()
            change = aucs(rounded, study) - on[0]
            yield "bf16, probability moves by", f"{moved.median():.1e} median, {moved.max():.1e} at most", ""
            for (fold, kind), value in change.items():
                if kind == "exceedance":
                    yield f"bf16, change of AUC, {fold}", f"{value:+.4f}", ""
        del model  # before the next one is loaded
    on, off = pd.DataFrame(on), pd.DataFrame(off)
    for block in on:
        change = (on - off)[block]
        means = f"{off[block].mean():.3f} off, {on[block].mean():.3f} on"
        values = f"{means}, change {change.mean():+.3f} ({change.min():+.3f} to {change.max():+.3f})"
        yield f"flip, AUC of {block[1]}, {block[0]}", values, ""


def has_units():
    """Whether the CPU has instructions for bf16."""
    import torch

    return any(map(torch.cpu.get_capabilities().get, UNITS))


def cpu_units():
    """The instructions for bf16 that the CPU has or lacks."""
    import torch

    has = torch.cpu.get_capabilities()
    return ", ".join(f"{name} {'yes' if has.get(name) else 'no'}" for name in UNITS)


def table(arguments):
    """Rows of the table: what, measured, target."""
    import torch
    from safetensors.torch import save_file

    torch.set_num_threads(THREADS)
    n, alone, seeds, rounds = (128, 4, 1, 1) if arguments.quick else (256, 8, 5, 2)
    study = config, dataset, origins = study_of(arguments.prices)
    settings = config["experiments"]["TFM-01"]["settings"]
    every = rows_to_forecast(origins, "evaluation")
    rows = every[-n:]
    folder = arguments.folder
    loaders = [partial(load, folder)] if folder else [partial(load_untrained, seed) for seed in range(seeds)]

    def forecast(model, rows, flip, dtype):
        return forecast_rows(model, dataset, rows, 1, settings | {"flip": flip, "dtype": dtype})

    yield "CPU", f"{torch.cpu.get_capabilities()['cpu_name']}, threads: {THREADS}; {cpu_units()}", ""
    yield "packages", f"torch {version('torch')}, timesfm {version('timesfm')}", ""
    days = f"{dataset['Date'].iloc[0]:%Y-%m-%d} to {dataset['Date'].iloc[-1]:%Y-%m-%d}"
    yield "prices", f"{Path(arguments.prices).name if arguments.prices else 'packaged'}, {days}", ""
    yield "weights", folder or "random", ""
    yield "windows", f"{len(rows)} of {settings['context']} days, batches of {settings['batch_size']}", ""
    model = loaders[0]()
    inputs = windows(input_series(dataset, settings["input"]), rows, settings["context"])
    yield from costs(model, forecast, inputs, alone, rows, settings, rounds)
    with tempfile.TemporaryDirectory() as scratch:
        if not folder:
            save_file(model.model.state_dict(), Path(scratch, WEIGHTS))
        del model
        yield from start_up(folder or scratch, dataset, rows, settings, rounds)
    if arguments.effects:
        yield from effects(loaders, forecast, every, study)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--prices", help="a parquet file as in docs/reference/prices.md (default: the packaged S&P 500)"
    )
    parser.add_argument("--folder", help="where model.safetensors lies (default: random weights)")
    parser.add_argument(
        "--effects", action="store_true", help="also how flip and bf16 change the scores of five seeds; many minutes"
    )
    parser.add_argument("--quick", action="store_true", help="few windows, one round, to try it out")
    parser.add_argument("--job", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        fresh_process(arguments.job)
    else:
        print("| what | measured | target |\n|---|---|---|", flush=True)
        for row in table(arguments):
            print(f"| {' | '.join(row)} |", flush=True)
