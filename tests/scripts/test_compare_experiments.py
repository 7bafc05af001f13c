"""Tables of the comparison of experiments, the walk-forward blocks together, and what the verdict quotes of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from compare_experiments import COLUMNS, comparison_tables
from helpers.made_up_data import CONFIG, UP, lacking, through_csv
from plot_walk_forward import draw_walk_forward
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from fd01.evaluation.blocks import AFTER_CUTOFF, BASELINE, POOLED, measure_block, paired_uncertainty, pool
from fd01.evaluation.comparison import delong
from fd01.evaluation.paired_comparisons import Design, opponents
from fd01.evaluation.protocol_errors import auc_of_correlation, error_rates, persistence, simulated_aucs
from fd01.evaluation.score_matrix import ScoreMatrix
from fd01.report.figures import Cast

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


def design(reference="PTST", data_ends=None, **changes):
    """What the plan says: `X` is the only primary experiment."""
    return Design(reference, TWINS, ["X"], data_ends or {}, STATISTICS | changes)


def compared(matrices, metrics=None, cut_off=None, **changes):
    experiments = pd.DataFrame({"experiment": list(SYSTEMS), "optimistic": [name == "X" for name in SYSTEMS]})
    metrics = metrics_of(matrices) if metrics is None else metrics
    found = comparison_tables(matrices, metrics, experiments, UP, SYSTEMS, cut_off, design(**changes))
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
    half = 1.959963984540054 * row["se"]
    assert [row["se_delong"], row["low"], row["high"]] == pytest.approx(
        [se, row["auc_difference"] - half, row["auc_difference"] + half]
    )
    assert row["se"] >= row["se_delong"]
    assert row["auc_low"] < row["auc_difference"] < row["auc_high"]
    assert (row["n"], row["positives"], row["score_kind"]) == (300, y.sum(), "probability")


def test_experiment_that_lacks_days_is_compared_on_its_own_and_changes_no_other():
    whole = {"validation": score_matrix(0), "test": score_matrix(1, n=200)}
    without = {fold: matrix.only(set(SYSTEMS) - {"X"}) for fold, matrix in whole.items()}
    short = without | {
        "test": lacking(whole["test"], "X", [3, 7]),
        "validation": lacking(whole["validation"], "X", [0]),
    }
    metrics = metrics_of(whole)
    alone, found = (compared(matrices, metrics, cut_off="2015-06") for matrices in (without, short))
    for name, rows in found.items():
        if name == "margins":
            continue  # equivalence is corrected within the family, which X joins
        others = rows[rows["experiment"] != "X"].reset_index(drop=True)
        own = ["p_holm", "p_equivalence", "tested", "detectable_holm", "verdict", "small_difference"]
        own += ["adjusted_low", "adjusted_high"]
        same = [column for column in others if column not in own]
        pd.testing.assert_frame_equal(others[same], alone[name][same].reset_index(drop=True), check_dtype=False)
    rows = found["comparisons"].query("experiment == 'X'").set_index(["fold", "against"])
    assert rows["lacking"].to_dict() == {
        **{("validation", against): 1 for against in ("reference", "baseline", "twin")},
        **{("test", against): 2 for against in ("reference", "baseline", "twin")},
        **{(AFTER_CUTOFF, against): 0 for against in ("reference", "baseline", "twin")},
    }
    assert (found["comparisons"].query("experiment != 'X'")["lacking"] == 0).all()
    kept = np.delete(np.arange(200), [3, 7])
    y, scores = whole["test"].y.iloc[kept], whole["test"].scores.iloc[kept]
    row = rows.loc[("test", "reference")]
    assert (row["n"], row["positives"]) == (198, y.sum())
    assert row["auc"] == pytest.approx(roc_auc_score(y, scores["X"]))
    assert row["other_auc"] == pytest.approx(roc_auc_score(y, scores["PTST"]))
    assert row["score_kind"] == "probability"
    intervals = found["intervals"].set_index(["fold", "experiment"])
    assert intervals.loc[("test", "X"), "auc"] == row["auc"] and intervals.loc[("test", "X"), "lacking"] == 2


def test_experiment_that_lacks_days_is_pooled_with_blocks_that_it_has_whole():
    whole = {"validation": score_matrix(0), "test": score_matrix(1)}
    short = whole | {"test": lacking(whole["test"], "X", [290])}
    rows = compared(short, metrics_of(whole), cut_off="2015-06")["comparisons"]
    (row,) = rows.query(f"experiment == 'X' and fold == '{AFTER_CUTOFF}' and against == 'reference'").to_dict("records")
    days = whole["validation"].days
    assert row["lacking"] == 0 and row["n"] == (days > "2015-06-30").sum()  # both folds have these days
    later = {"a": score_matrix(0, n=100), "b": score_matrix(1, n=200)}
    later["b"] = later["b"].on(later["b"].days > later["a"].days[-1])
    short = later | {"b": lacking(later["b"], "X", [5])}
    rows = compared(short, metrics_of(later), cut_off="2014-12")["comparisons"]
    (row,) = rows.query(f"experiment == 'X' and fold == '{AFTER_CUTOFF}' and against == 'reference'").to_dict("records")
    assert (row["n"], row["lacking"]) == (199, 1)
    (other,) = rows.query(f"experiment == 'BASE-A' and fold == '{AFTER_CUTOFF}' and against == 'reference'").to_dict(
        "records"
    )
    assert (other["n"], other["lacking"]) == (200, 0)


def test_signals_have_no_brier_score(found):
    rows = found[1]["comparisons"]
    against_signal = rows[rows["other"] == "PTST"]
    assert against_signal["brier_difference"].isna().all() and against_signal["average_precision_low"].notna().all()
    intervals = found[1]["intervals"].set_index(["fold", "experiment"])
    assert np.isnan(intervals.loc[("test", "PTST"), "brier"])
    assert intervals.loc[("test", "X"), "brier_low"] < intervals.loc[("test", "X"), "brier"]


def test_holm_corrects_within_one_block_and_one_opponent(found):
    for _, family in found[1]["comparisons"].groupby(["fold", "against", "family"]):
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
    plain = paired_uncertainty(before, "X", ["BASE-B"], STATISTICS)
    assert plain["detectable"] == pytest.approx(2.8016 * plain["se"], rel=1e-4)
    assert plain["half_width"] == pytest.approx(1.95996 * plain["se"], rel=1e-4)
    opposite = paired_uncertainty(after, "X", ["BASE-B"], STATISTICS)
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
    pooled = pool(blocks, POOLED)
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
    pooled = pool(blocks, POOLED)
    assert pooled.names == ["BASE-A", "BASE-B", "PTST", "X", BASELINE]
    assert pooled.display_name(BASELINE) == "the best of each block"
    with_baseline = [name for name, against, _ in opponents(pooled, design()) if against == "baseline"]
    assert with_baseline == ["BASE-A", "BASE-B", "PTST", "X"]
    expected = [b.estimates["auc"][b.names.index(n)] for b, n in zip(blocks, ("BASE-A", "BASE-B"))]
    w = np.array([b.positives * (b.n - b.positives) for b in blocks])
    assert pooled.estimates["auc"][pooled.index(BASELINE)] == pytest.approx(np.average(expected, weights=w))


def from_day(matrix, start):
    """The same block on business days from `start` on."""
    days = pd.bdate_range(start, periods=len(matrix.days))
    return replace(matrix, days=days, y=matrix.y.set_axis(days), scores=matrix.scores.set_axis(days))


STRADDLING = {
    "validation": from_day(score_matrix(21, n=400), "2023-01-02"),
    "test": from_day(score_matrix(22, n=300), "2024-07-15"),
    "wf-2023": from_day(score_matrix(23, n=450), "2023-01-02"),  # the days of validation and some more
}


def test_clean_pool_has_every_day_after_the_cut_off_once_and_says_who_may_have_seen_what():
    ends = {"X": "2023-11", "X-untrained": "unknown", "BASE-B": "2024-12"}
    tables = compared(STRADDLING, cut_off="2023-11", data_ends=ends)
    rows = tables["comparisons"]
    days = pd.DatetimeIndex([]).append([STRADDLING["validation"].days, STRADDLING["test"].days])
    pooled = rows[rows["fold"] == AFTER_CUTOFF]
    assert days.is_unique and set(pooled["n"]) == {(days > "2023-11-30").sum()}
    of_pairs = rows[rows["against"] == "reference"].set_index(["fold", "experiment"])["exposure"]
    assert of_pairs.xs("X", level="experiment").to_dict() == {
        **{"validation": "partly", "test": "clean", "wf-2023": "partly", "after-cutoff": "clean"},
        "walk-forward": "partly",
    }
    assert set(of_pairs.xs("X-untrained", level="experiment")) == {"exposed"}
    assert of_pairs[("validation", "BASE-B")] == "exposed" and of_pairs[("after-cutoff", "BASE-B")] == "partly"
    assert of_pairs.xs("BASE-A", level="experiment").isna().all()
    assert AFTER_CUTOFF not in set(compared(STRADDLING)["comparisons"]["fold"])


def test_clean_pool_ranks_the_clean_days_of_each_fold_among_themselves():
    rows = compared(STRADDLING, cut_off="2023-11")["comparisons"].set_index(["fold", "experiment", "against"])
    above = total = 0
    for fold in ("validation", "test"):
        matrix = STRADDLING[fold].on(STRADDLING[fold].days > "2023-11-30")
        s, y = matrix.scores["X"].to_numpy(), matrix.y.to_numpy()
        psi = s[y == 1][:, None] - s[y == 0]
        above, total = above + (psi > 0).sum(), total + psi.size
    assert rows.loc[(AFTER_CUTOFF, "X", "reference"), "auc"] == pytest.approx(above / total)


def test_equivalence_needs_pooled_clean_days():
    matrices = {
        fold: replace(p, scores=p.scores.assign(X=p.scores["PTST"] + 1e-3 * p.scores["X"]))
        for fold, p in STRADDLING.items()
    }
    rows = compared(matrices, cut_off="2023-11", data_ends={"X": "2023-11"})["comparisons"]
    found = rows[(rows["experiment"] == "X") & (rows["against"] == "reference")].set_index("fold")
    assert found["verdict"].to_dict() == {
        **dict.fromkeys(("validation", "test", "wf-2023", "walk-forward"), "inconclusive"),
        AFTER_CUTOFF: "equivalent",
    }
    assert found["p_equivalence"].notna().to_dict() == {fold: fold == AFTER_CUTOFF for fold in found.index}


def test_nothing_is_equivalent_to_a_composite_that_contains_it():
    rows = compared(
        FORWARD,
        metrics_of(FORWARD).assign(
            calibration_auc=lambda m: m["calibration_auc"].where(
                (m["fold"] != "wf-2005") | (m["experiment"] != "BASE-B"), 0.5
            )
        ),
    )["comparisons"]
    against = rows[(rows["fold"] == POOLED) & (rows["against"] == "baseline")].set_index("experiment")
    assert set(against["other"]) == {"the best of each block"}
    assert against["p_equivalence"].isna().to_dict() == {name: name in ("BASE-A", "BASE-B") for name in against.index}


def test_primary_experiments_are_a_family_of_their_own(found):
    rows = found[1]["comparisons"]
    assert set(rows.loc[rows["family"] == "primary", "experiment"]) == {"X"}
    primary = rows[(rows["family"] == "primary") & (rows["against"] == "reference")]
    assert (primary["p_holm"] == primary["p"]).all() and set(primary["tested"]) == set(primary["planned"]) == {1}
    others = rows[(rows["family"] == "secondary") & (rows["against"] == "reference")]
    assert others["planned"].isna().all() and set(others["tested"]) == {3}


def test_adjusted_interval_agrees_with_the_p_value_of_every_pair(found, forward):
    rows = pd.concat([found[1]["comparisons"], forward["comparisons"]])
    excludes_zero = (rows["adjusted_low"] > 0) | (rows["adjusted_high"] < 0)
    assert excludes_zero.equals(rows["p_holm"] < 0.05) and excludes_zero.any()
    assert not excludes_zero[rows["verdict"] == "inconclusive"].any()
    wider = rows["adjusted_high"] - rows["adjusted_low"] - (rows["high"] - rows["low"])
    assert wider[rows["p"] < rows["p_holm"]].gt(0).all() and wider.abs()[rows["p"] == rows["p_holm"]].lt(1e-12).all()


def test_no_verdict_on_fewer_events_than_the_plan_names():
    rows = compared({"test": score_matrix(1, skill={"X": 9.0})}, min_events=200)["comparisons"]
    assert (rows["p_holm"] < 0.05).any() and set(rows["verdict"]) == {"inconclusive"}
    assert set(rows["reason"]) == {"fewer than 200 days with the event, or without"}


def test_events_of_the_same_dates_give_several_series_no_verdict():
    one = score_matrix(1, skill={"X": 9.0})
    events = int(one.y.sum())
    twice = replace(
        one,
        **{
            name: pd.concat([getattr(one, name)] * 2) if name != "days" else one.days.append(one.days)
            for name in ("days", "y", "scores")
        },
        series=np.repeat(np.array(["A", "B"], object), len(one.days)),
        seed_scores={name: pd.concat([scores] * 2) for name, scores in one.seed_scores.items()},
    )
    rows = compared({"test": twice}, metrics_of({"test": one}), min_events=events + 1)["comparisons"]
    assert set(rows["positives"]) == {2 * events} and set(rows["verdict"]) == {"inconclusive"}
    few = f"days with the event, or without, that count as fewer than {events + 1} dates"
    assert set(rows["reason"]) == {few}
    rows = compared({"test": twice}, metrics_of({"test": one}), min_events=events)["comparisons"]
    assert rows["reason"].isna().all()


def test_other_margins_are_checked_on_pooled_blocks():
    tables = compared(FORWARD | {"test": score_matrix(0)}, margin=0.1, margin_checks=[0.05, 0.2])
    table, key = tables["margins"], ["experiment", "against"]
    assert set(table["fold"]) == {POOLED} and list(table["margin"].unique()) == [0.05, 0.1, 0.2]
    rows = tables["comparisons"][tables["comparisons"]["fold"] == POOLED].set_index(key)
    usual = table[table["margin"] == 0.1].set_index(key)
    for column in ("verdict", "p_equivalence", "equivalence_power"):
        assert usual[column].equals(rows[column])
    wide = table.set_index([*key, "margin"]).unstack("margin")
    assert (wide["p_equivalence"][0.05] > wide["p_equivalence"][0.2]).any()
    assert (wide["equivalence_power"][0.1] < wide["equivalence_power"][0.2]).all()


def with_seeds(matrix, **seeds):
    """The block with random networks: X-untrained is the mean of its seeds."""
    frames = {name: pd.DataFrame(dict(enumerate(columns)), matrix.days) for name, columns in seeds.items()}
    scores = matrix.scores.assign(**{name: frame.mean(axis=1) for name, frame in frames.items()})
    return replace(matrix, scores=scores, seed_scores=frames)


def networks(matrix, count, seed=0):
    """Scores of `count` random networks that all know something; their mean ranks better than each of them."""
    random = np.random.default_rng(seed)
    signal = matrix.scores["PTST"].to_numpy()
    return [1 / (1 + np.exp(-signal - 1.5 * random.normal(size=len(signal)))) for _ in range(count)]


def test_one_model_is_compared_with_single_random_networks_and_not_with_their_mean():
    matrix = score_matrix(4)
    matrix = with_seeds(matrix, **{"X-untrained": networks(matrix, 4)})
    tables = compared({"test": matrix})
    row = tables["comparisons"].set_index(["experiment", "against"]).loc[("X", "twin")]
    y, x = matrix.y, matrix.scores["X"]
    singles = matrix.seed_scores["X-untrained"]
    aucs = np.array([roc_auc_score(y, singles[seed]) for seed in singles])
    assert row["other_auc"] == pytest.approx(aucs.mean())
    assert aucs.mean() < roc_auc_score(y, matrix.scores["X-untrained"])
    assert (row["twin_seeds"], row["twin_seeds_below"]) == (4, (aucs < roc_auc_score(y, x)).sum())
    c = delong(y, np.column_stack([x, singles])).covariance
    w = np.array([1, *[-1 / 4] * 4])
    assert row["se_delong"] == pytest.approx(np.sqrt(w @ c @ w))
    of_pairs = [(c[a, a] + c[b, b] - 2 * c[a, b]) / 2 for a in range(1, 5) for b in range(1, a)]
    between = max(aucs.var(ddof=1) - np.mean(of_pairs), 0) / 4
    assert row["se"] ** 2 >= row["se_delong"] ** 2 + between - 1e-12
    twins = tables["twins"]
    assert list(twins["twin"]) == [f"X-untrained, seed {seed}" for seed in range(4)]
    assert twins["difference"].to_list() == pytest.approx(list(roc_auc_score(y, x) - aucs))
    reference = tables["comparisons"].set_index(["experiment", "against"]).loc[("X-untrained", "reference")]
    assert reference["auc"] == pytest.approx(roc_auc_score(y, matrix.scores["X-untrained"]))


def test_networks_that_differ_widen_the_error_and_few_of_them_more():
    matrix = score_matrix(4)
    hidden = matrix.scores["PTST"].to_numpy()
    unlike = [sign * hidden for sign in (1, -1, 1)]
    row = compared({"test": with_seeds(matrix, **{"X-untrained": unlike})})["comparisons"]
    row = row.set_index(["experiment", "against"]).loc[("X", "twin")]
    assert row["se"] > 4 * row["se_delong"] and row["df"] < 2.2 and row["verdict"] == "inconclusive"


def test_mean_of_several_trainings_is_compared_with_the_mean_of_as_many():
    matrix = score_matrix(4)
    matrix = with_seeds(matrix, **{"X": networks(matrix, 3, seed=1), "X-untrained": networks(matrix, 3)})
    row = compared({"test": matrix})["comparisons"].set_index(["experiment", "against"]).loc[("X", "twin")]
    assert row["other_auc"] == pytest.approx(roc_auc_score(matrix.y, matrix.scores["X-untrained"]))
    assert np.isnan(row["twin_seeds"])


def test_one_random_network_gives_no_verdict():
    matrix = score_matrix(4, skill={"X": 9.0})
    row = compared({"test": with_seeds(matrix, **{"X-untrained": networks(matrix, 1)})})["comparisons"]
    row = row.set_index(["experiment", "against"]).loc[("X", "twin")]
    assert np.isnan(row["p_holm"]) and row["verdict"] == "inconclusive"
    assert row["reason"] == "one random network says nothing about others"


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
    evidence = {name: "baseline" if name.startswith("BASE") else "" for name in SYSTEMS}
    figure, title, description = draw_walk_forward(table, Cast("PTST", evidence, {"X": "unverified"}))
    sheet, above, _ = figure.axes
    assert [label.get_text() for label in above.get_xticklabels()] == ["2003", "2005", "2007"]
    names = {text.get_text() for text in sheet.texts if text.get_ha() == "right"}
    assert names == {*SYSTEMS, "X, unverified"} - {"X"}
    assert "3 blocks" in title and all(name in description for name in names)
    drawn = [line.get_ydata() for line in above.lines if len(line.get_ydata()) == 3]
    of_x = table[(table["experiment"] == "X") & (table["fold"] != POOLED)]["auc"].to_numpy()
    assert any(np.array_equal(line, of_x) for line in drawn)


def test_figure_over_time_without_a_scored_block_says_so():
    none = pd.DataFrame(columns=["fold", "experiment", "auc", "auc_low", "auc_high"])
    assert "No walk-forward block" in draw_walk_forward(none, Cast("", {}, {}))[1]


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
