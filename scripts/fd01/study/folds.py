"""Walk-forward blocks, which are folds that a dataset has in addition to those in the configuration."""

import datetime

WALK_FORWARD = "wf-"  # their names begin so


def is_walk_forward(fold):
    """Whether the fold with this name is a walk-forward block."""
    return fold.startswith(WALK_FORWARD)


def walk_forward_folds(first, last, years, embargo):
    """Folds `wf-{year}` of consecutive blocks; the training period of each is everything before it.

    Parameters
    ----------
    first, last : int
        First year of the first and of the last block.
    years : int, length of a block
    embargo : int
        Calendar days between the end of training and the block, in addition to the purge that every fold has
        (Lopez de Prado, Advances in Financial Machine Learning, 2018, section 7.4.2).

    Returns
    -------
    dict of dict: per fold `train_end`, `start` and `end`, as ISO dates.

    >>> walk_forward_folds(first=2003, last=2005, years=2, embargo=7)["wf-2005"]
    {'train_end': '2004-12-24', 'start': '2005-01-01', 'end': '2006-12-31'}
    """
    folds = {}
    for year in range(first, last + 1, years):
        start = datetime.date(year, 1, 1)
        folds[f"{WALK_FORWARD}{year}"] = {
            "train_end": (start - datetime.timedelta(days=1 + embargo)).isoformat(),
            "start": start.isoformat(),
            "end": datetime.date(year + years - 1, 12, 31).isoformat(),
        }
    return folds


def main_folds(table):
    """The rows of `table`, a DataFrame with the column `fold`, that do not belong to a walk-forward block."""
    return table[[not is_walk_forward(fold) for fold in table["fold"]]]


def headline_fold(folds, preferred):
    """The fold for a figure that has room for only one: `preferred` if `folds` has it, else the first; None of none."""
    folds = list(folds)
    return preferred if preferred in folds else next(iter(folds), None)
