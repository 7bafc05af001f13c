"""Lag-Llama: its checkpoint, its forward pass, scores, probes and training, on small random networks."""

import datetime
import json
import os
import subprocess
import sys
from functools import partial
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
import torch
from fit_probe import MIN_TRAINING, score_all, state_columns
from helpers.hub import Hub, with_hub
from helpers.interruption import Interrupted, interrupt
from helpers.lightning_checkpoint import lightning_content
from helpers.made_up_data import CONFIG, LABELS, UP, UP_5, make_prices
from helpers.paths import ROOT
from run_lag_llama import run_rows
from safetensors.torch import load_file, save_file
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits
from train_lag_llama import build_loss, fit

from fd01.data.inputs import percent_series
from fd01.data.origins import build_origins, splits
from fd01.data.touch import touch_exponent
from fd01.models.forecasts import PARAMETERS, STATE_COLUMNS, rounded
from fd01.models.frozen import run_frozen
from fd01.models.lag_llama import (
    PUBLISHED,
    UNTRAINED,
    build,
    distribution,
    history_length,
    load,
    load_untrained,
    open_lag_llama,
    past_values,
    run_network,
    time_features,
)
from fd01.models.lag_llama_checkpoint import ARCHITECTURE, WEIGHTS, convert
from fd01.models.weights import fetch, open_weights, read_manifest
from fd01.scoring.fold_scores import score_folds
from fd01.scoring.predictions import check_same_origins, read_experiment, write_folds
from fd01.scoring.student_t import scores
from fd01.workflow.errors import NotRun, UserError
from fd01.workflow.files import write_json
from fd01.workflow.provenance import describe_network

pytestmark = pytest.mark.filterwarnings("ignore:::gluonts")

SMALL = PUBLISHED | {"n_layer": 2, "n_head": 2}
WIDTH = SMALL["n_head"] * SMALL["n_embd_per_head"]
NEEDED = 32 + 1092
FIRST = NEEDED  # the first row with a forecast: its window of returns begins on the second day
DAYS = 1300
FOLDS = {"block": {"train_end": "2015-10-02", "start": "2015-10-05"}}
EARLY = {"early": {"train_end": "2015-05-01", "start": "2015-05-04", "end": "2015-10-02"}}
DOWN, DIRECTION, SCALED = ({"target": name, "horizon": 1} for name in ("down", "direction", "scaled"))
SETTINGS = CONFIG["experiments"]["LL-scratch-short"]["settings"] | {"max_epochs": 3, "learning_rate": 0.003}
CKPT = "lag-llama.ckpt"


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1), pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)  # bit-identical, and by hand, on the CPU
        yield
    torch.set_num_threads(threads)


def small(seed=0, context=32):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build(SMALL, context)


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], value) for name, value in second.items())


@pytest.fixture(scope="module")
def network():
    return small()


@pytest.fixture(scope="module")
def prices():
    return make_prices(DAYS, start="2011-01-03")


def make_origins(dataset, folds=FOLDS):
    return build_origins(dataset, folds, LABELS, min_history=500, calibration_fraction=0.08)


@pytest.fixture(scope="module")
def study(prices):
    return prices, make_origins(prices)


# --- checkpoint


@pytest.fixture
def lightning(network, monkeypatch):
    return lightning_content(network, SMALL, monkeypatch)


@pytest.mark.parametrize("context", [32, 128])
def test_checkpoint_comes_through_conversion_and_loading(lightning, network, tmp_path, context):
    torch.save(lightning, tmp_path / CKPT)
    assert convert(tmp_path / CKPT, tmp_path) == [WEIGHTS, ARCHITECTURE]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([CKPT, WEIGHTS, ARCHITECTURE])
    loaded = load(tmp_path, context)
    assert same(loaded.state_dict(), network.state_dict())
    assert loaded.context_length == context and not loaded.training


class Command:
    """Makes the file `marker` when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch '{self.marker}'",)


@pytest.mark.parametrize(("protocol", "reason"), [(2, "does not name posix.system"), (4, "Unsupported operand")])
@pytest.mark.parametrize("where", ["hyper_parameters", "state_dict"])
def test_checkpoint_that_would_run_code_is_refused(lightning, tmp_path, where, protocol, reason):
    lightning[where]["more"] = Command(tmp_path / "marker")
    torch.save(lightning, tmp_path / CKPT, pickle_protocol=protocol)
    with pytest.raises(UserError, match=reason):
        convert(tmp_path / CKPT, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [CKPT]


def test_checkpoint_that_names_harmless_strangers_is_refused(lightning, tmp_path):
    lightning["more"] = [datetime.timedelta(1), pd.Timedelta]
    torch.save(lightning, tmp_path / CKPT)
    with pytest.raises(UserError, match=r"does not name datetime\.timedelta, pandas\S+Timedelta$"):
        convert(tmp_path / CKPT, tmp_path)


def test_file_that_is_no_checkpoint_is_refused(lightning, tmp_path):
    torch.save(lightning, tmp_path / CKPT)
    whole = (tmp_path / CKPT).read_bytes()
    for damage in (
        lambda path: path.write_bytes(b"<html>"),
        lambda path: path.write_bytes(whole[:-1000]),
        lambda path: torch.save([1, 2], path),
        lambda path: torch.save({"state_dict": {}, "hyper_parameters": {"model_kwargs": ["x", ""]}}, path),
        lambda path: torch.save(lightning | {"state_dict": {"model.a": 1}}, path),
    ):
        damage(tmp_path / CKPT)
        with pytest.raises(UserError, match=CKPT):
            convert(tmp_path / CKPT, tmp_path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content.pop("state_dict"), "has no state_dict and hyper_parameters/model_kwargs"),
        (lambda content: content["hyper_parameters"].pop("model_kwargs"), "has no state_dict and hyper_parameters"),
        (
            lambda content: content["hyper_parameters"]["model_kwargs"].update(
                distr_output=content["hyper_parameters"]["loss"]
            ),
            "does not forecast a Student-t",
        ),
        (
            lambda content: content["hyper_parameters"]["model_kwargs"].pop("distr_output"),
            "does not forecast a Student-t",
        ),
    ],
    ids=["no weights", "no architecture", "another distribution", "no distribution"],
)
def test_checkpoint_of_another_model_is_refused(lightning, tmp_path, damage, message):
    damage(lightning)
    torch.save(lightning, tmp_path / CKPT)
    with pytest.raises(UserError, match=message):
        convert(tmp_path / CKPT, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [CKPT]


@pytest.mark.parametrize("damage", ["missing", "misshapen", "superfluous"])
def test_load_refuses_other_tensors(lightning, tmp_path, damage):
    name = "transformer.h.1.attn.q_proj.weight"
    torch.save(lightning, tmp_path / CKPT)
    convert(tmp_path / CKPT, tmp_path)
    tensors = load_file(tmp_path / WEIGHTS)
    tensor = tensors.pop(name)
    if damage == "misshapen":
        tensors[name] = tensor[:, 1:].contiguous()
    if damage == "superfluous":
        tensors |= {name: tensor, name.replace(".1.", ".2."): tensor.clone()}
    save_file(tensors, tmp_path / WEIGHTS)
    with pytest.raises(RuntimeError, match=r"transformer\.h\.[12]\.attn\.q_proj\.weight"):
        load(tmp_path, 32)


@pytest.fixture
def own(lightning, tmp_path):
    """A checkpoint elsewhere, and an entry of the configuration that names it."""
    path = tmp_path / "own.ckpt"
    torch.save(lightning, path)
    return path, CONFIG["weights"]["models"]["lag-llama"] | {"path": str(path)}


def test_manifest_describes_checkpoint_and_converted_files(own, tmp_path):
    path, about = own
    assert about["files"] == {CKPT: None}  # none is pinned, so what came is what is recorded
    folder = tmp_path / "weights"
    manifest = fetch(folder, "lag-llama", about)
    assert list(manifest["files"]) == [CKPT, WEIGHTS, ARCHITECTURE]
    for name, file in manifest["files"].items():
        content = (folder / name).read_bytes()
        assert file == {"sha256": sha256(content).hexdigest(), "bytes": len(content)}
    assert manifest["files"][CKPT]["sha256"] == sha256(path.read_bytes()).hexdigest()
    assert fetch(folder, "lag-llama", about) == manifest

    write_json(folder / "manifest.json", manifest)
    assert read_manifest(folder / "manifest.json") == manifest
    weights, ((seed, load_network),) = open_lag_llama(
        {"weights": "pretrained", "context": 32}, [0, 1], folder / "manifest.json"
    )
    assert (weights, seed) == (open_weights(folder / "manifest.json"), None)
    assert manifest.items() <= weights.items()
    assert same(load_network().state_dict(), load(folder, 32).state_dict())


@pytest.mark.parametrize("name", [CKPT, WEIGHTS, ARCHITECTURE])
def test_changed_file_is_noticed(own, tmp_path, name):
    _, about = own
    write_json(tmp_path / "weights" / "manifest.json", fetch(tmp_path / "weights", "lag-llama", about))
    file = tmp_path / "weights" / name
    content = bytearray(file.read_bytes())
    content[-2] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match=f"{name} is gone or has changed"):
        open_weights(tmp_path / "weights" / "manifest.json")


def test_pinned_checkpoint_with_other_bytes_is_refused_unread(own, tmp_path):
    path, about = own
    with pytest.raises(UserError, match=f"its SHA-256 is {sha256(path.read_bytes()).hexdigest()}, not 0000"):
        fetch(tmp_path / "weights", "lag-llama", about | {"files": {CKPT: 64 * "0"}})
    assert not list((tmp_path / "weights").iterdir())
    pinned = about | {"files": {CKPT: sha256(path.read_bytes()).hexdigest()}}
    assert fetch(tmp_path / "weights", "lag-llama", pinned)["files"][CKPT]["sha256"] == pinned["files"][CKPT]


def test_file_that_cannot_be_converted_takes_no_place(own, tmp_path):
    _, about = own
    folder, other = tmp_path / "weights", tmp_path / "other"
    manifest = fetch(folder, "lag-llama", about)
    other.write_bytes(b"<html>")
    with pytest.raises(UserError, match=f"{other} is not a Lag-Llama checkpoint"):
        fetch(folder, "lag-llama", about | {"path": str(other)})
    assert other.exists() and fetch(folder, "lag-llama", about) == manifest


def test_own_copy_is_not_taken_for_the_published_file(own, tmp_path):
    path, about = own
    published = {key: value for key, value in about.items() if key != "path"}
    folder = tmp_path / "weights"
    fetch(folder, "lag-llama", about)
    code = """
import json, sys
from fd01.models.weights import fetch
fetch(sys.argv[1], 'lag-llama', json.loads(sys.argv[2]))
"""
    for content, said in ((b"<html>", "is not a Lag-Llama checkpoint"), (path.read_bytes(), "")):
        with Hub(about["repository"], about["revision"], {CKPT: content}) as hub:
            command = [sys.executable, "-c", code, folder, json.dumps(published)]
            done = subprocess.run(command, env=with_hub(hub), capture_output=True, text=True)
        assert done.returncode == bool(said) and said in done.stderr
        assert (folder / CKPT).exists() != bool(said)
    assert not (folder / CKPT).is_symlink() and (folder / CKPT).read_bytes() == path.read_bytes()


# --- network


def test_untrained_twin_has_the_published_size_and_comes_from_its_seed(caplog):
    torch.manual_seed(123)
    before = torch.random.get_rng_state()
    weights, models = open_lag_llama({"weights": "untrained", "context": 32}, [3, 1], manifest=None)
    other, first = (load_network() for _, load_network in models)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert (weights, [seed for seed, _ in models]) == (UNTRAINED, [3, 1])
    assert same(first.state_dict(), load_untrained(1, 32).state_dict())
    assert not same(first.state_dict(), other.state_dict())
    assert len(first.state_dict()) == 73
    caplog.set_level("INFO")
    about = describe_network(first)
    assert about["parameters"] == sum(np.prod(value.shape) for value in first.state_dict().values()) == 2_449_299
    assert about["loaded"] == "Model loaded successfully: 2,449,299 parameters" in caplog.messages
    assert (history_length(first), len(PUBLISHED["lags_seq"])) == (NEEDED, 84)


@pytest.mark.parametrize(("context", "factor"), [(32, 1), (128, 129 / 32), (512, 513 / 32)])
def test_positions_beyond_the_native_context_are_scaled(context, factor):
    network = small(context=context)
    assert history_length(network) == context + 1092
    for block in network.transformer.h:
        cosines, _ = block.attn.rotary_emb(device="cpu", dtype=torch.float32, seq_len=context)
        # The first frequency is 1: the angle is the position itself.
        np.testing.assert_allclose(cosines[0, 0, :, 0], np.cos(np.arange(context) / factor), atol=1e-4)
    assert SMALL["rope_scaling"] is PUBLISHED["rope_scaling"] is None


def test_network_is_built_without_lightning_and_the_package_stays_whole():
    code = """
import sys
from fd01.models.lag_llama import load_untrained
network = load_untrained(0, 32)
print("lightning" in sys.modules, "gluonts.torch" in sys.modules)
from gluonts.torch import DeepAREstimator
from gluonts.torch.distributions import StudentTOutput
print("lightning" in sys.modules, isinstance(network.distr_output, StudentTOutput))
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts")}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False", "True", "True"]


def test_time_features_equal_the_package_on_trading_days():
    from arch.data import sp500
    from gluonts.time_feature import time_features_from_frequency_str

    dates = sp500.load().index
    expected = np.column_stack([feature(dates) for feature in time_features_from_frequency_str("S")])
    actual = time_features(pd.Series(dates))
    assert (actual.shape, actual.dtype) == ((len(dates), 6), np.float32)
    np.testing.assert_allclose(actual, expected, atol=1e-7)
    assert (np.ptp(actual, axis=0)[3:] > 0.6).all()


# --- forward pass


@pytest.fixture(scope="module")
def package():
    """The package's own predictor around the small network, which draws 2,000 samples."""
    from sktime.libs.lag_llama.gluon.estimator import LagLlamaEstimator

    sizes = {name: SMALL[name] for name in ("n_layer", "n_head", "n_embd_per_head", "scaling", "time_feat")}
    estimator = LagLlamaEstimator(
        prediction_length=1, context_length=32, num_parallel_samples=2000, batch_size=1, **sizes
    )
    assert estimator.lags_seq == PUBLISHED["lags_seq"]
    module = estimator.create_lightning_module()
    module.model.load_state_dict(small().state_dict())
    return estimator.create_predictor(estimator.create_transformation(), module)


@pytest.mark.filterwarnings("ignore:Period with BDay")
def test_window_is_the_one_that_the_package_cuts(package, prices, network):
    from gluonts.dataset.loader import InferenceDataLoader
    from gluonts.torch.batchify import batchify

    series, row = percent_series(prices, "return"), 1290
    entry = {"start": pd.Period(prices["Date"][1], "B"), "target": series[1 : row + 1].astype(np.float32)}
    (batch,) = InferenceDataLoader([entry], transform=package.input_transform, batch_size=1, stack_fn=batchify)
    np.testing.assert_array_equal(batch["past_target"], past_values(series, np.array([row]), NEEDED))
    np.testing.assert_array_equal(batch["past_observed_values"], np.ones((1, NEEDED)))
    features = time_features(prices["Date"])
    np.testing.assert_allclose(batch["past_time_feat"][0], features[row + 1 - NEEDED : row + 1], atol=1e-6)


@pytest.mark.filterwarnings("ignore:Period with BDay")
@pytest.mark.parametrize("name", ["return", "high"])
def test_closed_form_agrees_with_the_samples_of_the_package(name, package, prices, network):
    series, row = percent_series(prices, name), 1290
    entry = {"start": pd.Period(prices["Date"][1], "B"), "target": series[1 : row + 1].astype(np.float32)}
    torch.manual_seed(0)
    (forecast,) = package.predict([entry])
    samples = forecast.samples[:, 0]
    parameters, _ = run_network(network, series, time_features(prices["Date"]), np.array([row]))
    assert stats.kstest(samples.astype(float), stats.t(*parameters[0]).cdf).pvalue > 0.001
    frame = pd.DataFrame(parameters, columns=PARAMETERS).assign(row=row)
    _, found = scores(frame, SCALED, name, prices, LABELS)
    scale = prices["Close"].map(np.log).diff()[row - 19 : row + 1].std()
    beyond = (samples > 100 * np.log1p(LABELS["scaled"]["k"] * scale)).mean()
    error = np.sqrt(beyond * (1 - beyond) / len(samples))
    assert 0.02 < beyond < 0.98
    kind = "close-exceedance" if name == "return" else "exceedance"
    assert abs(found[kind] - beyond) < 4 * error


@pytest.mark.parametrize("rows", [[FIRST], [1299, FIRST, 1200]])
def test_distribution_and_states_equal_a_forward_pass_written_out(rows, prices, network):
    series, features, rows = percent_series(prices, "return"), time_features(prices["Date"]), np.array(rows)
    parameters, states = run_network(network, series, features, rows)
    assert (parameters.shape, parameters.dtype) == ((len(rows), 3), np.float64)
    assert (states.shape, states.dtype) == ((len(rows), 4 * WIDTH), np.float32)
    returns = 100 * np.log(prices["Close"]).diff().to_numpy()
    for row, predictive, state in zip(rows, parameters, states):
        window = returns[row - NEEDED + 1 : row + 1].astype(np.float32)
        middle = np.sort(window)[(NEEDED - 1) // 2]  # the lower one, as torch has it
        spread = np.subtract(*np.quantile(window, [0.75, 0.25]))
        days = torch.from_numpy(features[row - NEEDED + 1 : row + 1])[None]
        past = torch.from_numpy(window)[None]
        with torch.no_grad():
            token, *_ = network.prepare_input(past, torch.ones_like(past), days, days[:, -1:])
            np.testing.assert_allclose(token[0, :, 0], (window[-32:] - middle) / spread, atol=1e-5)
            np.testing.assert_allclose(token[0, -1, 83], (window[0 + 31] - middle) / spread, atol=1e-5)
            static = [np.log1p(abs(middle)), np.log(spread)]
            np.testing.assert_allclose(token[0, :, 84:86], np.tile(static, (32, 1)), atol=1e-5)
            x, last = network.transformer.wte(token), []
            for block in network.transformer.h:
                x = block(x, False)
                last.append(x[0, -1])
            x = x * network.transformer.ln_f.scale / (x.pow(2).mean(dim=-1, keepdim=True) + 1e-5).sqrt()
            expected = torch.cat([*last, x[0, -1], x[0].mean(dim=0)])
            df, loc, scale = (value[0, -1].item() for value in network.param_proj(x))
        np.testing.assert_allclose(state, expected, atol=1e-5)
        np.testing.assert_allclose(predictive, [df, middle + spread * loc, spread * scale], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("batch_size", "threads"), [(5, 1), (128, 2)])
def test_batch_size_and_threads_do_not_matter(prices, network, batch_size, threads):
    series, features, rows = percent_series(prices, "high"), time_features(prices["Date"]), np.arange(1200, 1213)
    together = run_network(network, series, features, rows)
    with threadpool_limits(threads):
        torch.set_num_threads(threads)
        otherwise = run_network(network, series, features, rows, batch_size)
        torch.set_num_threads(1)
    for first, second in zip(together, otherwise):
        np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-5)
    assert (np.ptp(together[0], axis=0) > 1e-3).all()  # days differ


@pytest.mark.parametrize("name", ["return", "high"])
def test_forecast_of_a_day_knows_no_later_one(name, prices, network):
    rows, changed = np.arange(1240, 1260), prices.copy()
    columns = ["Open", "High", "Low", "Close"]
    changed.loc[1250:, columns] = make_prices(DAYS, seed=1).loc[1250:, columns]
    before, after = (
        run_network(network, percent_series(data, name), time_features(data["Date"]), rows)
        for data in (prices, changed)
    )
    for first, second in zip(before, after):
        np.testing.assert_array_equal(first[:10], second[:10])
        assert (first[10:] != second[10:]).any(axis=1).all()


@pytest.mark.parametrize("missing", [1, 24])
def test_short_history_is_refused_with_what_is_missing(missing, prices, network):
    series, features = percent_series(prices, "return"), time_features(prices["Date"])
    run_network(network, series, features, np.array([FIRST]))
    message = f"needs {NEEDED} values before a forecast: for row {FIRST - missing} {missing} are missing"
    with pytest.raises(UserError, match=message):
        run_network(network, series, features, np.array([1290, FIRST - missing]))
    short, rows = percent_series(prices, "return")[1:], np.array([NEEDED - 1 - missing])  # no NaN in front
    assert past_values(short, rows + missing, NEEDED).shape == (1, NEEDED)
    with pytest.raises(UserError, match=f" {missing} are missing"):
        past_values(short, rows, NEEDED)


def test_gaps_are_refused_and_no_hook_stays(prices, network):
    series, features = percent_series(prices, "return"), time_features(prices["Date"])
    series[1250] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        run_network(network, series, features, np.array([1280]))
    assert not any(module._forward_hooks for module in network.modules())


def test_rows_without_history_are_left_out(prices):
    network = load_untrained(0, 32)
    frame = run_rows(network, prices, np.arange(FIRST - 3, FIRST + 2), "return", states=True)
    assert frame.columns.tolist() == ["row", *PARAMETERS, *STATE_COLUMNS]
    assert frame["row"].tolist() == [FIRST, FIRST + 1]
    assert np.isfinite(frame).all(axis=None)
    # Named states lie where their names say.
    _, states = run_network(network, percent_series(prices, "return"), time_features(prices["Date"]), np.array([FIRST]))
    layers = states[0].reshape(10, 144)
    for layer, prefix in enumerate([*(f"h{i}" for i in range(8)), "norm", "mean"]):
        stored = frame.loc[0, [f"{prefix}_{i}" for i in range(144)]].to_numpy(np.float32)
        np.testing.assert_allclose(stored, layers[layer], rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(stored, rounded(stored))
    with pytest.raises(NotRun, match=f"needs {FIRST + 1} days of history, and no day has more than {FIRST}"):
        run_rows(network, prices, np.arange(FIRST - 3, FIRST), "return", states=True)


def test_states_are_left_out_where_no_probe_reads_them(prices, network):
    frame = run_rows(network, prices, np.array([FIRST]), "high", states=False)
    assert frame.columns.tolist() == ["row", *PARAMETERS]


# --- scores


def cdf(x, df):
    """Student-t distribution function, in closed form for 1, 2 and 4 degrees of freedom."""
    s = 1 + x**2 / 4
    return {
        1: 0.5 + np.arctan(x) / np.pi,
        2: 0.5 + x / (2 * np.sqrt(2 + x**2)),
        4: 0.5 + 3 / 8 * x / np.sqrt(s) * (1 - x**2 / s / 12),
    }[df]


def predictive():
    """Two distributions of each kind, in percent."""
    return pd.DataFrame(
        {
            "row": [40, 55, 41, 57, 42, 50],
            "df": [1.0, 1, 2, 2, 4, 4],
            "loc": [0.1, -0.2, 0.3, 0, -0.5, 0.05],
            "scale": [0.4, 1.1, 0.7, 0.2, 0.9, 2.5],
        }
    )


@pytest.mark.parametrize("name", ["return", "high"])
@pytest.mark.parametrize("target", [UP, DOWN, DIRECTION, SCALED], ids=lambda target: target["target"])
def test_scores_are_exact(target, name, prices):
    frame, what = predictive(), target["target"]
    if name == "high" and what in ("down", "direction"):
        with pytest.raises(NotRun, match=f"nothing of the target {what}"):
            scores(frame, target, name, prices, LABELS)
        return
    rows, actual = scores(frame, target, name, prices, LABELS)
    np.testing.assert_array_equal(rows, frame["row"])
    returns = np.log(prices["Close"]).diff()
    for i, day in enumerate(frame.itertuples()):
        c = LABELS["threshold"]
        if what == "scaled":
            c = LABELS["scaled"]["k"] * returns[day.row - LABELS["scaled"]["window"] + 1 : day.row + 1].std()
        size = {"up": c, "down": -c, "direction": 0, "scaled": c}[what]
        below = cdf((100 * np.log(1 + size) - day.loc) / day.scale, day.df)
        p = below if what == "down" else 1 - below
        # Of a touch, the distribution of the Close says no more than that it ends beyond the threshold.
        kind = "close-exceedance" if name == "return" and what != "direction" else "exceedance"
        assert actual[kind][i] == pytest.approx(p, rel=1e-9)
        median = np.exp(day.loc / 100) - 1
        assert actual["study"][i] == pytest.approx(-median if what == "down" else median)
        edge = {1: np.tan(0.4 * np.pi), 2: 0.8 * np.sqrt(2 / 0.36)}.get(day.df, stats.t.ppf(0.9, day.df))
        width = np.exp((day.loc + edge * day.scale) / 100) - np.exp((day.loc - edge * day.scale) / 100)
        assert actual["width"][i] == pytest.approx(width)


def test_series_is_in_percent(prices):
    close = prices["Close"].to_numpy()
    np.testing.assert_allclose(percent_series(prices, "return")[1:], 100 * np.log(close[1:] / close[:-1]))
    high = 100 * np.log(prices["High"].to_numpy()[1:] / close[:-1])
    np.testing.assert_allclose(percent_series(prices, "high")[1:], high)


@pytest.mark.parametrize("name", ["return", "high"])
def test_later_days_are_not_run(name, prices):
    with pytest.raises(NotRun, match="that of the next day"):
        scores(predictive(), UP_5, name, prices, LABELS)


def test_fold_without_history_is_not_run_and_the_others_are(prices, tmp_path):
    origins = make_origins(prices, EARLY | FOLDS)
    first = splits(origins, **UP).__next__().calibration.min() + 1
    assert first < NEEDED + 1
    rows = np.arange(FIRST, DAYS - 1)
    frame = pd.DataFrame({"row": rows, "df": 4.0, "loc": 0.01 * (rows % 7), "scale": 1.0})
    frame["seed"] = pd.array([None] * len(rows), dtype="Int64")
    scores_of = partial(scores, name="return", dataset=prices, labels=LABELS)
    exponent_of = partial(touch_exponent, dataset=prices, labels=LABELS)
    frames, not_run = score_folds(frame, origins, [UP, UP_5], scores_of, exponent_of, needed=NEEDED + 1)
    reason = f"it needs 1125 days of history, and the first day to score has {first}: {1125 - first} too few"
    later = {**UP_5, "reason": "the predictive distribution is that of the next day"}
    early, late = EARLY["early"]["train_end"], FOLDS["block"]["train_end"]
    assert sorted(not_run[early], key=lambda entry: entry["horizon"]) == [{**UP, "reason": reason}, later]
    assert not_run[late] == [later]
    assert frames[early].empty
    write_folds(tmp_path, frames, origins, {}, not_run)
    check_same_origins("LL", *read_experiment(tmp_path), origins, [UP, UP_5], seeds=[])


@pytest.mark.parametrize("short", [0, 1])
def test_history_may_just_suffice(short, study):
    _, origins = study
    (split,) = splits(origins, **UP)
    rows = np.concatenate([split.calibration, split.evaluation])
    frame = pd.DataFrame({"row": rows, "seed": pd.array([0] * len(rows), dtype="Int64")})
    needed = int(split.calibration.min()) + 1 + short
    how = (lambda frame, _: (rows, {"study": rows * 1.0})), touch_exponent
    _, not_run = score_folds(frame, origins, [UP], *how, needed=needed)
    assert bool(not_run) == bool(short)


# --- probes


def probe(states, head=None):
    head = head or {"kind": "logistic", "C": 0.001}
    return {"weights": "pretrained", "input": "return", "context": 32, "states": states, "head": head}


@pytest.fixture(scope="module")
def states():
    """Random states of every day with enough history."""
    rng, rows = np.random.default_rng(0), np.arange(FIRST, DAYS - 1)
    frame = pd.DataFrame(rng.standard_normal((len(rows), len(STATE_COLUMNS))).astype(np.float32), columns=STATE_COLUMNS)
    frame.insert(0, "row", rows)
    frame.insert(1, "seed", pd.array([None] * len(rows), dtype="Int64"))
    return frame


@pytest.mark.parametrize(
    ("mode", "prefixes", "count"),
    [
        ("encoder-last", ["norm"], 144),
        ("encoder-mean", ["mean"], 144),
        ("all-hidden", [*(f"h{i}" for i in range(8)), "norm"], 1296),
    ],
)
def test_probe_is_a_regression_on_its_units_alone(mode, prefixes, count, states, study):
    dataset, origins = study
    names = [f"{prefix}_{unit}" for prefix in prefixes for unit in range(144)]
    columns = state_columns(probe(mode))
    assert columns == ["row", "seed", *names] and len(names) == count
    frames, not_run = score_all(states[columns], dataset, origins, probe(mode), [UP], LABELS, needed=NEEDED + 1)
    assert not not_run
    (frame,) = frames.values()

    (split,) = splits(origins, **UP)
    x = states.set_index("row")[names].astype(float)
    for role, train, rows in (
        ("calibration", split.inner, split.calibration),
        ("evaluation", split.training, split.evaluation),
    ):
        train = train[train >= FIRST]
        mean, deviation = x.loc[train].mean(), x.loc[train].std(ddof=0)
        fitted = LogisticRegression(C=0.001, tol=1e-8, max_iter=10_000).fit(
            (x.loc[train] - mean) / deviation, split.y(train)
        )
        expected = fitted.predict_proba((x.loc[rows] - mean) / deviation)[:, 1]
        np.testing.assert_allclose(frame.loc[frame["role"] == role, "score"], expected, atol=1e-6)
        assert np.ptp(expected) > 0.01


def test_probe_scores_the_same_origins(states, study, tmp_path):
    dataset, origins = study
    settings, targets = probe("encoder-last"), [UP, DOWN, UP_5]
    columns = state_columns(settings)
    both = pd.concat([states.assign(seed=np.int64(seed)) for seed in (0, 1)])
    frames, not_run = score_all(both[columns], dataset, origins, settings, targets, LABELS, needed=NEEDED + 1)
    write_folds(tmp_path, frames, origins, {}, not_run)
    frame, metadata = read_experiment(tmp_path)
    check_same_origins("LL", frame, metadata, origins, targets, seeds=[0, 1])
    assert set(frame["role"]) == {"calibration", "evaluation"} and not not_run


@pytest.mark.parametrize("enough", [True, False])
def test_probe_wants_enough_training_days_with_states(enough, states, study):
    dataset, origins = study
    (split,) = splits(origins, **UP)
    rows = [*split.inner[-MIN_TRAINING + (not enough) :], *split.calibration, *split.evaluation]
    few = states[states["row"].isin(rows)]
    settings = probe("encoder-last")
    frames, not_run = score_all(few[state_columns(settings)], dataset, origins, settings, [UP], LABELS)
    (frame,) = frames.values()
    assert frame.empty == (not enough)
    reason = [{**UP, "reason": f"only {MIN_TRAINING - 1} training days have enough history"}]
    assert list(not_run.values()) == ([] if enough else [reason])


def test_probe_of_a_fold_without_history_is_not_run(states, prices):
    origins, settings = make_origins(prices, EARLY), probe("encoder-last")
    _, not_run = score_all(
        states[state_columns(settings)], prices, origins, settings, [UP], LABELS, reason=None, needed=NEEDED + 1
    )
    assert "it needs 1125 days of history" in not_run[EARLY["early"]["train_end"]][0]["reason"]


def test_mlp_head_learns_and_is_seeded(states, study):
    dataset, origins = study
    (split,) = splits(origins, **UP)
    known = origins.set_index("row")["up_1"]
    told = states[state_columns(probe("encoder-mean"))].copy()
    told["mean_0"] = known.reindex(told["row"]).fillna(0).to_numpy() + 0.1 * told["mean_1"]
    told[told.columns[3:]] = 0.0

    def evaluation(units):
        settings = probe("encoder-mean", {"kind": "mlp", "units": units, "alpha": 0.001})
        frames, not_run = score_all(told, dataset, origins, settings, [UP], LABELS)
        assert not not_run
        return frames[split.train_end].query("role == 'evaluation'")["score"].to_numpy()

    first, again, other = evaluation(64), evaluation(64), evaluation(32)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert roc_auc_score(known[split.evaluation], first) > 0.95


# --- training


def see_saw(seed=0):
    """Prices that rise after a fall and fall after a rise."""
    raw, rng = make_prices(DAYS, start="2011-01-03"), np.random.default_rng(seed)
    returns = 0.01 * (-1.0) ** np.arange(DAYS) + 0.002 * rng.standard_normal(DAYS)
    close = 100 * np.exp(np.cumsum(returns))
    return raw.assign(Open=close, High=close * 1.001, Low=close * 0.999, Close=close)


def trained(dataset, origins, checkpoint, network=None, seed=0, **settings):
    network = network or small(seed)
    (split,) = splits(origins, **UP_5)
    curve, frame = fit(network, dataset, origins, split, SETTINGS | settings, seed, checkpoint)
    return network, curve, frame


def test_training_learns_the_next_value(tmp_path):
    dataset = see_saw()
    origins = make_origins(dataset)
    network, curve, frame = trained(dataset, origins, tmp_path / "c", max_epochs=8, patience=8, batch_size=8)
    losses = [row["train_loss"] for row in curve]
    assert losses[-1] < losses[0] - 0.3
    assert min(row["monitor_loss"] for row in curve) < curve[0]["monitor_loss"]
    assert not network.training
    ahead = percent_series(dataset, "return")[frame["row"] + 1]
    assert np.corrcoef(frame["loc"], ahead)[0, 1] > 0.9  # of the day itself it would be -0.9

    wanted = origins.loc[origins["role"] != "train", "row"]
    assert frame["row"].tolist() == sorted(set(wanted))
    assert (frame["seed"] == 0).all()


def test_loss_is_the_likelihood_of_each_target_under_its_own_distribution(prices, network):
    series, features, rows = percent_series(prices, "return"), time_features(prices["Date"]), np.arange(1200, 1207)
    past = torch.from_numpy(past_values(series, rows, NEEDED))
    days = torch.from_numpy(np.stack([features[row - NEEDED + 1 : row + 1] for row in rows]))
    y = torch.from_numpy(series[rows + 1].astype(np.float32))
    parameters, _ = run_network(network, series, features, rows)
    expected = -np.mean([stats.t.logpdf(value, *row) for value, row in zip(y.numpy(), parameters)])
    loss = build_loss(network)
    assert loss(past, days, y).item() == pytest.approx(expected, rel=1e-4)
    assert all(parameter.shape == (7,) for parameter in distribution(network, past, days))
    for wrong in (y[:, None], y[None], y[:1], y[0]):
        with pytest.raises(AssertionError):
            loss(past, days, wrong)


def test_training_sees_nothing_after_its_end(study, tmp_path):
    dataset, _ = study
    after = dataset["Date"] > FOLDS["block"]["train_end"]
    columns = ["Open", "High", "Low", "Close"]
    changed = dataset.copy()
    changed.loc[after, columns] = make_prices(DAYS, seed=1).loc[after, columns]
    last = dataset.copy()
    last.loc[np.flatnonzero(~after)[-20:], "Close"] *= 1.01

    def weights(data, name):
        network, curve, frame = trained(data, make_origins(data), tmp_path / name)
        return network.state_dict(), curve, frame.set_index("row")["loc"]

    expected, curve, forecasts = weights(dataset, "first")
    found, same_curve, others = weights(changed, "changed")
    assert same(found, expected) and same_curve == curve
    assert not same(expected, small().state_dict())
    assert (forecasts.index == others.index).all()
    assert (forecasts[forecasts.index < after.argmax()] == others[others.index < after.argmax()]).all()
    assert (forecasts.iloc[-1:] != others.iloc[-1:]).all()
    # The calibration tail decides when to stop, and nothing else.
    _, other_curve, _ = weights(last, "last")
    first, second = (pd.DataFrame(rows) for rows in (curve, other_curve))
    assert (first["train_loss"] == second["train_loss"]).all()
    assert (first["monitor_loss"] != second["monitor_loss"]).all()


def test_killed_training_goes_on_and_ends_bit_identical(study, tmp_path):
    def start(name, seed, kill_after=None):
        network = small(seed)
        calls = interrupt(network, kill_after)
        _, curve, frame = trained(*study, tmp_path / name, network)
        return curve, network.state_dict(), frame, calls()

    curve, expected, forecasts, calls = start("undisturbed", 0)
    assert len(curve) == 3
    for kill_after in (2, 6):  # in the first epoch, in the second
        with pytest.raises(Interrupted):
            start(f"killed-{kill_after}", 0, kill_after)
        # Before the first checkpoint the start decides, from then on the checkpoint alone.
        again, weights, frame, left = start(f"killed-{kill_after}", 0 if kill_after == 2 else 1)
        assert again == curve and same(weights, expected)
        assert (left == calls) == (kill_after == 2)
        pd.testing.assert_frame_equal(frame, forecasts)


def test_training_without_history_is_not_run(prices, tmp_path):
    origins = make_origins(prices, EARLY)
    with pytest.raises(NotRun, match="it needs 1125 days of history"):
        trained(prices, origins, tmp_path / "checkpoint")


def test_twin_without_history_is_not_run_for_that_and_not_for_want_of_weights(prices, network):
    short = prices.iloc[: NEEDED - 1]
    frame, about = run_frozen(
        lambda: (UNTRAINED, [(0, lambda: network)]),
        lambda network: run_rows(network, short, np.arange(79, len(short)), "return", states=True),
        describe_network,
        ["row", "seed"],
        threads=1,
    )
    assert (list(frame.columns), len(frame)) == (["row", "seed"], 0)
    assert about["weights"] == UNTRAINED
    assert about["not_run"] == f"it needs {NEEDED + 1} days of history, and no day has more than {NEEDED - 1}"
