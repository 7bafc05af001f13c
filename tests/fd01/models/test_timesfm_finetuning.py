import copy
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from finetune_timesfm import FineTuningTask, event_scores, fine_tune, quantile_scores
from gather_seeds import gather, learning_rate_losses, winners
from helpers.interruption import Interrupted, interrupt
from helpers.made_up_data import CONFIG, FOLDS, LABELS, UP, UP_5, dataset_and_origins, prices_with_other_rows_after
from safetensors.torch import load_file
from sklearn.metrics import roc_auc_score

from fd01.data.inputs import input_series
from fd01.data.origins import splits
from fd01.models.timesfm import (
    WEIGHTS,
    forecast,
    forecast_rows,
    hidden_states,
    inputs_of,
    load,
    load_untrained,
    padded,
    quantiles_of,
    reload,
)
from fd01.models.timesfm_finetuning import adapt, build_objective, merged, pinball_and_square, tensors
from fd01.models.training import train
from fd01.scoring.predictions import check_same_origins, concat_scores, read_experiment, write_folds, write_predictions
from fd01.workflow.errors import NotRun

pytestmark = pytest.mark.usefixtures("tiny_timesfm")

SETTINGS = CONFIG["experiments"]["TFM-03"]["settings"] | {"rank": 2, "max_epochs": 2, "patience": 2}
COVARIATES = CONFIG["experiments"]["TFM-04"]["settings"]["covariates"]
DOWN = {"target": "down", "horizon": 1}
TRAIN_END = FOLDS["validation"]["train_end"]
RATE = 0.003
OBJECTIVES = pytest.mark.parametrize("objective", ["quantiles", "event"])


@pytest.fixture(scope="module")
def study():
    return dataset_and_origins()


def walks(n, seed=0, length=80):
    rng = np.random.default_rng(seed)
    return list(np.cumsum(rng.standard_normal((n, length)), axis=1))


def adapted(folder, adapter="lora", seed=0, rank=2):
    """The small network with adapters, as it is before training."""
    torch.manual_seed(seed)
    model = load(folder)
    adapt(model.model, adapter, rank)
    return model


def trainable(network):
    return {name: value for name, value in network.named_parameters() if value.requires_grad}


def snapshot(network):
    return {name: value.detach().clone() for name, value in trainable(network).items()}


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], value) for name, value in second.items())


def shake(network):
    """Give every trainable weight a value that training might give it."""
    with torch.no_grad():
        for value in trainable(network).values():
            value.add_(0.1 * torch.randn_like(value))


def in_one_pass(network, training):
    """Loss of the whole of a training set."""
    device = next(network.parameters()).device
    with torch.no_grad():
        return network(*(part.to(device) for part in training)).item()


def waves(n, seed=0):
    """Windows of noisy sine waves, and what follows."""
    rng = np.random.default_rng(seed)
    phase, period = rng.uniform(0, 2 * np.pi, (n, 1)), rng.choice([8, 16], (n, 1))
    series = np.sin(phase + 2 * np.pi * np.arange(82) / period) + 0.1 * rng.standard_normal((n, 82))
    return tensors(list(series[:, :80]), np.zeros((n, 2)), series[:, 80:], 80, 32)


def events(n, seed=0, share=1.0):
    """Random walks and the event that they rose over five days, for a `share` of them; chance for the others."""
    rng = np.random.default_rng(seed)
    inputs = walks(n, seed)
    rose = np.array([window[-1] > window[-6] for window in inputs], float)
    y = np.where(rng.random(n) < share, rose, rng.integers(0, 2, n))
    return tensors(inputs, np.zeros((n, 2)), y, 80, 32)


def test_adapters_change_nothing_before_training(tiny_weights):
    settings = SETTINGS | {"context": 80}
    expected, actual = (forecast(model, walks(8), 3, settings) for model in (load(tiny_weights), adapted(tiny_weights)))
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("rank", [2, 5])
def test_adapters_alone_are_trainable(rank, tiny_weights):
    found = trainable(adapted(tiny_weights, rank=rank).model)
    assert {name.rpartition(".")[2] for name in found} == {"a", "b"}
    shapes = {name: value.shape for name, value in load_file(tiny_weights / WEIGHTS).items() if value.ndim == 2}
    linear = {name: shape for name, shape in shapes.items() if name.startswith("stacked_xf.")}
    assert len(found) == 2 * len(linear) == 2 * 2 * 4
    assert sum(value.numel() for value in found.values()) == sum(rank * sum(shape) for shape in linear.values())


def test_full_adapter_trains_every_weight(tiny_weights):
    assert trainable(adapted(tiny_weights, "full").model).keys() == load_file(tiny_weights / WEIGHTS).keys()


@pytest.mark.parametrize("adapter", ["lora", "full"])
def test_merged_weights_reloaded_are_the_trained_network(adapter, tiny_weights):
    module = adapted(tiny_weights, adapter).model
    shake(module)
    inputs = walks(8)
    with torch.inference_mode():
        values, mask = (torch.from_numpy(part).to(module.device) for part in padded(inputs, 80, module.p))
        states, location, scale = hidden_states(module, values, mask)
        expected = (location[..., None] + scale[..., None] * quantiles_of(module, states, 128)).cpu().numpy()
    weights = merged(module)
    original = load_file(tiny_weights / WEIGHTS)
    assert {name: value.shape for name, value in weights.items()} == {name: v.shape for name, v in original.items()}
    changed = {name for name, value in weights.items() if not torch.equal(value, original[name])}
    if adapter == "lora":
        assert changed == {name for name in original if name.startswith("stacked_xf.") and original[name].ndim == 2}
    else:
        assert changed == original.keys()
    actual = forecast(reload(weights), inputs, 128, SETTINGS)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    assert np.abs(actual - forecast(load(tiny_weights), inputs, 128, SETTINGS)).max() > 0.1


def test_deciles_beyond_the_days_of_the_network_are_not_trained(tiny_weights):
    network = build_objective(adapted(tiny_weights).model, "quantiles", features=0)
    values, mask = (torch.from_numpy(part) for part in padded(walks(2), 80, network.module.p))
    with pytest.raises(NotRun, match="it forecasts 128 days, and the longest horizon is 129"):
        network(values, mask, torch.zeros(2, 0), torch.zeros(2, 129))


def test_loss_agrees_with_a_loop():
    rng = np.random.default_rng(0)
    quantiles, y = rng.standard_normal((5, 3, 10)), rng.standard_normal((5, 3))
    pinball, square = [], []
    for i in range(5):
        for step in range(3):
            square.append((y[i, step] - quantiles[i, step, 0]) ** 2)
            for k in range(1, 10):
                error = y[i, step] - quantiles[i, step, k]
                pinball.append(k / 10 * error if error > 0 else (1 - k / 10) * -error)
    actual = pinball_and_square(torch.from_numpy(quantiles), torch.from_numpy(y)).item()
    assert actual == pytest.approx(np.mean(pinball) + np.mean(square))


def test_loss_is_least_at_the_mean_and_the_deciles():
    y = np.random.default_rng(0).lognormal(size=20001)
    best = np.concatenate([[y.mean()], np.quantile(y, np.arange(1, 10) / 10)])

    def loss(quantiles):
        every = np.broadcast_to(quantiles, (len(y), 1, 10))
        return pinball_and_square(torch.from_numpy(every.copy()), torch.from_numpy(y[:, None])).item()

    for k in range(10):
        for step in (-0.05, 0.05):
            other = best.copy()
            other[k] += step
            assert loss(other) > loss(best)


def test_objectives_are_the_losses_of_what_the_network_forecasts(tiny_weights):
    module = adapted(tiny_weights).model
    inputs, rng = walks(8), np.random.default_rng(0)
    sd = np.array([window.std() for window in inputs])
    y = np.array([window[-1] for window in inputs])[:, None] + rng.standard_normal((8, 3))
    quantiles = forecast(load(tiny_weights), inputs, 3, SETTINGS).astype(float)
    network = build_objective(module, "quantiles", features=2)
    loss = in_one_pass(network, tensors(inputs, np.zeros((8, 2)), y, 80, 32))
    # The unit of a window is the deviation of its days: numpy's, as the package has it.
    expected = pinball_and_square(torch.from_numpy(quantiles / sd[:, None, None]), torch.from_numpy(y / sd[:, None]))
    assert loss == pytest.approx(expected.item(), rel=1e-4)

    network = build_objective(module, "event", features=2)
    training = tensors(inputs, rng.standard_normal((8, 2)), rng.integers(0, 2, 8), 80, 32)
    with torch.no_grad():
        p = torch.sigmoid(network.logits(*(part.to(module.device) for part in training[:3]))).cpu().numpy()
    y = training[3].numpy()
    assert in_one_pass(network, training) == pytest.approx(-np.log(np.where(y == 1, p, 1 - p)).mean(), rel=1e-5)


@pytest.mark.parametrize(("adapter", "dtype"), [("lora", "float32"), ("full", "bfloat16")])
def test_training_learns_the_next_values(adapter, dtype, tiny_weights, tmp_path):
    network = build_objective(adapted(tiny_weights, adapter, rank=8).model, "quantiles", features=2)
    training, monitor = waves(200), waves(60, seed=1)
    before = in_one_pass(network, monitor)
    settings = SETTINGS | {"max_epochs": 5, "patience": 5, "dtype": dtype, "batch_size": 32}
    curve = train(network, training, monitor, settings, RATE, 0, tmp_path / "checkpoint")
    losses = [row["train_loss"] for row in curve]
    assert losses[-1] < 0.8 * losses[0]
    assert in_one_pass(network, monitor) < 0.5 * before


@pytest.mark.parametrize("planted", ["window", "features"])
def test_event_objective_learns(planted, tiny_weights, tmp_path):
    def data(n, seed):
        values, mask, features, y = events(n, seed)
        if planted == "features":
            features = torch.from_numpy(np.random.default_rng(seed).standard_normal((n, 2))).float()
            y = (features[:, 1] > 0).float()
        return values, mask, features, y

    network = build_objective(adapted(tiny_weights, "full").model, "event", features=2)
    settings = SETTINGS | {"max_epochs": 6, "patience": 6}
    train(network, data(400, 0), data(100, 1), settings, 0.01, 0, tmp_path / "checkpoint")
    test = data(300, 2)
    with torch.inference_mode():
        p = torch.sigmoid(network.logits(*(part.to(network.module.device) for part in test[:3]))).cpu()
    assert ((p > 0) & (p < 1)).all()
    assert roc_auc_score(test[3], p) > 0.8


@pytest.mark.parametrize("patience", [1, 3])
def test_training_stops_early_and_keeps_the_best_epoch(patience, tiny_weights, tmp_path):
    network = build_objective(adapted(tiny_weights, "full").model, "event", features=2)
    monitor = events(60, seed=1, share=0.3)
    settings = SETTINGS | {"max_epochs": 40, "patience": patience}
    curve = train(network, events(120, share=0.3), monitor, settings, 0.01, 0, tmp_path / "checkpoint")
    losses = [row["monitor_loss"] for row in curve]
    best = int(np.argmin(losses))
    assert [row["epoch"] for row in curve] == list(range(1, len(curve) + 1))
    assert [row["epoch"] for row in curve if row["selected"]] == [best + 1]
    assert len(curve) == best + 1 + patience < 40
    assert in_one_pass(network, monitor) == pytest.approx(losses[best], rel=1e-6)
    assert losses[-1] > losses[best] * 1.001


@OBJECTIVES
def test_killed_training_goes_on_and_ends_bit_identical(objective, tiny_weights, tmp_path):
    training, monitor = (waves(100), waves(40, 1)) if objective == "quantiles" else (events(100), events(40, 1, 0))
    settings = SETTINGS | {"batch_size": 25, "max_epochs": 5, "patience": 5}  # four batches, and two of the monitor

    def run(name, seed, kill_after=None):
        network = build_objective(adapted(tiny_weights, "lora", seed).model, objective, features=2)
        calls = interrupt(network, kill_after)
        curve = train(network, training, monitor, settings, 0.01, 0, tmp_path / name)
        return curve, snapshot(network), calls()

    curve, expected, calls = run("undisturbed", seed=0)
    assert calls == 5 * 6
    for kill_after in (2, 14, 23):  # in the first epoch, in the third, in the monitor of the fourth
        name = f"killed-{kill_after}"
        with pytest.raises(Interrupted):
            run(name, 0, kill_after)
        # Before the first checkpoint the start decides, from then on the checkpoint alone.
        again, weights, left = run(name, 0 if kill_after <= 6 else 1)
        assert again == curve
        assert same(weights, expected)
        assert left == calls - 6 * ((kill_after - 1) // 6)
    finished, weights, left = run(name, 1)
    assert (finished, left) == (curve, 0)
    assert same(weights, expected)


def test_order_of_the_batches_comes_from_the_seed(tiny_weights, tmp_path):
    def run(name, seed):
        network = build_objective(adapted(tiny_weights).model, "quantiles", features=2)
        train(network, waves(100), waves(40, 1), SETTINGS, 0.01, seed, tmp_path / name)
        return snapshot(network)

    first, again, other = run("first", 0), run("again", 0), run("other", 1)
    assert same(first, again)
    assert not same(first, other)


def test_divergence_in_the_first_epoch_is_not_run(tiny_weights, tmp_path):
    network = build_objective(adapted(tiny_weights).model, "quantiles", features=2)
    with pytest.raises(NotRun, match=r"diverged at the learning rate 1e\+30"):
        train(network, waves(100), waves(40), SETTINGS, 1e30, 0, tmp_path / "checkpoint")


def test_later_divergence_keeps_the_best_epoch(tmp_path):
    class Log(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.tensor(0.35))

        def forward(self, x):
            return torch.log(self.weight) * x.mean()

    network = Log()
    data = (torch.ones(4),)
    curve = train(network, data, data, SETTINGS | {"max_epochs": 20}, 0.1, 0, tmp_path / "checkpoint")
    # Adam takes steps of 0.1: 0.25, 0.15, 0.05, and then there is no logarithm.
    np.testing.assert_allclose([row["monitor_loss"] for row in curve[:3]], np.log([0.25, 0.15, 0.05]), rtol=0.05)
    assert [row["monitor_loss"] for row in curve[3:]] == [np.inf, np.inf]
    assert [row["epoch"] for row in curve if row["selected"]] == [3]
    assert network.weight.item() == pytest.approx(0.05, rel=0.1)


def task_of(study, target=UP, **settings):
    dataset, origins = study
    (split,) = splits(origins, **target)
    return FineTuningTask(dataset, split, target, SETTINGS | settings, LABELS)


def quantiles_by(task, model, rows):
    return forecast_rows(model, task.dataset, rows, task.horizon, task.settings)


@pytest.mark.parametrize("covariates", [False, True], ids=["plain", "covariates"])
@pytest.mark.parametrize(("name", "target", "steps"), [("close", UP_5, 5), ("return", UP, 1), ("high", UP_5, 1)])
def test_task_learns_the_days_after_the_origin(name, target, steps, covariates, study, tiny_weights):
    settings = {"input": name} | ({"covariates": COVARIATES} if covariates else {})
    task = task_of(study, target, **settings)
    series, module = input_series(study[0], name), load(tiny_weights).model
    for rows in (task.split.inner, task.split.calibration):
        values, mask, features, y = task.tensors(rows, module)
        assert y.shape == (len(rows), 1 if covariates else steps)
        assert features.shape == (len(rows), 2)
        _, fits = inputs_of(task.dataset, rows, task.settings)
        next_fit, location, scale = np.tile([[0.0], [0.0], [1.0]], len(rows)) if fits is None else fits.T
        for i, row in enumerate(rows):
            window = location[i] + scale[i] * values[i][~mask[i]].numpy()  # for covariates: what they leave
            after = location[i] + scale[i] * (next_fit[i] + y[i].numpy())
            np.testing.assert_allclose(after, series[row + 1 : row + 1 + len(after)], rtol=1e-5, atol=1e-6)
            if not covariates:
                np.testing.assert_allclose(window, series[row + 1 - len(window) : row + 1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(task.tensors(task.split.inner, module)[2].mean(dim=0), 0, atol=1e-5)


@pytest.mark.parametrize("covariates", [False, True], ids=["plain", "covariates"])
@pytest.mark.parametrize("name", ["close", "high"])
def test_task_forecasts_as_the_model_without_training(name, covariates, study, tiny_weights):
    settings = {"input": name} | ({"covariates": COVARIATES} if covariates else {})
    task, model = task_of(study, UP, **settings), load(tiny_weights)
    rows = task.split.evaluation[:30]
    expected = forecast_rows(model, study[0], rows, 1, SETTINGS | settings)
    np.testing.assert_array_equal(quantiles_by(task, model, rows), expected)


def test_probabilities_do_not_depend_on_the_batch(study, tiny_weights):
    network = build_objective(adapted(tiny_weights).model, "event", features=2)
    first, other = (task_of(study, objective="event", batch_size=size) for size in (64, 7))
    rows = first.split.evaluation
    np.testing.assert_allclose(other.probabilities(network, rows), first.probabilities(network, rows), atol=1e-6)
    inputs = tensors(
        inputs_of(first.dataset, rows, first.settings)[0], first.features[rows], np.zeros(len(rows)), 80, 32
    )[:3]
    with torch.inference_mode():
        expected = torch.sigmoid(network.logits(*(part.to(network.module.device) for part in inputs))).cpu()
    np.testing.assert_allclose(first.probabilities(network, rows), expected, atol=1e-6)


def tuned(study, folder, checkpoint, target=UP, rate=RATE, seed=0, **settings):
    """A task, and what training on it gives; from a random network without a `folder` of weights."""
    task = task_of(study, target, **settings)
    load_network = partial(load, folder) if folder else partial(load_untrained, seed)
    return task, *fine_tune(task, load_network, rate, seed, checkpoint)


CASES = pytest.mark.parametrize(
    "settings",
    [{"input": "close"}, {"covariates": COVARIATES}, {"objective": "event"}],
    ids=["quantiles", "covariates", "event"],
)


@CASES
def test_nothing_after_the_training_period_is_learned_from(settings, study, tiny_weights, tmp_path):
    other = dataset_and_origins(prices_with_other_rows_after(TRAIN_END))
    (_, network, curve, _), (_, other_network, other_curve, _) = (
        tuned(one, tiny_weights, tmp_path / name, UP_5, **settings) for name, one in (("own", study), ("other", other))
    )
    assert other_curve == curve
    assert same(other_network.trained, network.trained)


@CASES
def test_calibration_tail_stops_the_training_and_no_more(settings, study, tiny_weights, tmp_path):
    (split,) = splits(study[1], **UP_5)
    last = study[0]["Date"][split.calibration[0] - 1]
    other = dataset_and_origins(prices_with_other_rows_after(last))
    (task, network, (epoch,), model), (_, other_network, (other_epoch,), _) = (
        tuned(one, tiny_weights, tmp_path / name, UP_5, max_epochs=1, **settings)
        for name, one in (("own", study), ("other", other))
    )
    assert other_epoch["train_loss"] == epoch["train_loss"]
    assert other_epoch["monitor_loss"] != epoch["monitor_loss"]
    monitor = task.tensors(split.calibration, model.model)
    assert in_one_pass(network, monitor) == pytest.approx(epoch["monitor_loss"], rel=1e-4)
    assert same(other_network.trained, network.trained)


def scores_of(study, folder, checkpoint, targets, seed=0, **settings):
    """Scores of all targets, as the script makes them."""
    task, network, _, model = tuned(study, folder, checkpoint, targets[0], seed=seed, **settings)
    if settings.get("objective") == "event":
        return event_scores(task, network, study[1], targets[0], seed), []
    return quantile_scores(task, model, study[1], targets, LABELS, seed)


@CASES
def test_scores_do_not_look_ahead(settings, study, tiny_weights, tmp_path):
    date = "2016-10-03"
    other = dataset_and_origins(prices_with_other_rows_after(date))
    original, changed = (
        scores_of(one, tiny_weights, tmp_path / name, [UP], **settings)[0]
        for name, one in (("own", study), ("other", other))
    )
    past = original["origin"] <= date
    assert set(original.loc[past, "role"]) == {"calibration", "evaluation"}
    pd.testing.assert_frame_equal(changed[past], original[past], check_exact=True)
    same = changed.loc[~past, "score"] == original.loc[~past, "score"]
    assert set(original.loc[~past, "score"][same]) <= {0.0, 1.0} and same.mean() < 0.01  # far beyond all deciles


@pytest.mark.parametrize(
    ("settings", "targets", "skipped"),
    [
        ({"input": "close"}, [UP_5, UP, DOWN], []),
        ({"input": "high"}, [UP_5, UP, DOWN], ["up_5", "down_1"]),
        ({"input": "return", "covariates": COVARIATES}, [UP_5, UP, DOWN], ["up_5"]),
        ({"objective": "event"}, [UP], []),
        ({"objective": "event"}, [UP_5], []),
    ],
    ids=["close", "high", "covariates", "event-1", "event-5"],
)
def test_scores_are_complete(settings, targets, skipped, study, tiny_weights, tmp_path):
    frames = []
    for seed in (0, 1):
        path = tmp_path / f"checkpoint-{seed}"
        frame, not_run = scores_of(study, tiny_weights, path, targets, seed, max_epochs=1, **settings)
        frames.append(frame)
    assert [f"{entry['target']}_{entry['horizon']}" for entry in not_run] == skipped
    origins = study[1]
    write_folds(tmp_path / "scores", {TRAIN_END: concat_scores(frames)}, origins, {}, {TRAIN_END: not_run})
    frame, metadata = read_experiment(tmp_path / "scores")
    check_same_origins("tuned", frame, metadata, origins, targets, seeds=[0, 1])
    first, second = (frame.loc[frame["seed"] == seed, "score"].to_numpy() for seed in (0, 1))
    assert (first != second).mean() > 0.9
    if settings.get("objective") == "event":
        assert ((frame["score"] > 0) & (frame["score"] < 1)).all()


@pytest.mark.parametrize("adapter", ["lora", "full"])
@OBJECTIVES
def test_saved_weights_give_the_scores_again(objective, adapter, study, tiny_weights, tmp_path):
    settings = dict(objective=objective, adapter=adapter)
    task, network, _, model = tuned(study, tiny_weights, tmp_path / "checkpoint", **settings)
    saved = copy.deepcopy(network.trained)
    assert any("head" in name for name in saved) == (objective == "event")
    fresh = build_objective(adapted(tiny_weights, adapter, seed=9).model, objective, features=2)
    assert fresh.load_state_dict(saved, strict=False).unexpected_keys == []
    rows = task.split.evaluation
    if objective == "event":
        actual, expected = (task.probabilities(one, rows) for one in (fresh, network))
        untrained = build_objective(adapted(tiny_weights, adapter, seed=9).model, objective, features=2)
        assert np.abs(task.probabilities(untrained, rows) - expected).max() > 0.01
    else:
        actual, expected = quantiles_by(task, reload(merged(fresh.module)), rows), quantiles_by(task, model, rows)
        assert np.abs(quantiles_by(task, load(tiny_weights), rows) - expected).max() > 1e-4
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


@OBJECTIVES
def test_tuning_is_deterministic_per_seed(objective, study, tiny_weights, tmp_path):
    first, again, other = (
        scores_of(study, tiny_weights, tmp_path / name, [UP], seed, objective=objective)[0]
        for name, seed in (("first", 0), ("again", 0), ("other", 1))
    )
    pd.testing.assert_frame_equal(again, first, check_exact=True)
    assert (other["score"] != first["score"]).mean() > 0.99


@OBJECTIVES
def test_random_base_comes_again_from_the_seed_and_the_saved_weights_do_the_rest(objective, study, tmp_path):
    tuned_ones = {seed: tuned(study, None, tmp_path / f"{seed}", seed=seed, objective=objective) for seed in (0, 1)}
    task, network, _, model = tuned_ones[1]
    rows = task.split.evaluation

    def again(seed):
        """Forecasts of the random network of a seed with the saved weights of seed 1."""
        base = load_untrained(seed).model
        adapt(base, task.settings["adapter"], task.settings["rank"])
        fresh = build_objective(base, objective, features=2)
        assert fresh.load_state_dict(network.trained, strict=False).unexpected_keys == []
        if objective == "event":
            return task.probabilities(fresh, rows)
        return quantiles_by(task, reload(merged(fresh.module)), rows)

    saved = copy.deepcopy(network.trained)
    expected = task.probabilities(network, rows) if objective == "event" else quantiles_by(task, model, rows)
    np.testing.assert_allclose(again(1), expected, rtol=1e-5, atol=1e-5)
    assert np.abs(again(0) - expected).max() > 1e-3  # another base, another forecast
    assert same(saved, network.trained)


def test_adapters_do_not_repeat_the_numbers_of_a_random_network(study, tmp_path):
    _, network, _, _ = tuned(study, None, tmp_path / "checkpoint", rate=1e-12, max_epochs=1)
    first = next(value for name, value in network.trained.items() if name.endswith(".a"))
    torch.manual_seed(0)
    numbers = torch.randn(first.shape) / first.shape[1] ** 0.5
    assert (first.cpu() - numbers).abs().max() > 0.1


def test_twin_has_the_adapters_of_its_original(study, tiny_weights, tmp_path):
    for_one_epoch = dict(rate=1e-12, max_epochs=1)
    original, twin = (
        tuned(study, folder, tmp_path / name, **for_one_epoch)[1].trained
        for name, folder in (("original", tiny_weights), ("twin", None))
    )
    assert original.keys() == twin.keys()
    for name, value in original.items():
        torch.testing.assert_close(twin[name], value, atol=1e-6, rtol=0)


def test_one_class_is_not_run(study, tiny_weights, tmp_path):
    dataset, origins = study
    constant = origins.assign(up_1=origins["up_1"].where(origins["role"] == "evaluation", 0.0))
    with pytest.raises(NotRun, match="nothing to tell apart"):
        tuned((dataset, constant), tiny_weights, tmp_path / "checkpoint", objective="event")


def curve_of(*losses, kept=None):
    """A learning curve; `kept` is the epoch of the least loss if nothing else is said."""
    kept = int(np.argmin(losses)) if kept is None else kept
    selected = [epoch == kept for epoch in range(len(losses))]
    return pd.DataFrame({"epoch": range(1, len(losses) + 1), "monitor_loss": losses, "selected": selected})


def trainings(end, rates, seeds=(0, 1)):
    return [f"results/x/forecasts/TFM-03/{end}/lr-{rate}/seed-{seed}.parquet" for rate in rates for seed in seeds]


def test_best_rate_has_the_least_mean_loss_of_each_train_end():
    paths = trainings("2019-12-31", ["0.001", "1e-05"]) + trainings("2020-12-31", ["0.001", "1e-05"])
    curves = [
        curve_of(9, 0.9, 0.1, kept=1),  # what counts is the epoch that was kept
        curve_of(0.5, 0.7),
        curve_of(0.6, 0.7),
        curve_of(0.6, 0.7),
        *(curve_of(loss) for loss in (0.5, 0.6, 0.3, 0.9)),
    ]
    losses = learning_rate_losses(dict(zip(paths, curves)))
    assert losses[["train_end", "lr"]].to_numpy().tolist() == [
        ["2019-12-31", "1e-05"],
        ["2019-12-31", "0.001"],
        ["2020-12-31", "0.001"],
        ["2020-12-31", "1e-05"],
    ]
    np.testing.assert_allclose(losses["monitor_loss"], [0.6, 0.7, 0.55, 0.6])
    assert winners(paths, losses) == [*paths[2:4], *paths[4:6]]


def test_loss_of_a_rate_is_over_all_targets():
    paths = trainings("2019-12-31", ["0.001", "0.002"], seeds=[0])
    two = [pd.concat([curve_of(0.2), curve_of(*losses)]) for losses in ([0.9], [1.0, 0.7])]
    losses = learning_rate_losses(dict(zip(paths, two)))
    np.testing.assert_allclose(losses["monitor_loss"], [0.45, 0.55])
    assert winners(paths, losses) == paths[1:]


def test_rate_at_which_a_seed_diverged_does_not_win():
    paths = trainings("2019-12-31", ["0.001", "0.01"])
    nothing = pd.DataFrame(columns=["epoch"])
    curves = dict(zip(paths, [curve_of(0.5), curve_of(0.5), curve_of(0.1), nothing]))
    assert winners(paths, learning_rate_losses(curves)) == paths[:2]


def test_first_rate_stands_for_trainings_that_did_not_run():
    paths = trainings("2019-12-31", ["0.001", "0.01"]) + trainings("2020-12-31", ["0.001", "0.01"])
    curves = dict.fromkeys(paths, pd.DataFrame(columns=["epoch"]))
    assert learning_rate_losses(curves).empty
    assert winners(paths, learning_rate_losses(curves)) == paths[:2] + paths[4:6]
    curves |= {path: curve_of(0.5) for path in paths[6:]}
    assert winners(paths, learning_rate_losses(curves)) == paths[:2] + paths[6:]


def test_trainings_without_a_sweep_are_all_gathered():
    paths = [f"forecasts/PTST/{end}/seed-{seed}.parquet" for end in ("2019-12-31", "2020-12-31") for seed in (0, 1)]
    curve = pd.DataFrame({"epoch": [1, 2], "monitor_auc": [0.6, 0.7], "selected": [False, True]})
    losses = learning_rate_losses(dict.fromkeys(paths, curve))
    assert losses.empty
    assert winners(paths, losses) == paths


def test_target_that_one_seed_did_not_run_for_has_no_score(tmp_path):
    reason = {**UP, "reason": "the training diverged at the learning rate 0.01"}
    paths = [str(tmp_path / path) for path in trainings("2019-12-31", ["0.01"])]
    (tmp_path / paths[0]).parent.mkdir(parents=True)
    for seed, path in enumerate(paths):
        row = {
            "series": "",
            "origin": pd.to_datetime(["2020-01-01"]),
            "role": "evaluation",
            "seed": seed,
            "score_kind": "probability",
        }
        frame = pd.concat(
            [pd.DataFrame(row | target | {"score": 0.5, "is_probability": True}) for target in (UP, UP_5)][seed:]
        )
        about = {"seconds": 1.0, "parameters": 5, "epochs": []}
        write_predictions(path, frame, about, [reason] if seed == 1 else [])
    frames, not_run, _ = gather(paths)
    assert not_run == {"2019-12-31": [reason]}
    assert frames["2019-12-31"][["target", "horizon", "seed"]].to_numpy().tolist() == [["up", 5, 0], ["up", 5, 1]]
