"""Properties that hold for every input: of probabilities, tests and resamples, and of the files that are written."""

import json

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import block, score_rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm, rankdata
from sklearn.metrics import roc_auc_score

from fd01.evaluation.bootstrap import resample_counts, resampled_ranking
from fd01.evaluation.comparison import delong
from fd01.scoring.deciles import exceedance
from fd01.scoring.predictions import read_predictions, write_predictions
from fd01.workflow.files import content_sha256, digest, read_json, write_json
from fd01.workflow.parquet import read_frame, read_table, write_table

SOME = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
FINITE = st.floats(-1e3, 1e3, allow_nan=False).map(lambda x: round(x, 6))
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])


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
