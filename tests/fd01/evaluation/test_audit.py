"""The leakage audit: what looks ahead is found, what does not passes."""

import dataclasses
from functools import partial

import numpy as np
import pandas as pd
import pytest
import talib
from audit import as_text, failed_checks
from audit_predictions import audit_experiments
from helpers.made_up_data import (
    FOLDS,
    LABELS,
    UP,
    UP_5,
    dataset_and_origins,
    make_prices,
    make_two_series,
    through_csv,
)
from run_baseline import score_all
from scramble_prices import scramble_all
from threadpoolctl import threadpool_limits

import fd01.evaluation.audit
from fd01.data.dates import with_date_column
from fd01.data.features import ewma_variance, har
from fd01.data.indicators import INDICATORS, a20
from fd01.data.inputs import windows
from fd01.data.origins import build_origins, splits
from fd01.data.price_checks import OHLC, OHLCV
from fd01.data.price_files import series_of_table
from fd01.data.prices import build_dataset
from fd01.data.targets import target_values
from fd01.evaluation.audit import (
    audit_features,
    audit_folds,
    audit_targets,
    choose_cut,
    compare_tables,
    fingerprint,
    made_elsewhere,
    outdated,
    scramble,
)
from fd01.models.baselines import METHODS, Method
from fd01.models.covariates import in_context_ridge, known_before
from fd01.models.heads import fit_logistic
from fd01.scoring.predictions import concat_scores, write_folds

RAW = with_date_column(make_prices())
CUT = choose_cut(dataset_and_origins()[1])


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with threadpool_limits(1):
        yield


def both_studies(raw=RAW):
    """The study and the one on scrambled prices."""
    return dataset_and_origins(raw), dataset_and_origins(scramble(raw, CUT))


STUDIES = both_studies()


def audited(tmp_path, settings, studies=STUDIES, optimistic=False, folds=FOLDS):
    """The audit's row of a baseline with these settings."""
    about = {"optimistic": optimistic}
    for name, (dataset, origins) in zip(("before", "after"), studies):
        frames, not_run = score_all(dataset, origins, settings, [UP, UP_5], LABELS)
        write_folds(tmp_path / name / "EXP", frames, origins, about, not_run)
    (row,) = audit_experiments([tmp_path / "before" / "EXP"], [tmp_path / "after" / "EXP"], folds, CUT)
    return row


@pytest.mark.parametrize("method", ["prevalence", "har", "last-return", "gjr-garch-t"])
def test_honest_baseline_passes(tmp_path, method):
    row = audited(tmp_path, {"method": method})
    assert row["ok"] is True, row
    # Both folds share their training and its calibration tail; five days of the first are before the cut.
    calibration = (STUDIES[0][1]["role"] == "calibration").sum()
    days = calibration * 2 + 2 * 5
    kinds = 2 if method == "gjr-garch-t" else 1  # before and after the touch correction
    assert kinds * (days - 2 * 8) <= row["compared"] <= kinds * days


def planted(score):
    """A method of a function that computes everything anew for each fit."""
    return lambda dataset: partial(score, dataset)


def tomorrow(dataset, split, train, rows, target, labels):
    return dataset["Close"].pct_change().shift(-1).to_numpy()[rows]


def tomorrows_range(dataset, split, train, rows, target, labels):
    return np.log(dataset["High"] / dataset["Low"]).shift(-1).to_numpy()[rows]


def scaled_over_everything(dataset, split, train, rows, target, labels):
    volume = dataset["Volume"]
    return ((volume - volume.mean()) / volume.std()).to_numpy()[rows]


def trained(choose):
    """A HAR regression on the rows that `choose` gives, with targets computed from all prices."""

    def score(dataset, split, train, rows, target, labels):
        every = target_values(dataset, labels["horizons"], labels["threshold"], labels["scaled"])
        leaking = dataclasses.replace(split, targets=every[f"{target['target']}_{target['horizon']}"])
        return fit_logistic(har(dataset).to_numpy(), leaking, choose(train, split), rows, C=np.inf)

    return score


def one_regression_for_all(dataset, split, train, rows, target, labels):
    """Covariates by a single regression over the whole batch of windows."""
    series, known = dataset["Close"].to_numpy(), known_before(dataset, ["rsi_daily"])
    batch = windows(series, rows, 32, 1), windows(known, rows + 1, 33, 1)
    y, x = np.concatenate(batch[0]), np.concatenate([window[:-1] for window in batch[1]])
    slope = np.polyfit(x[:, 0], y, 1)[0]
    return np.array([slope * window[-1, 0] for window in batch[1]])


def regression_for_each(dataset, split, train, rows, target, labels):
    series, known = dataset["Close"].to_numpy(), known_before(dataset, ["rsi_daily"])
    pairs = zip(windows(series, rows, 32, 1), windows(known, rows + 1, 33, 1))
    return np.array([in_context_ridge(window, x, 10)[1] for window, x in pairs])


LEAKS = {
    "tomorrow's close": tomorrow,
    "tomorrow's range": tomorrows_range,
    "scaled with the whole series": scaled_over_everything,
    "trained past the train end": trained(lambda train, split: np.r_[train, split.evaluation[:40]]),
    "a few labels of the block": trained(lambda train, split: np.r_[train, split.evaluation[4:9]]),
    "one regression over the batch": one_regression_for_all,
}
HONEST = {
    "trained up to the train end": trained(lambda train, split: train),
    "one regression per window": regression_for_each,
}


@pytest.mark.parametrize("leak", LEAKS)
def test_planted_leak_is_found(tmp_path, monkeypatch, leak):
    monkeypatch.setitem(METHODS, "planted", Method(planted(LEAKS[leak]), "signal"))
    row = audited(tmp_path, {"method": "planted"})
    assert (row["check"], row["ok"]) == ("EXP", False)
    assert pd.Timestamp(row["first_difference"]) <= CUT and "rows differ, by up to" in row["detail"]


@pytest.mark.parametrize("code", HONEST)
def test_the_same_without_the_leak_passes(tmp_path, monkeypatch, code):
    monkeypatch.setitem(METHODS, "planted", Method(planted(HONEST[code]), "signal"))
    assert audited(tmp_path, {"method": "planted"})["ok"] is True


def centred(prices):
    return a20(prices).assign(sma_12=prices["Close"].rolling(12, center=True, min_periods=1).mean())


def unshifted(prices):
    close = prices["Close"].astype(float)
    weekly = close.resample("W-MON", label="left", closed="left").last().dropna()
    return a20(prices).assign(rsi_weekly=talib.RSI(weekly, 14).reindex(close.index).ffill())


def features(studies):
    (dataset, _), (other, _) = studies
    return {row["check"]: row for row in audit_features(dataset, other, LABELS, CUT)}


@pytest.mark.parametrize("indicators", [centred, unshifted])
def test_indicator_that_looks_ahead_is_found(tmp_path, monkeypatch, indicators):
    monkeypatch.setattr("fd01.data.prices.a20", indicators)
    studies = both_studies()
    rows = features(studies)
    assert {name for name, row in rows.items() if not row["ok"]} == {"indicators", "feature: scale-free indicators"}
    assert audited(tmp_path, {"method": "logistic", "C": 0.1}, studies)["ok"] is False


def test_feature_that_looks_ahead_is_found(monkeypatch):
    monkeypatch.setitem(fd01.evaluation.audit.FEATURES, "HAR", lambda data: har(data) - har(data).mean())
    assert {name for name, row in features(STUDIES).items() if not row["ok"]} == {"feature: HAR"}


def test_honest_features_and_targets_pass():
    rows = features(STUDIES)
    assert all(row["ok"] for row in rows.values()) and all(row["compared"] for row in rows.values())
    (_, origins), (_, other) = STUDIES
    assert all(row["ok"] for row in audit_targets(origins, other, LABELS, CUT))


def test_prices_that_are_not_scrambled_do_not_pass():
    assert features([STUDIES[0], STUDIES[0]])["the prices are scrambled"]["ok"] is False


def test_target_that_reaches_beyond_its_horizon_is_found():
    (dataset, origins), (other, scrambled) = STUDIES
    column = "direction_1"
    for data, table in ((dataset, origins := origins.copy()), (other, scrambled := scrambled.copy())):
        longer = data["Close"].shift(-3) > data["Close"]
        table[column] = longer.astype(float).to_numpy()[table["row"]]
    found = {row["check"] for row in audit_targets(origins, scrambled, LABELS, CUT) if not row["ok"]}
    assert found == {"targets, h = 1"}


def folds_of(origins, folds=FOLDS, labels=LABELS, dataset=STUDIES[0][0]):
    rows = audit_folds(origins, dataset, folds, labels, 80, 0.15, [UP, UP_5])
    return {row["check"]: row for row in rows}


def test_honest_folds_pass():
    rows = folds_of(STUDIES[0][1])
    assert [row["ok"] for row in rows.values()] == [True, True], rows


def moved(role, day, /, **values):
    """Change the `day`th origin of this role in the fold `validation`."""

    def change(origins):
        row = origins.index[(origins["fold"] == "validation") & (origins["role"] == role)][day]
        return origins.assign(
            **{name: origins[name].mask(origins.index == row, value) for name, value in values.items()}
        )

    return change


def dropped(role, day):
    def change(origins):
        row = origins.index[(origins["fold"] == "validation") & (origins["role"] == role)][day]
        return origins.drop(row)

    return change


def training_day_in_the_block(origins):
    row = origins[(origins["fold"] == "validation") & (origins["role"] == "evaluation")].iloc[[3]]
    return pd.concat([origins, row.assign(role="train")], ignore_index=True)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (moved("calibration", -2, up_5=1.0), "1 training targets up_5 known too late, or missing"),
        (moved("train", 7, up_1=np.nan), "1 training targets up_1 known too late, or missing"),
        (moved("calibration", 0, role="train"), "1 calibration days that are not the tail"),
        (dropped("evaluation", 5), "1 evaluation days that differ from the block"),
        (dropped("train", 5), "1 training days that differ from the period"),
        (training_day_in_the_block, "1 training days in the block or after it"),
        (moved("evaluation", 5, row=100), "1 rows with another date than in the dataset"),
    ],
)
def test_wrong_fold_is_found(change, problem):
    rows = folds_of(change(STUDIES[0][1]))
    assert rows["fold validation"]["ok"] is False and problem in rows["fold validation"]["detail"]
    assert rows["fold test"]["ok"] is True


def test_fit_that_is_not_purged_is_found(monkeypatch):
    def unpurged(origins, target, horizon):
        for split in splits(origins, target, horizon):
            before = split.training[split.training < split.calibration.min()]
            yield dataclasses.replace(split, inner=before)

    monkeypatch.setattr("fd01.evaluation.audit.splits", unpurged)
    for row in folds_of(STUDIES[0][1]).values():
        assert row["ok"] is False
        assert row["detail"] == (
            "1 fits of up_1 on targets of the calibration tail; 5 fits of up_5 on targets of the calibration tail"
        )


def test_fold_that_is_trained_after_the_cut_is_not_compared(tmp_path):
    later = FOLDS | {"test": FOLDS["test"] | {"train_end": "2016-12-01"}}
    studies = dataset_and_origins(folds=later), dataset_and_origins(scramble(RAW, CUT), folds=later)
    row = audited(tmp_path, {"method": "har"}, studies, folds=later)
    assert row["ok"] is True
    assert row["detail"].endswith("not comparable, trained on rows after it: test")


def test_experiment_that_looks_ahead_by_design_neither_passes_nor_fails(tmp_path, monkeypatch):
    monkeypatch.setitem(METHODS, "planted", Method(planted(tomorrow), "signal"))
    row = audited(tmp_path, {"method": "planted"}, optimistic=True)
    assert row["ok"] is None and "rows differ" in row["detail"] and "by design" in row["detail"]


def test_experiment_that_did_not_run_neither_passes_nor_fails(tmp_path):
    quiet = [dataset_and_origins(raw, labels=LABELS | {"threshold": 0.9}) for raw in (RAW, scramble(RAW, CUT))]
    row = audited(tmp_path, {"method": "har"}, quiet)
    assert (row["ok"], row["compared"]) == (None, 0) and row["detail"].startswith("not run: ")


def test_experiment_without_scores_and_without_a_reason_fails(tmp_path):
    for name, (_, origins) in zip(("before", "after"), STUDIES):
        nothing = dict.fromkeys(origins["train_end"], concat_scores([]))
        write_folds(tmp_path / name / "EXP", nothing, origins, {"optimistic": False})
    (row,) = audit_experiments([tmp_path / "before" / "EXP"], [tmp_path / "after" / "EXP"], FOLDS, CUT)
    assert (row["ok"], row["compared"]) == (False, 0)


def test_experiment_that_ran_on_one_side_alone_fails(tmp_path):
    quiet = dataset_and_origins(scramble(RAW, CUT), labels=LABELS | {"threshold": 0.9})
    row = audited(tmp_path, {"method": "har"}, (STUDIES[0], quiet))
    assert row["ok"] is False and "rows differ" in row["detail"]


def three_series():
    """A; B, which begins ten days later; and C, which begins after the cut, so that no fold has it."""
    raw = make_two_series(days=800, shorter=10)
    last = raw.iloc[450:800].assign(series="C")
    return pd.concat([raw, last], ignore_index=True)


@pytest.fixture(scope="module")
def three():
    """The study of three series and the one on scrambled prices."""
    scrambled = scramble_all(series_of_table(three_series(), "prices"), CUT, adjust=False)
    return dataset_and_origins(three_series()), dataset_and_origins(scrambled)


def test_every_series_is_scrambled_after_the_cut(three):
    (dataset, origins), (other, scrambled) = three
    assert choose_cut(origins) == CUT
    pd.testing.assert_frame_equal(dataset[["series", "Date"]], other[["series", "Date"]])
    rows = features(three)
    assert all(row["ok"] and row["compared"] for row in rows.values()), rows
    assert all(row["ok"] for row in audit_targets(origins, scrambled, LABELS, CUT))
    for _, days in dataset.groupby("series", observed=True):
        later = days.index[days["Date"] > CUT]
        assert (dataset.loc[later, OHLC] != other.loc[later, OHLC]).all(axis=None)
    one_left = other.assign(**{name: other[name].where(other["series"] != "C", dataset[name]) for name in OHLCV})
    assert features([three[0], (one_left, scrambled)])["the prices are scrambled"]["ok"] is False


def test_honest_baseline_of_several_series_passes(tmp_path, three):
    assert audited(tmp_path, {"method": "har"}, three)["ok"] is True


def test_feature_that_uses_the_series_before_is_found(monkeypatch, three):
    monkeypatch.setitem(fd01.evaluation.audit.FEATURES, "HAR", har.__wrapped__)
    rows, (dataset, _) = features(three), three[0]
    assert {name for name, row in rows.items() if not row["ok"]} == {"feature: HAR"}
    first = dataset.loc[dataset["series"] == "B", "Date"].iloc[0]
    assert rows["feature: HAR"]["first_difference"] == f"{first:%Y-%m-%d}"
    assert rows["feature: HAR"]["detail"].endswith(", in B")


def test_score_that_uses_the_series_before_is_found(tmp_path, monkeypatch, three):
    def variance_of_the_table(dataset, split, train, rows, target, labels):
        return ewma_variance.__wrapped__(dataset, 0.94).to_numpy()[rows]

    monkeypatch.setitem(METHODS, "planted", Method(planted(variance_of_the_table), "signal"))
    row = audited(tmp_path, {"method": "planted"}, three)
    assert row["ok"] is False and ", in B up to" in row["detail"]


def own_tails(origins):
    """Every series has a calibration tail of its own: the last 15 % of its training days."""
    period = origins[origins["role"] != "evaluation"]
    place = period.groupby(["fold", "series"], observed=True).cumcount(ascending=False)
    size = period.groupby(["fold", "series"], observed=True)["row"].transform("size")
    roles = np.where(place < (0.15 * size).round(), "calibration", "train")
    return origins.assign(role=origins["role"].where(origins["role"] == "evaluation", pd.Series(roles, period.index)))


def without_a_series(origins):
    return origins[origins["series"] != "B"]


def under_another_name(origins):
    return origins.assign(series=origins["series"].cat.rename_categories({"A": "B", "B": "A"}))


def known_from_the_next_series(origins):
    """The last training day of A has a target."""
    rows = (origins["fold"] == "validation") & (origins["role"] == "calibration") & (origins["series"] == "A")
    row = origins.index[rows][-1]
    return origins.assign(up_5=origins["up_5"].mask(origins.index == row, 1.0))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (own_tails, "calibration days that are not the tail"),
        (without_a_series, "training days that differ from the period"),
        (under_another_name, "rows with another date than in the dataset"),
        (known_from_the_next_series, "1 training targets up_5 known too late, or missing"),
    ],
)
def test_wrong_fold_of_several_series_is_found(three, change, problem):
    (dataset, origins), _ = three
    assert set(origins["series"]) == {"A", "B"}
    honest = folds_of(origins, dataset=dataset)
    assert [row["ok"] for row in honest.values()] == [True, True], honest
    row = folds_of(change(origins), dataset=dataset)["fold validation"]
    assert row["ok"] is False and problem in row["detail"]


def test_series_that_pauses_from_the_tail_on_is_not_fitted_to_a_day_of_it():
    dataset, origins = dataset_and_origins(make_two_series(shorter=10))
    start = origins.loc[origins["role"] == "calibration", "origin"].min()
    end = FOLDS["validation"]["train_end"]
    pauses = (dataset["series"] == "B") & (dataset["Date"] > start) & (dataset["Date"] <= end)
    dataset = dataset[~pauses].reset_index(drop=True)
    origins = build_origins(dataset, FOLDS, LABELS, min_history=80, calibration_fraction=0.15)
    assert set(origins.loc[origins["role"] == "calibration", "series"]) == {"A"}
    assert set(origins.loc[origins["role"] == "train", "series"]) == {"A", "B"}
    rows = folds_of(origins, dataset=dataset)
    assert [row["ok"] for row in rows.values()] == [True, True], rows


def table(values, days=("2020-01-01", "2020-01-02", "2020-01-03")):
    return pd.DataFrame({"day": pd.to_datetime(list(days)[: len(values)]), "value": values})


def test_comparison_is_bit_for_bit():
    values = [0.1, np.nan, 0.3]
    assert compare_tables("x", table(values), table(values), ["day"], "day")["ok"] is True
    row = compare_tables("x", table(values), table([0.1, np.nan, np.nextafter(0.3, 1)]), ["day"], "day")
    assert (row["ok"], row["first_difference"], row["compared"]) == (False, "2020-01-03", 2)
    assert (
        compare_tables("x", table(values), table([0.1, 0.2, 0.3]), ["day"], "day")["first_difference"] == "2020-01-02"
    )
    assert compare_tables("x", table(values), table(values[:2]), ["day"], "day")["first_difference"] == "2020-01-03"


def test_comparison_of_nothing_does_not_pass():
    for values in ([], [np.nan, np.nan]):
        row = compare_tables("x", table(values), table(values), ["day"], "day")
        assert (row["ok"], row["compared"]) == (False, 0)


def test_cut_has_five_evaluation_days_and_lies_within_a_week():
    origins = STUDIES[0][1]
    days = origins.loc[origins["role"] == "evaluation", "origin"].sort_values()
    assert (days <= CUT).sum() >= 5
    for start in pd.date_range("2016-08-11", periods=7):
        folds = {"a": FOLDS["validation"] | {"start": f"{start:%Y-%m-%d}"}}
        cut = choose_cut(dataset_and_origins(folds=folds)[1])
        assert cut.dayofweek < 4
        assert 5 <= len(pd.bdate_range(start, cut)) <= 6


def test_scrambled_prices_are_valid_others_after_the_cut():
    other = scramble(RAW, CUT)
    later = RAW["Date"] > CUT
    pd.testing.assert_frame_equal(other[~later], RAW[~later])
    pd.testing.assert_series_equal(other["Date"], RAW["Date"])
    assert (other.loc[later, OHLC] != RAW.loc[later, OHLC]).all(axis=None)
    build_dataset(other)
    pd.testing.assert_frame_equal(scramble(RAW, CUT), other)


def test_first_scrambled_day_goes_the_other_way():
    for row in range(300, 600, 7):
        cut = RAW["Date"].iloc[row]
        returns = [np.log(data["Close"]).diff().iloc[row + 1] for data in (RAW, scramble(RAW, cut)) if row + 1 < 600]
        assert len(returns) < 2 or returns[0] * returns[1] < 1e-5


def test_indicators_of_the_source_are_scrambled_too():
    dataset = STUDIES[0][0]
    other = scramble(dataset, CUT)
    later = dataset["Date"] > CUT
    assert (other.loc[later, INDICATORS] != dataset.loc[later, INDICATORS]).mean(axis=None) > 0.9
    pd.testing.assert_frame_equal(build_dataset(other)[~later], dataset[~later])


def test_dates_in_the_index_are_understood():
    indexed = RAW.set_index("Date").tz_localize("America/New_York")
    pd.testing.assert_frame_equal(scramble(indexed, CUT)[["Date", *OHLCV]], scramble(RAW, CUT))


def test_audit_of_other_predictions_is_outdated(tmp_path):
    rows = []
    for name in ("A", "B"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "test.parquet").write_bytes(b"scores")
        rows.append({"check": name, "predictions": fingerprint(tmp_path / name)})
    audit = through_csv(pd.DataFrame([*rows, {"check": "prices"}]))
    paths = [tmp_path / "A", tmp_path / "B"]
    assert outdated(audit, paths) == []
    assert outdated(audit, paths[:1]) == ["B"]
    assert outdated(audit.iloc[1:], paths) == ["A"]
    (tmp_path / "B" / "test.parquet").write_bytes(b"others")
    assert outdated(audit, paths) == ["B"]


def test_forecasts_made_elsewhere_are_not_audited_and_not_outdated(tmp_path):
    (tmp_path / "EXT").mkdir()
    (tmp_path / "EXT" / "test.parquet").write_bytes(b"scores")
    row = made_elsewhere(tmp_path / "EXT")
    assert (row["check"], row["ok"], row["compared"]) == ("EXT", None, 0)
    assert row["detail"].startswith("not audited: made elsewhere")
    table = through_csv(pd.DataFrame([row]))
    assert outdated(table, [tmp_path / "EXT"]) == []
    (tmp_path / "EXT" / "test.parquet").write_bytes(b"others")
    assert outdated(table, [tmp_path / "EXT"]) == ["EXT"]


def test_table_names_what_failed():
    rows = [
        {"check": "A", "compared": 10, "first_difference": None, "ok": True, "detail": "the same"},
        {"check": "B", "compared": 10, "first_difference": "2020-01-02", "ok": False, "detail": "1 row differs"},
        {"check": "C", "compared": 0, "first_difference": None, "ok": None, "detail": "not run: x"},
    ]
    for selected in (rows, rows[:2]):
        found = through_csv(pd.DataFrame(selected))
        assert failed_checks(found) == ["B"]
        lines = as_text(found).splitlines()
        assert lines[1] == "LEAK  B        10  1 row differs (first on 2020-01-02)"
    assert failed_checks(through_csv(pd.DataFrame(rows[:1]))) == []
