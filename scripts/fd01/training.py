"""What is recorded of a training that was stopped early."""

INNER = "training period less its calibration tail, on which the epoch was chosen"


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
