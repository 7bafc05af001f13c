"""Forecasts from elsewhere: the file, what is refused, and the scores."""

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.made_up_data import (
    FOLDS,
    LABELS,
    UP,
    UP_5,
    block,
    dataset_and_origins,
    make_two_series,
    score_rows,
    through_csv,
)
from helpers.paths import ROOT
from scipy.stats import norm
from score_external import score_file

from fd01.data.touch import touch, touch_exponent
from fd01.evaluation.metrics_table import measure_experiment
from fd01.evaluation.score_matrix import read_score_matrices
from fd01.models.forecasts import LEVELS, quantile_frame
from fd01.scoring.deciles import exceedance
from fd01.scoring.deciles import scores as scores_of_deciles
from fd01.scoring.external import distances, levels_in_names, quantile_at, read_forecasts, scores
from fd01.scoring.predictions import check_same_origins, read_experiment, write_blocks
from fd01.workflow.errors import NotRun, UserError
from fd01.workflow.parquet import write_table

EXAMPLE = ROOT / "tests" / "fd01" / "scoring" / "forecasts-from-elsewhere.csv"
# The example has 50 rows: the first 50 trading days after this training period.
EXAMPLE_FOLDS = {"validation": {"train_end": "2016-08-10", "start": "2016-08-11", "end": "2016-10-19"}}
ABOUT = {"source": "a colleague", "license": "MIT", "trained_until": "2016-07", "released": "2016-08"}
DOWN, DIRECTION = ({"target": name, "horizon": 1} for name in ("down", "direction"))
DATASET, ORIGINS = dataset_and_origins()
ROWS = np.unique(ORIGINS["row"])
DATES = DATASET["Date"].iloc[ROWS]
CLOSE = DATASET["Close"].to_numpy()


def settings(values="simple-return", date_is="origin", **form):
    return {"file": "f.csv", "date": "date", "date_is": date_is, "values": values} | ABOUT | form


def quantiles(levels=LEVELS, seed=0):
    """Quantiles of normal returns on `ROWS`, shape (n, k)."""
    location, scale = np.random.default_rng(seed).normal(size=(2, len(ROWS)))
    return 0.002 * location[:, None] + 0.008 * np.exp(0.3 * scale)[:, None] * norm.ppf(levels)


def frame(values, names, dates=DATES):
    return pd.DataFrame(np.reshape(values, (len(dates), -1)), columns=names).assign(date=np.asarray(dates))


def write(table, path):
    match path.suffix:
        case ".csv":
            table.to_csv(path, index=False)
        case ".parquet":
            table.to_parquet(path, index=False)
        case ".npz":
            arrays = {name: table[name].to_numpy() for name in table}
            np.savez(
                path, **{name: array.astype(str) if array.dtype == object else array for name, array in arrays.items()}
            )
    return str(path)


DECILE_NAMES = [f"q{level:.0f}" for level in 100 * LEVELS]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "f.csv"


def message(table, path, using, dataset=DATASET):
    with pytest.raises(UserError) as raised:
        read_forecasts(write(table, path), using, dataset)
    line = str(raised.value)
    assert line.startswith(str(path)) and "\n" not in line
    return line


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npz"])
@pytest.mark.parametrize("date_is", ["origin", "forecast-day"])
def test_deciles_get_the_scores_of_our_own_forecasters(tmp_path, suffix, date_is):
    values = quantiles()
    dates = DATES if date_is == "origin" else DATASET["Date"].iloc[ROWS + 1]
    file = write(frame(values, DECILE_NAMES, dates).sample(frac=1, random_state=0), tmp_path / f"f{suffix}")
    forecasts = read_forecasts(file, settings(date_is=date_is, quantiles=True), DATASET)
    np.testing.assert_array_equal(forecasts.rows, ROWS)
    close_returns = np.log1p(values)  # our own forecasters store log returns
    own = quantile_frame(ROWS, np.concatenate([close_returns[:, [4]], close_returns], axis=1)[:, None])
    for target in (UP, DOWN, DIRECTION):
        found = scores(forecasts, target, None, DATASET, LABELS)
        _, expected = scores_of_deciles(own, target, "return", DATASET, LABELS)
        assert set(found) == set(expected)
        for kind in found:
            np.testing.assert_allclose(found[kind], expected[kind], rtol=1e-9, atol=1e-12)


def test_deciles_keep_their_bits_whatever_the_levels_argument():
    values, threshold = quantiles(), np.full(len(ROWS), 0.01)
    np.testing.assert_array_equal(exceedance(values, threshold), exceedance(values, threshold, LEVELS))


@pytest.mark.parametrize(
    "levels", [(0.5, 0.9), (0.01, 0.025, 0.4, 0.99), (0.001, 0.999), tuple(np.arange(1, 100) / 100)]
)
def test_normal_quantiles_at_any_levels_give_the_normal_probability(levels):
    levels, threshold = np.array(levels), np.linspace(-3, 3, 61)
    values = np.tile(2 * norm.ppf(levels) + 0.5, (61, 1))
    np.testing.assert_allclose(exceedance(values, threshold, levels), norm.sf((threshold - 0.5) / 2), atol=1e-12)
    if levels[0] <= 0.5:
        np.testing.assert_allclose(quantile_at(values, levels, 0.5), 0.5, atol=1e-12)


def test_equal_quantiles_have_a_probability():
    values = np.array([[0.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 2.0]])
    for threshold in (0.5, 1.0, 1.5):
        found = exceedance(values, np.full(3, threshold), np.array([1e-6, 0.5, 1 - 1e-6]))
        assert np.isfinite(found).all() and ((found >= 0) & (found <= 1)).all()


def test_samples_are_an_empirical_distribution_with_tails(path):
    samples = np.random.default_rng(1).normal(0.001, 0.01, (len(ROWS), 4000))
    forecasts = read_forecasts(
        write(frame(samples, [f"s{j}" for j in range(4000)]), path), settings(samples="s"), DATASET
    )
    found = scores(forecasts, UP, None, DATASET, LABELS)
    share = (samples > 0.01).mean(axis=1)
    np.testing.assert_allclose(found["close-exceedance"], share, atol=1.5 / 4000)
    np.testing.assert_allclose(found["study"], np.median(samples, axis=1), atol=1e-12)
    names = [f"s{j}" for j in range(10)]
    few = read_forecasts(write(frame(samples[:, :10], names), path), settings(samples=names), DATASET)
    np.testing.assert_allclose(few.levels, np.arange(0.05, 1, 0.1))
    beyond = exceedance(few.values, few.values[:, -1] + 1e-4, few.levels)  # where no sample lies
    assert ((beyond >= 0) & (beyond < 0.05)).all() and (beyond > 0.001).mean() > 0.9


@pytest.mark.parametrize(
    ("values", "transform"),
    [
        ("price", lambda r: CLOSE[ROWS, None] * (1 + r)),
        ("simple-return", lambda r: r),
        ("log-return", np.log1p),
        ("high", np.log1p),
    ],
)
def test_values_of_every_kind_are_one_return(path, values, transform):
    returns = quantiles()
    table = frame(transform(returns), DECILE_NAMES)
    forecasts = read_forecasts(write(table, path), settings(values, quantiles=True), DATASET)
    np.testing.assert_allclose(forecasts.values, returns, atol=1e-12)
    kinds = set(scores(forecasts, UP, None, DATASET, LABELS))
    assert kinds == {"study", "width", "exceedance" if values == "high" else "close-exceedance"}
    if values == "high":
        with pytest.raises(NotRun, match="a forecast of the High says nothing of the target direction"):
            scores(forecasts, DIRECTION, None, DATASET, LABELS)


def test_point_forecast_only_ranks(path):
    point = quantiles()[:, 4]
    forecasts = read_forecasts(write(frame(point, ["p"]), path), settings(point="p"), DATASET)
    for target, sign in ((UP, 1), (DIRECTION, 1), (DOWN, -1)):
        found = scores(forecasts, target, None, DATASET, LABELS)
        assert set(found) == {"study"}
        np.testing.assert_allclose(found["study"], sign * point, rtol=1e-9)
    with pytest.raises(NotRun, match=r"^forecasts from elsewhere are of the next day$"):
        scores(forecasts, UP_5, None, DATASET, LABELS)


def test_probability_is_about_its_own_event_alone(path):
    p = np.linspace(0, 1, len(ROWS))
    forecasts = read_forecasts(write(frame(p, ["p"]), path), settings("probability", probability="p"), DATASET)
    event = {"target": "up", "threshold": 0.01}
    np.testing.assert_allclose(scores(forecasts, UP, event, DATASET, LABELS)["probability"], p)
    with pytest.raises(NotRun, match=r"^its probability is about up at 1 %, not about up at 2 %$"):
        scores(forecasts, UP, event, DATASET, LABELS | {"threshold": 0.02})
    with pytest.raises(NotRun, match=r"^its probability is about up at 1 %, not about direction$"):
        scores(forecasts, DIRECTION, event, DATASET, LABELS)


def test_levels_stand_in_names():
    assert levels_in_names("f", ["q10", "Q50", "p97.5", "x", "mean"]) == {"q10": 0.1, "Q50": 0.5, "p97.5": 0.975}
    assert levels_in_names("f", ["0.1", ".5", "date"]) == {"0.1": 0.1, ".5": 0.5}
    assert levels_in_names("f", ["quantile_0.9", "q.5"]) == {"quantile_0.9": 0.9, "q.5": 0.5}
    assert levels_in_names("f", ["5%", "q05", "q0.5"]) == {"5%": 0.05, "q05": 0.05, "q0.5": 0.005}
    for names in (["q1", "q9"], ["q01", "q09"]):
        with pytest.raises(UserError, match=f"^f: the columns {', '.join(names)} may be percent or deciles"):
            levels_in_names("f", names)
    with pytest.raises(UserError, match=r"^f: the columns 1 are numbers alone, and q05, q95 are not: "):
        levels_in_names("f", ["1", "q05", "q95"])


@pytest.mark.parametrize(
    ("names", "row"), [("date,f", "2020-01-02,428,08"), ("date,q10,q50", "2020-01-02,-0.01,0.0,0.01")]
)
def test_row_with_more_cells_than_names_is_no_forecast(names, row, path):
    path.write_text(f"{names}\n{row}\n")
    using = settings("price", point="f") if names == "date,f" else settings(quantiles=True)
    with pytest.raises(UserError, match="is no csv file with commas between its columns"):
        read_forecasts(path, using, DATASET)


def test_parquet_with_two_columns_of_a_name_is_refused(tmp_path):
    file, days = tmp_path / "f.parquet", frame(quantiles()[:, 4], ["f"])
    arrays = [pa.array(days["date"]), pa.array(days["f"]), pa.array(days["f"])]
    pq.write_table(pa.Table.from_arrays(arrays, names=["date", "f", "f"]), file)
    with pytest.raises(UserError, match=r"has two columns named 'f'$"):
        read_forecasts(file, settings(point="f"), DATASET)
    days.set_index(days["date"]).to_parquet(file)
    with pytest.raises(UserError, match=r"has two columns named 'date'$"):
        read_forecasts(file, settings(point="f"), DATASET)


def test_distance_from_the_close_is_told_beside_the_daily_move(path):
    point = quantiles()[:, 4] + 0.02  # as of prices that were not adjusted for dividends
    forecasts = read_forecasts(write(frame(point, ["f"]), path), settings(point="f"), DATASET)
    found = distances(forecasts, DATASET)
    assert found["distance"] == pytest.approx(np.median(np.abs(point)))
    assert found["move"] == pytest.approx(np.median(np.abs(CLOSE[ROWS + 1] / CLOSE[ROWS] - 1)))


def test_levels_come_from_names_a_table_or_a_list(path):
    file = write(frame(quantiles((0.05, 0.5, 0.95)), ["q05", "q50", "q95"]), path)
    forms = (True, {"q95": 0.95, "q05": 0.05, "q50": 0.5}, [0.05, 0.5, 0.95])
    found = [read_forecasts(file, settings(quantiles=form), DATASET) for form in forms]
    for forecasts in found:
        np.testing.assert_array_equal(forecasts.levels, [0.05, 0.5, 0.95])
        np.testing.assert_array_equal(forecasts.values, found[0].values)


def test_crossing_quantiles_are_sorted_and_counted(path):
    values = quantiles()
    crossing = values.copy()
    crossing[3, [2, 5]] = crossing[3, [5, 2]]
    forecasts = read_forecasts(write(frame(crossing, DECILE_NAMES), path), settings(quantiles=True), DATASET)
    assert forecasts.crossed == 1
    np.testing.assert_allclose(forecasts.values, values)


def test_two_dimensional_array_gives_numbered_columns(tmp_path):
    values = quantiles()
    np.savez(tmp_path / "f.npz", date=DATES.to_numpy(), q=values, of_others=np.zeros(3))
    forecasts = read_forecasts(str(tmp_path / "f.npz"), settings(quantiles=list(LEVELS)), DATASET)
    np.testing.assert_array_equal(forecasts.values, values)


@pytest.mark.parametrize(
    "dates",
    [
        DATES.dt.strftime("%Y-%m-%d"),
        DATES.dt.strftime("%Y-%m-%d 00:00:00-05:00"),
        DATES.dt.tz_localize("America/New_York"),
        DATES.dt.date,
    ],
    ids=["text", "text with an offset", "time zone", "dates"],
)
def test_midnights_are_days(tmp_path, dates):
    table = frame(quantiles()[:, 4], ["p"]).assign(date=dates.to_numpy() if dates.dtype == object else dates.array)
    for suffix in (".csv", ".parquet"):
        file = write(table, tmp_path / f"f{suffix}")
        np.testing.assert_array_equal(read_forecasts(file, settings(point="p"), DATASET).rows, ROWS)


def edited(**changes):
    """A table of good point forecasts with other values in row 5."""
    table = frame(quantiles()[:, 4], ["p"]).astype({"date": object, "p": object})
    table["date"] = DATES.dt.strftime("%Y-%m-%d").to_numpy()
    for name, value in changes.items():
        table.loc[5, name] = value
    return table


DAY = f"{DATES.iloc[5]:%Y-%m-%d}"
BAD = {
    "missing": (edited(p=None), f"p: 1 values that are not finite numbers: {DAY}"),
    "infinite": (edited(p=np.inf), f"p: 1 values that are not finite numbers: {DAY}"),
    "text": (edited(p="0,01"), f"p: 1 values that are not finite numbers: {DAY}"),
    "doubled": (
        edited(date=f"{DATES.iloc[6]:%Y-%m-%d}"),
        f"date: 1 days that stand there twice: {DATES.iloc[6]:%Y-%m-%d}",
    ),
    "outside": (
        edited(date="2031-01-02"),
        "date: 1 days outside the dataset, which has forecasts from 2015-10-08 to 2017-04-20 ",
    ),
    "weekend": (edited(date="2016-01-02"), "date: 1 days that are no trading days of these prices: 2016-01-02"),
    "no date": (edited(date="2.1.2016"), "date: 1 values that are no day as YYYY-MM-DD: 2.1.2016"),
    "empty date": (edited(date=None), "date: 1 values that are no day as YYYY-MM-DD: nan"),
    "time of day": (edited(date="2016-01-04 16:00"), "date: 1 values that are no day as YYYY-MM-DD: 2016-01-04 16:00"),
    "not in the calendar": (edited(date="2016-02-30"), "date: a value is no day of the calendar"),
    "below -100 %": (edited(p=-1.5), f"p: 1 returns of -100 % or less, or beyond any number: {DAY}"),
}


@pytest.mark.parametrize(("table", "expected"), BAD.values(), ids=BAD)
def test_file_that_cannot_be_right_is_one_line(path, table, expected):
    assert message(table, path, settings(point="p")).startswith(f"{path}: {expected}")


def test_forecast_of_the_first_day_has_no_origin(path):
    table = frame([0.0], ["p"], DATASET["Date"].iloc[:1])
    assert "days outside the dataset" in message(table, path, settings(date_is="forecast-day", point="p"))
    assert read_forecasts(write(table, path), settings(point="p"), DATASET).rows.tolist() == [0]


def test_values_that_belong_to_another_series_are_named(path):
    prices = 3 * CLOSE[ROWS]
    line = message(frame(prices, ["p"]), path, settings("price", point="p"))
    assert f"differ by more than 50 % on {len(ROWS)} of {len(ROWS)} days" in line
    half = np.where(np.arange(len(ROWS)) % 2, prices, CLOSE[ROWS])
    assert len(read_forecasts(write(frame(half, ["p"]), path), settings("price", point="p"), DATASET).rows) == len(ROWS)
    percent = np.random.default_rng(0).choice([-0.9, 0.9, 0.8], len(ROWS))
    assert "returns are shares, not percent" in message(frame(percent, ["p"]), path, settings(point="p"))
    assert "prices that are not positive" in message(frame(-prices, ["p"]), path, settings("price", point="p"))
    outside = message(frame(quantiles()[:, 4] - 1, ["p"]), path, settings("probability", probability="p"))
    assert "probabilities outside [0, 1]" in outside


def test_columns_that_are_not_there_are_named(path):
    table = frame(quantiles(), DECILE_NAMES)
    assert "has no column 'day'; it has q10, q20, q30, q40, q50 ..." in message(
        table, path, settings(quantiles=True) | {"date": "day"}
    )
    assert "has no column p; it has" in message(table, path, settings(point="p"))
    assert "lists 2 levels" in message(table, path, settings(quantiles=[0.1, 0.9]))
    assert "the same level" in message(table, path, settings(quantiles={"q10": 0.1, "q20": 0.1}))
    assert "has no two columns whose names are levels" in message(
        frame(np.zeros(len(ROWS)), ["p"]), path, settings(quantiles=True)
    )
    outside = frame(quantiles((0.1, 0.5)), ["q10", "q100"])
    assert "levels outside (0, 1) in the names of the columns q100" in message(outside, path, settings(quantiles=True))
    assert "0 columns that begin with 's'" in message(table, path, settings(samples="s"))
    path.write_text("date,p,p\n2016-01-04,1,2\n")
    with pytest.raises(UserError, match="two columns named 'p'"):
        read_forecasts(str(path), settings(point="p"), DATASET)


@pytest.mark.parametrize(("suffix", "kind"), [(".csv", "csv"), (".parquet", "parquet"), (".npz", "npz")])
def test_file_of_another_kind_is_named(tmp_path, suffix, kind):
    path = tmp_path / f"f{suffix}"
    path.write_bytes(b"\xff\x00 no table")
    with pytest.raises(UserError, match=rf"^{re.escape(str(path))} is no {kind} file"):
        read_forecasts(str(path), settings(point="p"), DATASET)


def written(folder, table, using, origins=ORIGINS, targets=(UP,), dataset=DATASET):
    """Scores and metadata of an experiment, as the rule writes them and others read them."""
    file = write(table, folder / "f.csv")
    blocks, about = score_file(file, using, dataset, origins, list(targets), LABELS)
    write_blocks(folder / "EXT", blocks, {"weights": None, "optimistic": False, "model": "x", "fitted_on": "", **about})
    return read_experiment(folder / "EXT")


def test_example_is_scored_on_every_day_of_its_block(tmp_path):
    dataset, origins = dataset_and_origins(folds=EXAMPLE_FOLDS)
    table = pd.read_csv(EXAMPLE)
    assert len(table) == 50 == (origins["role"] == "evaluation").sum()
    using = settings(date_is="forecast-day", values="price", quantiles=True)
    found, metadata = written(tmp_path, table, using, origins)
    check_same_origins("EXT", found, metadata, origins, [UP], [])
    assert set(found["score_kind"]) == {"exceedance", "close-exceedance", "study", "width"}
    assert set(found["role"]) == {"evaluation"}
    assert metadata["validation"]["external"]["distance"] < 0.001  # the median is the Close itself, rounded
    assert metadata["validation"]["external"]["days"] == 50 and metadata["validation"]["lacking"] == {}
    (row,) = (row for row in measure_experiment(found, origins) if row["score_kind"] == "exceedance")
    assert row["n"] == 50 and row["is_probability"]
    (exponent,) = metadata["validation"]["touch_exponents"]
    beyond = found[found["score_kind"] == "close-exceedance"]["score"].to_numpy()
    corrected = found[found["score_kind"] == "exceedance"]["score"].to_numpy()
    np.testing.assert_allclose(corrected, touch(beyond, exponent["evaluation"]))
    train = origins[(origins["role"] != "evaluation") & origins["up_1"].notna()]["row"].to_numpy()
    assert exponent["evaluation"] == pytest.approx(touch_exponent(UP, train, dataset, LABELS))


TWO, TWO_ORIGINS = dataset_and_origins(make_two_series(shorter=10))
TWO_ROWS = np.unique(TWO_ORIGINS["row"])


def of_two_series(column="series", rows=TWO_ROWS, seed=0):
    """Deciles of both series, in one file whose rows are in any order."""
    days = TWO.iloc[rows]
    location, scale = np.random.default_rng(seed).normal(size=(2, len(rows)))
    values = 0.002 * location[:, None] + 0.008 * np.exp(0.3 * scale)[:, None] * norm.ppf(LEVELS)
    return frame(values, DECILE_NAMES, days["Date"]).assign(**{column: days["series"].to_numpy(object)})


def alone(table, name):
    """The forecasts of one series, as the file of a dataset with this series alone."""
    dataset, _ = dataset_and_origins(make_two_series(shorter=10).query("series == @name").drop(columns="series"))
    return table[table["series"] == name].drop(columns="series"), dataset


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npz"])
@pytest.mark.parametrize("column", ["series", "unique_id", "Ticker", "SYMBOL"])
def test_series_of_a_file_are_scored_as_each_would_be_alone(tmp_path, suffix, column):
    table = of_two_series(column)
    file = write(table.sample(frac=1, random_state=0), tmp_path / f"f{suffix}")
    forecasts = read_forecasts(file, settings(quantiles=True), TWO)
    np.testing.assert_array_equal(forecasts.rows, TWO_ROWS)
    together = scores(forecasts, UP, None, TWO, LABELS)
    for name in "AB":
        own, dataset = alone(table.rename(columns={column: "series"}), name)
        single = read_forecasts(write(own, tmp_path / "own.csv"), settings(quantiles=True), dataset)
        mine = (TWO["series"] == name).to_numpy()[forecasts.rows]
        np.testing.assert_allclose(forecasts.values[mine], single.values, rtol=1e-12)
        for kind, expected in scores(single, UP, None, dataset, LABELS).items():
            np.testing.assert_allclose(together[kind][mine], expected, rtol=1e-12)


def test_forecast_day_and_price_are_those_of_the_own_series(path):
    rows = TWO_ROWS  # their tomorrow is known, so it is of the same series
    table = pd.DataFrame({"date": TWO["Date"].to_numpy()[rows + 1], "series": TWO["series"].to_numpy(object)[rows]})
    table["p"] = TWO["Close"].to_numpy()[rows] * 1.01
    forecasts = read_forecasts(write(table, path), settings("price", "forecast-day", point="p"), TWO)
    np.testing.assert_array_equal(forecasts.rows, rows)
    np.testing.assert_allclose(forecasts.values, 0.01)
    first = TWO[TWO["series"] == "B"].iloc[[0]]  # its origin would be the last day of A
    outside = frame([0.0], ["p"], first["Date"]).assign(series="B")
    line = message(outside, path, settings(date_is="forecast-day", point="p"), TWO)
    assert line.startswith(f"{path}: series B: date: 1 days outside the dataset")
    returns = TWO.groupby("series", observed=True)["Close"].pct_change().abs().to_numpy()
    assert distances(forecasts, TWO)["move"] == pytest.approx(np.median(returns[rows + 1]))


def test_file_must_say_which_series_a_row_is_of(path):
    table = of_two_series()
    point = settings(quantiles=True)
    line = message(table.drop(columns="series").iloc[:50], path, point, TWO)
    assert line.startswith(f"{path} has no column that names the series of each row (series, unique_id, item_id, ")
    assert line.endswith("and this dataset has 2 series: A, B")
    assert "series: 1 series that are not in this dataset: X; it has A, B" in message(
        table.replace({"series": {"B": "X"}}), path, point, TWO
    )
    assert "several columns could name the series" in message(table.assign(Ticker="A"), path, point, TWO)
    empty = table.assign(series=table["series"].where(table.index != 7, ""))
    assert "series is empty in row 7: it must name the series" in message(empty, path, point, TWO)
    twice = pd.concat([table, table.iloc[[3]]])
    day = f"{table['date'].iloc[3]:%Y-%m-%d}"
    assert f"series A: date: 1 days that stand there twice: {day}" in message(twice, path, point, TWO)
    # A dataset of one series takes a file of one, whatever its name, and of several only those that it has.
    one = frame(quantiles(), DECILE_NAMES).assign(ticker="anything")
    np.testing.assert_array_equal(
        read_forecasts(write(one, path), settings(quantiles=list(LEVELS)), DATASET).rows, ROWS
    )
    assert "2 series that are not in this dataset" in message(table, path, point)


def test_names_of_series_are_text(path):
    raw = make_two_series(shorter=10).replace({"series": {"A": "005930", "B": "NA"}})
    dataset, origins = dataset_and_origins(raw)
    rows = np.unique(origins["row"])
    table = of_two_series().assign(series=dataset["series"].to_numpy(object)[rows])
    np.testing.assert_array_equal(read_forecasts(write(table, path), settings(quantiles=True), dataset).rows, rows)


def test_block_of_several_series_is_scored_if_few_of_their_days_are_absent(tmp_path):
    table, two = of_two_series(), dict(dataset=TWO, origins=TWO_ORIGINS)
    (folder := tmp_path / "whole").mkdir()
    found, metadata = written(folder, table, settings(quantiles=True), **two)
    check_same_origins("EXT", found, metadata, TWO_ORIGINS, [UP], [])
    assert set(found["role"]) == {"calibration", "evaluation"} and set(found["series"]) == {"A", "B"}
    (folder := tmp_path / "day").mkdir()
    day = pd.Timestamp("2017-01-10")  # of the fold test
    less = table[(table["date"] != day) | (table["series"] != "B")]
    found, metadata = written(folder, less, settings(quantiles=True, allow_missing=True), **two)
    check_same_origins("EXT", found, metadata, TWO_ORIGINS, [UP], [])
    assert metadata["test"]["lacking"] == {"test": ["B 2017-01-10"]}
    assert set(found.loc[found["origin"] == day, "series"]) == {"A"}
    (folder := tmp_path / "series").mkdir()
    found, metadata = written(folder, table[table["series"] == "A"], settings(quantiles=True), **two)
    reason = "the file has forecasts of 81 of the 162 days of validation (B 0 of 81)"
    assert found.empty and metadata["validation"]["not_run"] == [{**UP, "reason": reason}]
    (folder := tmp_path / "both").mkdir()
    few = table[(table["date"] < "2016-08-15") | ((table["date"] > "2016-08-17") & (table["series"] == "A"))]
    _, metadata = written(folder, few, settings(quantiles=True), **two)
    reason = "the file has forecasts of 80 of the 162 days of validation (B 2 of 81, A 78 of 81)"
    assert metadata["validation"]["not_run"] == [{**UP, "reason": reason}]


def test_block_that_is_not_covered_is_not_run_and_others_are(tmp_path):
    evaluation = ORIGINS[ORIGINS["role"] == "evaluation"]
    days = evaluation.loc[evaluation["fold"] == "validation", "row"].to_numpy()
    table = frame(quantiles()[np.searchsorted(ROWS, days), 4], ["p"], DATASET["Date"].iloc[days])
    found, metadata = written(tmp_path, table, settings(point="p"), targets=(UP, UP_5))
    check_same_origins("EXT", found, metadata, ORIGINS, [UP, UP_5], [])
    assert set(found["fold"]) == {"validation"}
    of_test = len(evaluation) - len(days)
    reason = f"the file has forecasts of 0 of the {of_test} days of test"
    horizon = {**UP_5, "reason": "forecasts from elsewhere are of the next day"}
    assert metadata["test"]["not_run"] == [{**UP, "reason": reason}, horizon]
    assert metadata["validation"]["not_run"] == [horizon]


def test_whole_file_also_scores_the_tail(tmp_path):
    found, metadata = written(tmp_path, frame(quantiles(), DECILE_NAMES), settings(quantiles=True))
    check_same_origins("EXT", found, metadata, ORIGINS, [UP], [])
    assert set(found["role"]) == {"calibration", "evaluation"}


@pytest.mark.parametrize(("absent", "allowed", "scored"), [(1, True, True), (1, False, False), (2, True, False)])
def test_block_may_lack_one_day_in_a_hundred_if_asked(tmp_path, absent, allowed, scored):
    _, origins = dataset_and_origins(folds={"test": {"train_end": "2016-08-10", "start": "2016-08-11"}})
    rows = origins.loc[origins["role"] == "evaluation", "row"].to_numpy()
    assert len(rows) == 180
    gone = rows[10 : 10 + absent]
    kept = ~np.isin(ROWS, gone)
    table = frame(quantiles()[kept, 4], ["p"], DATES[kept])
    found, metadata = written(tmp_path, table, settings(point="p", allow_missing=allowed), origins)
    check_same_origins("EXT", found, metadata, origins, [UP], [])
    assert (found["role"] == "evaluation").sum() == (180 - absent if scored else 0)
    if scored:
        assert metadata["test"]["lacking"] == {"test": [f"{DATASET['Date'].iloc[gone[0]]:%Y-%m-%d}"]}
        own = {name: value for name, value in metadata["test"].items() if name != "external"}
        with pytest.raises(UserError, match=r"^EXT, test: 1 of 180 days lack a score; only forecasts from elsewhere"):
            check_same_origins("EXT", found, {"test": own}, origins, [UP], [])
        with pytest.raises(UserError, match="1 days without a score"):
            check_same_origins("EXT", found, {"test": metadata["test"] | {"lacking": {}}}, origins, [UP], [])
    else:
        hint = "; with allow_missing: true a block may lack 1 %" if absent == 1 else ""
        reason = f"the file has forecasts of {180 - absent} of the 180 days of test{hint}"
        assert metadata["test"]["not_run"] == [{**UP, "reason": reason}]


def test_files_of_this_workflow_say_why_there_are_no_forecasts(tmp_path):
    write_table(tmp_path / "f.parquet", pd.DataFrame({"date": DATES[:0], "point": []}), {"not_run": "no file"})
    blocks, about = score_file(str(tmp_path / "f.parquet"), settings(point="point"), DATASET, ORIGINS, [UP], LABELS)
    assert {fold: reasons for fold, (_, reasons) in blocks.items()} == {
        fold: [{**UP, "reason": "no file"}] for fold in FOLDS
    }
    assert all(rows.empty for rows, _ in blocks.values()) and about["lacking"] == {}


def test_experiment_that_lacks_days_stands_apart_in_the_matrix(tmp_path):
    origins = block("test", "evaluation", [0, 1, 0, 1])
    for name, rows in (("A", origins), ("B", origins), ("EXT", origins.drop(index=1))):
        kind = dict(score_kind="study", is_probability=False) if name == "EXT" else {}
        frame_ = score_rows(rows, np.arange(len(rows)) / 10, **kind).drop(columns="fold")
        write_blocks(tmp_path / name, {"test": (frame_, [])}, {"weights": None})
    matrix = read_score_matrices([tmp_path / name for name in ("A", "B", "EXT")], origins, UP)["test"]
    assert list(matrix.scores) == ["A", "B"] and len(matrix.days) == 4
    ((name, own),) = matrix.pairable()
    assert name == "EXT" and list(own.scores) == ["A", "B", "EXT"] and own.incomplete is None
    assert list(own.days) == list(matrix.days[[0, 2, 3]]) and own.y.tolist() == [0, 0, 1]
    assert own.scores["A"].tolist() == [0.0, 0.2, 0.3] and own.scores["EXT"].tolist() == [0.0, 0.1, 0.2]
    assert own.kinds["EXT"] == "study" and not own.is_probability["EXT"]
    assert [name for name, _ in matrix.each()] == ["A", "B", "EXT"]
    part = matrix.on(np.array([False, True, False, False]))
    assert list(part.pairable()) == []
    assert list(dict(matrix.only({"A", "EXT"}).pairable())["EXT"].scores) == ["A", "EXT"]
    assert through_csv(matrix.scores).notna().all(axis=None)


def with_metadata(text):
    """A function that gives the table of a parquet file other metadata of pandas."""
    return lambda table: table.replace_schema_metadata({"pandas": text})


@pytest.mark.parametrize(
    "damage",
    [with_metadata("{"), with_metadata('{"columns": [{"name": "date"}], "index_columns": []}')],
    ids=["no JSON", "a key that is missing"],
)
def test_parquet_with_damaged_metadata_is_refused(tmp_path, damage):
    path = tmp_path / "f.parquet"
    pq.write_table(damage(pa.Table.from_pandas(frame(quantiles(), [f"q{10 * i}" for i in range(1, 10)]))), path)
    with pytest.raises(UserError, match="is no parquet file, or is damaged"):
        read_forecasts(str(path), settings(quantiles=True), DATASET)


def test_parquet_with_damaged_pages_is_refused(tmp_path):
    path = tmp_path / "f.parquet"
    frame(quantiles(), [f"q{10 * i}" for i in range(1, 10)]).to_parquet(path)
    content = bytearray(path.read_bytes())
    refused = 0
    for where in range(4, 400, 20):
        path.write_bytes(content[:where] + bytes(8) + content[where + 8 :])
        try:
            read_forecasts(str(path), settings(quantiles=True), DATASET)
        except UserError:
            refused += 1
    assert refused
