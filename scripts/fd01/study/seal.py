"""The seal of the analysis plan: which days are sealed unless the plan was fixed as it is now, and why."""

from fd01.study.folds import is_walk_forward
from fd01.study.systems import cut_off, decision_of
from fd01.workflow.files import digest, sha256

# The message. It is shown by report/sections/answer.html.j2 ("which are {reason}"), `sentence` of
# fd01.evaluation.verdict, scripts/show.py, the log of seal_outcomes, and the `reason` in metrics.csv.
NOT_FIXED = "the plan with these settings and folds is not one that was fixed"
HOW_TO_OPEN = "To open these days, fix your plan first; then add the digest to plan/sha256 of the configuration."
LEFT_OUT = "left out: its training period reaches into the sealed days"
COVERED = ("labels", "targets", "statistics", "decision", "origins")  # sections of the configuration


def plan_digest(path, config, dataset):
    """SHA-256 of the plan, the file `path`, and of what belongs to it in `config`, which `check_config` has checked.

    These are the sections `COVERED`; the reference, the folds and the walk-forward definition of `dataset`; and the
    month from which days are clean. The blocks that the switch `walk_forward: true` adds to the folds follow from the
    definition, so they change nothing.
    """
    entry = config["datasets"][dataset]
    folds = {fold: dates for fold, dates in entry["folds"].items() if not is_walk_forward(fold)}
    settings = {section: config[section] for section in COVERED}
    settings |= {"decision": decision_of(config, dataset), "cut_off": cut_off(config)}
    return digest({"plan": sha256(path), **settings, "folds": folds, "walk_forward": entry.get("walk_forward")})


def seal(plan, current_digest, folds):
    """What is sealed on a dataset, and why.

    Parameters
    ----------
    plan : dict, the section `plan` of the configuration
    current_digest : str, the `plan_digest` of the dataset
    folds : dict of dict
        The folds of the dataset, with `train_end`, `start` and, optionally, `end`, as ISO dates.

    Returns
    -------
    dict
        `blocks`, the first and last dates between which days are sealed: a list of dict with `start` and, optionally,
        `end`. `left_out`, the names of the folds that must not be fitted: an outcome of a sealed day could be among
        what they are trained on, if `train_end` is later than the first sealed date. `reason`, a str. The lists are
        empty and the reason is None if the configuration has this digest in `plan: sha256:`, or seals none of `folds`.
    """
    sealed = [folds[fold] for fold in plan["sealed"] if fold in folds]
    if not sealed or current_digest in plan["sha256"]:
        return {"blocks": [], "left_out": [], "reason": None}
    first = min(fold["start"] for fold in sealed)
    return {
        "blocks": [{key: fold[key] for key in ("start", "end") if key in fold} for fold in sealed],
        "left_out": [name for name, fold in folds.items() if fold["train_end"] > first],
        "reason": f"sealed: {NOT_FIXED}; their digest is {current_digest}",
    }
