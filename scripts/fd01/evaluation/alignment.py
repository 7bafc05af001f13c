"""Whether forecasts lie on the right day: how they move with the news of the days around their origin.

The shift of a day counts from the origin, the last day that a forecast may use: 0 is the origin, -1 the day before, 1
the day that is forecast. An honest forecast moves with the news of day 0, and not with later news. One that is late by
k days moves with the news of day -k, and not with newer ones.

The news of a day are its return and its size, measured by the absolute return and by the range. Volatility persists,
so an honest forecast goes with the size of days to come. Therefore everything is held fixed that came before: the
figure of a day is the partial correlation of forecast and news, given the news of the days before and the forecasts
of the three origins before.

Of several series, each is correlated with its own news, and the figures are means over the days of all. So one series
among many that is out of step shows less than it would alone.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtr

from fd01.data.features import daily_range
from fd01.data.origins import EVALUATION, ORIGIN_KEY
from fd01.data.series import slices_of
from fd01.data.targets import TARGETS
from fd01.evaluation.bootstrap import mean_variance
from fd01.evaluation.comparison import holm, midranks
from fd01.scoring.predictions import mean_over_seeds, of_target

LOCATION, SCALE = "location", "scale"
ALIGNED, FUTURE, UNDECIDED, NOT_APPLICABLE = "aligned", "knows the future", "cannot tell", "does not apply"
NEWS = ("return", "absolute return", "range")
PRICE = "return, of the price"  # the news of a location that is measured as a price
SHIFTS = (-3, -2, -1, 0, 1, 2, 3)
ORIGIN = SHIFTS.index(0)
OLDER = 3  # days before the first of SHIFTS whose news are held fixed too
LAGS = (1, 2, 3)  # origins before whose forecasts are held fixed
LEVEL = 0.01  # of an accusation, after Holm's correction over experiments and shifts
# An honest forecast may know more of the next day than past prices tell. The VIX, which comes from the prices of
# options, has a partial correlation of up to 0.14 with it. Only a forecast with clearly more than this is accused.
SKILL = 0.3
SHARE = 0.85  # a late forecast has less than this share of its largest correlation with every newer day
FEWEST = 100  # days
ROUNDING = 1e-6  # a residual with a smaller share of the standard deviation is rounding
# Baselines that are a volatility, or increase with one: which of their scores. HAR is not among them: a regression on
# few days may give the newest day no weight, and such a fit looks as if it were late.
VOLATILITIES = {"ewma": "signal", "range": "signal", "gjr-garch-t": "exceedance"}
COLUMNS = [
    *("experiment", "what", "n", "series", "verdict", "k", "p_holm", "reason", "news"),
    *(f"{name}_{shift:+d}" for name in ("r", "se") for shift in SHIFTS),
]


def forecasts_of(scores, metadata, target):
    """The location and the scale that an experiment forecasts on evaluation days; means over seeds.

    Parameters
    ----------
    scores, metadata : its prediction files
        As `fd01.scoring.predictions.read_experiment` returns them.
    target : dict with `target` and `horizon`

    Returns
    -------
    dict of DataFrame with `fold`, `series`, `origin`, `value`
        `LOCATION`: the point forecast, a simple return. `SCALE`: the log of the width or of the volatility, or the
        log-odds of a probability that increases with the volatility. What it does not forecast is missing.
    """
    rows = of_target(scores[scores["role"] == EVALUATION], **target)
    provenance = next(iter(metadata.values()))
    # Of forecasts from elsewhere `model` is their source, in any words.
    model = None if "external" in provenance else provenance.get("model")
    found = {}
    for what, kind in ((LOCATION, "study"), (SCALE, VOLATILITIES.get(model, "width"))):
        table = mean_over_seeds(rows[rows["score_kind"] == kind])
        if table.empty:
            continue
        score = table["score"].to_numpy(float)
        if what == LOCATION:
            value = -score if TARGETS[target["target"]].falls else score
        else:
            value = np.log(score.clip(np.finfo(float).tiny))
            if table["is_probability"].iloc[0]:
                value -= np.log1p(-score.clip(max=1 - np.finfo(float).eps))
        found[what] = table[["fold", *ORIGIN_KEY]].assign(value=value)
    return found


def daily_news(dataset, sealed):
    """What each day brings; NaN where it tells of a sealed outcome.

    Parameters
    ----------
    dataset : DataFrame with Date, High, Low, Close and, if there are several, `series`
    sealed : bool array, shape (days,)
        Whether the outcome after each day is sealed, from `fd01.data.origins.sealed_days`.

    Returns
    -------
    DataFrame, shape (days, 6), indexed by date
        `series`, if the dataset has it. The columns `NEWS`: the log return of the Close; the logs of its absolute value
        and of log(High / Low), neither taken as less than a tenth of the volatility. `close`, the log Close.
        `volatility`, the standard deviation of the 22 returns up to the day before.
    """
    return pd.concat([_news_of_series(dataset.iloc[rows], sealed[rows]) for rows in slices_of(dataset)])


def _news_of_series(dataset, sealed):
    prices = dataset.set_index("Date")[["High", "Low", "Close"]].astype(float)
    prices[np.concatenate([[False], sealed[:-1]])] = np.nan
    returns = np.log(prices["Close"]).diff()
    volatility = returns.rolling(22).std().shift()
    smallest = 0.1 * volatility.clip(lower=1e-6)  # so that a day without a move has a logarithm
    sizes = (np.log(np.maximum(size, smallest)) for size in (returns.abs(), daily_range(prices)))
    columns = [returns, *sizes, np.log(prices["Close"]), volatility]
    news = pd.DataFrame(dict(zip((*NEWS, "close", "volatility"), columns)))
    return news.assign(series=dataset["series"].to_numpy()) if "series" in dataset else news


def arrange(forecasts, days, what, as_price=False):
    """Forecasts of one series with what is held fixed and with the news around their origins.

    Origins are left out whose days or earlier forecasts are not all known; of an origin in several folds, the first
    counts. Locations and returns are in units of the volatility before the first of `SHIFTS`.

    Parameters
    ----------
    forecasts : DataFrame with `fold`, `origin` and `value`, as `forecasts_of` returns it
    days : DataFrame, from `daily_news`, of that series
    what : `LOCATION` or `SCALE`
    as_price : bool
        A location as the log of the price that is forecast, less the log Close before all days whose news are used.

    Returns
    -------
    values : array, shape (n,)
    lags : array, shape (n, 3), the forecasts of the `LAGS`
    news : array, shape (n, days, 3), oldest day first; the last seven are `SHIFTS`
    origins : array of datetime, shape (n,)
    """
    around = np.arange(SHIFTS[0] - OLDER, SHIFTS[-1] + 1)
    volatility, close = days["volatility"].to_numpy(), days["close"].to_numpy()
    all_news, parts, used = days[list(NEWS)].to_numpy(), [], np.array([], int)
    for _, fold in forecasts.groupby("fold", sort=False):
        rows = days.index.get_indexer(fold["origin"])
        by_row = pd.Series(fold["value"].to_numpy(), rows)
        rows = np.setdiff1d(rows[(rows + around[0] > 0) & (rows + around[-1] < len(days))], used)
        used = np.concatenate([used, rows])
        values = np.column_stack([by_row.reindex(rows - lag) for lag in (0, *LAGS)])
        news = all_news[rows[:, None] + around]
        unit = volatility[rows + SHIFTS[0], None]
        if as_price:
            levels = np.column_stack([close[rows - lag] for lag in (0, *LAGS)])
            values = np.log1p(values.clip(min=-0.99)) + levels - close[rows + around[0] - 1, None]
        if what == LOCATION:
            values = values / unit
        news[:, :, 0] /= unit
        known = np.isfinite(values).all(axis=1) & np.isfinite(news).all(axis=(1, 2))
        parts.append((values[known], news[known], days.index[rows[known]]))
    values, news, origins = (np.concatenate(arrays) for arrays in zip(*parts))
    return values[:, 0], values[:, 1:], news, origins


@dataclass(frozen=True)
class Profile:
    """The partial correlations of a forecast with the news of the days around its origin.

    Attributes
    ----------
    r, se : arrays, shape (7, 3), by shift and kind of news
        Rank correlations, and their standard errors.
    p_knows : array, shape (7, 3)
        One-sided p-values of: the correlation, without its sign, is at most `SKILL`.
    p_late : array, shape (3, 3), late by 1, 2, 3 days and kind of news
        p-values of: the correlation with the news of the day is at most `SKILL`, or the correlation with any news
        of a newer day up to the origin is at least `SHARE` of it.
    """

    r: np.ndarray
    se: np.ndarray
    p_knows: np.ndarray
    p_late: np.ndarray


def measure_profile(series):
    """The `Profile` of a forecast; `series` is a list of what `arrange` returns, one entry for each.

    Within a series, least squares take from forecast and news what came before. The ranks of what is left are
    correlated, so that heavy tails do not matter. Over several series, the products of the ranks are averaged, and all
    of a date are one cluster. Standard errors are the larger of the independent one and the stationary bootstrap's with
    runs of n^(1/2) dates, as in `fd01.evaluation.explanation`; they count the parameters.
    """
    products, squares, free = _over_dates(*zip(*(_correlate(*one) for one in series)))
    r = products.mean(axis=2)
    influence = products - r[:, :, None] * squares
    signs = np.where(r < 0, -1, 1)[:, :, None]
    p_knows = _p_positive(signs * products - SKILL * squares, free)
    p_late = np.ones((ORIGIN, products.shape[1]))
    centred = influence + r[:, :, None]  # their means are r, their spreads lead to its standard error
    for k, g in zip(*np.nonzero(p_knows[ORIGIN - 1 :: -1] < LEVEL)):
        oldest = ORIGIN - 1 - k
        newer = centred[oldest + 1 : ORIGIN + 1]
        share = SHARE * signs[oldest, g] * centred[oldest, g]
        smaller = [_p_positive(share + sign * newer, free[oldest + 1 : ORIGIN + 1]) for sign in (-1, 1)]
        p_late[k, g] = max(p_knows[oldest, g], np.max(smaller))
    return Profile(r, _standard_error(influence, free), p_knows, p_late)


def _over_dates(products, squares, free, origins):
    """What `_correlate` returns of several series as that of one: per date the sum over series, times dates / days."""
    if len(origins) == 1:
        return products[0], squares[0], free[0]
    position, dates = pd.factorize(np.concatenate(origins), sort=True)
    totals, end = np.zeros((2, *products[0].shape[:2], len(dates))), 0
    for one, other, days in zip(products, squares, origins):
        begin, end = end, end + len(days)
        totals[:, :, :, position[begin:end]] += one, other
    scale = len(dates) / end
    return *(totals * scale), scale * sum(free)


def _correlate(values, lags, news, origins):
    """Products and mean squares of the standardised ranks in one series, whose means over days lead to correlations.

    Returns
    -------
    products, squares : arrays, shape (7, 3, n); 0 where nothing is left that varies
    free : array, shape (7, 1), degrees of freedom
    origins : as given
    """
    n, kinds = len(values), news.shape[2]
    fixed = np.column_stack([lags, news.reshape(n, -1)])
    spread = fixed.std(axis=0)
    fixed = (fixed - fixed.mean(axis=0)) / np.where(spread > 0, spread, 1)
    values = (values - values.mean()) / values.std()
    basis, _ = np.linalg.qr(np.column_stack([np.ones(n), fixed]))
    columns = fixed.shape[1] - kinds * np.arange(len(SHIFTS), 0, -1)  # of the first news of each shift
    free = (n - 1 - columns)[:, None]  # degrees of freedom
    left, left_news = np.empty((len(SHIFTS), 1, n)), np.empty((len(SHIFTS), kinds, n))
    for i, column in enumerate(columns):
        before = basis[:, : 1 + column]
        left[i] = _without(values[:, None], before).T
        left_news[i] = _without(fixed[:, column : column + kinds], before).T
    varies = (left.std(axis=2) > ROUNDING) & (left_news.std(axis=2) > ROUNDING)
    u, v = (_standard_ranks(part) for part in (left, left_news))
    products, squares = (np.where(varies[:, :, None], part, 0.0) for part in (u * v, (u**2 + v**2) / 2))
    return products, squares, free, origins


def _without(columns, basis):
    """What least squares on an orthonormal basis, shape (n, m), leave of `columns`, shape (n, k)."""
    return columns - basis @ (basis.T @ columns)


def _standard_ranks(values):
    """Ranks over the last axis, with mean 0 and standard deviation 1."""
    ranks = midranks(values.reshape(-1, values.shape[-1]).T).T.reshape(values.shape)
    ranks -= ranks.mean(axis=-1, keepdims=True)
    return ranks / np.maximum(ranks.std(axis=-1, keepdims=True), np.finfo(float).tiny)


def _standard_error(values, free):
    """Of the means of `values` over the last axis, the days, with `free` degrees of freedom."""
    n = values.shape[-1]
    deviations = (values - values.mean(axis=-1, keepdims=True)).reshape(-1, n).T
    variances = np.maximum(mean_variance(deviations, n**0.5), deviations.var(axis=0))
    return np.sqrt(variances.reshape(values.shape[:-1]) / free)


def _p_positive(values, free):
    """One-sided p-values that the expectations of `values`, over the last axis, are not positive; 1 for constants."""
    se = _standard_error(values, free)
    return np.where(se > 0, stdtr(free, -values.mean(axis=-1) / np.where(se > 0, se, 1)), 1.0)


def _by_series(forecasts, days):
    """Pairs of the forecasts and the days of each series."""
    if "series" not in days:
        return [(forecasts, days)]
    days = dict(list(days.groupby("series", observed=True)))
    return [(own, days[name]) for name, own in forecasts.groupby("series", observed=True)]


def _count(parts):
    return sum(len(values) for *_, (values, *_) in parts)


def _measure(forecasts, days, what):
    """One row of the table without verdict, with its six raw p-values: late by 1, 2, 3; knows day 1, 2, 3.

    Bonferroni's correction accounts for the kinds of news, and for a location that is also measured as a price.
    """
    parts = [(*part, arrange(*part, what)) for part in _by_series(forecasts, days)]
    row = {"what": what, "n": _count(parts), "series": len(parts)}
    parts = [part for part in parts if len(part[-1][0]) >= FEWEST]
    if not parts:
        return row | {"reason": f"fewer than {FEWEST} days whose neighbours are all known"}
    parts = [part for part in parts if np.ptp(part[-1][0]) > ROUNDING * np.abs(part[-1][0]).max()]
    if not parts:
        return row | {"reason": "the forecast is the same on all days"}
    row |= {"n": _count(parts), "series": len(parts)}
    profile = measure_profile([arranged for *_, arranged in parts])
    kinds = len(NEWS) + (what == LOCATION)
    known = len(NEWS) * profile.p_knows[ORIGIN].min()
    late, news_shown = kinds * profile.p_late.min(axis=1), NEWS[np.abs(profile.r).max(axis=0).argmax()]
    r, se = (table[:, NEWS.index(news_shown)] for table in (profile.r, profile.se))
    if what == LOCATION:
        # Today's Close is in the return that a price forecast means, whether or not the forecast knew it: a price that
        # is late seems to move with the newest day. The price itself does not.
        price = measure_profile([arrange(*part, what, as_price=True) for *part, _ in parts])
        late_price = kinds * price.p_late[:, 0]
        if late_price.min() < min(late.min(), LEVEL):
            r, se, news_shown = price.r[:, 0], price.se[:, 0], PRICE
        late = np.minimum(late, late_price)
        known = max(known, price.p_knows[ORIGIN, 0])
    p = np.concatenate([late, len(NEWS) * profile.p_knows[ORIGIN + 1 :].min(axis=1)])
    figures = {f"r_{shift:+d}": value for shift, value in zip(SHIFTS, r)}
    figures |= {f"se_{shift:+d}": value for shift, value in zip(SHIFTS, se)}
    return row | figures | {"news": news_shown, "p": np.minimum(p, 1), "p_newest": known}


def alignment_table(forecasts, days):
    """`COLUMNS` for every experiment, and for each of location and scale that it forecasts.

    Parameters
    ----------
    forecasts : dict of experiment to dict of DataFrame, what `forecasts_of` returns
    days : DataFrame, from `daily_news`

    Returns
    -------
    DataFrame
        `n`: the days of all `series` (their number) that have at least `FEWEST` days and a forecast that varies; of all
        if none has. `verdict`: "late by k days" or "knows the future" if Holm's p-value over all experiments and
        shifts, `p_holm`, is below `LEVEL`; `k` is then the number of days. `ALIGNED` if the forecast moves with the
        news of the origin by more than `SKILL` (at `LEVEL`, for this forecast alone). `UNDECIDED` else;
        `NOT_APPLICABLE` where an experiment forecasts neither a location nor a scale.
    """
    rows = []
    for experiment, found in forecasts.items():
        measured = [_measure(table, days, what) for what, table in found.items()]
        rows += [
            {"experiment": experiment} | row for row in measured or [{"n": 0, "series": 0, "verdict": NOT_APPLICABLE}]
        ]
    tested = [row for row in rows if "p" in row]
    adjusted = holm(np.concatenate([row["p"] for row in tested])) if tested else np.array([])
    for row, p in zip(tested, adjusted.reshape(-1, len(SHIFTS) - 1)):
        late, future = (np.flatnonzero(part < LEVEL) + 1 for part in (p[:ORIGIN], p[ORIGIN:]))
        row["p_holm"] = p.min()
        if len(future):
            row |= {"verdict": FUTURE, "k": future.max()}
        elif len(late):
            row |= {"verdict": f"late by {late[0]} day{'s' if late[0] > 1 else ''}", "k": late[0]}
        elif row["p_newest"] < LEVEL:
            row["verdict"] = ALIGNED
        else:
            row |= {"verdict": UNDECIDED, "reason": "it moves too little with the news of any single day"}
    table = pd.DataFrame([{"verdict": UNDECIDED} | row for row in rows], columns=COLUMNS)
    return table.astype({"k": "Int64"})


def alignment_check(rows):
    """The health check of an experiment, as `fd01.evaluation.health.health_checks` returns them.

    `rows` are its rows of `alignment_table`, as dicts. `ok` is False if any accuses, True if any is `ALIGNED` and none
    accuses, else None.
    """
    verdicts = [row["verdict"] for row in rows]
    detail = "; ".join(f"{row['what']}: {row['verdict']}" for row in rows if row["verdict"] != NOT_APPLICABLE)
    accused = any(is_accusation(verdict) for verdict in verdicts)
    return {
        "check": "on its day",
        "ok": False if accused else True if ALIGNED in verdicts else None,
        "detail": detail or NOT_APPLICABLE,
    }


def is_accusation(verdict):
    """Whether a verdict says that a forecast does not lie on its day."""
    return verdict not in (ALIGNED, UNDECIDED, NOT_APPLICABLE)
