import numpy as np
import pandas as pd
import pytest
import torch
from gather_seeds import gather
from helpers.made_up_data import CONFIG, FOLDS, UP, UP_5, dataset_and_origins, prices_with_other_rows_after
from sklearn.metrics import roc_auc_score
from train_patchtst import train_and_score, training_sets

from fd01.data.origins import hide_outcomes, sealed_days, splits
from fd01.models import patchtst
from fd01.models.patchtst import Windows, build_network, dropout, predict, softmax, train, windows
from fd01.scoring.predictions import check_same_origins, concat_scores, read_experiment, write_folds, write_predictions
from fd01.workflow.errors import NotRun

TINY = {
    "selection": "inner",
    "context": 80,
    "patch_length": 16,
    "stride": 8,
    "d_model": 8,
    "layers": 1,
    "heads": 2,
    "d_ff": 16,
    "dropout": 0.1,
    "learning_rate": 0.01,
    "batch_size": 32,
    "max_epochs": 2,
    "patience": 2,
}
SHORT = TINY | {"context": 16, "patch_length": 4, "stride": 4}  # for windows that are made up here


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def study():
    return dataset_and_origins()


def run_tiny(study, seed=0, target=UP, study_fold=None, **settings):
    dataset, origins = study
    (split,) = splits(origins, **target)
    return train_and_score(dataset, origins, split, target, TINY | settings, seed, study_fold, origins, "cpu")


def noise(n, seed=0):
    """Windows and targets that have nothing to do with each other."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 16, 3)).astype(np.float32), rng.integers(0, 2, n).astype(float)


def test_windows_agree_with_a_loop():
    values = np.random.default_rng(0).lognormal(size=(40, 3)) * [1, 1e3, 1e9]
    rows = np.array([39, 9, 20])
    actual = windows(values, rows, 10)
    assert (actual.shape, actual.dtype) == ((3, 10, 3), np.float32)
    for i, row in enumerate(rows):
        for channel in range(3):
            past = values[row - 9 : row + 1, channel]
            expected = (past - past.mean()) / np.sqrt(past.var() + 1e-5)
            np.testing.assert_allclose(actual[i, :, channel], expected, rtol=1e-5, atol=1e-6)


def test_constant_channel_gives_zeros():
    values = np.tile([5.0, 1e10, 0.0], (20, 1))
    np.testing.assert_allclose(windows(values, np.array([19]), 20), 0, atol=1e-3)


def test_too_little_history_is_refused():
    values = np.zeros((30, 2))
    assert windows(values, np.array([9]), 10).shape == (1, 10, 2)
    with pytest.raises(ValueError, match="row 8 has fewer than 10 days"):
        windows(values, np.array([20, 8]), 10)


@pytest.mark.parametrize("size", [1, 3, 32])
def test_windows_of_a_batch_are_those_of_all_to_the_bit(size, monkeypatch):
    values = np.random.default_rng(0).lognormal(size=(60, 3)) * [1, 1e3, 1e9]
    rows = np.random.default_rng(1).permutation(np.arange(9, 60))
    at_once, cut = windows(values, rows, 10), Windows(values, rows, 10, np.zeros_like(rows))
    monkeypatch.setattr(patchtst, "PIECE", 7)
    np.testing.assert_array_equal(cut.in_memory(), at_once)
    monkeypatch.setattr(patchtst, "AT_ONCE", at_once.nbytes - 1)
    assert cut.in_memory() is cut
    assert (len(cut), cut.shape) == (51, at_once.shape)
    for batch in np.split(np.arange(51), range(size, 51, size)):
        np.testing.assert_array_equal(cut[batch], at_once[batch])
    with pytest.raises(ValueError, match="row 8 has fewer than 10 days"):
        Windows(values, np.array([20, 8]), 10, np.zeros(2, int))[:2]


def test_training_cuts_its_windows_batch_by_batch_and_ends_with_the_same_weights(monkeypatch):
    values = np.random.default_rng(0).lognormal(size=(3000, 2)).cumsum(axis=0)
    rows, monitor = np.arange(20, 200), np.arange(250, 2900)
    y, y_monitor = (np.random.default_rng(1).integers(0, 2, len(part)).astype(float) for part in (rows, monitor))
    settings, cut, original = SHORT | {"max_epochs": 2}, [], windows
    expected, curve = train(windows(values, rows, 16), y, windows(values, monitor, 16), y_monitor, settings, seed=0)

    def counting(values, rows, *options):
        cut.append(len(rows))
        return original(values, rows, *options)

    monkeypatch.setattr(patchtst, "windows", counting)
    lazy = (Windows(values, part, 16, np.zeros_like(part)) for part in (rows, monitor))
    found, same = train(next(lazy), y, next(lazy), y_monitor, settings, seed=0)
    assert max(cut) == 1024  # of `predict`; the monitor has 2,650
    assert same == curve
    for name, weights in expected.state_dict().items():
        assert torch.equal(found.state_dict()[name], weights), name


@pytest.mark.parametrize(("name", "expected"), [("PTST-2M", 221_801), ("PTST-200M", 6_405_417)])
def test_network_has_the_parameters_of_its_published_size(name, expected):
    settings = CONFIG["experiments"][name]["settings"]
    network = build_network(20, settings).eval()
    d, ff, patches = settings["d_model"], settings["d_ff"], 9
    layer = 4 * (d * d + d) + (d * ff + ff) + (ff * d + d) + 2 * 2 * d  # attention, feed-forward, two norms
    embedding = (20 * 16 + 1) * d + patches * d
    count = 2 * 20 + embedding + settings["layers"] * layer + 2 * d + patches * d + 1
    assert sum(p.numel() for p in network.parameters()) == count == expected
    assert network.position.shape == (patches, d)
    with torch.inference_mode():
        assert network(torch.zeros(5, 80, 20)).shape == (5,)


@pytest.mark.parametrize("width", [1, 9, 15, 16, 40])
def test_softmax_is_that_of_torch(width):
    values, up = torch.randn(2, 3, 4, 7, width, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    results = []
    for function in (softmax, lambda x: torch.softmax(x, dim=-1)):
        x = (1000 * values).requires_grad_()  # exp(x) alone would overflow
        shares = function(x)
        shares.backward(up)
        results.append((shares, x.grad))
    assert results[0][0].shape == values.shape
    for actual, expected in zip(*results):
        torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["PTST-2M", "PTST-200M"])
def test_encoder_is_that_of_torch(name):
    settings = CONFIG["experiments"][name]["settings"] | {"dropout": 0.0}
    torch.manual_seed(0)
    ours = build_network(20, settings).encoder
    layer = torch.nn.TransformerEncoderLayer(
        *(settings[size] for size in ("d_model", "heads", "d_ff", "dropout")),
        activation="gelu",
        batch_first=True,
        norm_first=True,
    )
    norm = torch.nn.LayerNorm(settings["d_model"])
    usual = torch.nn.TransformerEncoder(layer, settings["layers"], norm, enable_nested_tensor=False)
    usual.load_state_dict(ours.state_dict())
    tokens = torch.randn(4, 9, settings["d_model"])
    results = []
    for encoder in (ours, usual):
        x = tokens.clone().requires_grad_()
        y = encoder(x)
        y.pow(3).sum().backward()
        results.append([y, x.grad, *(parameter.grad for parameter in encoder.parameters())])
    for actual, expected in zip(*results):
        torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-6 * expected.abs().max().item())


def test_network_begins_as_with_the_layer_of_torch():
    """Its layers begin with equal weights, as `torch.nn.TransformerEncoder` copies one."""
    settings = CONFIG["experiments"]["PTST-2M"]["settings"]
    torch.manual_seed(0)
    network = build_network(20, settings)
    torch.manual_seed(0)
    torch.nn.Linear(20 * 16, 64)
    torch.randn(9, 64)
    layer = torch.nn.TransformerEncoderLayer(64, 4, 256)
    for ours in network.encoder.layers:
        for name, value in layer.state_dict().items():
            assert torch.equal(ours.state_dict()[name], value), name


def test_channels_are_scaled_and_shifted_before_they_are_cut_into_patches():
    network = build_network(3, SHORT).eval()
    x = torch.from_numpy(noise(5)[0])
    with torch.no_grad():
        network.scale.copy_(torch.tensor([0.5, 2.0, -1.0]))
        network.shift.copy_(torch.tensor([1.0, 0.0, -3.0]))
        actual = network(x)
        scaled = x * network.scale + network.shift
        network.scale.fill_(1), network.shift.fill_(0)
        torch.testing.assert_close(actual, network(scaled))


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 0.9])
def test_dropout_keeps_each_value_with_its_probability(probability):
    torch.manual_seed(0)
    x = torch.full((3, 7, 10_001), 2.0, requires_grad=True)  # no multiple of the four values that share a draw
    y = dropout(x, probability)
    y.sum().backward()
    kept = y != 0
    torch.testing.assert_close(y[kept], torch.full_like(y[kept], 2 / (1 - probability)))
    torch.testing.assert_close(x.grad, y.detach() / 2)
    share = kept.double()
    error = (probability * (1 - probability)) ** 0.5
    for lag in range(4):  # also at each place within a draw
        places = share.flatten()[lag::4]
        assert abs(places.mean() - (1 - probability)) <= 4 * error / len(places) ** 0.5
    if error:
        flat = (share.flatten() - (1 - probability)) / error
        for lag in (1, 2, 3, 4, 10_001):
            assert abs((flat[lag:] * flat[:-lag]).mean()) < 4 / len(flat) ** 0.5


def test_dropout_differs_from_call_to_call_and_is_fixed_by_the_seed():
    x = torch.ones(1000)
    torch.manual_seed(1)
    first, second = dropout(x, 0.5), dropout(x, 0.5)
    torch.manual_seed(1)
    assert torch.equal(dropout(x, 0.5), first) and not torch.equal(second, first)


def test_training_drops_where_the_layer_of_torch_does(monkeypatch):
    calls = []

    def record(x, probability):
        calls.append((tuple(x.shape), probability))
        return x

    monkeypatch.setattr("fd01.models.patchtst.dropout", record)
    network = build_network(20, CONFIG["experiments"]["PTST-2M"]["settings"])
    x = torch.zeros(5, 80, 20)
    network.eval()(x)
    assert calls == []
    network.train()(x)
    tokens = (5, 9, 64)
    layer = [(5, 4, 9, 9), tokens, (5, 9, 256), tokens]  # attention, what it gives, hidden units, what they give
    assert calls == [(shape, 0.5) for shape in [tokens, *layer * 4, (5, 9 * 64)]]


def test_network_sees_every_day_of_the_window():
    network = build_network(3, SHORT).eval()
    x = torch.from_numpy(noise(1)[0]).requires_grad_()
    network(x).sum().backward()
    assert (x.grad.abs().amax(dim=(0, 2)) > 0).all()


def test_prediction_does_not_depend_on_the_batch():
    network = build_network(3, SHORT)
    x = noise(50)[0]
    together = predict(network, x)
    assert together.dtype == np.float64
    np.testing.assert_allclose(predict(network, x, batch_size=7), together, atol=1e-6)
    assert ((together > 0) & (together < 1)).all()


@pytest.mark.parametrize("date", ["2016-08-10", "2016-08-11", "2016-10-03", "2016-12-02", "2017-04-18"])
def test_scores_do_not_look_ahead(study, date):
    original = run_tiny(study)[0]
    scrambled = run_tiny(dataset_and_origins(prices_with_other_rows_after(date)))[0]
    past = original["origin"] <= date
    pd.testing.assert_frame_equal(scrambled[past], original[past], check_exact=True)
    assert (scrambled.loc[~past, "score"] != original.loc[~past, "score"]).all()


def test_calibration_tail_is_not_trained_on(study):
    origins = study[1]
    (split,) = splits(origins, **UP_5)
    rows, y, monitor, _ = training_sets(split, origins, UP_5, "inner", None, origins)
    assert rows.max() + 5 < split.calibration.min()
    np.testing.assert_array_equal(monitor, split.calibration)
    np.testing.assert_array_equal(y, origins.set_index("row")["up_5"].groupby(level=0).first()[rows])


def test_training_is_deterministic_per_seed(study):
    first, again, other = (run_tiny(study, seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(again[0], first[0], check_exact=True)
    pd.testing.assert_frame_equal(again[1], first[1], check_exact=True)
    assert (other[0]["score"].to_numpy() != first[0]["score"].to_numpy()).all()
    assert other[0]["seed"].unique().tolist() == [1]


def test_scores_are_complete(study, tmp_path):
    origins = study[1]
    frames = [run_tiny(study, seed, target)[0] for seed in (0, 1) for target in (UP, UP_5)]
    write_folds(tmp_path, {FOLDS["test"]["train_end"]: concat_scores(frames)}, origins, {})
    check_same_origins("tiny", *read_experiment(tmp_path), origins, [UP, UP_5], seeds=[0, 1])


def test_training_learns_an_easy_signal():
    def easy(n, seed):
        x, y = noise(n, seed)
        x[:, -4:, 1] += 1.5 * y[:, None].astype(np.float32)
        return x, y

    settings = SHORT | {"max_epochs": 15, "patience": 15}
    network, curve = train(*easy(600, 0), *easy(200, 1), settings, seed=0)
    x, y = easy(300, 2)
    assert roc_auc_score(y, predict(network, x)) > 0.9
    assert curve[-1]["train_loss"] < curve[0]["train_loss"]


@pytest.mark.parametrize("patience", [3, 6])
def test_inner_selection_returns_the_best_epoch_and_stops_after_patience(patience):
    x, y = noise(60, seed=3)
    settings = SHORT | {"max_epochs": 60, "patience": patience}
    network, curve = train(*noise(60, seed=2), x, y, settings, seed=0)
    aucs = [epoch["monitor_auc"] for epoch in curve]
    best = int(np.argmax(aucs))
    assert [epoch["epoch"] for epoch in curve if epoch["selected"]] == [best + 1]
    assert roc_auc_score(y, predict(network, x)) == aucs[best] > aucs[-1]
    assert len(curve) == best + 1 + patience < settings["max_epochs"]


def test_study_selection_returns_the_last_epoch():
    x, y = noise(60, seed=3)
    settings = SHORT | {"max_epochs": 60, "patience": 3, "selection": "study"}
    network, curve = train(*noise(60, seed=2), x, y, settings, seed=0)
    aucs = [epoch["monitor_auc"] for epoch in curve]
    assert [epoch["epoch"] for epoch in curve if epoch["selected"]] == [len(curve)]
    assert roc_auc_score(y, predict(network, x)) == aucs[-1] < max(aucs)


def test_max_epochs_ends_the_training():
    curve = train(*noise(60), *noise(60, seed=1), SHORT | {"max_epochs": 4, "patience": 50}, seed=0)[1]
    assert [epoch["epoch"] for epoch in curve] == [1, 2, 3, 4]


def test_study_selection_stops_on_the_study_fold(study):
    origins = study[1]
    (split,) = splits(origins, **UP)
    rows, _, monitor, y_monitor = training_sets(split, origins, UP, "study", "test", origins)
    block = origins[(origins["fold"] == "test") & (origins["role"] == "evaluation")]
    np.testing.assert_array_equal(rows, split.training)
    np.testing.assert_array_equal(monitor, block["row"])
    np.testing.assert_array_equal(y_monitor, block["up_1"])

    frame, curve, _ = run_tiny(study, study_fold="test", selection="study")
    assert set(frame["role"]) == {"evaluation"}
    scores = frame.set_index("origin")["score"][block["origin"]]
    assert roc_auc_score(block["up_1"], scores) == curve["monitor_auc"].iloc[-1]


def test_study_selection_needs_the_train_end_of_the_study_fold(study):
    origins = study[1]
    (split,) = splits(origins, **UP)
    moved = origins.assign(train_end=origins["train_end"].where(origins["fold"] != "test", "2016-12-01"))
    with pytest.raises(NotRun, match="another train end"):
        training_sets(split, moved, UP, "study", "test", moved)


def test_study_selection_stops_on_no_sealed_day(study):
    dataset, origins = study
    (split,) = splits(origins, **UP_5)
    # Five days later, the last days of `validation` have a horizon that tells of the first sealed day.
    outcomes, _ = hide_outcomes(origins, sealed_days(dataset["Date"], [{"start": FOLDS["test"]["start"]}]))
    for fold, target in (("test", UP), ("test", UP_5), ("validation", UP_5)):
        with pytest.raises(NotRun, match=f"stops on {fold}, of which outcomes are sealed"):
            training_sets(split, origins, target, "study", fold, outcomes)
    assert len(training_sets(split, origins, UP, "study", "validation", outcomes)[2])
    left_out = origins[origins["fold"] == "validation"]
    with pytest.raises(NotRun, match="stops on test, of which outcomes are sealed"):
        training_sets(split, left_out, UP, "study", "test", left_out)


def test_one_class_is_not_run(study):
    origins = study[1]
    (split,) = splits(origins.assign(up_1=origins["up_1"].where(origins["role"] != "calibration", 0.0)), **UP)
    with pytest.raises(NotRun, match="early-stopping targets are 0"):
        training_sets(split, origins, UP, "inner", None, origins)


def test_gather_merges_seeds_and_train_ends(tmp_path):
    ends = {"2019-12-31": ["2020-01-01", "2020-01-02"], "2020-12-31": ["2021-01-01"]}
    reason = {**UP_5, "reason": "all 9 training targets are 0: nothing to tell apart"}
    paths = []
    for end, days in ends.items():
        for seed in (0, 1):
            frame = pd.DataFrame(
                {"series": "", "origin": pd.to_datetime(days), "role": "evaluation", **UP, "seed": seed}
            )
            frame = frame.assign(score_kind="probability", score=0.25 + seed / 2, is_probability=True)
            about = {"model": "PatchTST", "seconds": 10.0 + seed, "parameters": None if seed == 0 else 1234}
            about |= {"epochs": [{"train_end": end, "seed": seed}]}
            (tmp_path / end).mkdir(exist_ok=True)
            paths.append(str(tmp_path / end / f"seed-{seed}.parquet"))
            write_predictions(paths[-1], frame, about, [reason] if end == "2019-12-31" else [])

    frames, not_run, provenance = gather(paths)
    epochs = [{"train_end": end, "seed": seed} for end in ends for seed in (0, 1)]
    assert provenance == {"model": "PatchTST", "seconds": 42.0, "parameters": 1234, "epochs": epochs}
    assert {end: reasons for end, reasons in not_run.items() if reasons} == {"2019-12-31": [reason]}
    for end, days in ends.items():
        scores = frames[end].pivot(index="origin", columns="seed", values="score")
        assert scores.index.strftime("%Y-%m-%d").tolist() == days
        assert (scores[0] == 0.25).all() and (scores[1] == 0.75).all()


def test_gather_merges_the_touch_exponents_of_all_train_ends(tmp_path):
    paths, exponents = [], []
    for end, k in (("2019-12-31", 1.5), ("2020-12-31", 1.7)):
        exponents.append({"train_end": end, **UP, "calibration": k, "evaluation": k + 0.01})
        for seed in (0, 1):
            (tmp_path / end).mkdir(exist_ok=True)
            paths.append(str(tmp_path / end / f"seed-{seed}.parquet"))
            about = {"seconds": 1.0, "parameters": 5, "epochs": [], "touch_exponents": exponents[-1:]}
            write_predictions(paths[-1], concat_scores([]), about)
    assert gather(paths)[2]["touch_exponents"] == exponents


def test_gather_keeps_the_reason_of_trainings_that_did_not_run(tmp_path):
    reason = {**UP, "reason": "all 9 training targets are 0: nothing to tell apart"}
    (tmp_path / "2019-12-31").mkdir()
    paths = [str(tmp_path / "2019-12-31" / f"seed-{seed}.parquet") for seed in (0, 1)]
    for path in paths:
        write_predictions(path, concat_scores([]), {"seconds": 1.0, "parameters": None, "epochs": []}, [reason])
    frames, not_run, provenance = gather(paths)
    assert frames["2019-12-31"].empty
    assert not_run == {"2019-12-31": [reason]}
    assert provenance["parameters"] is None


def test_dropout_takes_nearly_everything_at_a_probability_just_below_one():
    kept = dropout(torch.ones(100_000), 1 - 2**-18)
    assert (kept != 0).sum() < 20
