"""The family of labels around the study's target."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import CONFIG, FOLDS, LABELS, UP, UP_5, dataset_and_origins, make_prices
from measure_labels import COLUMNS, baseline_scores, draw, family_table, label_name, read_baselines
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from fd01.data.indicators import INDICATORS
from fd01.data.origins import EVALUATION, sealed_days, splits
from fd01.data.targets import TARGETS
from fd01.data.touch import touch, touch_exponent
from fd01.evaluation.label_family import chance_half_width, family
from fd01.models.baselines import har_logit
from fd01.models.forecasts import LEVELS, quantile_frame
from fd01.report import figures as plots
from fd01.scoring.distributions import Forecaster
from fd01.workflow.errors import NotRun

ORIGINS = {"min_history": 80, "calibration_fraction": 0.15}
DATASET, TABLE = dataset_and_origins()
OPEN = np.zeros(len(DATASET), dtype=bool)  # no day is sealed
CLOSED = sealed_days(DATASET["Date"], [{"start": FOLDS["test"]["start"]}])

CAST = plots.Cast("PTST", {}, {})
LABELS_PER_HORIZON = sum(2 if target.takes_threshold else 1 for target in TARGETS.values())  # at two thresholds
PARAMS = {
    "folds": FOLDS,
    "labels": LABELS | {"horizons": [1, 5]},
    "origins": ORIGINS,
    "thresholds": [0.005, 0.01],
    "baselines": {
        name: CONFIG["experiments"][name]["settings"] for name in ("BASE-EWMA", "BASE-HAR", "BASE-boosting-a20")
    },
}


def table_of(sealed, *forecasters, dataset=DATASET, **changed):
    """The table of the family with `PARAMS`."""
    params = SimpleNamespace(**PARAMS | changed)
    prices = dataset.drop(columns=INDICATORS)
    return family_table(prices, read_baselines(dataset, params.baselines), sealed, forecasters, params)


def labels_of(sealed, thresholds=(0.005, 0.01, 0.02)):
    return {
        (label.target, label.threshold, label.horizon): label
        for label in family(DATASET, sealed, thresholds, FOLDS, LABELS, ORIGINS)
    }


def normal_forecasts(deviation, steps, name="return"):
    """Every day the same normal distribution of each of the next days' log returns."""
    rows = np.arange(len(DATASET))
    deciles = np.r_[0, deviation * norm.ppf(LEVELS)]
    return Forecaster("normal", name, quantile_frame(rows, np.tile(deciles, (len(rows), steps, 1))), None)


def test_family_has_the_outcomes_of_the_study_at_its_own_threshold():
    labels = family(DATASET, OPEN, [LABELS["threshold"]], FOLDS, LABELS, ORIGINS)
    seen = set()
    for label in labels:
        column = f"{label.target}_{label.horizon}"
        pd.testing.assert_series_equal(label.origins[column], TABLE[column])
        seen.add(column)
    assert seen == {name for name in TABLE if name[-1].isdigit()}


def test_outcomes_at_another_threshold_do_not_depend_on_the_thresholds_before_it():
    alone = {key: label.origins for key, label in labels_of(OPEN, [0.02]).items() if key[0] in ("up", "down")}
    together = labels_of(OPEN, [0.005, 0.01, 0.02])
    assert {key[:2] for key in alone} == {("up", 0.02), ("down", 0.02)}
    for key, origins in alone.items():
        pd.testing.assert_frame_equal(together[key].origins, origins)


def test_family_has_up_and_down_at_each_threshold_and_the_others_once():
    counts = pd.Series([target for target, _, _ in labels_of(OPEN)]).value_counts().to_dict()
    assert counts == {name: 4 * (3 if target.takes_threshold else 1) for name, target in TARGETS.items()}
    assert (counts["up"], counts["direction"]) == (12, 4)


def test_higher_thresholds_and_shorter_horizons_are_rarer_events():
    labels = labels_of(OPEN)

    def outcomes(*key):
        return dict(labels[key].outcomes(FOLDS["test"]["train_end"]))["test"]

    for target in ("up", "down"):
        small, large = (outcomes(target, c, 2) for c in (0.005, 0.02))
        assert (small >= large).all() and small.sum() > large.sum()
        longer = outcomes(target, 0.01, 5)
        assert (outcomes(target, 0.01, 1).loc[longer.index] <= longer).all()


def test_sealed_days_have_no_outcome_in_the_family():
    for label in labels_of(CLOSED).values():
        blocks = dict(label.outcomes(FOLDS["test"]["train_end"]))
        assert blocks["test"].empty
        # The last days of `validation` would tell of sealed outcomes, each horizon one day earlier.
        assert blocks["validation"].index.max() == CLOSED.argmax() - label.horizon
    table = table_of(CLOSED)
    hidden = table[table["fold"] == "test"]
    assert hidden["auc"].isna().all() and (hidden["n"] == 0).all()
    assert set(hidden["reason"]) == {"no outcome of this block is known yet"}
    assert table.loc[table["fold"] == "validation", "auc"].notna().all()


def test_prices_by_which_sealed_outcomes_come_about_change_nothing_in_the_family():
    other = DATASET.copy()
    other.loc[CLOSED.argmax() + 1 :, ["High", "Low", "Close"]] *= 1.5
    forecaster = normal_forecasts(0.01, 5)
    pd.testing.assert_frame_equal(table_of(CLOSED, forecaster, dataset=other), table_of(CLOSED, forecaster))
    assert not table_of(OPEN, forecaster, dataset=other).equals(table_of(OPEN, forecaster))


def test_baselines_are_fitted_to_each_label_on_days_known_by_the_train_end():
    label = labels_of(OPEN)["down", 0.005, 5]
    (split,) = splits(label.origins, **label.as_target)
    scores = baseline_scores(har_logit(DATASET), label, split)
    later = DATASET["Date"] > FOLDS["test"]["train_end"]
    other = DATASET.copy()
    other.loc[later, ["High", "Low", "Close"]] *= 1.7
    (changed,) = (
        found
        for found in family(other, OPEN, [0.005], FOLDS, LABELS, ORIGINS)
        if (found.target, found.horizon) == ("down", 5)
    )
    (again,) = splits(changed.origins, **label.as_target)
    pd.testing.assert_series_equal(split.targets, again.targets)
    assert scores.index.equals(pd.Index(split.evaluation)) and scores.between(0, 1).all()


def test_table_has_a_row_per_label_fold_and_cheap_experiment():
    table = table_of(OPEN, normal_forecasts(0.01, 5))
    assert list(table) == COLUMNS
    assert set(table["experiment"]) == {"BASE-EWMA", "BASE-HAR", "normal"}  # boosting is not cheap
    assert not table.duplicated(COLUMNS[:5]).any()
    assert (table.groupby(COLUMNS[:4], dropna=False)[["n", "positives"]].nunique() == 1).all(axis=None)
    assert len(table) == 3 * 2 * LABELS_PER_HORIZON * 2
    assert table.loc[table["experiment"] == "BASE-EWMA", "auc"].notna().all()
    row = table[(table["experiment"] == "BASE-EWMA") & (table["target"] == "down") & (table["horizon"] == 5)].iloc[0]
    block = TABLE[(TABLE["fold"] == row["fold"]) & (TABLE["role"] == EVALUATION)]
    y = (DATASET["Low"].rolling(5).min().shift(-5) <= DATASET["Close"] * (1 - row["threshold"]))[block["row"]]
    returns = np.log(DATASET["Close"]).diff()
    volatility = returns.pow(2).ewm(alpha=0.06, adjust=False).mean()[block["row"]]
    assert row["auc"] == pytest.approx(roc_auc_score(y[: row["n"]], volatility[: row["n"]]))


def test_forecast_over_days_is_for_their_sum_and_no_product_of_days():
    forecaster = normal_forecasts(0.008, 5)
    train = np.arange(80, 400)
    one, five = (forecaster.exceedance(target, train, DATASET, LABELS).iloc[0] for target in (UP, UP_5))
    k_1, k_5 = (touch_exponent(target, train, DATASET, LABELS)[0] for target in (UP, UP_5))
    limit = np.log1p(0.01)
    assert one == pytest.approx(touch(norm.sf(limit / 0.008), k_1), abs=1e-4)  # deciles are of simple returns
    assert five == pytest.approx(touch(norm.sf(limit / (0.008 * np.sqrt(5))), k_5), abs=1e-4)
    assert abs(five - (1 - (1 - one) ** 5)) > 0.02


def test_what_a_forecaster_cannot_say_is_left_empty_with_the_reason():
    high = normal_forecasts(0.01, 1, "high")
    table = table_of(OPEN, high).query("experiment == 'normal'").set_index(["target", "horizon"]).sort_index()
    assert table.loc[("down", 1), "auc"].isna().all()
    assert set(table.loc[("down", 1), "reason"]) == {"a forecast of the High says nothing of the target down"}
    assert set(table.loc[("up", 5), "reason"]) == {"a forecast of the High is one of the next day"}
    assert table.loc[("up", 1), "auc"].notna().all()
    with pytest.raises(NotRun, match="no weights"):
        Forecaster("absent", "close", high.frame, "no weights").exceedance(UP, np.arange(80, 400), DATASET, LABELS)


def test_forecast_that_misses_a_day_of_the_block_is_left_out():
    forecaster = normal_forecasts(0.01, 5)
    late = forecaster.frame[forecaster.frame["row"] > DATASET.index[DATASET["Date"] >= "2016-09-01"][0]]
    table = table_of(OPEN, Forecaster("late", "return", late, None)).query("experiment == 'late'")
    missing = table["reason"] == "some days of the block have no forecast"
    assert (missing == (table["fold"] == "validation")).all()


@pytest.mark.parametrize("seed", [1, 2])
def test_volatility_ranks_the_threshold_events_of_a_random_walk_and_not_its_direction(seed):
    folds = {"b": {"train_end": "2018-12-31", "start": "2019-01-01"}}
    dataset, _ = dataset_and_origins(make_prices(days=3000, seed=seed), folds)
    table = table_of(np.zeros(len(dataset), dtype=bool), dataset=dataset, folds=folds, thresholds=[0.01])
    table = table.query("horizon == 1 and experiment == 'BASE-EWMA'").set_index("target")
    assert (table.loc[["up", "down"], "auc"] > 0.6).all()
    assert abs(table.loc["direction", "auc"] - 0.5) < 1.5 * table.loc["direction", "chance"]


def test_chance_is_what_scores_without_knowledge_reach():
    rng = np.random.default_rng(0)
    y = pd.Series(rng.permutation(np.repeat([0.0, 1.0], [160, 40])))
    aucs = [roc_auc_score(y, rng.standard_normal(200)) for _ in range(400)]
    assert np.mean(np.abs(np.array(aucs) - 0.5) < chance_half_width(y, 1)) == pytest.approx(0.95, abs=0.025)
    assert np.isnan(chance_half_width(y, 5))


def test_figure_shows_every_label_and_says_when_there_is_none(tmp_path):
    table = table_of(OPEN, normal_forecasts(0.01, 1, "high"))
    drawn = draw(table[table["fold"] == "test"], CAST)
    sheet, *panels = drawn[0].axes
    for panel in panels:
        shown = [text.get_text() for text in panel.texts if text.get_rotation() == 90]
        assert len(shown) == LABELS_PER_HORIZON and shown[0] == label_name("up", 0.005) == "up 0.5 %"
        assert "direction" in shown
    words = [text.get_text() for text in sheet.texts]
    assert {"1 day ahead", "5 days ahead"} <= set(words)
    assert {"BASE-EWMA", "BASE-HAR", "normal"} <= set(words)
    plots.save_figure(*drawn, table, tmp_path / "labels")
    assert "<image" not in (tmp_path / "labels.svg").read_text()  # the report holds no link, not even to itself
    assert "No label" in draw(table.assign(auc=np.nan), CAST)[1]


def test_labels_of_several_series_are_ranked_within_each():
    raw = {name: make_prices(seed=seed, days=days) for name, seed, days in (("A", 1, 600), ("B", 2, 560))}
    raw["B"][["Open", "High", "Low", "Close"]] *= 7.0
    both = pd.concat([frame.assign(series=name) for name, frame in raw.items()], ignore_index=True)
    dataset, origins = dataset_and_origins(both)
    few = {"thresholds": [0.01], "labels": LABELS | {"horizons": [1]}}
    table = table_of(np.zeros(len(dataset), bool), dataset=dataset, **few).set_index(["experiment", "target", "fold"])
    row = table.loc[("BASE-EWMA", "up", "test")]
    block = origins[(origins["fold"] == "test") & (origins["role"] == EVALUATION)].dropna(subset="up_1")
    assert row["n"] == len(block) and block["series"].nunique() == 2
    scores = pd.concat(
        [
            np.log(part["Close"]).diff().pow(2).ewm(alpha=0.06, adjust=False).mean()
            for _, part in dataset.groupby("series", observed=True)
        ]
    )[block["row"]]
    parts = [(block["series"] == name).to_numpy() for name in "AB"]
    y = block["up_1"].to_numpy()
    aucs = [roc_auc_score(y[part], scores[part]) for part in parts]
    pairs = [y[part].sum() * (1 - y[part]).sum() for part in parts]
    assert row["auc"] == pytest.approx(np.average(aucs, weights=pairs))
    assert np.isnan(row["chance"])  # of one series it is known
    names = {"A": "Z", "B": "C"}
    dataset, _ = dataset_and_origins(both.assign(series=both["series"].map(names)))
    other = table_of(np.zeros(len(dataset), bool), dataset=dataset, **few).set_index(["experiment", "target", "fold"])
    assert other["auc"].tolist() == pytest.approx(table["auc"].tolist(), nan_ok=True)
