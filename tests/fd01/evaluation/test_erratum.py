"""The study's published figures for Lag-Llama and TimesFM, without any model."""

import re

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import CONFIG, LABELS, UP, make_prices
from recompute_published import make_erratum
from score_external import score_file

from fd01.data.origins import build_origins, sealed_days
from fd01.evaluation import erratum
from fd01.evaluation.erratum import START, WINDOW, interquartile_range, lower_median, recompute, scaler_figures
from fd01.evaluation.metrics_table import measure_experiment
from fd01.workflow.errors import NotRun
from fd01.workflow.parquet import read_frame, write_table


@pytest.fixture(scope="module")
def spy(spy_parquet):
    return read_frame(spy_parquet)


@pytest.fixture(scope="module")
def prices():
    """Made-up prices from 2018 to August 2026."""
    return make_prices(2260, start="2018-01-02")


def is_open(prices):
    """No day is sealed."""
    return np.zeros(len(prices), dtype=bool)


def auc(positive, score):
    """Share of pairs in the right order, ties half: the definition."""
    score = np.asarray(score)
    first, second = score[positive][:, None], score[~positive][None]
    return ((first > second) + 0.5 * (first == second)).mean()


def test_published_figures_of_lag_llama_come_from_its_scaler(spy):
    found = recompute(spy, is_open(spy), None)["lag_llama"]
    assert (found["reason"], found["n"], found["positives"]) == (None, 502, 102)
    returns, close, right = found["lines"]
    assert returns["auc"] == pytest.approx(0.39372549019607844, abs=1e-8)
    assert close["auc"] == pytest.approx(0.43352941176470583, abs=1e-8)
    for line in (returns, close):
        assert line["auc"] == pytest.approx(line["published"], abs=1e-8)
    assert right["published"] is None


def test_published_figures_of_timesfm_are_a_day_off(spy, study_predictions):
    validation, test = recompute(spy, is_open(spy), study_predictions)["timesfm"]
    assert (validation["block"], test["block"]) == ("val", "test")
    assert (validation["n"], test["n"]) == (502, 260)
    for line, published, realigned in ((validation, 0.3640, 0.3189), (test, 0.2759, 0.2214)):
        assert line["reason"] is None
        assert line["auc"] == pytest.approx(line["published"], abs=1e-8)
        assert line["auc"] == pytest.approx(published, abs=5e-5)
        assert line["realigned"] == pytest.approx(realigned, abs=5e-5)


def test_scaler_figures_equal_a_loop_over_the_days(prices):
    found = scaler_figures(prices, is_open(prices))
    dates, high, close = prices["Date"], prices["High"].to_numpy(), prices["Close"].to_numpy()
    events, rows = [], []
    for t in range(len(prices)):
        if not pd.Timestamp("2023-01-01") <= dates[t] <= pd.Timestamp("2024-12-31"):
            continue
        window = close[t - 1151 : t]  # up to the day before
        events.append(high[t] >= 1.01 * window[-1])
        row = []
        for values in (window[1:] / window[:-1] - 1, window[1:]):
            assert len(values) == 1150
            row += [np.sort(values)[574], np.subtract(*np.quantile(values, [0.75, 0.25]))]
        rows.append(row)
    events, (median, spread, level, width) = np.array(events), np.array(rows).T
    assert (found["n"], found["positives"]) == (len(events), events.sum())
    expected = [auc(events, score) for score in (median, (level - 0.01) / width, (median - 0.01) / spread)]
    np.testing.assert_allclose([line["auc"] for line in found["lines"]], expected, atol=1e-12)
    assert len(set(expected)) == 3


def test_scaler_of_a_window_equals_torch():
    torch = pytest.importorskip("torch")
    values = pd.Series(np.random.default_rng(0).standard_normal(WINDOW + 3))
    window = torch.from_numpy(values.to_numpy()[-WINDOW:])
    assert lower_median(values).iloc[-1] == torch.median(window).item()
    quartiles = torch.quantile(window, torch.tensor([0.25, 0.75], dtype=window.dtype))
    assert interquartile_range(values).iloc[-1] == pytest.approx(quartiles.diff().item())


def test_figures_know_no_later_day(prices):
    later = prices.copy()
    after = later["Date"] > "2024-12-31"
    assert after.sum() > 100
    columns = ["High", "Close"]
    later.loc[after, columns] = make_prices(2260, seed=1).loc[after, columns]
    assert scaler_figures(later, is_open(later)) == scaler_figures(prices, is_open(prices))
    later.loc[np.flatnonzero(~after)[-20:], "High"] *= 2
    assert scaler_figures(later, is_open(later)) != scaler_figures(prices, is_open(prices))


def test_prices_that_do_not_cover_the_block_are_not_run(prices):
    first = int((prices["Date"] < START).sum())
    last = int((prices["Date"] <= "2024-12-31").sum())
    just = prices.iloc[first - WINDOW - 1 : last].reset_index(drop=True)
    assert scaler_figures(just, is_open(just)) == scaler_figures(prices, is_open(prices))
    for short in (just.iloc[1:], just.iloc[:-1], just.iloc[:first], just.iloc[-100:]):
        with pytest.raises(NotRun, match="1150 days before 2023-01-01 and up to 2024-12-31"):
            scaler_figures(short.reset_index(drop=True), is_open(short))


def test_other_prices_have_no_figures_of_lag_llama(prices, monkeypatch):
    found = recompute(prices, is_open(prices), None)["lag_llama"]
    figures = scaler_figures(prices, is_open(prices))
    n, positives = figures["n"], figures["positives"]
    assert found == {
        "reason": f"these prices give {n} days and {positives} events from 2023-01-01 to 2024-12-31, the original "
        "study had 502 and 102: they are other prices"
    }
    monkeypatch.setattr(erratum, "DAYS", n)
    assert recompute(prices, is_open(prices), None)["lag_llama"].keys() == {"reason"}
    monkeypatch.setattr(erratum, "EVENTS", positives)
    assert recompute(prices, is_open(prices), None)["lag_llama"] == {"reason": None} | figures


@pytest.fixture
def stored(prices, tmp_path):
    """A file as the original study's, with forecasts that know the next day, and its content."""
    up = prices["High"].shift(-1) >= 1.01 * prices["Close"]
    content, rng = {}, np.random.default_rng(0)
    for name, (start, end) in {"val": ("2023-01-01", "2024-12-31"), "test": ("2025-01-01", "2026-01-15")}.items():
        rows = np.flatnonzero(prices["Date"].between(start, end))
        content[f"{name}_labels"] = up[rows].to_numpy(float)
        content[f"{name}_predictions"] = up[rows - 1].to_numpy() + rng.random(len(rows))  # outcomes of the day before
    path = tmp_path / "predictions.npz"
    np.savez(path, **content)
    return path, content


def timesfm(prices, path, sealed=None):
    """The erratum's blocks of TimesFM."""
    return recompute(prices, is_open(prices) if sealed is None else sealed, path)["timesfm"]


def test_stored_forecasts_are_judged_on_their_days_and_moved_by_one(stored, prices):
    path, content = stored
    for line in timesfm(prices, path):
        labels, forecasts = (content[f"{line['block']}_{what}"] for what in ("labels", "predictions"))
        assert (line["reason"], line["n"]) == (None, len(labels))
        assert line["auc"] == pytest.approx(auc(labels == 1, forecasts))
        assert line["realigned"] == 1  # they tell the outcomes of the day before apart
        assert line["auc"] < 0.7


def test_prices_after_the_stored_days_change_nothing(stored, prices):
    path, content = stored
    last = int((prices["Date"] <= "2026-01-15").sum())
    expected = timesfm(prices.iloc[: last + 1], path)  # the file that the original study had: one day more
    assert [line["n"] for line in expected] == [len(content["val_labels"]), len(content["test_labels"])]
    for days in (last + 2, len(prices)):
        assert timesfm(prices.iloc[:days], path) == expected
    validation, test = timesfm(prices.iloc[:last], path)
    assert validation == expected[0]
    assert "have 271 days with a known outcome from 2025-01-01 to 2026-01-15, and" in test["reason"]
    assert "272 labels" in test["reason"]


def test_part_without_prices_is_not_run_and_the_others_are(stored, prices):
    path, _ = stored
    expected = timesfm(prices, path)
    late = prices[prices["Date"] >= "2024-12-31"].reset_index(drop=True)
    validation, test = timesfm(late, path)
    assert validation["reason"] == "it needs prices from the day before 2023-01-01 on"
    assert test == expected[1]
    first = prices[prices["Date"] >= START].reset_index(drop=True)  # no day before the first forecast
    assert timesfm(first, path) == [
        {"block": "val", "reason": "it needs prices from the day before 2023-01-01 on"},
        expected[1],
    ]
    assert timesfm(prices[prices["Date"] < "2022-01-01"], path) == [
        {"block": block, "reason": f"it needs prices from the day before {start} on"}
        for block, start in (("val", START), ("test", "2025-01-01"))
    ]


def damaged(stored, **changed):
    path, content = stored
    np.savez(path, **{name: value for name, value in (content | changed).items() if value is not None})
    return path


@pytest.mark.parametrize(
    ("what", "damage", "reason"),
    [
        ("labels", lambda old: None, "has no 'test_labels.*not the original study's file"),
        ("predictions", lambda old: None, "has no 'test_predictions.*not the original study's file"),
        ("labels", lambda old: old[:-1], "272 days with a known outcome .* has 271 labels and 272 forecasts"),
        ("predictions", lambda old: old[:, None], "272 days with a known outcome"),
        ("labels", lambda old: np.r_[1 - old[0], old[1:]], "are not the outcomes of these prices"),
        ("predictions", lambda old: old * np.nan, "not finite"),
        ("predictions", lambda old: np.full(len(old), "a"), "not an npz file of numbers"),
        ("predictions", lambda old: np.full(len(old), None, dtype=object), "not an npz file of numbers"),
    ],
)
def test_bad_block_is_not_run_and_the_other_is(stored, prices, what, damage, reason):
    expected = timesfm(prices, stored[0])
    name = f"test_{what}"
    path = damaged(stored, **{name: damage(stored[1][name])})
    validation, test = timesfm(prices, path)
    assert validation == expected[0]
    assert test.keys() == {"block", "reason"} and re.search(reason, test["reason"])


@pytest.mark.parametrize("content", [b"", b"something else", b"PK\x03\x04 and no more"])
def test_file_that_is_no_archive_of_arrays_is_not_run(prices, tmp_path, content):
    path = tmp_path / "predictions.npz"
    path.write_bytes(content)
    assert [line["block"] for line in timesfm(prices, path)] == ["val", "test"]
    assert all("not the original study's file" in line["reason"] for line in timesfm(prices, path))


def test_single_array_is_not_run(prices, tmp_path):
    path = tmp_path / "predictions.npy"
    np.save(path, np.zeros(3))
    assert all("not an npz file" in line["reason"] for line in timesfm(prices, path))


def test_block_with_a_sealed_day_is_not_run_and_says_nothing_of_it(stored, prices):
    path, _ = stored
    expected = timesfm(prices, path)
    sealed = sealed_days(prices["Date"], [{"start": "2025-01-01"}])
    assert timesfm(prices, path, sealed) == [
        expected[0],
        {"block": "test", "reason": "the outcomes of 272 of its 273 days are sealed"},
    ]
    # The forecast of 2025-01-01 was made on the last day of 2024, which is also the last day of `val`.
    sealed = sealed_days(prices["Date"], [{"start": "2024-12-31", "end": "2024-12-31"}])
    assert [line["reason"][:21] for line in timesfm(prices, path, sealed)] == ["the outcomes of 1 of "] * 2
    # The last target date of Lag-Llama is that day, so its last origin is the day before.
    figures = scaler_figures(prices, is_open(prices))
    assert scaler_figures(prices, sealed) == figures
    sealed = sealed_days(prices["Date"], [{"start": "2024-12-30", "end": "2024-12-30"}])
    with pytest.raises(NotRun, match="the outcomes of 1 of its 522 days are sealed"):
        scaler_figures(prices, sealed)
    assert recompute(prices, sealed, None)["lag_llama"]["reason"].endswith("are sealed")  # before any count


def test_figures_belong_to_the_dataset_of_the_original_study(stored, prices):
    other = make_erratum("qqq", "spy", prices, [], stored[0])
    assert other == {
        "status": "not applicable",
        "reason": "the figures that the original study published belong to the dataset spy",
        "lag_llama": None,
        "timesfm": [],
    }
    own = make_erratum("spy", "spy", prices, [{"start": "2025-01-01"}], stored[0])
    assert own["status"] == "ok"
    assert "they are other prices" in own["lag_llama"]["reason"]
    assert [line["reason"] is None for line in own["timesfm"]] == [True, False]


def npz_of(prices, path, blocks=("val", "test"), **changes):
    """A file like the original study's, of these prices; forecasts count from 1 in each block."""
    arrays = {}
    up = erratum._up(prices)
    for block in blocks:
        _, start, end = erratum.STORED[block]
        labels = up[prices["Date"].between(start, end) & up.notna()].to_numpy()
        arrays |= {f"{block}_predictions": np.arange(1.0, len(labels) + 1) / 1e5, f"{block}_labels": labels}
    np.savez(path, **arrays | changes)
    return path


def test_stored_forecasts_get_the_days_whose_outcomes_stand_beside_them(prices, tmp_path):
    path = npz_of(prices, tmp_path / "f.npz")
    table, about = erratum.dated_forecasts(prices, is_open(prices), path)
    assert about == {} and list(table) == ["date", "point"]
    days = prices["Date"][prices["Date"].between("2023-01-01", "2026-01-15")]
    assert table["date"].tolist() == days.tolist()
    first_of_test = int(np.searchsorted(days, pd.Timestamp("2025-01-01")))
    assert table["point"].iloc[[0, first_of_test]].tolist() == [1e-5, 1e-5]


def test_sealed_block_of_stored_forecasts_is_not_written(prices, tmp_path):
    path = npz_of(prices, tmp_path / "f.npz")
    sealed = sealed_days(prices["Date"], [{"start": "2025-01-01"}])
    table, about = erratum.dated_forecasts(prices, sealed, path)
    assert table["date"].max() == pd.Timestamp("2024-12-31")
    assert re.fullmatch(
        r"the block test of the file is left out: the outcomes of \d+ of its \d+ days are sealed", about["note"]
    )


def test_stored_forecasts_of_other_prices_have_no_days(prices, tmp_path):
    path = npz_of(prices, tmp_path / "f.npz")
    other = make_prices(2260, start="2018-01-02", seed=1)
    table, about = erratum.dated_forecasts(other, is_open(other), path)
    assert table.empty and about["not_run"].startswith("the block val of the file is left out: the labels in ")
    table, about = erratum.dated_forecasts(prices, is_open(prices), None)
    reason = "there is no file of the original study's forecasts (datasets/.../study_predictions)"
    assert table.empty and about == {"not_run": reason}


def test_several_series_are_not_those_of_the_original_study(prices, tmp_path):
    path = npz_of(prices, tmp_path / "f.npz")
    two = pd.concat([prices.assign(series="A"), prices.assign(series="B")], ignore_index=True)
    reason = "the original study had one series, and this dataset has 2"
    found = recompute(two, is_open(two), path)
    assert [part["reason"] for part in (found["lag_llama"], *found["timesfm"])] == [reason] * 3
    table, about = erratum.dated_forecasts(two, is_open(two), path)
    assert table.empty and reason in about["not_run"]


def test_original_forecasts_have_these_figures_as_experiments(spy, study_predictions, tmp_path):
    folds = CONFIG["fold_templates"]["since-1993"]["folds"]
    folds = {fold: {key: str(date) for key, date in dates.items()} for fold, dates in folds.items()}
    origins = build_origins(spy, folds, LABELS, **CONFIG["origins"])
    table, about = erratum.dated_forecasts(spy, is_open(spy), study_predictions)
    write_table(tmp_path / "point.parquet", table, about)
    found = {}
    for name in ("TFM-01-published", "TFM-01-published-realigned"):
        settings = CONFIG["experiments"][name]["settings"]
        blocks, _ = score_file(str(tmp_path / "point.parquet"), settings, spy, origins, [UP], LABELS)
        for fold, (rows, not_run) in blocks.items():
            assert not not_run and set(rows["score_kind"]) == {"study"}
            (row,) = measure_experiment(rows.assign(fold=fold), origins)
            found[name, fold] = row["n"], round(row["auc"], 4)
    assert found == {
        ("TFM-01-published", "validation"): (502, 0.3640),
        ("TFM-01-published", "test"): (260, 0.2759),
        ("TFM-01-published-realigned", "validation"): (502, 0.3218),
        ("TFM-01-published-realigned", "test"): (259, 0.2192),
    }
