"""The analysis plan, and the blocks that stay closed while the settings are not those that were fixed with it."""

from fd01.workflow.files import digest, sha256

COVERED = ("labels", "targets", "statistics", "decision")


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
