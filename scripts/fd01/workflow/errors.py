"""The two exceptions by which a job stops early on purpose, and how their messages name things."""


class UserError(Exception):
    """Something that the person at the keyboard can correct. The message says what is wrong, where, and what to do."""


def some(items, separator=", "):
    """The first five of these items, as messages name them.

    >>> some("abcdef"), some([1, 2])
    ('a, b, c, d, e ...', '1, 2')
    """
    items = list(items)
    return separator.join(map(str, items[:5])) + (" ..." if len(items) > 5 else "")


class NotRun(Exception):
    """An experiment cannot give a score here. The message is the reason, as the report shows it."""
