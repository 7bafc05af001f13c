"""Fracast-0: the published weights in its package, random ones, and the forecasts of the High."""

from hashlib import sha256
from importlib.metadata import files, version

import numpy as np
import pytest
import torch
from forecast_fracast import UNTRAINED, describe_model, forecast_rows, load_untrained, open_fracast
from helpers.made_up_data import CONFIG, LABELS, UP, make_prices
from threadpoolctl import threadpool_limits

from fd01.models.forecasts import DECILE_COLUMNS, LEVELS, quantile_frame
from fd01.scoring.deciles import exceedance, scores

CONTEXT = CONFIG["experiments"]["FRC-01"]["settings"]["context"]
ROWS = np.arange(79, 99)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def loaded():
    """The model with the published weights, and their manifest."""
    weights, ((seed, load_model),) = open_fracast("pretrained", seeds=[])
    assert seed is None
    return load_model(), weights


@pytest.fixture(scope="module")
def prices():
    return make_prices(200)


@pytest.fixture(scope="module")
def forecasts(loaded, prices):
    return forecast_rows(loaded[0], prices, ROWS, CONTEXT)


def test_weights_are_described(loaded):
    model, weights = loaded
    about = describe_model(model)
    count = sum(value.numel() for part in (model.core, model.head) for value in part.parameters())
    assert about["parameters"] == count == 85_001
    assert about["loaded"] == "Model loaded successfully: 85,001 parameters"
    assert weights["revision"] == f"package fracast {version('fracast')}"
    assert weights["trained_until"] == "unknown"
    (path,) = (file.locate() for file in files("fracast") if file.name == "model.safetensors")
    content = path.read_bytes()
    assert weights["files"] == {path.name: {"sha256": sha256(content).hexdigest(), "bytes": len(content)}}


def test_described_weights_are_the_ones_in_use(loaded):
    from safetensors.torch import load_file

    (path,) = (file.locate() for file in files("fracast") if file.name == "model.safetensors")
    stored = sorted((value.shape, value.double().sum().item()) for value in load_file(path).values())
    model, _ = loaded
    for part in (model.core, model.head):
        for value in part.parameters():
            assert (value.shape, value.double().sum().item()) in stored


def parameters(model):
    return {name: value for part in (model.core, model.head) for name, value in part.named_parameters()}


def test_random_weights_come_from_their_seed(loaded):
    torch.manual_seed(123)
    before = torch.random.get_rng_state()
    weights, models = open_fracast("untrained", seeds=[3, 1])
    assert (weights, [seed for seed, _ in models]) == (UNTRAINED, [3, 1])
    other, first = (load_model() for _, load_model in models)
    assert torch.equal(torch.random.get_rng_state(), before)
    first, other, again, published = map(parameters, (first, other, load_untrained(1), loaded[0]))
    assert {name: value.shape for name, value in first.items()} == {name: v.shape for name, v in published.items()}
    for name, value in first.items():
        assert torch.equal(value, again[name])
        assert not torch.equal(value, published[name])
        if "norm" in name:
            assert (value == 1).all()
        elif not name.endswith("dw_bias"):
            assert not torch.equal(value, other[name]) and value.abs().max() > 0


def test_every_block_of_a_random_network_does_something(prices):
    expected = forecast_rows(load_untrained(0), prices, ROWS[:2], CONTEXT)
    assert np.isfinite(expected).all() and np.ptp(expected[:, 0, 5] / prices["High"].to_numpy()[ROWS[:2]]) > 1e-6
    for name in parameters(load_untrained(0)):
        changed = load_untrained(0)
        with torch.no_grad():
            parameters(changed)[name].mul_(1.5).add_(0.01)
        assert np.abs(forecast_rows(changed, prices, ROWS[:2], CONTEXT) - expected).max() > 1e-7, name


def test_scores_of_a_random_network_have_a_spread(prices):
    frame = quantile_frame(ROWS, forecast_rows(load_untrained(0), prices, ROWS, CONTEXT))
    _, found = scores(frame, UP, "high-price", prices, LABELS)
    assert all(np.ptp(values) > 0.001 for values in found.values())


def test_one_step_of_median_and_deciles(forecasts, loaded, prices):
    assert forecasts.shape == (len(ROWS), 1, 10)
    assert np.isfinite(forecasts).all()
    np.testing.assert_array_equal(forecasts[..., 0], forecasts[..., 5])
    assert (np.diff(forecasts[..., 1:], axis=-1) > 0).all()
    np.testing.assert_allclose(loaded[0].quantiles, LEVELS)


def test_forecast_is_one_of_the_next_high(forecasts, loaded, prices):
    high = prices["High"].to_numpy()
    for row, expected in zip(ROWS[::10], forecasts[::10, 0, 1:]):
        window = high[row - CONTEXT + 1 : row + 1].astype(np.float32)
        np.testing.assert_allclose(loaded[0].forecast(window[None], horizon=1)[0, 0], expected, rtol=1e-5)
    # It was pre-trained: better than the mean of the window, and never far from the last High.
    ahead, median = high[ROWS + 1], forecasts[:, 0, 5]
    mean = np.array([high[row - CONTEXT + 1 : row + 1].mean() for row in ROWS])
    assert np.abs(median - ahead).mean() < 0.5 * np.abs(mean - ahead).mean()
    assert np.abs(median / high[ROWS] - 1).max() < 0.1


def test_windows_do_not_depend_on_their_batch(forecasts, loaded, prices):
    some = [17, 3, 19]
    again = forecast_rows(loaded[0], prices, ROWS[some], CONTEXT)
    np.testing.assert_allclose(again, forecasts[some], rtol=1e-5)
    assert np.ptp(forecasts[:, 0, 5]) > 0


def test_size_of_batches_changes_no_bit(forecasts, loaded, prices, monkeypatch):
    monkeypatch.setattr("forecast_fracast.BATCH", 16)
    np.testing.assert_array_equal(forecast_rows(loaded[0], prices, ROWS, CONTEXT), forecasts)


def test_forecast_of_a_day_knows_no_later_one(forecasts, loaded, prices):
    changed = prices.copy()
    changed.loc[ROWS[18] :, "High"] *= 1.5
    again = forecast_rows(loaded[0], changed, ROWS, CONTEXT)
    np.testing.assert_array_equal(again[:16], forecasts[:16])
    np.testing.assert_allclose(again[16:18], forecasts[16:18], rtol=1e-5)  # a batch with changed windows
    assert (again[18:] != forecasts[18:]).any(axis=2).all()


def test_score_is_the_probability_of_the_high_beyond_the_threshold(forecasts, prices):
    frame = quantile_frame(ROWS, forecasts)
    rows, found = scores(frame, UP, "high-price", prices, LABELS)
    np.testing.assert_array_equal(rows, ROWS)
    threshold = 1.01 * prices["Close"].to_numpy()[ROWS]
    expected = exceedance(frame[DECILE_COLUMNS].to_numpy(), threshold)  # no reflection: the High is the maximum
    np.testing.assert_allclose(found["exceedance"], expected, atol=1e-9)
    between = np.array([np.interp(at, row, LEVELS) for at, row in zip(threshold, forecasts[:, 0, 1:])])
    inside = (between > 0.1) & (between < 0.9)
    assert inside.sum() > 5
    np.testing.assert_allclose(found["exceedance"][inside], 1 - between[inside], atol=0.02)


def test_gaps_are_refused(loaded, prices):
    gap = prices.copy()
    gap.loc[50, "High"] = np.nan
    with pytest.raises(ValueError, match="row 79 has values that are not finite"):
        forecast_rows(loaded[0], gap, ROWS[:2], CONTEXT)
