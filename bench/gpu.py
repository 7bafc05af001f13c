"""What the models cost on a CUDA GPU, and how far their scores there differ from the scores on a CPU; see README.md."""

import argparse
import dataclasses
import json
import logging
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from functools import cache, cached_property, partial
from importlib.metadata import version
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT / "scripts")  # in place of this folder, whose timesfm.py would hide the package

os.environ["TQDM_DISABLE"] = "1"
logging.getLogger().addHandler(logging.NullHandler())  # or timesfm's first line makes one that prints

import finetune_timesfm  # noqa: E402
import forecast_fracast  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import torch  # noqa: E402
import train_lag_llama  # noqa: E402
import train_patchtst  # noqa: E402
import yaml  # noqa: E402
from encode_timesfm import encode_rows, state_frame  # noqa: E402
from fit_probe import score_all, state_columns  # noqa: E402
from run_lag_llama import run_rows  # noqa: E402

from fd01.data.indicators import INDICATORS  # noqa: E402
from fd01.data.origins import CALIBRATION, EVALUATION, TRAIN, build_origins, splits  # noqa: E402
from fd01.data.prices import build_dataset, load_packaged  # noqa: E402
from fd01.data.targets import target_column  # noqa: E402
from fd01.data.touch import level_corrected, touch_exponent  # noqa: E402
from fd01.evaluation.metrics import auc  # noqa: E402
from fd01.models import lag_llama, patchtst, timesfm  # noqa: E402
from fd01.models.forecasts import PARAMETERS, quantile_frame  # noqa: E402
from fd01.models.training import autocast  # noqa: E402
from fd01.scoring import deciles, student_t  # noqa: E402
from fd01.study.config import check_config  # noqa: E402

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
# Ways to compute: their words, the dtype of matrix products, and whether float32 products run in TF32.
WAYS = (("fp32", "float32", False), ("TF32", "float32", True), ("bf16", "bfloat16", False))
FULL, TF32, HALF = WAYS
TARGET = {"target": "up", "horizon": 1}


@contextmanager
def computing_on(device):
    """On `cpu` nothing inside sees a GPU."""
    found = torch.cuda.is_available()
    with mock.patch.object(torch.cuda, "is_available", lambda: found and device == "cuda"):
        yield


@contextmanager
def tf32(enabled):
    """Matrix products of float32 on the tensor cores, in TF32, or not."""
    torch.set_float32_matmul_precision("high" if enabled else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision("highest")


@contextmanager
def threads(count):
    """CPU threads of torch."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def wait():
    """Until the GPU has done what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def seconds(work, repeats, warm_up=1):
    """Median wall seconds of `work()`, the GPU's part included."""
    for _ in range(warm_up):
        work()
    times = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        work()
        wait()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


class EpochClock(logging.Handler):
    """When each epoch ended, by the line that a training logs then, and the most memory of the GPU until then."""

    def __init__(self):
        super().__init__()
        self.ends, self.peak = [], None

    def emit(self, record):
        if str(record.msg).startswith("epoch"):
            self.ends.append(record.created)
            self.peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None


def timed_training(job):
    """What `job()` gives, the seconds of its second epoch, the first being slower, and the GB that it added."""
    clock, log = EpochClock(), logging.getLogger()
    before = 0
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    level = log.level
    log.setLevel(logging.INFO)
    log.addHandler(clock)
    try:
        result = job()
    finally:
        log.removeHandler(clock)
        log.setLevel(level)
        torch.use_deterministic_algorithms(False)  # the training of PatchTST leaves them on
    gigabytes = None if clock.peak is None else (clock.peak - before) / 1e9
    return result, clock.ends[1] - clock.ends[0], gigabytes


def moved(reference, values):
    """Largest and median absolute difference of two arrays."""
    difference = np.abs(np.asarray(values, float) - np.asarray(reference, float))
    return {"largest": difference.max(), "median": np.median(difference)}


class Bench:
    """What the measurements share: the study on the packaged prices, and the models."""

    def __init__(self, device, quick, scratch):
        self.device, self.quick, self.scratch = device, quick, Path(scratch)
        self.models = {}  # TimesFM by device
        self.rates = dict.fromkeys((way for way, _, _ in WAYS), float("nan"))  # TFLOP/s of a large matrix product

    @cached_property
    def config(self):
        config, schema = (
            yaml.safe_load((ROOT / path).read_text()) for path in ("config.yaml", "schemas/config.schema.yaml")
        )
        check_config(config, schema)
        return config

    def settings(self, experiment, **changes):
        settings = self.config["experiments"][experiment]["settings"]
        if self.quick and "batch_size" in settings:
            settings = settings | {"batch_size": 8}
        return settings | changes

    @cached_property
    def dataset(self):
        return build_dataset(load_packaged())

    @cached_property
    def origins(self):
        folds = self.config["datasets"]["sp500"]["folds"]
        origins = build_origins(self.dataset, folds, self.config["labels"], **self.config["origins"])
        if not self.quick:
            return origins
        blocks = {role: rows.groupby("fold", sort=False) for role, rows in origins.groupby("role")}
        few = [blocks[TRAIN].tail(64), blocks[CALIBRATION].head(32), blocks[EVALUATION].nth[::60]]
        return pd.concat(few).sort_index()

    @cached_property
    def split(self):
        (split,) = splits(self.origins, **TARGET)
        return split

    def small_split(self, batches, batch):
        """The last `batches` of the training period, and one batch each of calibration and evaluation days."""
        if self.quick:
            batch = 8
        return dataclasses.replace(
            self.split,
            inner=self.split.inner[-batches * batch :],
            calibration=self.split.calibration[: 4 * batch if self.quick else batch],
            evaluation=self.split.evaluation[:batch],
        )

    @cached_property
    def folder(self):
        """Where random weights of TimesFM lie as published ones do."""
        from safetensors.torch import save_file

        with computing_on("cpu"):
            save_file(timesfm.load_untrained(0).model.state_dict(), self.scratch / timesfm.WEIGHTS)
        return self.scratch

    def timesfm(self, device):
        if device not in self.models:
            with computing_on(device):
                self.models[device] = timesfm.load(self.folder)
        return self.models[device]

    def against_limit(self, way, windows, took, gflop):
        """Windows per second, the rate of their products, and its share of the rate of one large product.

        `gflop`: operations of a window, in 10^9.
        """
        rate = gflop * windows / took / 1e3
        return {"windows/s": windows / took, "TFLOP/s": rate, "of the limit": rate / self.rates[way]}

    def quantiles(self, device, input_name, **changes):
        """Forecasts of every evaluation day."""
        settings = self.settings("TFM-01", input=input_name, **changes)
        return timesfm.forecast_rows(self.timesfm(device), self.dataset, self.split.evaluation, 1, settings)

    def scores(self, quantiles, input_name, rows=None):
        frame = quantile_frame(self.split.evaluation if rows is None else rows, quantiles)
        return self.level_corrected(*deciles.scores(frame, TARGET, input_name, self.dataset, self.config["labels"]))

    def level_corrected(self, rows, scores):
        """`scores` with the probability of a touch, see `fd01.data.touch`."""
        exponent = partial(touch_exponent, TARGET, self.split.training, self.dataset, self.config["labels"])
        return level_corrected(scores, rows, exponent)

    def auc_change(self, reference, scores, rows):
        """Largest change of the AUC over the blocks; both arrays have one score for each of `rows`."""
        tables = [pd.Series(values, index=rows) for values in (reference, scores)]
        blocks = self.origins[self.origins["role"] == EVALUATION].groupby("fold")
        changes = []
        for _, block in blocks:
            block = block[block["row"].isin(rows)]
            y = block[target_column(**TARGET)].to_numpy()
            before, after = (auc(y, table.loc[block["row"]].to_numpy()) for table in tables)
            changes.append(abs(after - before))
        return max(changes)

    def probe_scores(self, states, experiment):
        """Scores of a probe on these states, of the calibration tail and the evaluation blocks."""
        frames, not_run = score_all(
            states, self.dataset, self.origins, self.settings(experiment), [TARGET], self.config["labels"]
        )
        assert not not_run, not_run
        (frame,) = frames.values()
        return frame["score"].to_numpy()


# --- 1: the machine


def machine(bench):
    yield (
        "CPU",
        {"processor": platform.processor() or platform.machine(), "cores": CORES, "python": sys.version.split()[0]},
    )
    yield "packages", {name: version(name) for name in ("torch", "timesfm", "sktime", "gluonts", "numpy", "pandas")}
    if bench.device == "cuda":
        card = torch.cuda.get_device_properties(0)
        yield "GPU", {"name": card.name, "GB": card.total_memory / 1e9, "multiprocessors": card.multi_processor_count}
        yield "CUDA", {"version": torch.version.cuda, "cuDNN": torch.backends.cudnn.version(), "driver": driver()}
    yield (
        "defaults",
        {
            "TF32 in matrix products": torch.backends.cuda.matmul.allow_tf32,
            "TF32 in convolutions": torch.backends.cudnn.allow_tf32,
        },
    )


def driver():
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def rows_used(bench):
    rows = bench.split
    yield (
        "rows",
        {
            "days": len(bench.dataset),
            "trained on": len(rows.inner),
            "calibration": len(rows.calibration),
            "evaluation": len(rows.evaluation),
        },
    )
    start = time.perf_counter()
    bench.timesfm("cpu")
    bench.timesfm(bench.device)
    yield "random weights of TimesFM made, loaded twice", {"seconds": time.perf_counter() - start}


# --- 2: scores on the GPU against scores on the CPU, from the same weights and windows


def timesfm_scores(bench):
    rows = bench.split.evaluation
    for name in ("close",) if bench.quick else ("close", "high"):
        reference = bench.scores(bench.quantiles("cpu", name), name)
        for way, dtype, fast in WAYS:
            with tf32(fast):
                scores = bench.scores(bench.quantiles(bench.device, name, dtype=dtype), name)
            for kind in ("exceedance", "study"):
                change = {"change of AUC": bench.auc_change(reference[kind], scores[kind], rows)}
                scale = {"spread of the scores": np.ptp(reference[kind])}
                yield f"TimesFM on {name}, {way}: {kind}", moved(reference[kind], scores[kind]) | change | scale
        with threads(4):
            other = bench.scores(bench.quantiles("cpu", name, batch_size=8 if bench.quick else 64), name)
        way = f"TimesFM on {name}, fp32, CPU: 4 threads, batches of 64 against {CORES}, 128"
        yield f"{way}: exceedance", moved(reference["exceedance"], other["exceedance"])


def timesfm_states(bench):
    rows = np.unique(bench.origins["row"])
    settings = bench.settings("TFM-probe")

    def states_on(device, **changes):
        return encode_rows(bench.timesfm(device), bench.dataset, rows, settings | changes)

    def probe(states):
        frame = state_frame(rows, states).assign(seed=pd.array([0] * len(rows), dtype="Int64"))
        return bench.probe_scores(frame, "TFM-probe")

    reference = states_on("cpu")
    probability = probe(reference)
    for way, dtype, fast in WAYS:
        with tf32(fast):
            states = states_on(bench.device, dtype=dtype)
        relative = np.linalg.norm(states - reference) / np.linalg.norm(reference)
        yield f"TimesFM, {way}: hidden states", moved(reference, states) | {"relative": relative}
        yield f"TimesFM, {way}: probe", moved(probability, probe(states))


def lag_llama_scores(bench):
    rows = np.unique(bench.origins["row"])

    def run_on(device):
        with computing_on(device):
            network = lag_llama.load_untrained(0, 32)
        return run_rows(network, bench.dataset, rows, "return", states=True)

    def exceedance(frame):
        frame = frame[frame["row"].isin(bench.split.evaluation)]
        scored, scores = student_t.scores(frame, TARGET, "return", bench.dataset, bench.config["labels"])
        return scored, bench.level_corrected(scored, scores)["exceedance"]

    def probe(frame):
        states = frame.assign(seed=pd.array([0] * len(frame), dtype="Int64"))
        return bench.probe_scores(states[state_columns(bench.settings("LL-all-hidden"))], "LL-all-hidden")

    reference = run_on("cpu")
    scored, probability = exceedance(reference)
    probed = probe(reference)
    for way, _, fast in (FULL, TF32):
        with tf32(fast):
            frame = run_on(bench.device)
        _, values = exceedance(frame)
        change = {"change of AUC": bench.auc_change(probability, values, scored)}
        yield f"Lag-Llama, {way}: exceedance", moved(probability, values) | change
        yield f"Lag-Llama, {way}: {', '.join(PARAMETERS)}", moved(reference[PARAMETERS], frame[PARAMETERS])
        states = frame.columns[4:]
        yield f"Lag-Llama, {way}: hidden states", moved(reference[states], frame[states])
        yield f"Lag-Llama, {way}: probe", moved(probed, probe(frame))


def patchtst_scores(bench):
    rows = bench.split.evaluation
    values = bench.dataset[INDICATORS].to_numpy(float)
    for experiment in ("PTST-2M", "PTST-200M"):
        settings = bench.settings(experiment)
        x = patchtst.windows(values, rows, settings["context"])
        torch.manual_seed(0)
        network = patchtst.build_network(x.shape[2], settings)
        reference = patchtst.predict(network, x)
        network = network.to(bench.device)
        for way, _, fast in (FULL, TF32):
            with tf32(fast):
                scores = patchtst.predict(network, x)
            change = {"change of AUC": bench.auc_change(reference, scores, rows)}
            scale = {"spread of the scores": np.ptp(reference)}
            yield f"{experiment}, random weights, {way}: probability", moved(reference, scores) | change | scale


def fracast_scores(bench):
    import fracast

    rows, context = bench.split.evaluation, bench.settings("FRC-01")["context"]

    def scores_on(device):
        model = fracast.FracastModel.from_pretrained(weights="fp32", device=device)
        return bench.scores(forecast_fracast.forecast_rows(model, bench.dataset, rows, context), "high-price")

    reference = scores_on("cpu")["exceedance"]
    for way, fast in (("TF32 in convolutions, as by default", True), ("fp32", False)):
        torch.backends.cudnn.allow_tf32 = fast
        try:
            scores = scores_on(bench.device)["exceedance"]
        finally:
            torch.backends.cudnn.allow_tf32 = True
        change = {"change of AUC": bench.auc_change(reference, scores, rows)}
        yield f"Fracast, its published weights, {way}: exceedance", moved(reference, scores) | change


# --- 3: forecasts of TimesFM against the limits of the card


def product_rate(bench, dtype, n, inner, m):
    """TFLOP/s of (n, inner) x (inner, m), random numbers."""
    a, b = (torch.randn(shape, device=bench.device, dtype=getattr(torch, dtype)) for shape in ((n, inner), (inner, m)))
    launches = 10 if bench.device == "cuda" else 1
    took = seconds(lambda: [a @ b for _ in range(launches)], repeats=7, warm_up=2)
    return 2e-12 * launches * n * inner * m / took


def limits(bench):
    size = 64 if bench.quick else 8192
    for way, dtype, fast in WAYS if bench.device == "cuda" else (FULL, TF32):  # bf16 takes minutes on most CPUs
        with tf32(fast):
            bench.rates[way] = product_rate(bench, dtype, size, size, size)
            figures = {f"{size}^3": bench.rates[way]}
            for batch in (8,) if bench.quick else (128, 1024):
                for m in (1280, 3840):
                    figures[f"batch {batch}, 1280 to {m}"] = product_rate(bench, dtype, 3 * batch, 1280, m)
        yield f"matrix product, {way}, TFLOP/s", figures
    x = torch.randn((1 << 22) if bench.quick else (1 << 29), device=bench.device)
    y = torch.empty_like(x)
    yield "copy on the card, read and written, TB/s", {"rate": 2e-12 * x.nbytes / seconds(lambda: y.copy_(x), 7)}


def real_rows(bench, count):
    """`count` rows of the dataset, each with its history, again from the first one after the last."""
    return np.resize(np.arange(bench.config["origins"]["min_history"] - 1, len(bench.dataset)), count)


def network_inputs(bench, batch):
    """The torch module of TimesFM on the device, and values and mask of `batch` real windows as it takes them."""
    module, settings = bench.timesfm(bench.device).model, bench.settings("TFM-01")
    inputs, _ = timesfm.inputs_of(bench.dataset, real_rows(bench, batch), settings)
    parts = timesfm.padded(inputs, settings["context"], module.p)
    return module, *(torch.from_numpy(part).to(module.device) for part in parts)


def forward(module, values, mask):
    """What `fd01.models.timesfm.forecast` computes of a batch, flip off."""
    states, location, scale = timesfm.hidden_states(module, values, mask)
    return location[..., None] + scale[..., None] * timesfm.quantiles_of(module, states, 1)


def of_package(module, values, mask):
    """What the package computes of the same batch."""
    return module.decode(128, values, mask)


FORWARD = (("ours", forward), ("the package's", of_package))


@cache
def gflop_of(bench, run):
    """Operations of a window in products and attention, flip off, in 10^9."""
    from torch.utils.flop_counter import FlopCounterMode

    batch = 8
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        run(*network_inputs(bench, batch))
    return counter.get_total_flops() / batch / 1e9


def operations(bench):
    yield "GFLOP a window, flip off", {whose: gflop_of(bench, run) for whose, run in FORWARD}


def network_times(bench):
    for way, dtype, fast in WAYS:
        for whose, run in FORWARD:
            for batch in (1, 4) if bench.quick else (1, 8, 32, 128, 512, 1024, 4096):
                module, values, mask = network_inputs(bench, batch)
                with torch.inference_mode(), tf32(fast), autocast(module.device, dtype):
                    took = seconds(partial(run, module, values, mask), repeats=5, warm_up=2)
                figures = {"ms": 1e3 * took} | bench.against_limit(way, batch, took, gflop_of(bench, run))
                yield f"network alone, {whose}, {way}, batch {batch}", figures


def forecast_rates(bench):
    model, windows = bench.timesfm(bench.device), 16 if bench.quick else 8192
    inputs, _ = timesfm.inputs_of(bench.dataset, real_rows(bench, windows), bench.settings("TFM-01"))
    for way, dtype, _ in (FULL, HALF):
        for flip in (False, True):
            for batch in (8,) if bench.quick else (128, 1024):
                settings = bench.settings("TFM-01", dtype=dtype, flip=flip, batch_size=batch)
                timesfm.forecast(model, inputs[:batch], 1, settings)
                took = seconds(partial(timesfm.forecast, model, inputs, 1, settings), repeats=2, warm_up=0)
                what = f"forecast, {way}, flip {'on' if flip else 'off'}, batch {batch}"
                yield what, bench.against_limit(way, windows, took, (1 + flip) * gflop_of(bench, forward))


def kernels(bench):
    """What the GPU does in one batch; where it is busy less than the batch takes, it waits for launches."""
    from torch.autograd import DeviceType
    from torch.profiler import ProfilerActivity, profile

    cuda = bench.device == "cuda"
    kind, of = (DeviceType.CUDA, "self_device_time_total") if cuda else (DeviceType.CPU, "self_cpu_time_total")
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    for way, dtype, _ in (FULL, HALF):
        for batch in (4,) if bench.quick else (128, 1024):
            module, values, mask = network_inputs(bench, batch)
            with torch.inference_mode(), autocast(module.device, dtype):
                took = seconds(partial(forward, module, values, mask), repeats=5)
                with profile(activities=activities) as profiler:
                    forward(module, values, mask)
                    wait()
            events = [event for event in profiler.key_averages() if event.device_type == kind]
            busy = {event.key: getattr(event, of) / 1e3 for event in events}
            figures = {
                "number": sum(event.count for event in events),
                "ms busy": sum(busy.values()),
                "ms of the batch": 1e3 * took,
                "share busy": sum(busy.values()) / 1e3 / took,
            }
            longest = sorted(busy, key=busy.get, reverse=True)[:4]
            yield f"kernels, {way}, batch {batch}", figures | {f"ms of {name[:60]}": busy[name] for name in longest}


# --- 4: training


def origins_of(bench, split):
    """The origins that belong to a split."""
    rows = np.concatenate([split.inner, split.calibration, split.evaluation])
    return bench.origins[bench.origins["row"].isin(rows)]


TWO_EPOCHS = {"max_epochs": 2, "patience": 2}


def fine_tuning(bench, device, split, seed=0, **changes):
    """Learning curve and trained tensors of TFM-03."""
    settings = bench.settings("TFM-03", **TWO_EPOCHS, **changes)
    with computing_on(device), tempfile.TemporaryDirectory() as scratch:
        task = finetune_timesfm.FineTuningTask(bench.dataset, split, TARGET, settings, bench.config["labels"])
        rate, checkpoint = settings["lr_sweep"][1], Path(scratch, "checkpoint")
        network, curve, _ = finetune_timesfm.fine_tune(
            task, partial(timesfm.load, bench.folder), rate, seed, checkpoint
        )
    return curve, [value.detach().cpu() for value in network.trained.values()]


def patchtst_training(bench, device, split, experiment="PTST-2M", seed=0):
    """Learning curve and scores."""
    settings = bench.settings(experiment, **TWO_EPOCHS)
    with computing_on(device):
        frame, curve, _ = train_patchtst.train_and_score(
            bench.dataset, bench.origins, split, TARGET, settings, seed, None, bench.origins, device
        )
    return curve.to_dict("records"), [torch.from_numpy(frame["score"].to_numpy())]


def lag_llama_training(bench, device, split, seed=0):
    """Learning curve and trained tensors."""
    settings = bench.settings("LL-finetuned", **TWO_EPOCHS)
    with computing_on(device), tempfile.TemporaryDirectory() as scratch:
        network = lag_llama.load_untrained(seed, settings["context"])
        origins = origins_of(bench, split)
        curve, _ = train_lag_llama.fit(
            network, bench.dataset, origins, split, settings, seed, Path(scratch, "checkpoint")
        )
    return curve, [value.detach().cpu() for value in network.parameters()]


@dataclasses.dataclass(frozen=True)
class Training:
    """One of the trainings of the study."""

    name: str
    run: Callable  # of Bench, device and Split
    batch: int
    gpu_only: bool = False  # most CPUs take minutes for a batch


TRAININGS = (
    Training("TFM-03, fp32", fine_tuning, 64),
    Training("TFM-03, bf16", partial(fine_tuning, dtype="bfloat16"), 64, gpu_only=True),
    Training("PTST-2M", patchtst_training, 128),
    Training("PTST-200M", partial(patchtst_training, experiment="PTST-200M"), 128),
    Training("Lag-Llama", lag_llama_training, 32),
)


def epoch(bench, training):
    if training.gpu_only and bench.device == "cpu":
        return
    split = bench.split
    start = time.perf_counter()
    (curve, _), took, gigabytes = timed_training(lambda: training.run(bench, bench.device, split))
    yield (
        f"{training.name}: an epoch",
        {
            "seconds": took,
            "days": len(split.inner),
            "batch": training.batch,
            "peak GB": gigabytes,
            "seconds of all, two epochs": time.perf_counter() - start,
            "losses": [row["train_loss"] for row in curve],
        },
    )


def against_cpu(bench, training):
    """Four batches of training and one to stop on: the device against the CPU."""
    split = bench.small_split(4, training.batch)
    _, took, _ = timed_training(lambda: training.run(bench, bench.device, split))
    figures = {f"seconds on {bench.device}": took}
    for count in (CORES, 1):  # the study gives every job one
        with threads(count):
            _, on_cpu, _ = timed_training(lambda: training.run(bench, "cpu", split))
        figures |= {f"seconds on the CPU, {count} threads": on_cpu, f"ratio to {count} threads": on_cpu / took}
    yield f"{training.name}: four batches and one to stop on", figures


# --- 5: does a repetition give the same bits?


def same_forecasts(bench):
    rows = bench.split.evaluation
    for way, dtype, _ in (FULL, HALF):
        first, second = (bench.quantiles(bench.device, "close", dtype=dtype) for _ in range(2))
        other = bench.quantiles(bench.device, "close", dtype=dtype, batch_size=16 if bench.quick else 1024)
        first_scores, other_scores = (bench.scores(each, "close", rows)["exceedance"] for each in (first, other))
        yield (
            f"TimesFM forecasts, {way}",
            {
                "identical": bool(np.array_equal(first, second)),
                "another batch size moves exceedance by": moved(first_scores, other_scores)["largest"],
            },
        )
    networks = [lag_llama_on(bench) for _ in range(2)]
    first, second = (run_rows(network, bench.dataset, rows, "return", states=True) for network in networks)
    yield "Lag-Llama forecasts and states", {"identical": bool(first.equals(second))}


def lag_llama_on(bench):
    with computing_on(bench.device):
        return lag_llama.load_untrained(0, 32)


def same_trainings(bench, training):
    if training.gpu_only and bench.device == "cpu":
        return
    split = bench.small_split(8, training.batch)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.set_warn_always(True)  # torch says each thing once
        runs = [timed_training(lambda: training.run(bench, bench.device, split))[0] for _ in range(2)]
    torch.set_warn_always(False)
    (first, tensors), (second, others) = runs
    figures = {
        "losses identical": [row["train_loss"] for row in first] == [row["train_loss"] for row in second],
        "results identical": all(torch.equal(a, b) for a, b in zip(tensors, others)),
        "largest difference": max((a - b).abs().max().item() for a, b in zip(tensors, others)),
    }
    about_it = {str(warning.message).partition("\n")[0][:160] for warning in caught}
    figures["warnings"] = sorted(message for message in about_it if "determinis" in message.lower())
    yield f"{training.name}, trained twice", figures


MEASUREMENTS = (
    (1, "machine", machine),
    (1, "rows and weights", rows_used),
    (2, "scores of TimesFM", timesfm_scores),
    (2, "hidden states of TimesFM", timesfm_states),
    (2, "Lag-Llama", lag_llama_scores),
    (2, "PatchTST", patchtst_scores),
    (2, "Fracast", fracast_scores),
    (3, "limits of the card", limits),
    (3, "operations", operations),
    (3, "network", network_times),
    (3, "forecasts", forecast_rates),
    (3, "kernels", kernels),
    *((4, f"epoch of {it.name}", partial(epoch, training=it)) for it in TRAININGS),
    *((4, f"{it.name} against the CPU", partial(against_cpu, training=it)) for it in TRAININGS if not it.gpu_only),
    (5, "forecasts twice", same_forecasts),
    *((5, f"{it.name} twice", partial(same_trainings, training=it)) for it in TRAININGS),
)


def show(value):
    if isinstance(value, list):
        return "[" + "; ".join(show(each) for each in value) + "]"
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "/")


class Report:
    """Every row is kept at once: a line of gpu.jsonl, a line of the table gpu.md, a line on the screen."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.lines, self.table = folder / "gpu.jsonl", folder / "gpu.md"
        self.start = time.perf_counter()
        self.lines.write_text("")
        self.table.write_text("| part | what | figures |\n|---|---|---|\n")

    def elapsed(self):
        return time.perf_counter() - self.start

    def add(self, part, what, figures):
        figures = {name: value.item() if isinstance(value, np.generic) else value for name, value in figures.items()}
        with self.lines.open("a") as file:
            print(json.dumps({"part": part, "what": what, "at": round(self.elapsed(), 1)} | figures), file=file)
        shown = ", ".join(f"{name} {show(value)}" for name, value in figures.items())
        with self.table.open("a") as file:
            print(f"| {part} | {what} | {shown} |", file=file)
        print(f"{self.elapsed():6.1f} s  {part}  {what}: {shown}", flush=True)


def measure(bench, report, parts, minutes):
    """All measurements of `parts`; one that fails is recorded, one that would begin too late left out.

    Returns the names of those that failed.
    """
    failed = []
    for part, name, measurement in MEASUREMENTS:
        if part not in parts:
            continue
        if report.elapsed() > 60 * minutes:
            report.add(part, name, {"left out": f"{minutes:g} minutes have gone"})
            continue
        try:
            for what, figures in measurement(bench):
                report.add(part, what, figures)
        except Exception as error:
            traceback.print_exc()
            report.add(part, name, {"error": f"{type(error).__name__}: {error}"[:500]})
            failed.append(name)
    report.add(0, "the whole run", {"seconds": report.elapsed()})
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for gpu.jsonl and gpu.md")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda", help="cpu: a trial of this script")
    parser.add_argument("--quick", action="store_true", help="few rows: a trial of this script")
    parser.add_argument("--parts", type=int, nargs="+", default=[1, 2, 3, 4, 5], help="numbers of the parts to run")
    parser.add_argument("--minutes", type=float, default=7, help="no measurement begins later (default: %(default)s)")
    arguments = parser.parse_args()
    if arguments.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    elif not torch.cuda.is_available():
        sys.exit("torch finds no CUDA GPU; for a trial on the CPU: --device cpu --quick")
    torch.set_num_threads(1 if arguments.quick else CORES)
    torch.set_float32_matmul_precision("highest")
    with tempfile.TemporaryDirectory() as scratch:
        failed = measure(
            Bench(arguments.device, arguments.quick, scratch),
            Report(arguments.out),
            arguments.parts,
            arguments.minutes,
        )
    sys.exit(f"failed: {', '.join(failed)}" if failed else None)
