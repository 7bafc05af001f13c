"""The seal of the analysis plan: which blocks are sealed once the plan or its settings have changed, and why."""

from fd01.workflow.files import digest, sha256

# The message. It is shown by report/sections/opening.html.j2 ("which are {reason}"), `sentence` of
# fd01.evaluation.verdict, scripts/show.py, the log of seal_outcomes, and the `reason` in metrics.csv.
CHANGED = "the analysis plan or its settings have changed"
COVERED = ("labels", "targets", "statistics", "decision")  # sections of the configuration that belong to the plan


def plan_digest(path, config):
    """SHA-256 of the plan, the file `path`, and of the sections of `config` that belong to it."""
    return digest({"plan": sha256(path)} | {section: config[section] for section in COVERED})


def seal(plan, current_digest):
    """The folds that are sealed, and why.

    Parameters
    ----------
    plan : dict, the section `plan` of the configuration
    current_digest : str, the `plan_digest` of the plan and the settings as they are now

    Returns
    -------
    dict with `folds` and `reason`: an empty list and None if the configuration has this digest in `plan: sha256:`.
    """
    if not plan["sealed"] or current_digest == plan["sha256"]:
        return {"folds": [], "reason": None}
    reason = (
        f"sealed: {CHANGED}; the digest of both is {current_digest} now, "
        f"plan/sha256 of the configuration is {plan['sha256']}"
    )
    return {"folds": plan["sealed"], "reason": reason}
