"""Ranking on several series, against pairs counted one by one, derivatives by number, and sums over dates by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import CONFIG
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from fd01.evaluation.blocks import measure_block, paired_test, pool
from fd01.evaluation.bootstrap import (
    resample_counts,
    resampled_brier,
    resampled_ranking,
    spread_of_mean,
    standard_error,
    variance_of_mean,
)
from fd01.evaluation.comparison import delong
from fd01.evaluation.panel import (
    EQUAL,
    PAIRS,
    Panel,
    exact_resamples,
    linear_resamples,
    rank_panel,
    resampler,
    too_few_events,
)
from fd01.evaluation.score_matrix import ScoreMatrix

STATISTICS = CONFIG["statistics"]
WEIGHTS = (PAIRS, EQUAL)


def panel_of(seed, lengths=(80, 60, 40), k=3, common=0.5, shares=(0.3, 0.2, 0.4)):
    """A ScoreMatrix of probabilities: series that begin one after another and end together; one column has ties."""
    random, dates = np.random.default_rng(seed), max(lengths)
    hidden = np.sqrt(common) * random.normal(size=dates) + np.sqrt(1 - common) * random.normal(
        size=(len(lengths), dates)
    )
    days, series, y, scores = [], [], [], []
    for number, (length, share) in enumerate(zip(lengths, shares)):
        own = hidden[number, dates - length :]
        days.append(pd.bdate_range("2020-01-01", periods=dates)[dates - length :])
        series += [f"S{number}"] * length
        y.append(own + random.normal(size=length) > np.quantile(own, 1 - share))
        scores.append(1 / (1 + np.exp(-own[:, None] - random.normal(size=(length, k)) - number)))
    days, names = days[0].append(days[1:]), [f"X{column}" for column in range(k)]
    table = pd.DataFrame(np.concatenate(scores), days, names)
    table["X1"] = table["X1"].round(1)
    kinds = pd.Series("probability", names)
    y = pd.Series(np.concatenate(y).astype(float), days)
    return ScoreMatrix(days, y, table, kinds, kinds == "probability", series=np.array(series, object))


def arrays(matrix):
    return matrix.y.to_numpy(), matrix.scores.to_numpy(), Panel.of(matrix.series, matrix.days)


def of_pairs(y, score, series, weight=None, weights=PAIRS):
    """The AUC over series, counted pair by pair; `weight` is how often each row counts."""
    weight = np.ones(len(y)) if weight is None else weight
    won, pairs = [], []
    for name in dict.fromkeys(series):
        up, down = ((series == name) & (y == outcome) for outcome in (1, 0))
        psi = score[up][:, None] - score[down]
        both = weight[up][:, None] * weight[down]
        won.append((((psi > 0) + (psi == 0) / 2) * both).sum())
        pairs.append(both.sum())
    won, pairs = np.array(won), np.array(pairs)
    kept = pairs > 0
    return won.sum() / pairs.sum() if weights == PAIRS else (won[kept] / pairs[kept]).mean()


def average_precision(y, score, series, weight):
    """Weighted by positives of the series with both classes."""
    parts = []
    for name in dict.fromkeys(series):
        own = (series == name) & (weight > 0)
        if 0 < y[own].mean() < 1:
            positives = weight[own] @ y[own]
            parts.append((average_precision_score(y[own], score[own], sample_weight=weight[own]), positives))
    precisions, positives = zip(*parts)
    return np.average(precisions, weights=positives)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("seed", range(3))
def test_auc_over_series_is_the_share_of_pairs_of_one_series(seed, weights):
    matrix = panel_of(seed)
    found = rank_panel(*arrays(matrix), weights)
    for j, name in enumerate(matrix.scores):
        expected = of_pairs(matrix.y.to_numpy(), matrix.scores[name].to_numpy(), matrix.series, weights=weights)
        assert found.aucs[j] == pytest.approx(expected, abs=1e-12)
    for s, name in enumerate(("S0", "S1", "S2")):
        own = matrix.on(matrix.series == name)
        assert found.of_series[s, 0] == pytest.approx(roc_auc_score(own.y, own.scores["X0"]))


@pytest.mark.parametrize("weights", WEIGHTS)
def test_influence_is_the_derivative_by_the_weight_of_a_date(weights):
    matrix = panel_of(4)
    y, scores, panel = arrays(matrix)
    found, step = rank_panel(y, scores, panel, weights), 1e-5
    assert len(found.influence) == 80
    np.testing.assert_allclose(found.influence.mean(axis=0), 0, atol=1e-12)
    for date in (0, 25, 55, 79):  # on the first there is one series, then two, then all
        weight = 1 + step * (panel.position == date)
        for j in range(scores.shape[1]):
            moved, still = (of_pairs(y, scores[:, j], matrix.series, w, weights) for w in (weight, None))
            assert found.influence[date, j] / 80 == pytest.approx((moved - still) / step, abs=2e-6)


def test_influence_of_average_precision_and_brier_score_is_their_derivative():
    matrix = panel_of(5)
    y, scores, panel = arrays(matrix)
    linear, step = linear_resamples(y, scores, scores, panel, rank_panel(y, scores, panel)), 1e-5
    still = [of_one[0] for of_one in linear(np.ones((1, 80)))]
    for date in (0, 25, 55, 79):
        counts = np.ones((1, 80))
        counts[0, date] += 1
        _, precision, brier = (of_one[0] - before for of_one, before in zip(linear(counts), still))
        weight = 1 + step * (panel.position == date)
        for j in range(scores.shape[1]):
            pair = [average_precision(y, scores[:, j], matrix.series, w) for w in (weight, np.ones(len(y)))]
            assert precision[j] == pytest.approx((pair[0] - pair[1]) / step, abs=2e-6)
            pair = [brier_score_loss(y, scores[:, j], sample_weight=w) for w in (weight, None)]
            assert brier[j] == pytest.approx((pair[0] - pair[1]) / step, abs=2e-6)


def test_covariance_of_two_series_worked_out_by_hand():
    # Series A on the dates 1 to 4, B on 3 to 6. Placements of A: positives 1 and 1/2, negatives 1 and 1/2; AUC 3/4.
    # Of B: the one positive 2/3, the negatives 1, 1, 0; AUC 2/3. Pairs 4 and 3, so the AUC is (3 + 2) / 7 = 5/7.
    y = np.array([1, 0, 1, 0, 0, 1, 0, 0])
    scores = np.array([[4.0], [1], [2], [3], [1], [2], [3], [1]])
    panel = Panel.of(["A"] * 4 + ["B"] * 4, [1, 2, 3, 4, 3, 4, 5, 6])
    found = rank_panel(y, scores, panel)
    assert found.aucs == pytest.approx([5 / 7])
    # A positive day of A has 2 partners, a negative one 2; the positive day of B has 3, each negative one 1.
    added = np.array([2 * (1 - 5 / 7), 2 * (1 - 5 / 7), 2 * (0.5 - 5 / 7) + (1 - 5 / 7)])
    added = np.append(added, [2 * (0.5 - 5 / 7) + 3 * (2 / 3 - 5 / 7), 0 - 5 / 7, 1 - 5 / 7]) / 7
    np.testing.assert_allclose(found.influence[:, 0] / 6, added, atol=1e-14)
    assert found.covariance == pytest.approx(6 / 5 * (added**2).sum())


def test_one_series_is_exactly_the_block_of_delong():
    matrix = panel_of(6, lengths=(120,), shares=(0.3,))
    y, scores, panel = arrays(matrix)
    for weights in WEIGHTS:
        found, expected = rank_panel(y, scores, panel, weights), delong(y, scores)
        for name in ("aucs", "covariance", "influence"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
        counts = resample_counts(120, 6.0, 150, 0)
        resampled = exact_resamples(y, scores, scores, panel, counts, weights)
        for one, other in zip(resampled, (*resampled_ranking(y, scores, counts), resampled_brier(y, scores, counts))):
            np.testing.assert_array_equal(one, other)
    unnamed = measure_block("b", replace(matrix, series=None), "X0", 200, 0)
    named = measure_block("b", matrix, "X0", 200, 0)
    np.testing.assert_array_equal(unnamed.resampled["auc"], named.resampled["auc"])
    assert (named.n, named.dates, named.n_series, named.one_class) == (120, 120, 1, [])
    assert named.pairs == named.positives * (120 - named.positives)


def test_a_series_with_one_class_is_counted_and_has_no_weight():
    matrix = panel_of(7)
    calm = matrix.series == "S1"
    still = replace(matrix, y=matrix.y.where(~calm, 0.0))
    for weights in WEIGHTS:
        with_it = measure_block("b", still, None, 50, 0, weights=weights)
        without = measure_block("b", still.on(~calm), None, 50, 0, weights=weights)
        assert (with_it.n_series, with_it.one_class, without.one_class) == (3, ["S1"], [])
        assert with_it.pairs == without.pairs
        for measure in ("auc", "average_precision"):
            np.testing.assert_array_equal(with_it.estimates[measure], without.estimates[measure])
            np.testing.assert_array_equal(with_it.resampled[measure], without.resampled[measure])
        np.testing.assert_allclose(with_it.covariance, without.covariance)
    squares = (still.scores.to_numpy() - still.y.to_numpy()[:, None]) ** 2
    np.testing.assert_allclose(with_it.estimates["brier"], squares.mean(axis=0))


def test_without_a_series_of_both_classes_nothing_is_known():
    matrix = panel_of(8)
    block = measure_block("b", replace(matrix, y=matrix.y * 0), None, 20, 0)
    assert block.pairs == 0 and len(block.one_class) == 3
    assert np.isnan(block.estimates["auc"]).all() and np.isnan(block.covariance).all()
    assert np.isfinite(block.estimates["brier"]).all()
    few = resampler(*arrays(matrix)[:2], matrix.scores.to_numpy(), arrays(matrix)[2], None, 20)
    assert all(np.isfinite(values).all() for values in few(np.ones((1, 80), int)))


@pytest.mark.parametrize("dates", [1, 2, 3])
def test_few_dates_of_many_series_do_not_stop_the_rest(dates):
    matrix = panel_of(9, lengths=(dates,) * 40, shares=(0.4,) * 40)
    block = measure_block("b", matrix, None, 20, 0)
    assert block.dates == dates and np.isnan(block.covariance).all() == (dates == 1)


def test_a_resample_draws_whole_dates_and_ranks_each_series_anew():
    matrix = panel_of(10)
    y, scores, panel = arrays(matrix)
    counts = resample_counts(80, 5.0, 30, 1)
    for weights in WEIGHTS:
        auc, precision, brier = exact_resamples(y, scores, scores, panel, counts, weights)
        for b, drawn in enumerate(counts):
            weight = drawn[panel.position].astype(float)
            for j in range(scores.shape[1]):
                of_b = y, scores[:, j], matrix.series, weight
                assert auc[b, j] == pytest.approx(of_pairs(*of_b, weights), abs=1e-12)
                assert precision[b, j] == pytest.approx(average_precision(*of_b), abs=1e-12)
                assert brier[b, j] == pytest.approx(brier_score_loss(y, scores[:, j], sample_weight=weight), abs=1e-12)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_resamples_by_influence_agree_with_exact_ones(weights):
    matrix = panel_of(11, lengths=(500, 500, 400, 300), shares=(0.3, 0.2, 0.4, 0.25))
    y, scores, panel = arrays(matrix)
    counts, ranking = resample_counts(500, 8.0, 2000, 2), rank_panel(y, scores, panel, weights)
    exact = exact_resamples(y, scores, scores, panel, counts, weights)
    linear = linear_resamples(y, scores, scores, panel, ranking)(counts)
    for one, other in zip(linear, exact):
        np.testing.assert_allclose(one.mean(axis=0), other.mean(axis=0), atol=0.3 * standard_error(other).max())
        # The Monte-Carlo error of a standard error by 2,000 resamples is 1.6 %.
        np.testing.assert_allclose(standard_error(one), standard_error(other), rtol=0.05)
        of_pair = [standard_error(values[:, 0] - values[:, 2]) for values in (one, other)]
        assert of_pair[0] == pytest.approx(of_pair[1], rel=0.05)


def test_many_rows_are_resampled_by_influence(monkeypatch):
    matrix = panel_of(12)
    exact = measure_block("b", matrix, "X0", 400, 0)
    monkeypatch.setattr("fd01.evaluation.panel.MOST_EXACT", 10)
    linear = measure_block("b", matrix, "X0", 400, 0)
    for measure, values in exact.estimates.items():
        np.testing.assert_allclose(linear.estimates[measure], values, atol=1e-12)
        assert (linear.resampled[measure] != exact.resampled[measure]).any()
    alone = matrix.on(matrix.series == "S0")  # one series is always ranked anew
    block = measure_block("b", alone, None, 400, 0)
    counts = resample_counts(80, block.length, 400, 0)
    drawn = resampled_ranking(alone.y, alone.scores.to_numpy(), counts)[0]
    auc = block.estimates["auc"]
    np.testing.assert_array_equal(block.resampled["auc"], auc + spread_of_mean(80, block.length) * (drawn - auc))


@pytest.mark.parametrize("count", [1, 3])
def test_resamples_spread_as_the_mean_does_and_not_as_deviations_from_it(count):
    matrix = panel_of(14, lengths=(20,) * count, shares=(0.3,) * count)
    block = measure_block("b", matrix, None, 8000, 0)
    losses = (matrix.scores["X0"] - matrix.y) ** 2
    by_date = losses.groupby(matrix.days).mean().to_numpy()
    expected = np.sqrt(variance_of_mean(by_date - by_date.mean(), block.length))
    # The Monte-Carlo error is 0.8 %. Without the correction the error would be 8 % smaller.
    assert spread_of_mean(20, block.length) > 1.08
    assert standard_error(block.resampled["brier"])[block.index("X0")] == pytest.approx(expected, rel=0.03)


def test_a_sister_that_is_the_same_adds_no_knowledge():
    one = panel_of(13, lengths=(300,), shares=(0.3,))
    sister = replace(one, series=np.full(300, "sister", object))
    both = ScoreMatrix(
        one.days.append(sister.days),
        pd.concat([one.y, sister.y]),
        pd.concat([one.scores, sister.scores]),
        one.kinds,
        one.is_probability,
        series=np.concatenate([one.series, sister.series]),
    )
    tests = [paired_test(measure_block("b", m, None, 500, 0), "X0", ["X2"], STATISTICS) for m in (one, both)]
    assert tests[1]["auc_difference"] == pytest.approx(tests[0]["auc_difference"], abs=1e-12)
    assert tests[1]["se"] == pytest.approx(tests[0]["se"], rel=0.05)
    assert tests[1]["se_delong"] == pytest.approx(tests[0]["se_delong"], rel=0.02)


def panel_of_outcomes(outcomes):
    """The panel and the outcomes of series on the same dates; `outcomes` has the shape (series, dates)."""
    count, dates = outcomes.shape
    days = np.tile(pd.bdate_range("2020-01-01", periods=dates), count)
    return Panel.of(np.repeat([f"S{i}" for i in range(count)], dates), days), outcomes.ravel()


def most_that_pass(outcomes):
    """The largest number that the events of these series, or the days without, still count as."""
    panel, y = panel_of_outcomes(np.asarray(outcomes, float))
    counts = panel.class_counts(y)
    return max((n for n in range(1, 500) if too_few_events(counts, n, len(outcomes) > 1) is None), default=0)


def test_events_of_series_count_as_dates_as_far_as_they_fall_on_the_same():
    random = np.random.default_rng(0)
    y = np.zeros(100)
    y[random.choice(100, 23, replace=False)] = 1
    assert most_that_pass([y]) == 23  # of one series, they are counted
    assert most_that_pass([1 - y]) == 23
    assert most_that_pass([y, y, y]) == 23  # series that move as one say nothing more
    apart = random.permuted(np.tile(y, (30, 1)), axis=1)
    assert 80 < most_that_pass(apart) <= 100
    assert most_that_pass(apart[:, :12]) <= 12  # never more than there are dates
    one_class = np.vstack([y, np.ones(100), np.zeros(100)])
    assert most_that_pass(one_class) == 23  # a series without both classes ranks nothing
    assert most_that_pass(np.vstack([np.ones(100), np.zeros(100)])) == 0


def test_order_of_rows_and_of_series_changes_nothing():
    matrix = panel_of(14)
    order = np.random.default_rng(0).permutation(len(matrix.days))
    turned = replace(
        matrix,
        days=matrix.days[order],
        y=matrix.y.iloc[order],
        scores=matrix.scores.iloc[order],
        series=matrix.series[order],
    )
    one, other = (rank_panel(*arrays(m)) for m in (matrix, turned))
    np.testing.assert_allclose(one.aucs, other.aucs, atol=1e-14)
    np.testing.assert_allclose(one.influence, other.influence, atol=1e-12)


def test_pool_over_time_counts_the_pairs_of_each_block_and_series():
    blocks = [panel_of(15), panel_of(16, lengths=(60, 50), shares=(0.3, 0.3))]
    measured = [measure_block(f"wf-{number}", block, None, 80, number) for number, block in enumerate(blocks)]
    pooled = pool(measured, "walk-forward")
    y = np.concatenate([block.y for block in blocks])
    score = np.concatenate([block.scores["X1"] for block in blocks])
    names = np.concatenate([[f"{number} {name}" for name in block.series] for number, block in enumerate(blocks)])
    assert pooled.estimates["auc"][1] == pytest.approx(of_pairs(y, score, names), abs=1e-12)
    assert pooled.pairs == sum(block.pairs for block in measured)
    assert (pooled.n, pooled.dates, pooled.series) == (290, 140, ["S0", "S1", "S2"])
    share = measured[0].pairs / pooled.pairs
    expected = share**2 * measured[0].covariance + (1 - share) ** 2 * measured[1].covariance
    np.testing.assert_allclose(pooled.covariance, expected)


def test_error_by_dates_is_the_spread_over_panels():
    """Series whose chance is largely common: the error that takes them for independent would be far too small."""
    rows, kwargs = [], {"lengths": (150,) * 6, "shares": (0.3,) * 6, "k": 2}
    for seed in range(250):
        random, matrix = np.random.default_rng(1000 + seed), panel_of(seed, common=0.0, **kwargs)
        chance = random.normal(size=150)  # what the two scores add, on a date the same for all series
        scores = np.tile(chance, 6)[:, None] * [1.0, -1.0] + matrix.scores.to_numpy()
        _, _, panel = arrays(matrix)
        y = np.tile(random.random(150) < 0.3, 6).astype(float)  # and the events
        found = rank_panel(y, scores, panel)
        of_series = [delong(y[own], scores[own]).covariance for own in panel.rows]
        independent = np.mean([c[0, 0] + c[1, 1] - 2 * c[0, 1] for c in of_series]) / 6
        c = found.covariance
        rows.append((found.aucs[0] - found.aucs[1], c[0, 0] + c[1, 1] - 2 * c[0, 1], independent))
    difference, variance, independent = np.array(rows).T
    assert np.sqrt(variance.mean()) == pytest.approx(difference.std(), rel=0.1)
    assert np.sqrt(independent.mean()) < 0.7 * difference.std()
