"""Trading calendars: on which days an exchange is open. The package `exchange_calendars` knows them."""

import difflib

import pandas as pd

from fd01.workflow.errors import UserError

NO_CALENDAR = "none"


class Sessions:
    """The sessions of one calendar, made for the days that are asked for and kept for the next series.

    Parameters
    ----------
    calendar : str
        A name that `exchange_calendars` knows, such as XNYS.
    """

    def __init__(self, calendar):
        self.calendar = calendar
        self._first, self._last = pd.Timestamp.max, pd.Timestamp.min  # of what is known: nothing yet
        self._known = pd.DatetimeIndex([])

    def between(self, first, last):
        """The sessions from `first` to `last`, both included; DatetimeIndex.

        Raises `UserError` when there is no such calendar, or when it does not reach that far.
        """
        if first < self._first or last > self._last:
            self._first, self._last = min(first, self._first), max(last, self._last)
            self._known = _sessions(self.calendar, self._first, self._last)
        return self._known[(self._known >= first) & (self._known <= last)]


def _sessions(calendar, first, last):
    from exchange_calendars import get_calendar, get_calendar_names
    from exchange_calendars.errors import InvalidCalendarName

    try:
        # By default a calendar covers twenty years. One of a single day does not exist, hence the day more.
        return get_calendar(calendar, start=first, end=last + pd.Timedelta(days=1)).sessions
    except InvalidCalendarName:
        similar = difflib.get_close_matches(calendar, get_calendar_names(), n=1)
        hint = f" (did you mean {similar[0]}?)" if similar else ""
        raise UserError(
            f"exchange_calendars has no calendar {calendar!r}{hint}: set the dataset's key calendar to one of its "
            "names, such as XNYS, XLON, XTKS or 24/7, or to none"
        ) from None
    except ValueError as error:
        raise UserError(
            f"the calendar {calendar} does not cover {first:%Y-%m-%d} to {last:%Y-%m-%d}: {error} Set the source's "
            "start or end, or the dataset's key calendar to none"
        ) from None
