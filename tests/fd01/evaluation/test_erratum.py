"""The study's published figures for Lag-Llama and TimesFM, without any model."""

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import make_prices

from fd01.evaluation.erratum import START, WINDOW, interquartile_range, lower_median, scaler_figures, stored_forecasts
from fd01.workflow.errors import NotRun, UserError
from fd01.workflow.parquet import read_frame


@pytest.fixture(scope="module")
def spy(spy_parquet):
    return read_frame(spy_parquet)


@pytest.fixture(scope="module")
def prices():
    """Made-up prices from 2018 to August 2025."""
    return make_prices(2000, start="2018-01-02")


def auc(positive, score):
    """Share of pairs in the right order, ties half: the definition."""
    score = np.asarray(score)
    first, second = score[positive][:, None], score[~positive][None]
    return ((first > second) + 0.5 * (first == second)).mean()


def test_published_figures_of_lag_llama_come_from_its_scaler(spy):
    found = scaler_figures(spy)
    assert (found["n"], found["positives"]) == (502, 102)
    returns, close, right = found["lines"]
    assert returns["auc"] == pytest.approx(0.39372549019607844, abs=1e-8)
    assert close["auc"] == pytest.approx(0.43352941176470583, abs=1e-8)
    for line in (returns, close):
        assert line["auc"] == pytest.approx(line["published"], abs=1e-8)
    assert right["published"] is None


def test_published_figures_of_timesfm_are_a_day_off(spy, study_predictions):
    validation, test = stored_forecasts(spy, study_predictions)
    assert (validation["block"], test["block"]) == ("val", "test")
    assert validation["n"] == 502
    for line, published, realigned in ((validation, 0.3640, 0.319), (test, 0.2759, 0.221)):
        assert line["auc"] == pytest.approx(line["published"], abs=1e-8)
        assert line["auc"] == pytest.approx(published, abs=5e-5)
        assert line["realigned"] == pytest.approx(realigned, abs=5e-4)


def test_scaler_figures_equal_a_loop_over_the_days(prices):
    found = scaler_figures(prices)
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
    later.loc[after, columns] = make_prices(2000, seed=1).loc[after, columns]
    assert scaler_figures(later) == scaler_figures(prices)
    later.loc[np.flatnonzero(~after)[-20:], "High"] *= 2
    assert scaler_figures(later) != scaler_figures(prices)


def test_prices_that_do_not_cover_the_block_are_not_run(prices):
    first = int((prices["Date"] < START).sum())
    last = int((prices["Date"] <= "2024-12-31").sum())
    just = prices.iloc[first - WINDOW - 1 : last].reset_index(drop=True)
    assert scaler_figures(just) == scaler_figures(prices)
    for short in (just.iloc[1:], just.iloc[:-1], just.iloc[:first], just.iloc[-100:]):
        with pytest.raises(NotRun, match="1150 days before 2023-01-01 and up to 2024-12-31"):
            scaler_figures(short.reset_index(drop=True))


@pytest.fixture
def stored(prices, tmp_path):
    """A file as the original study's, with forecasts that know the next day, and its content."""
    up = prices["High"].shift(-1) >= 1.01 * prices["Close"]
    content, rng = {}, np.random.default_rng(0)
    for name, (start, end) in {"val": ("2023-01-01", "2024-12-31"), "test": ("2025-01-01", "2200-01-01")}.items():
        rows = np.flatnonzero(prices["Date"].between(start, end))
        rows = rows[rows < len(prices) - 1]
        content[f"{name}_labels"] = up[rows].to_numpy(float)
        content[f"{name}_predictions"] = up[rows - 1] + rng.random(len(rows))  # outcomes of the day before
    path = tmp_path / "predictions.npz"
    np.savez(path, **content)
    return path, content


def test_stored_forecasts_are_judged_on_their_days_and_moved_by_one(stored, prices):
    path, content = stored
    for line in stored_forecasts(prices, path):
        labels, forecasts = (content[f"{line['block']}_{what}"] for what in ("labels", "predictions"))
        assert line["n"] == len(labels)
        assert line["auc"] == pytest.approx(auc(labels == 1, forecasts))
        assert line["realigned"] == 1  # they tell the outcomes of the day before apart
        assert line["auc"] < 0.7


@pytest.mark.parametrize("missing", ["val_labels", "test_predictions"])
def test_file_without_the_original_arrays_is_refused(stored, prices, missing):
    path, content = stored
    np.savez(path, **{name: value for name, value in content.items() if name != missing})
    with pytest.raises(UserError, match=f"{missing}.*not the original study's file"):
        stored_forecasts(prices, path)


@pytest.mark.parametrize("damage", ["other", "fewer"])
def test_labels_of_other_prices_are_refused(stored, prices, damage):
    path, content = stored
    labels = content["test_labels"]
    content["test_labels"] = (
        labels[:-1] if damage == "fewer" else np.where(np.arange(len(labels)) == 7, 1 - labels, labels)
    )
    np.savez(path, **content)
    with pytest.raises(UserError, match="outcomes of the block test are not the outcomes of this dataset"):
        stored_forecasts(prices, path)


@pytest.mark.parametrize("content", [b"", b"something else", b"PK\x03\x04 and no more"])
def test_file_that_is_no_archive_of_arrays_is_refused(prices, tmp_path, content):
    path = tmp_path / "predictions.npz"
    path.write_bytes(content)
    with pytest.raises(UserError, match="not the original study's file"):
        stored_forecasts(prices, path)
