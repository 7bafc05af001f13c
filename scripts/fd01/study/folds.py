"""Walk-forward blocks: folds that a dataset gets beside those of the configuration."""

import datetime

WALK_FORWARD = "wf-"


def is_walk_forward(fold):
    """Whether a fold is a walk-forward block, by its name."""
    return fold.startswith(WALK_FORWARD)


def walk_forward_folds(first, last, years, embargo):
    """Folds `wf-{year}` of consecutive blocks, each with all that lies before it as its training period.

    Parameters
    ----------
    first, last : int
        First year of the first and of the last block.
    years : int, length of a block
    embargo : int
        Days of the calendar between the end of training and the block, beyond the purge of every fold
        (Lopez de Prado, Advances in Financial Machine Learning, 2018, section 7.4.2).

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
    """The rows of `table` that do not belong to a walk-forward block."""
    return table[[not is_walk_forward(fold) for fold in table["fold"]]]


def headline(folds, wanted):
    """The fold that is shown where there is room for one: `wanted`, or the first of `folds`; None of none."""
    folds = list(folds)
    return wanted if wanted in folds else next(iter(folds), None)
