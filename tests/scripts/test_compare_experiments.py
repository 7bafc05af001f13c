"""Tables of the comparison of experiments, the walk-forward blocks together, and what the verdict quotes of them."""

import numpy as np
import pandas as pd
import pytest
from compare_experiments import COLUMNS, comparison_tables
from helpers.made_up_data import CONFIG, UP, through_csv
from plot_walk_forward import draw_walk_forward
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from fd01.evaluation.blocks import BASELINE, POOLED, measure_block, paired_uncertainty, pool
from fd01.evaluation.comparison import delong
from fd01.evaluation.paired_comparisons import opponents
from fd01.evaluation.protocol_errors import auc_of_correlation, error_rates, persistence, simulated_aucs
from fd01.evaluation.score_matrix import ScoreMatrix

STATISTICS = CONFIG["statistics"] | {"resamples": 120}
SYSTEMS = {"BASE-A": "baseline", "BASE-B": "baseline", "PTST": "patchtst", "X": "timesfm", "X-untrained": "timesfm"}
TWINS = {"X": "X-untrained"}


def score_matrix(seed=0, n=300, names=tuple(SYSTEMS), skill=None, y=None):
    """A block in which every score knows something; `BASE-A` and `PTST` are signals, the rest probabilities."""
    random = np.random.default_rng(seed)
    hidden = random.normal(size=n)
    y = (hidden + random.normal(size=n) > 1.1).astype(float) if y is None else y
    days = pd.bdate_range("2015-01-01", periods=n)
    scores = {name: (skill or {}).get(name, 1.0) * hidden + random.normal(size=n) for name in names}
    frame = pd.DataFrame(scores, index=days).apply(
        lambda s: s if s.name in ("BASE-A", "PTST") else 1 / (1 + np.exp(-s))
    )
    kinds = pd.Series({name: "signal" if name in ("BASE-A", "PTST") else "probability" for name in names})
    return ScoreMatrix(days, pd.Series(y, days), frame, kinds, kinds == "probability")


def metrics_of(matrices, calibration=None):
    """The rows of metrics.csv that are looked at."""
    calibration = {"BASE-A": 0.6, "BASE-B": 0.7} | (calibration or {})
    rows = []
    for fold, block in matrices.items():
        for name in block.scores:
            row = {"fold": fold, **UP, "experiment": name, "score_kind": block.kinds[name], "seed": "all"}
            of_calibration = calibration.get(name, np.nan)
            rows.append(row | {"auc": roc_auc_score(block.y, block.scores[name]), "calibration_auc": of_calibration})
        if "X-untrained" in block.scores:
            row |= {"experiment": "X-untrained", "score_kind": "probability"}
            rows += [row | {"seed": seed, "auc": auc} for seed, auc in (("0", 0.5), ("1", 0.6), ("2", 0.55))]
            rows.append(row | {"seed": "3", "auc": 0.9, "score_kind": "width"})
    return pd.DataFrame(
        rows, columns=["fold", "target", "horizon", "experiment", "score_kind", "seed", "auc", "calibration_auc"]
    )


def compared(matrices, metrics=None, reference="PTST", **changes):
    experiments = pd.DataFrame({"experiment": list(SYSTEMS), "optimistic": [name == "X" for name in SYSTEMS]})
    metrics = metrics_of(matrices) if metrics is None else metrics
    arguments = (metrics, experiments, UP, reference, SYSTEMS, TWINS, STATISTICS | changes)
    found = comparison_tables(matrices, *arguments)
    return {name: through_csv(table) for name, table in found.items()}


@pytest.fixture(scope="module")
def found():
    matrices = {
        "validation": score_matrix(0),
        "test": score_matrix(1, skill={"X": 3.0, "PTST": 2.0, "X-untrained": 0.0}),
    }
    return matrices, compared(matrices)


def test_who_is_compared_with_whom(found):
    _, table = found[0], found[1]["comparisons"]
    block = table[table["fold"] == "test"]
    assert set(zip(block["experiment"], block["against"], block["other"])) == {
        *((name, "reference", "PTST") for name in ("BASE-A", "BASE-B", "X", "X-untrained")),
        *((name, "baseline", "BASE-B") for name in ("BASE-A", "PTST", "X", "X-untrained")),
        ("X", "twin", "X-untrained"),
    }
    assert set(table.loc[table["optimistic"], "experiment"]) == {"X"}


def test_rows_are_the_paired_differences_of_the_block(found):
    matrices, tables_ = found
    rows = tables_["comparisons"]
    row = rows[(rows["fold"] == "test") & (rows["experiment"] == "X") & (rows["against"] == "baseline")].iloc[0]
    y, x, other = matrices["test"].y, matrices["test"].scores["X"], matrices["test"].scores["BASE-B"]
    aucs = [roc_auc_score(y, score) for score in (x, other)]
    assert [row["auc"], row["other_auc"], row["auc_difference"]] == pytest.approx([*aucs, aucs[0] - aucs[1]])
    precisions = [average_precision_score(y, score) for score in (x, other)]
    assert row["average_precision_difference"] == pytest.approx(precisions[0] - precisions[1])
    assert row["brier_difference"] == pytest.approx(brier_score_loss(y, x) - brier_score_loss(y, other))
    c = delong(y, np.column_stack([x, other])).covariance
    se = np.sqrt(c[0, 0] + c[1, 1] - 2 * c[0, 1])
    half = 1.959963984540054 * se
    assert [row["se_delong"], row["low"], row["high"]] == pytest.approx(
        [se, row["auc_difference"] - half, row["auc_difference"] + half]
    )
    assert row["se"] >= row["se_delong"]
    assert row["auc_low"] < row["auc_difference"] < row["auc_high"]
    assert (row["n"], row["positives"], row["score_kind"]) == (300, y.sum(), "probability")


def test_signals_have_no_brier_score(found):
    rows = found[1]["comparisons"]
    against_signal = rows[rows["other"] == "PTST"]
    assert against_signal["brier_difference"].isna().all() and against_signal["average_precision_low"].notna().all()
    intervals = found[1]["intervals"].set_index(["fold", "experiment"])
    assert np.isnan(intervals.loc[("test", "PTST"), "brier"])
    assert intervals.loc[("test", "X"), "brier_low"] < intervals.loc[("test", "X"), "brier"]


def test_holm_corrects_within_one_block_and_one_opponent(found):
    for _, family in found[1]["comparisons"].groupby(["fold", "against"]):
        p = family["p"].to_numpy()
        order = np.argsort(p)
        stepwise = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1)
        np.testing.assert_allclose(family["p_holm"].to_numpy()[order], stepwise, rtol=1e-12)


def test_large_difference_is_better_and_its_mirror_worse(found):
    rows = found[1]["comparisons"].set_index(["fold", "experiment", "against"])
    assert rows.loc[("test", "X", "twin"), "verdict"] == "better"
    assert rows.loc[("test", "X-untrained", "reference"), "verdict"] == "worse"
    assert "equivalent" not in set(rows["verdict"])


def test_twin_is_shown_with_the_range_of_its_seeds_for_the_score_compared(found):
    rows = found[1]["comparisons"]
    twin = rows[rows["against"] == "twin"]
    assert twin[["other_seeds_low", "other_seeds_high"]].to_numpy().tolist() == [[0.5, 0.6]] * 2
    assert rows.loc[rows["other"] == "PTST", "other_seeds_low"].isna().all()


def test_best_baseline_is_the_one_of_the_calibration_tail():
    matrices = {"test": score_matrix(1, skill={"BASE-B": 3.0})}
    rows = compared(matrices, metrics_of(matrices, {"BASE-A": 0.8}))["comparisons"]
    assert set(rows.loc[rows["against"] == "baseline", "other"]) == {"BASE-A"}


def test_power_does_not_depend_on_the_difference():
    one = score_matrix(3)
    turned = ScoreMatrix(one.days, one.y, one.scores.assign(X=1 - one.scores["X"]), one.kinds, one.is_probability)
    before, after = (measure_block("b", p, None, 300, 0) for p in (one, turned))
    plain = paired_uncertainty(before, "X", "BASE-B", 0.05, 0.8)
    assert plain["detectable"] == pytest.approx(2.8016 * plain["se"], rel=1e-4)
    assert plain["half_width"] == pytest.approx(1.95996 * plain["se"], rel=1e-4)
    opposite = paired_uncertainty(after, "X", "BASE-B", 0.05, 0.8)
    assert opposite["correlation"] == pytest.approx(-plain["correlation"])
    power = compared({"test": one})["power"]
    assert list(power) == COLUMNS["power"]
    assert not {"auc", "auc_difference", "verdict", "p"} & set(power)
    assert (power["detectable_holm"] >= power["detectable"] - 1e-12).all()


def test_without_the_reference_a_baseline_or_a_twin_the_rest_is_compared():
    matrices = {"test": score_matrix(0, names=("BASE-A", "BASE-B", "X"))}
    assert set(compared(matrices)["comparisons"]["against"]) == {"baseline"}
    matrices = {"test": score_matrix(0, names=("PTST", "X"))}
    assert set(compared(matrices)["comparisons"]["against"]) == {"reference"}
    matrices = {"test": score_matrix(0, names=("X",))}
    found = compared(matrices)
    assert len(found["comparisons"]) == 0 and len(found["intervals"]) == 1


def test_without_a_known_outcome_the_tables_are_empty():
    for name, table in compared({}).items():
        assert len(table) == 0 and list(table) == COLUMNS[name]


def test_one_class_is_inconclusive_and_does_not_stop_the_rest():
    matrices = {"calm": score_matrix(0, y=np.zeros(300)), "test": score_matrix(1)}
    rows = compared(matrices, metrics_of({"test": matrices["test"]}))["comparisons"]
    calm = rows[rows["fold"] == "calm"]
    assert len(calm) and calm["p_holm"].isna().all() and set(calm["verdict"]) == {"inconclusive"}
    assert rows.loc[rows["fold"] == "test", "p_holm"].notna().all()


def test_constant_and_equal_scores_are_compared():
    block = score_matrix(2)
    scores = block.scores.assign(**{"BASE-A": 0.3, "X": block.scores["X-untrained"]})
    rows = compared({"test": ScoreMatrix(block.days, block.y, scores, block.kinds, block.is_probability)})[
        "comparisons"
    ]
    rows = rows.set_index(["experiment", "against"])
    equal = rows.loc[("X", "twin")]
    assert (equal["auc_difference"], equal["p"], equal["verdict"]) == (0, 1, "inconclusive")
    assert rows.loc[("BASE-A", "reference"), "auc"] == 0.5


FORWARD = {
    "wf-2003": score_matrix(11, n=500),
    "wf-2005": score_matrix(12, n=250, skill={"PTST": 1.5}),
    "wf-2007": score_matrix(13, n=400),
}


def test_pooled_blocks_rank_only_days_of_one_block():
    blocks = [measure_block(fold, p, "BASE-B", 200, number) for number, (fold, p) in enumerate(FORWARD.items())]
    pooled = pool(blocks)
    for name in SYSTEMS:
        above = total = 0
        for p in FORWARD.values():
            s, y = p.scores[name].to_numpy(), p.y.to_numpy()
            psi = s[y == 1][:, None] - s[y == 0]
            above, total = above + (psi > 0).sum() + (psi == 0).sum() / 2, total + psi.size
        assert pooled.estimates["auc"][pooled.index(name)] == pytest.approx(above / total, abs=1e-12)
    X, PTST = pooled.index("X"), pooled.index("PTST")
    pairs_ = np.array([b.positives * (b.n - b.positives) for b in blocks])
    w = pairs_ / pairs_.sum()
    covariance = sum(wb**2 * b.covariance[X, PTST] for wb, b in zip(w, blocks))
    assert pooled.covariance[X, PTST] == pytest.approx(covariance)
    combined = sum(wb * b.resampled["auc"] for wb, b in zip(w, blocks))
    np.testing.assert_allclose(pooled.resampled["auc"], combined)
    briers = [b.estimates["brier"][X] * b.n for b in blocks]
    assert pooled.estimates["brier"][X] == pytest.approx(sum(briers) / pooled.n)


def test_pooling_leaves_out_who_lacks_a_block_and_compares_with_the_baseline_of_each():
    missing = score_matrix(12, n=250, names=("BASE-A", "BASE-B", "PTST", "X"))
    blocks = [measure_block("wf-1", score_matrix(11), "BASE-A", 50, 0), measure_block("wf-2", missing, "BASE-B", 50, 1)]
    pooled = pool(blocks)
    assert pooled.names == ["BASE-A", "BASE-B", "PTST", "X", BASELINE]
    assert pooled.display_name(BASELINE) == "the best of each block"
    with_baseline = [name for name, against, _ in opponents(pooled, "PTST", TWINS) if against == "baseline"]
    assert with_baseline == ["BASE-A", "BASE-B", "PTST", "X"]
    expected = [b.estimates["auc"][b.names.index(n)] for b, n in zip(blocks, ("BASE-A", "BASE-B"))]
    w = np.array([b.positives * (b.n - b.positives) for b in blocks])
    assert pooled.estimates["auc"][pooled.index(BASELINE)] == pytest.approx(np.average(expected, weights=w))


@pytest.fixture(scope="module")
def forward():
    return compared(FORWARD | {"test": score_matrix(0)})


def test_walk_forward_blocks_have_verdicts_of_their_own_and_together(forward):
    rows = forward["comparisons"]
    assert list(rows["fold"].unique()) == [*FORWARD, "test", POOLED]
    assert set(rows.loc[rows["fold"] == POOLED, "n"]) == {1150}
    pooled, single = (rows[rows["fold"] == fold].set_index(["experiment", "against"]) for fold in (POOLED, "wf-2005"))
    assert pooled.loc[("X", "reference"), "se"] < single.loc[("X", "reference"), "se"]
    table = forward["walk_forward"].set_index(["experiment", "against"])
    differences = [
        rows[(rows["fold"] == fold) & (rows["experiment"] == "X") & (rows["against"] == "reference")][
            "auc_difference"
        ].item()
        for fold in FORWARD
    ]
    row = table.loc[("X", "reference")]
    assert [row["min"], row["max"], row["sd"]] == pytest.approx(
        [min(differences), max(differences), np.std(differences, ddof=1)]
    )
    assert (row["blocks"], row["above"]) == (3, sum(d > 0 for d in differences))
    assert row["difference"] == pooled.loc[("X", "reference"), "auc_difference"]


def test_equal_experiments_are_equivalent_on_the_pooled_blocks_alone():
    matrices = {}
    for fold, p in FORWARD.items():
        near = p.scores["PTST"] + 0.05 * np.random.default_rng(1).normal(size=len(p.days))
        matrices[fold] = ScoreMatrix(
            p.days, p.y, p.scores.assign(X=near), p.kinds, p.is_probability & (p.kinds.index != "X")
        )
    rows = compared(matrices)["comparisons"]
    found = rows[(rows["experiment"] == "X") & (rows["against"] == "reference")].set_index("fold")["verdict"]
    assert found.to_dict() == dict.fromkeys(FORWARD, "inconclusive") | {POOLED: "equivalent"}


def test_walk_forward_block_with_one_class_is_left_out_of_the_pool():
    calm = score_matrix(5, y=np.zeros(300))
    metrics = metrics_of({fold: p for fold, p in FORWARD.items()})
    rows = compared(FORWARD | {"wf-2009": calm}, metrics)["comparisons"]
    assert set(rows.loc[rows["fold"] == POOLED, "n"]) == {1150}


def test_figure_over_time_has_every_block_and_the_pooled_one(forward):
    table = forward["intervals"][forward["intervals"]["fold"] != "test"]
    left, right = draw_walk_forward(table, "PTST", SYSTEMS, TWINS).axes
    assert [label.get_text() for label in left.get_xticklabels()] == ["2003", "2005", "2007"]
    assert {label.get_text() for label in right.get_yticklabels()} == set(SYSTEMS)
    drawn = [line.get_ydata() for line in left.lines if len(line.get_ydata()) == 3]
    of_x = table[(table["experiment"] == "X") & (table["fold"] != POOLED)]["auc"].to_numpy()
    assert any(np.array_equal(line, of_x) for line in drawn)


def test_figure_over_time_without_a_scored_block_says_so():
    figure = draw_walk_forward(pd.DataFrame(columns=["fold", "experiment", "auc", "auc_low", "auc_high"]), "", {}, {})
    assert "No walk-forward block" in figure.texts[0].get_text()


def test_auc_of_a_correlation_equals_a_long_simulation():
    random = np.random.default_rng(0)
    s = random.normal(size=200_000)
    y = 0.4 * s + np.sqrt(1 - 0.16) * random.normal(size=len(s)) > 1.2816
    assert auc_of_correlation(0.4, 0.1) == pytest.approx(roc_auc_score(y, s), abs=0.006)


def test_simulated_aucs_spread_as_delong_says_while_days_are_independent():
    aucs = simulated_aucs(504, 100, 0.68, 0.0, 4000, seed=0)
    assert aucs.mean() == pytest.approx(0.68, abs=0.003)
    random = np.random.default_rng(1)
    s = random.normal(size=504)
    x = 0.32 * s + random.normal(size=504)
    error = delong(x >= np.sort(x)[-100], s[:, None]).covariance[0, 0] ** 0.5
    assert aucs.std() == pytest.approx(error, rel=0.08)
    assert simulated_aucs(504, 100, 0.68, 0.97, 4000, seed=0).std() > 1.2 * aucs.std()


def test_error_rates_of_the_rule_vanish_with_many_days():
    decision, statistics = CONFIG["decision"], CONFIG["statistics"] | {"resamples": 120}
    y = np.repeat([1.0, 0.0], [4000, 16000])
    independent, persistent = error_rates(y, None, decision, statistics)
    assert (independent["above"], independent["below"]) == (0, 0)
    assert np.isnan(persistent["persistence"]) and "above" not in persistent
    short = next(error_rates(y[3900:4400], None, decision, statistics | {"resamples": 2000}))
    assert 0.05 < short["above"] < 0.2 and 0.1 < short["below"] < 0.3
    assert "above" not in next(error_rates(np.zeros(10), None, decision, statistics))


def test_persistence_is_the_autocorrelation_and_undefined_for_a_constant():
    random = np.random.default_rng(0)
    walk = np.zeros(5000)
    for t in range(1, 5000):
        walk[t] = 0.9 * walk[t - 1] + random.normal()
    assert persistence(walk) == pytest.approx(0.9, abs=0.03) == persistence(np.exp(walk))
    assert np.isnan(persistence(np.ones(50)))
