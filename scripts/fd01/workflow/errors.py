"""The two ways in which a step ends early on purpose."""


class UserError(Exception):
    """Something that the person at the keyboard can mend; the message says what, where and how."""


class NotRun(Exception):
    """An experiment cannot give a score here; the message is the reason that the report shows."""
