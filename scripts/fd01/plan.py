"""The analysis plan, and the blocks that stay closed while the settings are not those that were fixed with it."""

from fd01.files import digest, sha256

COVERED = ("labels", "targets", "statistics", "decision")
KEYS = ["fold", "train_end", "role", "origin", "row"]  # of the table of origins; its other columns are targets


def plan_digest(path, config):
    """SHA-256 of the bytes of the plan, the file `path`, and of the sections of `config` that it speaks of."""
    return digest({"plan": sha256(path)} | {section: config[section] for section in COVERED})


def seal(plan, found):
    """The folds that stay closed, and why.

    Parameters
    ----------
    plan : dict, the section `plan` of the configuration
    found : str, the `plan_digest` of the present plan and settings

    Returns
    -------
    dict with `folds` and `reason`: no fold and None while `found` is the digest in the configuration.
    """
    if not plan["sealed"] or found == plan["sha256"]:
        return {"folds": [], "reason": None}
    reason = (
        "sealed: the analysis plan or its settings have changed; "
        f"its digest is {found}, plan/sha256 says {plan['sha256']}"
    )
    return {"folds": plan["sealed"], "reason": reason}


def close(origins, folds):
    """`origins` in which no target of an evaluation day of `folds` is known, whichever fold holds the day.

    Returns
    -------
    The table, and a dict of the folds that hold such days: `days` closed `of` all evaluation days.
    """
    from fd01.origins import EVALUATION  # not above: the Snakefile imports this module, and pandas is slow to

    evaluation = origins["role"] == EVALUATION
    days = origins.loc[evaluation & origins["fold"].isin(folds), "origin"]
    closed = evaluation & origins["origin"].isin(days)
    outcomes = origins.copy()
    outcomes.loc[closed, outcomes.columns.difference(KEYS)] = float("nan")
    counts = closed[evaluation].groupby(origins["fold"], sort=False).agg(["sum", "size"])
    return outcomes, {
        fold: {"days": int(row["sum"]), "of": int(row["size"])} for fold, row in counts.iterrows() if row["sum"]
    }
