"""Properties that hold for every input: windows, targets, splits, probabilities, tests, resamples, written files."""

import json

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import block, make_prices, score_rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm, rankdata
from sklearn.metrics import roc_auc_score

from fd01.data.inputs import first_inputs, input_series, windows
from fd01.data.origins import CALIBRATION, EVALUATION, build_origins, splits
from fd01.data.series import first_rows
from fd01.data.targets import TARGETS, target_column, target_values
from fd01.evaluation.bootstrap import resample_counts, resampled_ranking
from fd01.evaluation.comparison import delong
from fd01.scoring.deciles import exceedance
from fd01.scoring.predictions import read_predictions, write_predictions
from fd01.study.folds import walk_forward_folds
from fd01.workflow.files import content_sha256, digest, read_json, write_json
from fd01.workflow.parquet import read_frame, read_table, write_table

SOME = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
FINITE = st.floats(-1e3, 1e3, allow_nan=False).map(lambda x: round(x, 6))
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
SEED = st.integers(0, 2**31)
HORIZON = st.integers(1, 7)
SCALED = {"k": 1.0, "window": 20}


# --- windows, targets and splits


@SOME
@given(st.data())
def test_window_has_the_last_days_of_its_series_and_nothing_later(data):
    n, context = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 50))
    row = data.draw(st.integers(0, n - 1))
    first = data.draw(st.integers(0, row))
    values = np.full(n, np.nan)
    values[first : row + 1] = np.arange(first, row + 1)
    (window,) = windows(values, np.array([row]), context, first)
    assert list(window) == list(range(max(first, row + 1 - context), row + 1))


@SOME
@given(SEED, HORIZON, st.floats(0.001, 0.05), st.integers(0, 99))
def test_target_knows_the_days_of_its_horizon_and_nothing_later(seed, horizon, threshold, cut):
    prices = make_prices(days=100, seed=seed)
    other = prices.copy()
    other.loc[cut + 1 :] = make_prices(days=100, seed=seed + 1).loc[cut + 1 :]
    before, after = (target_values(table, [horizon], threshold, SCALED) for table in (prices, other))
    known = slice(0, max(0, cut + 1 - horizon))
    pd.testing.assert_frame_equal(after.iloc[known], before.iloc[known], check_exact=True)


@SOME
@given(SEED, HORIZON, st.floats(0.001, 0.02), st.floats(1.01, 3))
def test_higher_threshold_or_shorter_horizon_adds_no_event(seed, horizon, threshold, factor):
    prices = make_prices(days=100, seed=seed)
    labels = target_values(prices, [horizon, horizon + 1], threshold, SCALED)
    higher = target_values(prices, [horizon], factor * threshold, SCALED)
    for touch in ("up", "down"):
        shorter, longer = (labels[target_column(touch, h)] for h in (horizon, horizon + 1))
        both = longer.notna()
        assert (higher[target_column(touch, horizon)] <= shorter)[shorter.notna()].all()
        assert (shorter <= longer)[both].all() and both.sum() == 100 - horizon - 1


@st.composite
def panels(draw):
    """Series of several lengths in one table, and a fold whose training period ends somewhere in them."""
    lengths = draw(st.lists(st.integers(150, 300), min_size=1, max_size=3))
    parts = [make_prices(300, seed).iloc[300 - days :].assign(series=f"S{seed}") for seed, days in enumerate(lengths)]
    dates = parts[0]["Date"]
    train_end = dates.iloc[-draw(st.integers(20, len(dates) - 100))]
    embargo = pd.Timedelta(days=draw(st.integers(1, 14)))
    fold = {"train_end": f"{train_end:%Y-%m-%d}", "start": f"{train_end + embargo:%Y-%m-%d}"}
    return pd.concat(parts, ignore_index=True).astype({"series": "category"}), fold


@SOME
@given(panels(), HORIZON, st.sampled_from(sorted(TARGETS)), st.floats(0.2, 0.5))
def test_no_fit_knows_a_target_that_a_later_part_decides(panel, horizon, target, fraction):
    dataset, fold = panel
    labels = {"threshold": 0.01, "scaled": SCALED, "horizons": [horizon]}
    origins = build_origins(dataset, {"test": fold}, labels, 20, fraction)
    (split,) = splits(origins, target, horizon)
    dates, series = dataset["Date"].to_numpy(), dataset["series"].to_numpy()

    def decided(rows):
        """The days on which the targets of `rows` are known; each lies in the same series."""
        assert (series[rows] == series[rows + horizon]).all()
        return dates[rows + horizon]

    tail = origins.loc[origins["role"] == CALIBRATION, "origin"].min()
    assert len(split.inner) and len(split.evaluation)
    assert (decided(split.training) <= np.datetime64(fold["train_end"])).all()
    assert (decided(split.inner) < tail).all() and (dates[split.calibration] >= tail).all()
    assert (dates[split.evaluation] >= np.datetime64(fold["start"])).all()
    assert set(split.training) >= set(split.inner) | set(split.calibration)


@SOME
@given(st.integers(1990, 2020), st.integers(0, 12), st.integers(1, 4), st.integers(0, 60))
def test_walk_forward_blocks_follow_each_other_after_an_embargo(first, more, years, embargo):
    folds = list(walk_forward_folds(first, first + more, years, embargo).values())
    ends, starts, train_ends = (pd.to_datetime([fold[key] for fold in folds]) for key in ("end", "start", "train_end"))
    assert ((starts - train_ends).days == embargo + 1).all()
    assert ((starts[1:] - ends[:-1]).days == 1).all()


@SOME
@given(panels(), st.sampled_from(["close", "high", "return", "simple-return"]), HORIZON, st.integers(1, 60))
def test_each_series_of_a_panel_is_what_it_is_alone(panel, name, horizon, context):
    dataset, fold = panel
    labels = {"threshold": 0.01, "scaled": SCALED, "horizons": [horizon]}
    values, targets = input_series(dataset, name), target_values(dataset, [horizon], 0.01, SCALED)
    cut = windows(values, rows := np.flatnonzero(~np.isnan(values)), context, first_inputs(dataset, name)[rows])
    origins = build_origins(dataset, {"test": fold}, labels, 20, 0.3)
    evaluation = origins[origins["role"] == EVALUATION]
    starts = first_rows(dataset)
    for one in dataset["series"].cat.categories:
        mine = (dataset["series"] == one).to_numpy()
        alone = dataset[mine].reset_index(drop=True)
        own = input_series(alone, name)
        np.testing.assert_array_equal(values[mine], own)
        pd.testing.assert_frame_equal(
            targets[mine].reset_index(drop=True), target_values(alone, [horizon], 0.01, SCALED)
        )
        expected = windows(own, np.flatnonzero(~np.isnan(own)), context, own_start := int(np.isnan(own[0])))
        found = [window for row, window in zip(rows, cut) if mine[row]]
        assert own_start == (name != "close") and list(map(list, found)) == list(map(list, expected))
        kept = evaluation[evaluation["series"] == one]
        block = np.flatnonzero(mine & (dataset["Date"] >= fold["start"]))[:-1]  # the next day of the last is not known
        assert list(kept["row"]) == (list(block) if len(kept) else [])
        assert (kept["history"] == kept["row"] - starts[kept["row"]] + 1).all()


# --- exceedance


@SOME
@given(st.lists(FINITE, min_size=5, max_size=5).map(sorted), FINITE, FINITE)
def test_exceedance_is_a_probability_that_falls_with_the_threshold(quantiles, one, other):
    low, high = sorted((one, other))
    quantiles = np.array([quantiles] * 2)
    at_low, at_high = exceedance(quantiles, np.array([low, high]), LEVELS)
    assert 0 <= at_high <= at_low <= 1


@SOME
@given(st.floats(-5, 5), st.floats(0.01, 5), st.floats(-8, 8))
def test_exceedance_of_a_normal_distribution_is_exact(mean, sd, threshold):
    quantiles = (mean + sd * norm.ppf(LEVELS))[None]
    found = exceedance(quantiles, np.array([threshold]), LEVELS)[0]
    assert found == pytest.approx(norm.sf(threshold, mean, sd), abs=1e-9)


@SOME
@given(st.lists(FINITE, min_size=5, max_size=5, unique=True).map(sorted), st.integers(0, 4))
def test_exceedance_at_a_quantile_is_the_rest_of_its_level(quantiles, which):
    found = exceedance(np.array([quantiles]), np.array([quantiles[which]]), LEVELS)[0]
    assert found == pytest.approx(1 - LEVELS[which], abs=1e-9)


# --- DeLong


@st.composite
def outcomes_and_scores(draw):
    """Outcomes of both classes and two scores with ties."""
    n = draw(st.integers(4, 30))
    y = draw(arrays(int, n, elements=st.integers(0, 1)).filter(lambda y: 2 <= y.sum() <= n - 2))
    return y, draw(arrays(float, (n, 2), elements=st.integers(-4, 4).map(float)))


@SOME
@given(outcomes_and_scores())
def test_delong_gives_the_auc_of_scikit_learn_and_a_covariance(case):
    y, scores = case
    found = delong(y, scores)
    assert found.aucs == pytest.approx([roc_auc_score(y, score) for score in scores.T])
    assert np.linalg.eigvalsh(found.covariance).min() > -1e-12
    assert found.influence.mean(axis=0) == pytest.approx([0, 0], abs=1e-9)


@SOME
@given(outcomes_and_scores(), st.randoms(use_true_random=False))
def test_delong_depends_on_ranks_alone_and_not_on_the_order_of_days(case, random):
    y, scores = case
    order = np.array(random.sample(range(len(y)), len(y)))
    one, other = delong(y, scores), delong(y[order], rankdata(scores, axis=0)[order])
    assert other.aucs == pytest.approx(one.aucs)
    assert other.covariance == pytest.approx(one.covariance, abs=1e-12)
    mirrored = delong(1 - y, -scores)
    assert mirrored.aucs == pytest.approx(one.aucs)


# --- the bootstrap


@SOME
@given(st.integers(2, 60), st.floats(1, 20), st.integers(0, 2**31))
def test_every_resample_has_as_many_days(n, length, seed):
    counts = resample_counts(n, length, 20, seed)
    assert counts.shape == (20, n) and (counts >= 0).all() and (counts.sum(axis=1) == n).all()
    assert np.array_equal(counts, resample_counts(n, length, 20, seed))


@SOME
@given(outcomes_and_scores())
def test_auc_of_a_resample_is_that_of_its_days_in_a_row(case):
    y, scores = case
    counts = resample_counts(len(y), 3.0, 5, 0)
    counts[0] = 1
    found = resampled_ranking(y, scores, counts)[0]
    for row, count in zip(found, counts):
        days = np.repeat(np.arange(len(y)), count)
        if 0 < y[days].sum() < len(days):
            assert row == pytest.approx([roc_auc_score(y[days], score) for score in scores[days].T])


# --- files


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | FINITE | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@SOME
@given(VALUES)
def test_json_comes_back(tmp_path, value):
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value
    assert list(tmp_path.iterdir()) == [tmp_path / "a.json"]


@SOME
@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_digest_knows_no_order_of_keys(value):
    assert digest(dict(reversed(value.items()))) == digest(value)


@SOME
@given(
    st.integers(0, 20).flatmap(lambda n: arrays(np.float32, (n, 3), elements=st.floats(-1e6, 1e6, width=32))),
    st.dictionaries(TEXT, VALUES, max_size=3),
)
def test_parquet_with_vectors_comes_back(tmp_path, states, metadata):
    frame = pd.DataFrame(states, columns=[f"state_{i}" for i in range(3)])
    frame.insert(0, "row", np.arange(len(frame)))
    frame.insert(1, "name", [f"é{i}" for i in range(len(frame))])
    path = tmp_path / "a.parquet"
    write_table(path, frame, metadata, vectors=["state"])
    found, about = read_table(path)
    assert about == metadata
    pd.testing.assert_frame_equal(found, frame, check_dtype=bool(len(frame)))
    pd.testing.assert_frame_equal(read_frame(path), found)
    if len(frame):
        pd.testing.assert_frame_equal(read_table(path, ["row", "state_1"])[0], found[["row", "state_1"]])


@SOME
@given(
    arrays(float, st.integers(1, 12), elements=st.floats(allow_nan=False)),
    st.sampled_from([None, 0, 7]),
    TEXT,
)
def test_predictions_come_back_sorted_and_to_the_bit(tmp_path, scores, seed, reason):
    rows = score_rows(block("test", "evaluation", np.zeros(len(scores))), scores, seed=seed).drop(columns="fold")
    not_run = [{"target": "up", "horizon": 5, "reason": reason}]
    write_predictions(tmp_path / "a.parquet", rows.sample(frac=1, random_state=0), {"folds": ["test"]}, not_run)
    found, about = read_predictions(tmp_path / "a.parquet")
    assert found["score"].to_numpy().tobytes() == scores.tobytes()
    assert about == {"folds": ["test"], "not_run": not_run}
    assert (found["seed"].isna() if seed is None else found["seed"] == seed).all()


@SOME
@given(st.binary(max_size=99), st.binary(max_size=99))
def test_digest_of_a_file_follows_its_content(tmp_path, monkeypatch, one, other):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake").mkdir(exist_ok=True)
    paths = tmp_path / "one", tmp_path / "other"
    for path, content in zip(paths, (one, other)):
        path.write_bytes(content)
    first, second = map(content_sha256, paths)
    assert (first == second) == (one == other)
    assert set(json.loads((tmp_path / ".snakemake/content.json").read_text())) == set(map(str, paths))
