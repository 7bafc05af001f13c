"""On which day a forecast lies, on made-up prices and on the original study's forecasts."""

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_data import UP, block, make_prices, score_rows
from scipy.stats import spearmanr

from fd01.data.features import ewma_variance, har
from fd01.data.origins import sealed_days
from fd01.evaluation.alignment import (
    LOCATION,
    NEWS,
    OLDER,
    PRICE,
    SCALE,
    SHIFTS,
    alignment_check,
    alignment_table,
    arrange,
    daily_news,
    forecasts_of,
    measure_profile,
)
from fd01.workflow.parquet import read_frame

PRICES = make_prices(420, seed=3)
OPEN = np.zeros(len(PRICES), bool)
ROWS = np.arange(150, 404)  # 254 origins, of which 251 have three before them
RETURNS = PRICES["Close"].pct_change().fillna(0).to_numpy()
NOISE = np.random.default_rng(0).standard_normal((4, len(PRICES)))


def garch(returns=RETURNS):
    """Variance of the next day by a GARCH(1,1)."""
    variance = np.full(len(returns), 1e-4)
    for t in range(1, len(returns)):
        variance[t] = 2e-6 + 0.1 * returns[t] ** 2 + 0.88 * variance[t - 1]
    return variance


SCALES = {
    "GARCH": np.log(garch()),
    "EWMA": np.log(ewma_variance(PRICES, 0.94)).to_numpy() / 2,
    "HAR": har(PRICES).mean(axis=1).to_numpy(),
}
REVERSAL = -0.05 * RETURNS + 2e-4 * NOISE[0]


def forecast(value, rows=ROWS, prices=PRICES):
    """Forecasts on `rows` from a value for every day."""
    return pd.DataFrame({"fold": "b", "origin": prices["Date"].to_numpy()[rows], "value": np.asarray(value)[rows]})


def judged(prices=PRICES, sealed=OPEN, **forecasts):
    """Rows of the table by experiment; `forecasts` are pairs of location or scale and a table."""
    tables = {name: {what: table} for name, (what, table) in forecasts.items()}
    return alignment_table(tables, daily_news(prices, sealed)).set_index("experiment")


def verdict(what, value):
    """Verdict and k of one forecast."""
    row = judged(x=(what, forecast(value))).loc["x"]
    return row["verdict"], None if pd.isna(row["k"]) else int(row["k"])


@pytest.mark.parametrize("name", SCALES)
def test_honest_width_is_aligned(name):
    assert verdict(SCALE, SCALES[name]) == ("aligned", None)


def test_price_that_is_very_late_is_not_called_aligned():
    close = PRICES["Close"].to_numpy()
    for k in (4, 10):  # beyond the shifts; the return that it means contains the newest return all the same
        assert verdict(LOCATION, np.roll(close, k) / close - 1) == ("cannot tell", None)


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("name", SCALES)
def test_width_that_is_shifted_is_late_by_as_many_days(name, k):
    expected = f"late by {k} day{'s' * (k > 1)}", k
    allowed = [expected] if name != "HAR" else [expected, ("cannot tell", None)]
    assert verdict(SCALE, np.roll(SCALES[name], k)) in allowed


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("name", SCALES)
def test_width_from_later_prices_knows_the_future(name, k):
    assert verdict(SCALE, np.roll(SCALES[name], -k)) == ("knows the future", k)


@pytest.mark.parametrize("k", [-3, -2, -1, 0, 1, 2, 3])
def test_location_lies_on_the_day_of_its_newest_return(k):
    expected = "knows the future" if k < 0 else f"late by {k} day{'s' * (k > 1)}" if k else "aligned"
    assert verdict(LOCATION, np.roll(REVERSAL, k)) == (expected, abs(k) or None)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_price_forecast_that_is_late_is_found_although_its_return_contains_todays(k):
    close = PRICES["Close"].to_numpy()
    late = np.roll(close * (1 + REVERSAL), k) / close - 1
    row = judged(x=(LOCATION, forecast(late))).loc["x"]
    assert (row["k"], row["news"]) == (k, PRICE)
    assert abs(row["r_+0"]) < 0.3 < row[f"r_-{k}"]
    assert abs(measure_profile([arrange(forecast(late), daily_news(PRICES, OPEN), LOCATION)]).r[3, 0]) > 0.9


@pytest.mark.parametrize("what", [LOCATION, SCALE])
def test_the_next_day_itself_knows_the_future(what):
    value = np.log(np.abs(RETURNS) + 1e-5) if what == SCALE else RETURNS
    assert verdict(what, np.roll(value, -1)) == ("knows the future", 1)


@pytest.mark.parametrize("window", [2, 5, 22, 60])
def test_slow_honest_forecasts_are_not_accused(window):
    close = PRICES["Close"]
    honest = {
        "width": (SCALE, np.log(close.pct_change().pow(2).rolling(window).mean())),
        "noisy": (SCALE, np.log(close.pct_change().pow(2).rolling(window).mean()) + 0.3 * NOISE[1]),
        "momentum": (LOCATION, 0.1 * close.pct_change().rolling(window).mean()),
        "smooth price": (LOCATION, close.rolling(window).mean() / close - 1),
        "last price": (LOCATION, close.astype(np.float32) / close - 1),
    }
    table = judged(**{name: (what, forecast(value)) for name, (what, value) in honest.items()})
    assert table["k"].isna().all()
    assert table.loc[["width", "momentum"], "verdict"].eq("aligned").all() or window == 60
    assert table.loc["last price", "verdict"] == "cannot tell"


def test_newest_day_counts_however_small_its_weight():
    honest = -0.005 * RETURNS + 0.05 * np.roll(RETURNS, 1) + 0.02 * np.roll(RETURNS, 2)
    assert verdict(LOCATION, honest) == ("aligned", None)
    assert verdict(LOCATION, np.roll(honest, 1)) == ("late by 1 day", 1)


@pytest.mark.parametrize("weight", [1, -1])
def test_forecast_that_also_moves_with_day_0_is_not_late(weight):
    today = RETURNS / np.std(RETURNS)
    value = 1e-3 * (weight * today + 1.5 * np.roll(today, 1) + NOISE[3])
    profile = measure_profile([arrange(forecast(value), daily_news(PRICES, OPEN), LOCATION)])
    assert profile.r[2, 0] > 0.4 and profile.p_knows[2, 0] < 0.01
    assert profile.p_late[0].min() > 0.5
    assert verdict(LOCATION, value) == ("aligned", None)


def test_forecast_that_says_nothing_cannot_be_judged():
    table = judged(
        noise=(SCALE, forecast(NOISE[2])),
        constant=(LOCATION, forecast(np.full(len(PRICES), 0.0))),
        short=(SCALE, forecast(np.roll(SCALES["GARCH"], 1), ROWS[:90])),
    )
    assert table["verdict"].eq("cannot tell").all() and table["k"].isna().all()
    assert list(table["reason"].str.split().str[:2].str.join(" ")) == ["it moves", "the forecast", "fewer than"]
    assert table.loc["short", "n"] == 87


def test_figures_are_rank_correlations_of_what_the_past_leaves():
    values, lags, news, origins = arrange(forecast(SCALES["EWMA"]), daily_news(PRICES, OPEN), SCALE)
    profile = measure_profile([(values, lags, news, origins)])
    assert news.shape == (251, OLDER + len(SHIFTS), len(NEWS))
    for i in range(len(SHIFTS)):
        past = np.column_stack([np.ones(len(values)), lags, *np.moveaxis(news[:, : OLDER + i], 1, 0)])
        for g in range(len(NEWS)):
            left = [y - past @ np.linalg.lstsq(past, y)[0] for y in (values, news[:, OLDER + i, g])]
            assert profile.r[i, g] == pytest.approx(spearmanr(*left).statistic, abs=1e-6)
    moved = measure_profile([(7 - 3 * values, 7 - 3 * lags, news, origins)])
    np.testing.assert_allclose(moved.r, -profile.r, atol=1e-6)
    np.testing.assert_allclose(moved.p_knows, profile.p_knows, atol=1e-6)


def test_lags_and_news_are_those_of_the_days_around_the_origin():
    days = daily_news(PRICES, OPEN)
    values, lags, news, origins = arrange(forecast(np.arange(420.0)), days, SCALE)
    assert list(values[:2]) == [153, 154] and list(lags[0]) == [152, 151, 150]
    assert origins[0] == PRICES["Date"][153]
    unit = np.log1p(pd.Series(RETURNS))[128:150].std()  # the 22 returns up to day -4
    expected = [*np.log1p(RETURNS[147:157]) / unit]
    np.testing.assert_allclose(news[0, :, 0], expected)
    np.testing.assert_allclose(news[0, -1, 2], days["range"].iloc[156])


def test_gap_leaves_out_the_origins_after_it_and_an_origin_counts_once():
    days = daily_news(PRICES, OPEN)
    rows = np.delete(ROWS, 100)
    assert len(arrange(forecast(SCALES["EWMA"], rows), days, SCALE)[0]) == 251 - 4
    twice = pd.concat([forecast(SCALES["EWMA"]), forecast(SCALES["EWMA"], ROWS[50:90]).assign(fold="c")])
    assert len(arrange(twice, days, SCALE)[0]) == 251


OTHER = make_prices(420, seed=8)


def in_series(name, table):
    return table.assign(series=name)


def two_series(first, second, prices=(PRICES, OTHER), sealed=(OPEN, OPEN), what=SCALE):
    """The row of a forecast with the values `first` on the days of A and `second` on those of B."""
    parts = zip("AB", prices, (first, second))
    tables = [in_series(name, forecast(value, prices=table)) for name, table, value in parts]
    dataset = pd.concat([in_series("A", prices[0]), in_series("B", prices[1])], ignore_index=True)
    days = daily_news(dataset, np.concatenate(sealed))
    return alignment_table({"x": {what: pd.concat(tables)}}, days).iloc[0]


def test_every_series_is_compared_with_its_own_news():
    one, two = (np.log(garch(prices["Close"].pct_change().fillna(0).to_numpy())) for prices in (PRICES, OTHER))
    row = two_series(one, two)
    assert (row["verdict"], row["n"], row["series"]) == ("aligned", 502, 2)
    # A location that belongs to the other series knows nothing of this one.
    reversal = -0.05 * OTHER["Close"].pct_change().fillna(0).to_numpy() + 2e-4 * NOISE[1]
    assert two_series(REVERSAL, reversal, what=LOCATION)["verdict"] == "aligned"
    assert two_series(reversal, REVERSAL, what=LOCATION)["verdict"] == "cannot tell"
    for k in (1, 2):
        assert two_series(np.roll(one, k), np.roll(two, k))["k"] == k
        row = two_series(np.roll(one, -k), np.roll(two, -k))
        assert (row["verdict"], row["k"]) == ("knows the future", k)


def test_figures_of_several_series_are_means_over_their_days():
    one, two = SCALES["EWMA"], np.log(ewma_variance(OTHER, 0.94)).to_numpy() / 2
    profiles = [
        measure_profile([arrange(forecast(value, prices=prices), daily_news(prices, OPEN), SCALE)])
        for prices, value in ((PRICES, one), (OTHER, two))
    ]
    row = two_series(one, two)
    expected = np.mean([profile.r[:, NEWS.index(row["news"])] for profile in profiles], axis=0)
    np.testing.assert_allclose([row[f"r_{shift:+d}"] for shift in SHIFTS], expected)


def test_series_that_are_the_same_count_once():
    value = SCALES["EWMA"]
    alone, twice = judged(x=(SCALE, forecast(value))).loc["x"], two_series(value, value, prices=(PRICES, PRICES))
    figures = [f"{figure}_{shift:+d}" for figure in ("r", "se") for shift in SHIFTS]
    np.testing.assert_allclose(twice[figures].astype(float), alone[figures].astype(float), rtol=1e-9)
    assert twice["n"] == 2 * alone["n"]


def test_sealed_last_day_hides_nothing_of_the_next_series():
    sealed = np.zeros(len(PRICES), bool)
    sealed[-1] = True
    dataset = pd.concat([in_series("A", PRICES), in_series("B", OTHER)], ignore_index=True)
    days = daily_news(dataset, np.concatenate([sealed, OPEN]))
    pd.testing.assert_frame_equal(days[days["series"] == "B"].drop(columns="series"), daily_news(OTHER, OPEN))
    row = two_series(SCALES["EWMA"], np.zeros(len(OTHER)), sealed=(sealed, OPEN))
    assert (row["n"], row["series"], row["verdict"]) == (251, 1, "aligned")  # a constant forecast is left out


def test_holm_counts_all_experiments_and_shifts():
    late = (SCALE, forecast(np.roll(SCALES["GARCH"], 1)))
    alone = judged(late=late)["p_holm"]["late"]
    noise = {f"noise {i}": (SCALE, forecast(NOISE[i])) for i in range(4)}
    among = judged(late=late, **noise)["p_holm"]["late"]
    assert among / alone == pytest.approx(5)
    assert judged(**noise)["p_holm"].eq(1).all()


def test_weak_peek_is_accused_only_where_it_is_clear_among_all_experiments():
    ahead = np.roll(np.log(np.abs(RETURNS) + 1e-4), -1)
    peeks = {weight: SCALES["GARCH"] + weight * ahead for weight in (0, 0.02, 0.2)}
    table = judged(**{f"{weight}": (SCALE, forecast(value)) for weight, value in peeks.items()})
    assert list(table["k"].fillna(0)) == [0, 0, 1]
    assert table["p_holm"].is_monotonic_decreasing


def test_sealed_days_have_no_influence():
    sealed = sealed_days(PRICES["Date"], [{"start": str(PRICES["Date"][320].date()), "end": "2016-06-30"}])
    first, last = np.flatnonzero(sealed)[[0, -1]]
    assert (first, last) == (320, 389)
    other = PRICES.copy()
    hidden = slice(first + 1, last + 1)  # .loc includes both ends
    columns = ["Open", "High", "Low", "Close"]
    other.loc[hidden, columns] = make_prices(420, seed=9).loc[hidden, columns].to_numpy()
    changed = SCALES["GARCH"].copy()
    changed[first:] = garch(other["Close"].pct_change().fillna(0).to_numpy())[first:]
    changed[first:] = np.log(np.abs(changed[first:]))
    tables = []
    for prices, value in ((PRICES, SCALES["GARCH"]), (other, changed)):
        late = forecast(np.roll(value, 1), ROWS[ROWS <= 400])
        tables.append(judged(prices, sealed, width=(SCALE, late), place=(LOCATION, forecast(REVERSAL))))
    pd.testing.assert_frame_equal(*tables)
    # Origins from row 153 on whose third day ahead, at most row 320, is known.
    assert list(tables[0]["n"]) == [165, 165]
    assert judged(width=(SCALE, forecast(SCALES["GARCH"])))["n"]["width"] == 251


def prediction_rows(kinds, seeds=(None,), horizon=1, role="evaluation"):
    """Prediction rows with these scores, by kind of score; seeds add 0, 1, ... to them."""
    days = block("b", role, np.zeros(3))
    parts = [
        score_rows(days, np.asarray(score) + i, seed=seed, score_kind=kind, is_probability=kind == "exceedance")
        for kind, score in kinds.items()
        for i, seed in enumerate(seeds)
    ]
    return pd.concat(parts, ignore_index=True).assign(horizon=horizon)


def test_forecasts_are_read_from_the_kinds_of_score():
    scores = prediction_rows({"study": [0.1, 0.2, 0.3], "width": [1.0, 2.0, 3.0]}, seeds=(0, 1))
    rows = pd.concat([scores, scores.assign(horizon=2, score=9.0), scores.assign(role="calibration", score=9.0)])
    found = forecasts_of(rows, {"b": {"model": "TimesFM"}}, UP)
    np.testing.assert_allclose(found[LOCATION]["value"], [0.6, 0.7, 0.8])
    np.testing.assert_allclose(found[SCALE]["value"], np.log([1.5, 2.5, 3.5]))
    falling = forecasts_of(scores.assign(target="down"), {"b": {}}, {"target": "down", "horizon": 1})
    np.testing.assert_allclose(falling[LOCATION]["value"], [-0.6, -0.7, -0.8])


@pytest.mark.parametrize(
    ("model", "kind", "expected"),
    [
        ("ewma", "signal", np.log([0.2, 0.3, 0.4])),
        ("gjr-garch-t", "exceedance", np.log([0.25, 3 / 7, 2 / 3])),
        ("last-return", "signal", None),
        ("PatchTST", "probability", None),
    ],
)
def test_baselines_that_are_a_volatility_are_scales(model, kind, expected):
    found = forecasts_of(prediction_rows({kind: [0.2, 0.3, 0.4]}), {"b": {"model": model}}, UP)
    assert list(found) == ([] if expected is None else [SCALE])
    if found:
        np.testing.assert_allclose(found[SCALE]["value"], expected)


def test_source_of_forecasts_from_elsewhere_is_no_baseline():
    rows = prediction_rows({"width": [1.0, 2.0, 3.0]})
    assert list(forecasts_of(rows, {"b": {"model": "ewma", "external": {}}}, UP)) == [SCALE]
    rows = prediction_rows({"signal": [1.0, 2.0, 3.0]})
    assert not forecasts_of(rows, {"b": {"model": "ewma", "external": {}}}, UP)


def test_experiment_without_location_and_scale_has_one_row_and_no_verdict():
    table = alignment_table({"PTST": {}, "PTST-2": {}}, daily_news(PRICES, OPEN))
    assert list(table["verdict"]) == ["does not apply"] * 2 and list(table["n"]) == [0, 0]
    check = alignment_check(table.to_dict("records"))
    assert check == {"check": "on its day", "ok": None, "detail": "does not apply"}


@pytest.mark.parametrize(
    ("verdicts", "ok"),
    [
        (["aligned", "cannot tell"], True),
        (["cannot tell", "cannot tell"], None),
        (["aligned", "late by 1 day"], False),
        (["knows the future"], False),
    ],
)
def test_health_check_fails_for_an_accusation(verdicts, ok):
    check = alignment_check([{"what": "scale", "verdict": verdict} for verdict in verdicts])
    assert check["ok"] is ok and check["detail"].startswith(f"scale: {verdicts[0]}")


def test_forecasts_of_the_original_study_are_late_by_one_day(spy_parquet, study_predictions):
    prices = read_frame(spy_parquet)
    rows = np.flatnonzero(prices["Date"].between("2023-01-01", "2024-12-31"))
    with np.load(study_predictions) as stored:
        value = pd.Series(np.nan, prices.index)
        value[rows] = stored["val_predictions"].astype(float)
    noise = np.random.default_rng(1).standard_normal((40, len(prices)))
    others = {f"other {i}": (SCALE, forecast(noise[i], rows, prices)) for i in range(40)}
    sealed = np.zeros(len(prices), bool)
    published = (LOCATION, forecast(value, rows, prices))
    realigned = (LOCATION, forecast(value.shift(-1), rows - 1, prices))
    table = judged(prices, sealed, published=published, realigned=realigned, **others)
    assert list(table["verdict"][:2]) == ["late by 1 day", "aligned"]
    assert table["k"]["published"] == 1 and table["n"]["published"] == 499
    assert table["k"][1:].isna().all()
