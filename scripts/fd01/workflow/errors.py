"""The two exceptions by which a job stops early on purpose."""


class UserError(Exception):
    """Something that the person at the keyboard can correct. The message says what is wrong, where, and what to do."""


class NotRun(Exception):
    """An experiment cannot give a score here. The message is the reason, as the report shows it."""
