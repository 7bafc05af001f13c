"""Early stopping: when a training ends, which epoch it keeps, and what the provenance records of it."""

# `fitted_on` of a training that stops on its calibration tail; the tail chose the epoch. A column of experiments.csv.
INNER = "training period less its calibration tail, on which the epoch was chosen"


def best_epoch(losses):
    """Number of the epoch, from 1, with the smallest loss on the monitor set; the first of equal ones, 0 if none."""
    return 1 + losses.index(min(losses)) if losses else 0


def is_over(losses, max_epochs, patience):
    """Whether a training ends after epochs with these losses on the monitor set.

    It ends at `max_epochs`, or after `patience` epochs without a smaller loss. PatchTST passes the negative of its AUC.

    >>> is_over([0.7, 0.6, 0.65], max_epochs=50, patience=2)
    False
    >>> is_over([0.7, 0.6, 0.65, 0.6], max_epochs=50, patience=2)
    True
    """
    return len(losses) >= max_epochs or len(losses) - best_epoch(losses) >= patience


def describe_epochs(curve, train_end, max_epochs):
    """Where one training stopped, for the provenance.

    Parameters
    ----------
    curve : DataFrame with one row per epoch: epoch, selected, seed, target, horizon
    train_end : str
    max_epochs : int

    Returns
    -------
    dict with `train_end`, `seed`, `target`, `horizon`, and three numbers of epochs: `selected`, whose weights are
    kept, `last`, the last one of the training, and `allowed`, which is `max_epochs`
    """
    training = curve.iloc[0]
    return {
        "train_end": train_end,
        "seed": int(training["seed"]),
        "target": training["target"],
        "horizon": int(training["horizon"]),
        "selected": int(curve.loc[curve["selected"], "epoch"].iloc[0]),
        "last": int(curve["epoch"].max()),
        "allowed": max_epochs,
    }
