"""Early stopping: the rule, and what is recorded of a training that it ended."""

INNER = "training period less its calibration tail, on which the epoch was chosen"


def best_epoch(losses):
    """Number of the epoch, from 1, with the smallest loss on the monitor set, the first of equals; 0 before any."""
    return 1 + losses.index(min(losses)) if losses else 0


def is_over(losses, max_epochs, patience):
    """Whether a training ends after epochs with these losses: at `max_epochs`, or `patience` epochs without a better.

    >>> is_over([0.7, 0.6, 0.65], max_epochs=50, patience=2), is_over([0.7, 0.6, 0.65, 0.6], max_epochs=50, patience=2)
    (False, True)
    """
    return len(losses) >= max_epochs or len(losses) - best_epoch(losses) >= patience


def epochs(curve, train_end, allowed):
    """Where one training stopped: the epoch whose weights are used, the last one, and the last one allowed.

    `curve` is a DataFrame with epoch, selected, seed, target and horizon.
    """
    about = curve.iloc[0]
    return {
        "train_end": train_end,
        "seed": int(about["seed"]),
        "target": about["target"],
        "horizon": int(about["horizon"]),
        "selected": int(curve.loc[curve["selected"], "epoch"].iloc[0]),
        "last": int(curve["epoch"].max()),
        "allowed": allowed,
    }
