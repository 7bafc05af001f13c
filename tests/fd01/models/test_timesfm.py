import json
import logging
import os
import subprocess
import sys
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
import torch
from encode_timesfm import encode_rows
from fit_probe import score_all
from forecast_timesfm import rows_to_forecast
from helpers.made_up_data import CONFIG, FOLDS, LABELS, UP, UP_5, dataset_and_origins, prices_with_other_rows_after
from helpers.paths import ROOT
from safetensors.torch import load_file, save_file
from sklearn.metrics import roc_auc_score

from fd01.data.features import scale_free_a20
from fd01.data.inputs import input_series, windows
from fd01.data.origins import Split, splits
from fd01.models.covariates import in_context_ridge, known_before
from fd01.models.heads import fit_logistic, scale_features
from fd01.models.timesfm import (
    UNTRAINED,
    WEIGHTS,
    describe_model,
    encode,
    forecast,
    forecast_rows,
    hidden_states,
    load,
    load_untrained,
    open_timesfm,
    padded,
    quantiles_of,
)
from fd01.scoring.predictions import check_same_origins, read_experiment, write_folds
from fd01.workflow.errors import NotRun

pytestmark = pytest.mark.usefixtures("tiny_timesfm")

SETTINGS = CONFIG["experiments"]["TFM-01"]["settings"] | {"batch_size": 16}
COVARIATES = CONFIG["experiments"]["TFM-02"]["settings"]["covariates"]
PROBE = CONFIG["experiments"]["TFM-probe"]["settings"] | {"batch_size": 64}
TRAIN_END = FOLDS["validation"]["train_end"]
INPUTS = ("simple-return", "close", "return", "high")
EITHER_FLIP = pytest.mark.parametrize("flip", [False, True], ids=["plain", "flip"])


@pytest.fixture(scope="module")
def study():
    return dataset_and_origins()


@pytest.fixture(scope="module")
def model(tiny_timesfm):
    return load_untrained(0)


def walks(lengths=(80, 80, 80, 40, 33, 32, 7, 2, 80, 64), seed=0):
    """Random walks around 100."""
    rng = np.random.default_rng(seed)
    return [100 * np.exp(np.cumsum(0.01 * rng.standard_normal(length))) for length in lengths]


def relative_to_spread(difference, inputs):
    """Largest absolute difference of each forecast, in standard deviations of its window."""
    return np.abs(difference).max(axis=(1, 2)) / [window.std() for window in inputs]


def package_config(flip=False, **settings):
    from timesfm import ForecastConfig

    return ForecastConfig(
        max_context=80,
        max_horizon=5,
        per_core_batch_size=1,
        normalize_inputs=True,
        use_continuous_quantile_head=True,
        force_flip_invariance=flip,
        infer_is_positive=False,
        fix_quantile_crossing=False,
        **settings,
    )


def test_weights_of_the_twin_come_from_its_seed():
    torch.manual_seed(123)
    before = torch.random.get_rng_state()
    first, again, other = (load_untrained(seed).model.state_dict() for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert first.keys() == again.keys() == other.keys()
    for name, value in first.items():
        assert torch.equal(again[name], value)
        assert torch.equal(other[name], value) == name.endswith("scale")


def test_twin_is_built_once_and_not_written_to_disk(monkeypatch):
    built = []
    module = sys.modules[type(load_untrained(0).model).__module__]
    build = module.TimesFM_2p5_200M_torch_module.__init__
    monkeypatch.setattr(module.TimesFM_2p5_200M_torch_module, "__init__", lambda self: built.append(build(self)))
    monkeypatch.setattr("safetensors.torch.save_file", lambda *arguments: pytest.fail("written to disk"))
    load_untrained(1)
    assert len(built) == 1


def test_twin_is_as_published_weights_are_loaded(model, tiny_weights):
    loaded = load(tiny_weights)
    assert model.torch_compile == loaded.torch_compile == False  # noqa: E712
    assert not model.model.training and model.model.device == loaded.model.device
    norms = [part for part in model.model.modules() if type(part).__name__ == "RMSNorm"]
    assert len(norms) == 2 * 6
    assert all((norm.scale == 1).all() for norm in norms)


def test_blocks_of_the_twin_do_something(model):
    states = encode(model, walks(), SETTINGS)
    blocks = model.model.stacked_xf
    try:
        model.model.stacked_xf = torch.nn.ModuleList()
        embedding = encode(model, walks(), SETTINGS)
    finally:
        model.model.stacked_xf = blocks
    assert np.abs(states - embedding).mean() > embedding.std()

    silent = load_untrained(0)  # as the package itself leaves an untrained network
    for name, value in silent.model.state_dict().items():
        if name.endswith("_ln.scale"):
            value.zero_()
    np.testing.assert_array_equal(encode(silent, walks(), SETTINGS), embedding)


def test_load_takes_what_the_package_saves(tiny_weights, monkeypatch):
    expected = load_file(tiny_weights / WEIGHTS)
    monkeypatch.chdir(tiny_weights.parent.parent)
    for folder in (tiny_weights, tiny_weights.relative_to(tiny_weights.parent.parent)):
        loaded = load(folder).model.state_dict()
        assert loaded.keys() == expected.keys()
        assert all(torch.equal(loaded[name].cpu(), value) for name, value in expected.items())


@pytest.mark.parametrize("damage", ["missing", "misshapen", "superfluous"])
def test_load_refuses_other_tensors(damage, tiny_weights, tmp_path):
    name = "stacked_xf.1.ff0.weight"
    tensors = load_file(tiny_weights / WEIGHTS)
    tensor = tensors.pop(name)
    if damage == "misshapen":
        tensors[name] = tensor[:, 1:].contiguous()
    if damage == "superfluous":
        tensors |= {name: tensor, f"{name}.more": tensor.clone()}
    save_file(tensors, tmp_path / WEIGHTS)
    with pytest.raises(RuntimeError, match=name):
        load(tmp_path)


def test_model_is_described_by_parameters_and_device(model, caplog):
    caplog.set_level(logging.INFO)
    about = describe_model(model)
    count = sum(np.prod(value.shape) for value in model.model.state_dict().values())
    assert about["parameters"] == count
    assert about["device"] == ("cuda" if torch.cuda.is_available() else "cpu")
    assert about["loaded"] == f"Model loaded successfully: {count:,} parameters" in caplog.messages


def test_experiment_has_a_model_per_seed_or_the_published_one_or_a_reason(tiny_weights, tmp_path):
    weights, models = open_timesfm({"weights": "untrained"}, [3, 1], manifest=None)
    assert weights == UNTRAINED
    assert [seed for seed, _ in models] == [3, 1]
    for seed, load_model in models:
        expected, found = (one.model.state_dict() for one in (load_untrained(seed), load_model()))
        assert all(torch.equal(found[name], value) for name, value in expected.items())

    checksum = sha256((tiny_weights / WEIGHTS).read_bytes()).hexdigest()
    manifest = {"status": "ok", "files": {WEIGHTS: {"sha256": checksum}}}
    (tiny_weights / "manifest.json").write_text(json.dumps(manifest))
    weights, ((seed, load_model),) = open_timesfm({"weights": "pretrained"}, [], tiny_weights / "manifest.json")
    assert manifest.items() <= weights.items() and weights["known_answers"]["status"] == "not verified"
    assert seed is None
    expected = load_file(tiny_weights / WEIGHTS)
    assert all(torch.equal(value.cpu(), expected[name]) for name, value in load_model().model.state_dict().items())

    (tmp_path / "manifest.json").write_text(json.dumps({"status": "missing", "reason": "the hub keeps silent"}))
    with pytest.raises(NotRun, match="the hub keeps silent"):
        open_timesfm({"weights": "pretrained"}, [], tmp_path / "manifest.json")


def test_full_network_has_the_published_size_and_the_hub_is_off():
    code = """
import torch
from fd01.models.timesfm_finetuning import adapt
from fd01.models.timesfm import import_timesfm
import_timesfm()
from huggingface_hub import constants
from timesfm.timesfm_2p5.timesfm_2p5_torch import TimesFM_2p5_200M_torch_module
with torch.device("meta"):
    network = TimesFM_2p5_200M_torch_module()
network.device = torch.device("meta")
print(sum(p.numel() for p in network.parameters()))
adapt(network, "lora", 8)
print(sum(p.numel() for p in network.parameters() if p.requires_grad))
print(constants.HF_HUB_OFFLINE)
"""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment = inherited | {"PYTHONPATH": str(ROOT / "scripts"), "HF_HOME": "/nonexistent"}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    # An adapter of rank 8 adds 8 numbers per input and output of a layer.
    adapters = 20 * 8 * ((1280 + 3 * 1280) + 3 * (1280 + 1280))
    assert run.stdout.split() == ["231289280", str(adapters), "True"]
    assert adapters == 2_048_000


def test_windows_end_on_their_rows_and_begin_with_the_series():
    values = np.arange(20.0)
    assert [list(window) for window in windows(values, np.array([4, 2, 19]), 3)] == [[2, 3, 4], [0, 1, 2], [17, 18, 19]]
    assert [list(window) for window in windows(values, np.array([2, 1]), 5, first=1)] == [[1, 2], [1]]
    assert windows(np.zeros((20, 4)), np.array([9]), 5)[0].shape == (5, 4)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_windows_with_gaps_are_refused(bad):
    values = np.arange(20.0)
    values[10] = bad
    assert len(windows(values, np.array([9, 13]), 3)) == 2
    with pytest.raises(ValueError, match="row 12 has values that are not finite"):
        windows(values, np.array([9, 12]), 3)


def test_padding_is_in_front():
    values, mask = padded([np.arange(1.0, 6), np.arange(1.0, 3)], context=5, patch=4)
    np.testing.assert_array_equal(values, [[0, 0, 0, 1, 2, 3, 4, 5], [0, 0, 0, 0, 0, 0, 1, 2]])
    np.testing.assert_array_equal(mask, values == 0)
    assert (values.dtype, mask.dtype) == (np.float32, bool)


@EITHER_FLIP
def test_forecast_equals_the_package_one_window_at_a_time(flip, model):
    inputs = walks()
    actual = forecast(model, inputs, 5, SETTINGS | {"flip": flip, "batch_size": 4})
    assert (actual.shape, actual.dtype) == ((10, 5, 10), np.float32)
    model.compile(package_config(flip))
    expected = np.concatenate([model.forecast(5, [window])[1] for window in inputs])
    np.testing.assert_allclose(actual, expected, rtol=1e-5)
    assert relative_to_spread(actual - expected, inputs).max() < 1e-4


def test_horizon_beyond_one_pass_is_not_run(model):
    assert forecast(model, walks()[:1], 128, SETTINGS).shape == (1, 128, 10)
    with pytest.raises(NotRun, match="it forecasts 128 days, and the longest horizon is 129"):
        forecast(model, walks()[:1], 129, SETTINGS)


def test_forecast_leaves_its_inputs_alone(model):
    inputs = walks()
    forecast(model, inputs, 1, SETTINGS)
    assert len(inputs) == 10
    for window, before in zip(inputs, walks()):
        np.testing.assert_array_equal(window, before)


def test_forecast_is_repeatable_and_the_batch_does_not_matter(model):
    inputs = walks()
    first, again = (forecast(model, inputs, 2, SETTINGS) for _ in range(2))
    np.testing.assert_array_equal(again, first)
    np.testing.assert_allclose(forecast(model, inputs, 2, SETTINGS | {"batch_size": 3}), first, rtol=1e-5)
    states = encode(model, inputs, SETTINGS)
    np.testing.assert_array_equal(encode(model, inputs, SETTINGS), states)
    np.testing.assert_allclose(encode(model, inputs, SETTINGS | {"batch_size": 3}), states, atol=1e-4)


def test_flip_mirrors_the_forecast_of_the_negated_input(model):
    inputs = walks()
    difference = {}
    for flip in (True, False):
        settings = SETTINGS | {"flip": flip}
        mirrored = -forecast(model, [-window for window in inputs], 5, settings)
        mirrored[..., 1:] = mirrored[..., :0:-1].copy()
        difference[flip] = relative_to_spread(mirrored - forecast(model, inputs, 5, settings), inputs)
    assert difference[True].max() < 1e-6
    assert difference[False].min() > 0.1


@EITHER_FLIP
def test_forecast_has_no_unit_and_no_zero(flip, model):
    inputs, settings = walks(), SETTINGS | {"flip": flip}
    lowest = np.array([window.min() for window in inputs])
    moved = forecast(model, [3 * (window - low) for window, low in zip(inputs, lowest)], 5, settings)
    assert moved.min() < 0  # although the windows are not
    difference = moved / 3 + lowest[:, None, None] - forecast(model, inputs, 5, settings)
    assert relative_to_spread(difference, inputs).max() < 1e-3


def test_hidden_states_and_quantiles_belong_to_the_forecast(model):
    inputs = walks()
    values, mask = (torch.from_numpy(part).to(model.model.device) for part in padded(inputs, 80, 32))
    with torch.inference_mode():
        states, location, scale = hidden_states(model.model, values, mask)
        actual = location[..., None] + scale[..., None] * quantiles_of(model.model, states, 128)
    expected = forecast(model, inputs, 128, SETTINGS | {"flip": False})
    actual = actual.cpu().numpy()
    np.testing.assert_allclose(actual, expected, rtol=1e-5)
    assert relative_to_spread(actual - expected, inputs).max() < 1e-4
    np.testing.assert_array_equal(encode(model, inputs, SETTINGS), states.cpu().numpy())


def test_bfloat16_is_close_and_in_use(model):
    inputs = walks()
    for run in (lambda settings: forecast(model, inputs, 1, settings)[:, 0], lambda s: encode(model, inputs, s)):
        full, half = (run(SETTINGS | {"dtype": dtype}) for dtype in ("float32", "bfloat16"))
        assert half.dtype == np.float32
        error = np.abs(half - full).mean() / np.abs(full - full.mean(axis=1, keepdims=True)).mean()
        assert 1e-5 < error < 0.05


def test_rows_to_forecast_are_all_or_the_evaluation_blocks(study):
    _, origins = study
    every, scored = (rows_to_forecast(origins, which) for which in ("all", "evaluation"))
    np.testing.assert_array_equal(every, sorted(set(origins["row"])))
    np.testing.assert_array_equal(scored, sorted(set(origins.loc[origins["role"] == "evaluation", "row"])))
    assert len(scored) < len(every)


def around(row):
    return np.arange(max(row - 40, 79), row + 30)


@pytest.mark.parametrize("covariates", [False, True], ids=["plain", "covariates"])
@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("date", ["2016-02-10", "2016-08-10", "2016-12-01"])
def test_forecast_does_not_look_ahead(date, name, covariates, study, model):
    settings = SETTINGS | {"input": name} | ({"covariates": COVARIATES} if covariates else {})
    dataset, _ = study
    last = int((dataset["Date"] <= date).sum()) - 1
    rows = around(last)
    horizon = 1 if covariates else 5
    original = forecast_rows(model, dataset, rows, horizon, settings)
    changed = forecast_rows(model, dataset_and_origins(prices_with_other_rows_after(date))[0], rows, horizon, settings)
    past = rows <= last
    assert original.shape == (len(rows), horizon, 10) and 0 < past.sum() < len(rows)
    np.testing.assert_array_equal(changed[past], original[past])
    assert (changed[~past] != original[~past]).any(axis=(1, 2)).all()


@pytest.mark.parametrize("name", INPUTS)
def test_hidden_states_do_not_look_ahead(name, study, model):
    dataset, _ = study
    last = int((dataset["Date"] <= TRAIN_END).sum()) - 1
    rows = around(last)
    original, changed = (
        encode_rows(model, data, rows, PROBE | {"input": name})
        for data in (dataset, dataset_and_origins(prices_with_other_rows_after(TRAIN_END))[0])
    )
    past = rows <= last
    np.testing.assert_array_equal(changed[past], original[past])
    assert (changed[~past] != original[~past]).any(axis=1).all()


@pytest.mark.parametrize("name", ["simple-return", "return", "high"])
def test_forecast_is_in_units_of_the_input(name, study, model):
    dataset, _ = study
    series = input_series(dataset, name)
    median = forecast_rows(model, dataset, np.array([90, 200]), 1, SETTINGS | {"input": name})[:, 0, 5]
    for row, value in zip((90, 200), median):
        window = series[row - 79 : row + 1]
        assert abs(value - window.mean()) < 10 * window.std()


@pytest.mark.parametrize("name", INPUTS)
def test_covariates_agree_with_the_package_one_window_at_a_time(name, study, model):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_platforms", "cpu")  # on a GPU, its products of float32 numbers are in TF32
    dataset, _ = study
    features = scale_free_a20(dataset)
    rows = np.array([79, 80, 81, 150, 399])
    settings = SETTINGS | {"input": name, "covariates": COVARIATES}
    actual = forecast_rows(model, dataset, rows, 1, settings)
    series = input_series(dataset, name)
    model.compile(package_config(SETTINGS["flip"], return_backcast=True))
    for row, found in zip(rows, actual):
        first = max(row - 79, 1)  # no feature is known before the first day
        window = series[first : row + 1]
        _, (expected,) = model.forecast_with_covariates(
            [window],
            dynamic_numerical_covariates={
                name: [features[name].to_numpy()[first - 1 : row + 1]] for name in COVARIATES["indicators"]
            },
            xreg_mode="xreg + timesfm",
            ridge=COVARIATES["ridge"],
        )
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * window.std())


def test_ridge_agrees_with_least_squares_on_more_rows():
    rng = np.random.default_rng(0)
    window, known = 100 + np.cumsum(rng.standard_normal(80)), 5 + 3 * rng.standard_normal((81, 4))
    residuals, next_fit, location, scale = in_context_ridge(window, known, 10)
    x = (known - known[:80].mean(axis=0)) / known[:80].std(axis=0)
    x = np.hstack([np.ones((81, 1)), x])
    y = (window - window.mean()) / window.std()
    # A ridge penalty is a row per coefficient that pulls it to zero.
    beta = np.linalg.lstsq(np.vstack([x[:80], np.sqrt(10) * np.eye(5)]), np.append(y, np.zeros(5)))[0]
    np.testing.assert_allclose(residuals, y - x[:80] @ beta, atol=1e-12)
    np.testing.assert_allclose([next_fit, location, scale], [x[80] @ beta, window.mean(), window.std()])


def test_ridge_finds_a_linear_rule():
    known = np.random.default_rng(0).standard_normal((81, 3))
    values = 100 + known @ [4, -2, 1]
    residuals, next_fit, location, scale = in_context_ridge(values[:-1], known, 1e-9)
    np.testing.assert_allclose(residuals, 0, atol=1e-9)
    assert location + scale * next_fit == pytest.approx(values[-1])


def test_constant_covariate_has_no_effect():
    rng = np.random.default_rng(0)
    window, known = 100 + np.cumsum(rng.standard_normal(80)), rng.standard_normal((81, 2))
    expected = in_context_ridge(window, known, 10)
    constant = 0.7 + 1e-12 * rng.standard_normal(81)  # but for rounding
    actual = in_context_ridge(window, np.column_stack([known[:, 0], constant, known[:, 1]]), 10)
    for found, wanted in zip(actual, expected):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)
    residuals, next_fit, _, _ = in_context_ridge(window, constant[:, None], 10)
    np.testing.assert_allclose(residuals, (window - window.mean()) / window.std(), atol=1e-9)
    assert next_fit == pytest.approx(0, abs=1e-9)


def test_covariates_of_a_day_come_from_the_day_before(study):
    dataset, _ = study
    names = COVARIATES["indicators"]
    known = known_before(dataset, names)
    features = scale_free_a20(dataset)[names].to_numpy()
    assert known.shape == (len(dataset) + 1, len(names))
    assert np.isnan(known[0]).all()
    for day in (1, 2, 200, len(dataset)):
        np.testing.assert_array_equal(known[day], features[day - 1])


def test_forecast_with_covariates_sees_its_own_window_alone(study, model):
    dataset, _ = study
    settings = SETTINGS | {"covariates": COVARIATES}
    rows, row = np.arange(200, 232), 220
    own = forecast_rows(model, dataset, rows, 1, settings)[row - 200]

    def changed(where):
        other = dataset.copy()
        columns = ["Open", "High", "Low", "Close", *COVARIATES["indicators"]]
        values = dataset.loc[where, columns]
        other.loc[where, columns] = values * np.random.default_rng(0).uniform(0.9, 1.1, values.shape)
        return forecast_rows(model, other, rows, 1, settings)[row - 200]

    # 80 days, and the day before the first of them for its covariates.
    days = dataset.index.to_numpy()
    np.testing.assert_array_equal(changed((days < row - 80) | (days > row)), own)
    assert (changed(days == row - 80) != own).all()
    assert (changed(days == row) != own).all()


@pytest.mark.parametrize("target", ["up", "down", "direction", "scaled"])
@pytest.mark.parametrize("name", INPUTS)
def test_scale_features_equal_their_definition(name, target, study):
    dataset, _ = study
    labels = {"threshold": 0.02, "scaled": {"k": 1.5, "window": 20}}
    features = scale_features(dataset, name, 30, {"target": target, "horizon": 1}, labels)
    close, series = dataset["Close"].to_numpy(), input_series(dataset, name)
    assert features.shape == (len(dataset), 2)
    for row in (79, 200, 400):
        window = series[row - 29 : row + 1]
        deviation = np.sqrt(((window - window.mean()) ** 2).sum() / 29)
        own = 1.5 * np.std(np.diff(np.log(close[row - 20 : row + 1])), ddof=1)
        c = {"up": 0.02, "down": -0.02, "direction": 0, "scaled": own}[target]
        if name == "close":
            expected = [np.log(deviation / close[row]), (close[row] * (1 + c) - window.mean()) / deviation]
        else:
            threshold = c if name == "simple-return" else np.log(1 + c)
            expected = [np.log(deviation), (threshold - window.mean()) / deviation]
        np.testing.assert_allclose(features[row], expected, rtol=1e-6)


@pytest.mark.parametrize("name", INPUTS)
def test_scale_features_are_known_at_every_origin_and_causal(name, study):
    dataset, origins = study
    changed = dataset_and_origins(prices_with_other_rows_after(TRAIN_END))[0]
    rows = np.unique(origins["row"])
    own, other = (scale_features(data, name, 80, UP, LABELS)[rows] for data in (dataset, changed))
    past = dataset["Date"].to_numpy()[rows] <= np.datetime64(TRAIN_END)
    assert np.isfinite(own).all()
    np.testing.assert_array_equal(other[past], own[past])
    assert (other[~past] != own[~past]).all()


def planted(n=600):
    """Features, the first of which tells of the event, and a split into training and evaluation."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((n, 6))
    y = (features[:, 0] + 0.5 * rng.standard_normal(n) > 0).astype(float)
    rows = np.arange(n)
    train, rest = rows[: n // 2], rows[n // 2 :]
    targets, history, series = pd.Series(y[train], train), pd.Series(rows + 1), pd.Series("A", rows)
    return features, y, Split("2019-12-31", train, train, train, rest, targets, history, series)


@pytest.mark.parametrize("C", [0.1, np.inf])
def test_logistic_regression_learns(C):
    features, y, split = planted()
    scores = fit_logistic(features, split, split.training, split.evaluation, C)
    assert roc_auc_score(y[split.evaluation], scores) > 0.9
    assert ((scores > 0) & (scores < 1)).all()
    rescaled = features * [1000, 1, 0.001, 1, 1, 1] + 3
    again = fit_logistic(rescaled, split, split.training, split.evaluation, C)
    np.testing.assert_allclose(again, scores, rtol=1e-4)


def test_logistic_regression_sees_its_training_rows_alone():
    features, _, split = planted()
    scores = fit_logistic(features, split, split.training, split.evaluation, 0.1)
    features[split.evaluation[1:]] += 100
    again = fit_logistic(features, split, split.training, split.evaluation, 0.1)
    assert again[0] == scores[0]
    assert (again[1:] != scores[1:]).any()


@pytest.fixture(scope="module")
def states(study):
    """Hidden states of two seeds, made up but for the first unit, which tells of tomorrow's High."""
    dataset, origins = study
    rows = rows_to_forecast(origins, "all")
    tomorrow = (dataset["High"].shift(-1) / dataset["Close"] - 1).to_numpy()[rows]
    parts = []
    for seed in (0, 1):
        units = np.random.default_rng(seed).standard_normal((len(rows), 5))
        units[:, 0] += 400 * tomorrow
        part = pd.DataFrame(units).add_prefix("state_")
        part.insert(0, "row", rows)
        part.insert(1, "seed", pd.array([seed] * len(rows), dtype="Int64"))
        parts.append(part)
    return pd.concat(parts)


def probe(study, states, targets=(UP,), labels=LABELS):
    frames, not_run = score_all(states, *study, PROBE | {"head": {"kind": "logistic", "C": 1.0}}, targets, labels)
    return frames[TRAIN_END], not_run.get(TRAIN_END, [])


@pytest.mark.parametrize("seeds", [[], [0, 1]], ids=["deterministic", "seeds"])
def test_scores_of_the_probe_are_complete(seeds, study, states, tmp_path):
    _, origins = study
    targets = [UP, UP_5, {"target": "down", "horizon": 1}, {"target": "scaled", "horizon": 5}]
    if not seeds:
        states = states[states["seed"] == 0].assign(seed=pd.NA)
    frame, not_run = probe(study, states, targets)
    assert not_run == []
    write_folds(tmp_path, {TRAIN_END: frame}, origins, {})
    check_same_origins("probe", *read_experiment(tmp_path), origins, targets, seeds)


def test_probe_learns_an_easy_signal(study, states):
    _, origins = study
    outcome = origins.drop_duplicates("origin").set_index("origin")["up_1"]
    for _, group in probe(study, states)[0].groupby(["role", "seed"]):
        assert roc_auc_score(outcome[group["origin"]], group["score"]) > 0.75


def test_probe_knows_the_scale_that_the_states_have_lost(study, states):
    dataset, origins = study
    blank = states.assign(**dict.fromkeys(states.columns[2:], 0.0))
    frame = probe(study, blank)[0].query("role == 'evaluation' and seed == 0")
    (split,) = splits(origins, **UP)
    scale = scale_features(dataset, PROBE["input"], PROBE["context"], UP, LABELS)
    expected = fit_logistic(scale, split, split.training, split.evaluation, 1.0)
    np.testing.assert_allclose(frame["score"], expected, rtol=1e-6)
    assert np.ptp(expected) > 0.01


@pytest.mark.parametrize("date", ["2016-07-13", "2016-07-29", TRAIN_END, "2016-10-03", "2016-12-02"])
def test_probe_does_not_look_ahead(date, study, states):
    original, _ = probe(study, states)
    changed = states.copy()
    later = (study[0]["Date"][states["row"]] > date).to_numpy()
    units = changed.columns[2:]
    changed.loc[later, units] = np.random.default_rng(2).standard_normal((later.sum(), 5))
    scores, _ = probe(dataset_and_origins(prices_with_other_rows_after(date)), changed)
    past = original["origin"] <= date
    assert 0 < past.sum() < len(past)
    pd.testing.assert_frame_equal(scores[past], original[past], check_exact=True)
    assert (scores.loc[~past, "score"] != original.loc[~past, "score"]).all()


def test_calibration_is_scored_by_a_probe_that_has_not_seen_its_outcomes(study, states):
    dataset, origins = study
    frame, _ = probe(study, states)
    flipped = origins.assign(up_1=origins["up_1"].where(origins["role"] == "train", 1 - origins["up_1"]))
    changed, _ = probe((dataset, flipped), states)
    same = changed["score"] == frame["score"]
    assert same[frame["role"] == "calibration"].all()
    assert not same[frame["role"] == "evaluation"].any()


def test_probe_without_states_gives_the_reason(study, tmp_path):
    dataset, origins = study
    absent = pd.DataFrame(columns=["row", "seed"])
    frames, not_run = score_all(absent, dataset, origins, PROBE, [UP, UP_5], LABELS, "no weights")
    assert not_run == {TRAIN_END: [{**target, "reason": "no weights"} for target in (UP, UP_5)]}
    write_folds(tmp_path, frames, origins, {}, not_run)
    check_same_origins("probe", *read_experiment(tmp_path), origins, [UP, UP_5], seeds=[0])


def test_probe_reports_one_class_and_scores_the_other_targets(states):
    direction = {"target": "direction", "horizon": 1}
    labels = LABELS | {"threshold": 0.9}
    frame, not_run = probe(dataset_and_origins(labels=labels), states, [UP, direction], labels)
    assert set(frame["target"]) == {"direction"}
    assert [entry["target"] for entry in not_run] == ["up"]
    assert "nothing to tell apart" in not_run[0]["reason"]
