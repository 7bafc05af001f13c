"""What daily prices must be: the checks of one series, each with the rows that fail and what to do."""

import numpy as np
import pandas as pd

from fd01.workflow.errors import UserError, some

OHLC = ["Open", "High", "Low", "Close"]
OHLCV = [*OHLC, "Volume"]

MAX_GAP_DAYS = 10
ROUNDING = 1e-5  # relative; vendors round adjusted prices to a few decimals
LARGEST_MOVE = 0.25  # of a day, as a share of the Close before
MISSING_SESSIONS = 0.02  # share of the sessions from the first day to the last
REPEATED_BARS = 5
SHOWN = 5  # rows in a message
SPLITS = {f"{n}:1": n for n in (2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 50)} | {"3:2": 1.5}
NEAR = 0.08  # how far the price may also have moved on the day of a split, as a share


def check_prices(frame, sessions=None, largest_move=LARGEST_MOVE, remedy=""):
    """Stop on the days of one series that are no daily prices.

    Parameters
    ----------
    frame : DataFrame, shape (days, columns)
        Date and OHLCV. Its index is the number of each row in the price file.
    sessions : `fd01.data.calendars.Sessions`, optional
        The days on which there must be a bar. Without it, any day may have one.
    largest_move : float
        Largest distance of a price from the Close before, as a share of the latter.
    remedy : str
        What else a message about a larger move says.

    Raises
    ------
    UserError
        With the problem, the first rows that have it, and, where one is found, the likely cause.
    """
    dates, prices = frame["Date"], frame[OHLCV].to_numpy(float)
    open_, high, low, close, volume = prices.T
    _check_step(dates)
    several = "a table of several series needs the column series"
    refuse_rows(frame, dates.duplicated(keep=False), "a date that occurs more than once", several)
    refuse_rows(frame, dates < dates.cummax(), "dates out of order")
    wrong = ~np.isfinite(prices).all(axis=1)
    incomplete = wrong[-1:].any() and not wrong[:-1].any()
    hint = "the last bar was not complete when it was fetched: fetch the prices again" if incomplete else ""
    refuse_rows(frame, wrong, "missing or infinite values", hint)
    refuse_rows(frame, (prices[:, :4] <= 0).any(axis=1), "prices that are not positive")
    refuse_rows(frame, volume < 0, "negative volume")
    refuse_rows(frame, pd.Series(volume).rolling(20).max() == 0, "no volume for 20 days")
    highest, lowest = np.maximum(open_, close), np.minimum(open_, close)
    refuse_rows(frame, high < np.maximum(highest, low) * (1 - ROUNDING), "High below Low, Open or Close")
    refuse_rows(frame, low > np.minimum(lowest, high) * (1 + ROUNDING), "Low above High, Open or Close")
    _check_pauses(frame)
    if sessions is not None and len(frame):
        _check_sessions(frame, sessions)
    _check_repeated(frame, prices)
    _check_moves(frame, prices, largest_move, remedy)


def refuse_rows(frame, wrong, problem, hint=""):
    """Raise `UserError` with the `problem` and the first rows where `wrong`, bool of shape (days,), is True."""
    rows = np.flatnonzero(wrong)
    if len(rows):
        shown = "; ".join(f"row {frame.index[row]} ({frame['Date'].iloc[row]:%Y-%m-%d})" for row in rows[:SHOWN])
        more = f"; and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
        raise UserError(f"{problem}: {shown}{more}" + (f". {hint[0].upper()}{hint[1:]}" if hint else ""))


def after_pauses(dates):
    """The positions of the days just after a pause of more than `MAX_GAP_DAYS`; int array.

    `dates` is a Series of ascending dates, shape (days,).
    """
    return np.flatnonzero(dates.diff().dt.days > MAX_GAP_DAYS)


def _check_pauses(frame):
    rows, dates = after_pauses(frame["Date"]), frame["Date"]
    if len(rows):
        days = dates.dt.strftime("%Y-%m-%d")
        shown = (f"{days.iloc[row - 1]} to {days.iloc[row]}, row {frame.index[row]}" for row in rows)
        raise UserError(
            f"a pause of more than {MAX_GAP_DAYS} days: {some(shown, '; ')}. If there was no trade, the dataset's key "
            "pauses: split makes what follows a series of its own; else fill in the days, or leave the series out"
        )


def _check_step(dates):
    """The usual step from a row to the next must be one day."""
    steps = dates.diff().dt.days.dropna()
    step = steps.median() if len(steps) else 1
    if step == 0:
        raise UserError(
            "most rows have the date of the row before: a day must be one bar, so make hourly prices daily, "
            "and a table of several series needs the column series"
        )
    if step > 1:
        bars = "weekly" if 5 <= step <= 8 else "monthly" if 27 <= step <= 32 else "not daily"
        raise UserError(f"these bars are {bars}: the usual step is {step:.0f} days; the study needs one bar a day")


def _check_sessions(frame, sessions):
    dates = pd.DatetimeIndex(frame["Date"])
    name, expected = sessions.calendar, sessions.between(dates[0], dates[-1])
    refuse_rows(
        frame,
        ~dates.isin(expected),
        f"dates that are no sessions of the calendar {name}",
        "delete the rows if they are padded; for prices of another exchange, set the dataset's key calendar",
    )
    missing = expected.difference(dates)
    if len(missing) > MISSING_SESSIONS * len(expected):
        shown = ", ".join(f"{day:%Y-%m-%d}" for day in missing[:SHOWN])
        raise UserError(
            f"{len(missing)} of {len(expected)} sessions of the calendar {name} are missing, {shown} among them; at "
            f"most {MISSING_SESSIONS:.0%} may be. For prices of another exchange, set the dataset's key calendar"
        )


def _check_repeated(frame, prices):
    """Padded rows: a copy of the bar before, or a day without trades at the Close before."""
    before, after = prices[:-1], prices[1:]
    still = (after[:, :4] == before[:, 3:4]).all(axis=1) & (after[:, 4] == 0)
    repeated = np.append(False, (after == before).all(axis=1) | still)[: len(prices)]
    if repeated.sum() > REPEATED_BARS:
        hint = f"delete these padded rows; at most {REPEATED_BARS} are accepted"
        refuse_rows(frame, repeated, "bars that repeat the bar before", hint)


def _check_moves(frame, prices, largest_move, remedy):
    ratios = prices[1:, :4] / prices[:-1, 3:4]  # to the Close before
    distances = np.abs(ratios - 1)
    beyond = (distances > largest_move).any(axis=1)
    if not beyond.any():
        return
    day = int(beyond.argmax())
    price = 3 if distances[day, 3] > largest_move else int(distances[day].argmax())
    ratio = ratios[day, price]
    refuse_rows(
        frame,
        np.append(False, beyond),
        f"prices further from the Close before than the dataset's largest_move, {largest_move:g}",
        f"on {frame['Date'].iloc[day + 1]:%Y-%m-%d}, the {OHLC[price]} is {ratio:.4g} times the Close before"
        f"{_cause(ratio, ratios[day + 1 : day + 2, 3])}. {remedy}If such a move is real, raise largest_move",
    )


def _cause(ratio, next_ratios):
    """The likely cause of a move, in words; `next_ratios` has the ratio of the next day, if there is one."""
    factor = max(ratio, 1 / ratio)
    is_power = any(abs(factor / power - 1) < NEAR for power in (10, 100, 1000))
    if is_power and (factor > 50 or any(abs(next_ratios * ratio - 1) < NEAR)):
        return ", as with a wrong decimal point, or with prices in another unit, such as cents"
    split = min(SPLITS, key=lambda name: abs(factor / SPLITS[name] - 1))
    if abs(factor / SPLITS[split] - 1) < NEAR and (ratio < 1 or split != "3:2"):
        new, old = split.split(":")
        return f", as after a split {f'{new}:{old}' if ratio < 1 else f'{old}:{new}'} without adjusted prices"
    return ""
