"""The leakage audit: if all prices after one day, the cut, are replaced, nothing known by that day may change.

The functions named `audit_...` return rows of `audit.csv`, dicts with `check`, `compared` (how many values),
`first_difference` (a day, or None), `ok` (None: neither passed nor failed) and `detail`. A check that has compared
nothing fails.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from fd01.data.dates import with_date_column
from fd01.data.features import daily_range, drawdown, ewma_variance, har, scale_free_a20, volatility_measures
from fd01.data.indicators import INDICATORS
from fd01.data.origins import CALIBRATION, EVALUATION, NO_END, ORIGIN_KEY, TRAIN, splits
from fd01.data.price_checks import OHLC, OHLCV
from fd01.data.targets import TARGETS, target_column, threshold_return
from fd01.workflow.files import digest, sha256

SEED = 0
ROLES = (TRAIN, CALIBRATION, EVALUATION)
EVALUATION_DAYS = 5  # days of the first block up to and including the cut
DAY = ["series", "Date"]  # what tells the days of a dataset apart
OF_A_SERIES = 10**6  # more than any date has days since 1970
FEATURES = {
    "drawdown": lambda dataset: drawdown(dataset, 20),
    "daily range": daily_range,
    "EWMA variance": lambda dataset: ewma_variance(dataset, 0.94),
    "HAR": har,
    "measures of volatility": volatility_measures,
    "scale-free indicators": scale_free_a20,
}


def choose_cut(origins):
    """The cut: the fifth evaluation day after the earliest train end, or the next one that does not end its week.

    So a whole training period and a few evaluation days lie before it. It lies within a week, so that a value which is
    computed from the whole week changes with the prices after the cut.
    """
    first = origins["train_end"] == origins["train_end"].min()
    days = pd.DatetimeIndex(origins.loc[first & (origins["role"] == EVALUATION), "origin"]).unique().sort_values()
    week = days.to_period("W")
    earliest = min(EVALUATION_DAYS - 1, len(days) - 2)
    within_week = [row for row in range(earliest, len(days) - 1) if week[row] == week[row + 1]]
    return days[within_week[0] if within_week else earliest]


def scramble(raw, cut):
    """The prices `raw` of one series with every row after `cut` replaced by a plausible one; the dates stay.

    Each later day is replaced by an earlier day, drawn at random among the days that move in the opposite direction and
    are in the other half by range: a quiet day that rises becomes a wild day that falls. So almost everything that
    looks ahead by even a single day shows. Prices continue from the Close of the cut. Indicators in `raw` are replaced
    by the indicators of the drawn day. A series that begins after the cut is replaced by its own days in another order.
    """
    frame = with_date_column(raw)
    returns = np.log(frame["Close"].astype(float)).diff().to_numpy()
    day_range = np.log(frame["High"] / frame["Low"]).to_numpy()
    known, later = np.isfinite(returns), np.flatnonzero(frame["Date"] > cut)
    earlier = np.flatnonzero((frame["Date"] <= cut) & known)
    earlier = earlier if len(earlier) else np.flatnonzero(known)
    if not len(earlier) or not len(later):
        return frame
    wild, rises = day_range > np.median(day_range[earlier]), returns > 0
    rng = np.random.default_rng(SEED)
    drawn = np.empty(len(later), int)
    for is_wild in (True, False):
        for rise in (True, False):
            replaced = (wild[later] == is_wild) & (rises[later] == rise)
            pool = earlier[(wild[earlier] != is_wild) & (rises[earlier] != rise)]
            drawn[replaced] = rng.choice(pool if len(pool) else earlier, replaced.sum())
    # Without their mean, so that prices neither vanish nor explode.
    steps = returns[drawn] - returns[drawn].mean()
    close = frame["Close"].iloc[max(later[0] - 1, 0)] * np.exp(np.cumsum(steps))
    scrambled = frame.copy()
    copied = [name for name in ("Volume", *INDICATORS) if name in frame]
    scrambled.loc[later, copied] = frame.loc[drawn, copied].to_numpy()
    shape = frame.loc[drawn, OHLC].div(frame.loc[drawn, "Close"], axis=0)
    scrambled = scrambled.astype(dict.fromkeys(OHLC, float))
    scrambled.loc[later, OHLC] = shape.to_numpy() * close[:, None]
    return scrambled


def compare_tables(check, before, after, keys, day):
    """A row of `audit.csv` for two tables that are compared value by value, bit for bit.

    Parameters
    ----------
    check : str
        The name of the check.
    before, after : DataFrame
        From the real and from the scrambled prices: the columns `keys`, which identify a row, and columns of numbers.
    keys : list of str
    day : str
        The key that holds the day.
    """
    both = before.merge(after, on=keys, how="outer", suffixes=("", " after"), indicator=True)
    differs, compared, largest = (both["_merge"] != "both").to_numpy(), 0, 0.0
    for name in before.columns.difference(keys):
        x, y = (both[column].to_numpy(float) for column in (name, f"{name} after"))
        numbers = ~np.isnan(x) & ~np.isnan(y)
        differs |= (x != y) & ~(np.isnan(x) & np.isnan(y))
        compared += int(numbers.sum())
        largest = max(largest, np.abs(x - y)[numbers].max(initial=0.0))
    if differs.any():
        detail = f"{differs.sum()} rows differ, by up to {largest:.3g}"
        if "series" in keys and both["series"].nunique() > 1:
            names = both.loc[differs, "series"].astype(str).unique()
            detail += f", in {', '.join(names[:3])}{' ...' if len(names) > 3 else ''}"
        return _row(check, compared, detail, ok=False, first=both.loc[differs, day].min())
    if not compared:
        return _row(check, 0, "there is nothing to compare", ok=False)
    return _row(check, compared, "the same, bit for bit", ok=True)


def audit_scores(before, after, cut):
    """The scores of one experiment up to the cut, from the real and from the scrambled prices.

    Folds whose training ends after the cut must be left out: their fits may know the rows after it.

    Parameters
    ----------
    before, after : pairs of scores and metadata
        As `fd01.scoring.predictions.read_experiment` returns them.
    cut : Timestamp
    """
    (scores, metadata), (scores_after, _) = before, after
    reasons = {entry["reason"] for provenance in metadata.values() for entry in provenance["not_run"]}
    if scores.empty and scores_after.empty and reasons:
        return _row("scores", 0, f"not run: {'; '.join(sorted(reasons))}", ok=None)
    keys = ["fold", "role", "target", "horizon", "seed", "score_kind", *ORIGIN_KEY]
    tables = [rows.loc[rows["origin"] <= cut, [*keys, "score"]] for rows in (scores, scores_after)]
    row = compare_tables("scores", *tables, keys, "origin")
    if next(iter(metadata.values()))["optimistic"] and row["compared"]:
        return row | {"ok": None, "detail": f"{row['detail']}; by design, its training is stopped on the block"}
    return row


def made_elsewhere(directory):
    """The row of an experiment whose forecasts were made elsewhere; `directory` is the folder of its predictions."""
    detail = "not audited: made elsewhere, so only its makers can know which days it was made from"
    row = _row(Path(directory).name, 0, detail, ok=None)
    return row | {"predictions": fingerprint(directory)}


def audit_features(dataset, scrambled, labels, cut):
    """Prices, indicators and features of the days up to the cut, from the real and from the `scrambled` dataset."""
    tables = [data[data["Date"] <= cut] for data in (dataset, scrambled)]
    yield compare_tables("prices", *(data[[*DAY, *OHLCV]] for data in tables), DAY, "Date")
    yield compare_tables("indicators", *(data[[*DAY, *INDICATORS]] for data in tables), DAY, "Date")
    functions = FEATURES | {
        f"threshold of {target}": lambda data, target=target: pd.Series(threshold_return(data, target, labels))
        for target in TARGETS
    }
    for name, function in functions.items():
        values = [pd.DataFrame(function(data)).add_prefix("x").join(data[DAY]) for data in (dataset, scrambled)]
        yield compare_tables(f"feature: {name}", *(data[data["Date"] <= cut] for data in values), DAY, "Date")
    later = dataset["Date"] > cut
    same = later & (dataset["Close"] == scrambled["Close"])
    detail = f"prices differ on {(later & ~same).sum()} of the {later.sum()} days after {cut:%Y-%m-%d}"
    yield _row("the prices are scrambled", int(later.sum()), detail, ok=bool(later.any() and not same.any()))


def audit_targets(origins, scrambled, labels, cut):
    """Targets of the origins whose horizon ends by the cut, from the real and from the `scrambled` prices.

    `origins` and `scrambled` are tables of `fd01.data.origins`.
    """
    keys = ["fold", "role", *ORIGIN_KEY]
    both = []
    for table in (origins, scrambled):
        last = table["row"].where(table["origin"] <= cut).groupby(table["series"], observed=True).transform("max")
        both.append((table, last))  # the last row of each series up to the cut
    for h in labels["horizons"]:
        columns = [target_column(target, h) for target in TARGETS]
        tables = (table.loc[table["row"] + h <= last, [*keys, *columns]] for table, last in both)
        yield compare_tables(f"targets, h = {h}", *tables, keys, "origin")


def audit_folds(origins, dataset, folds, labels, min_history, calibration_fraction, targets):
    """The boundaries of every fold, compared with what follows from the dates alone.

    Parameters
    ----------
    origins : DataFrame, as `fd01.data.origins.build_origins` returns it
    dataset : DataFrame with `series` and `Date` of all days
    folds, labels, min_history, calibration_fraction, targets : as in the configuration
    """
    days = dataset[["series", "Date"]].assign(history=dataset.groupby("series", observed=True).cumcount() + 1)
    for h in labels["horizons"]:
        days[h] = days.groupby("series", observed=True)["Date"].shift(-h)  # the date on which a target is known
    derived = {fold: _derived_days(days, block, min_history) for fold, block in folds.items()}
    for fold, block in folds.items():
        rows = origins[origins["fold"] == fold]
        sharing = [derived[other][1] for other in folds if folds[other]["train_end"] == block["train_end"]]
        expected = _with_tail(*derived[fold], np.concatenate(sharing), 1 - calibration_fraction)
        problems = (
            _wrong_days(rows, days, block, *expected)
            | _wrong_targets(rows, days, block, labels["horizons"])
            | _wrong_fits(rows, days, block, targets)
        )
        problems = {problem: list(dates) for problem, dates in problems.items() if len(dates)}
        first = min((min(dates) for dates in problems.values()), default=None)
        detail = "; ".join(f"{len(dates)} {problem}" for problem, dates in problems.items())
        yield _row(
            f"fold {fold}",
            len(rows),
            detail or "as derived from the dates",
            ok=not problems and len(rows) > 0,
            first=first,
        )


def _derived_days(days, block, min_history):
    """Keys of the evaluation and of the training days of a fold, of the series with enough of both."""
    end, start = pd.Timestamp(block["train_end"]), pd.Timestamp(block["start"])
    evaluation, period = [], []
    for code, dates in enumerate(dates for _, dates in days.groupby("series", observed=True, sort=False)["Date"]):
        in_block = dates[(dates >= start) & (dates <= pd.Timestamp(block.get("end", NO_END)))]
        # The last day of the training period is not an origin: by then, not even its tomorrow is known.
        trained = dates.iloc[min_history - 1 :]
        trained = trained[trained < dates[dates <= end].max()]
        if len(trained) >= min_history and len(in_block) >= 2:
            evaluation.append(_keys(code, in_block[in_block < dates.iloc[-1]]))  # with a tomorrow
            period.append(_keys(code, trained))
    return tuple(np.concatenate([[], *parts]).astype(int) for parts in (evaluation, period))


def _with_tail(evaluation, period, shared, share):
    """Keys of evaluation, training and calibration days; the tail lies after the `share` of the dates of `shared`.

    Without the series that have less than half of this share of their training days before the tail.
    """
    dates = np.unique(_dates(shared))
    in_tail = np.isin(_dates(period), dates[round(len(dates) * share) :])
    codes = period // OF_A_SERIES
    old = [code for code in np.unique(codes) if 2 * np.mean(~in_tail[codes == code]) >= share]
    kept = np.isin(codes, old)
    return evaluation[np.isin(evaluation // OF_A_SERIES, old)], period[kept], period[kept & in_tail]


def _wrong_days(rows, days, block, evaluation, period, tail):
    """Dates of the days of a fold whose role is not the one that follows from the dates; by problem."""
    start, names = pd.Timestamp(block["start"]), pd.Index(days["series"].unique())
    found = {
        role: _keys(names.get_indexer(part["series"]), part["origin"])
        for role, part in ((role, rows[rows["role"] == role]) for role in ROLES)
    }
    training = np.concatenate([found[TRAIN], found[CALIBRATION]])
    there = days.iloc[rows["row"]]
    elsewhere = np.zeros(len(rows), bool)
    for column, own in (("series", "series"), ("Date", "origin"), ("history", "history")):
        elsewhere |= there[column].to_numpy() != rows[own].to_numpy()
    return {
        "rows with another date than in the dataset": rows.loc[elsewhere, "origin"],
        "evaluation days that differ from the block": _dates(np.setxor1d(found[EVALUATION], evaluation)),
        "training days that differ from the period": _dates(np.setxor1d(training, period)),
        "training days in the block or after it": _dates(training)[_dates(training) >= start],
        "calibration days that are not the tail": _dates(np.setxor1d(found[CALIBRATION], tail)),
    }


def _keys(code, dates):
    """Numbers that tell apart the days of all series; int array, shape (n,), from the number of the series."""
    return np.asarray(code) * OF_A_SERIES + dates.to_numpy().astype("datetime64[D]").astype(int)


def _dates(keys):
    return pd.DatetimeIndex((keys % OF_A_SERIES).astype("datetime64[D]"))


def _wrong_targets(rows, days, block, horizons):
    """Training days that have a target although its horizon ends after `train_end`, or the reverse; by problem."""
    rows, problems = rows[rows["role"] != EVALUATION], {}
    for h in horizons:
        in_time = (days[h].iloc[rows["row"]] <= block["train_end"]).to_numpy()
        for column in (target_column(target, h) for target in TARGETS):
            wrong = rows[column].notna().to_numpy() != in_time
            problems[f"training targets {column} known too late, or missing"] = rows.loc[wrong, "origin"]
    return problems


def _wrong_fits(rows, days, block, targets):
    """Days that a fit would use but must not, in the splits for models (`fd01.data.origins.splits`); by problem."""
    problems, dates = {}, days["Date"]
    for target in targets:
        (split,) = splits(rows, **target)
        name, known = target_column(**target), days[target["horizon"]]
        late = ~(known.iloc[split.training] <= block["train_end"]).to_numpy()
        near = (known.iloc[split.inner] >= dates.iloc[split.calibration].min()).to_numpy()
        problems[f"fits of {name} on targets known after train_end"] = dates.iloc[split.training[late]]
        problems[f"fits of {name} on targets of the calibration tail"] = dates.iloc[split.inner[near]]
        problems[f"fits of {name} on the block"] = dates.iloc[np.intersect1d(split.training, split.evaluation)]
    return problems


def fingerprint(directory):
    """Digest of the prediction files of one experiment; `directory` is their folder."""
    return digest({path.name: sha256(path) for path in sorted(Path(directory).glob("*.parquet"))})


def outdated(table, directories):
    """Experiments whose predictions have changed since the audit; sorted list of names.

    `table` is `audit.csv`, `directories` are the present folders of prediction files.
    """
    audited = table.dropna(subset="predictions").set_index("check")["predictions"].to_dict()
    present = {Path(path).name: fingerprint(path) for path in directories}
    return sorted(name for name in audited | present if audited.get(name) != present.get(name))


def _row(check, compared, detail, *, ok, first=None):
    first = None if first is None else f"{first:%Y-%m-%d}"
    return {"check": check, "compared": compared, "first_difference": first, "ok": ok, "detail": detail}
