"""The health checks of one experiment: whether it ran as it should, and whether its scores are usable."""

import numpy as np

from fd01.data.origins import EVALUATION
from fd01.evaluation.outcomes import with_outcomes
from fd01.models.known_answers import MISSING, NOT_VERIFIED, REFUSED, UNVERIFIED, VERIFIED

BLOCK_OF_SEED = ["fold", "target", "horizon", "seed", "score_kind"]
MOST_DISTANT = 3  # median distance of forecasts of the next day from the Close of today, in median daily returns
MIN_DISTINCT = 0.1  # least number of distinct scores in a block, as a share of its days


def health_checks(scores, metadata, outcomes, collapse_spread, pins, sealed=()):
    """The checks of one experiment.

    Parameters
    ----------
    scores, metadata : its prediction files
        As `fd01.scoring.predictions.read_experiment` returns them.
    outcomes : DataFrame
        The table `outcomes.parquet`.
    collapse_spread : float
        A block whose scores have a spread (max - min) up to this has collapsed.
    pins : dict of package, in lower case, to version
    sealed : folds
        Some of their outcomes are unknown on purpose: they do not count when AUC cannot be computed.

    Returns
    -------
    list of dict with `check`, `ok` (None: the check does not apply) and `detail`
    """
    reasons = {entry["reason"] for provenance in metadata.values() for entry in provenance["not_run"]}
    provenance = next(iter(metadata.values()))  # all folds have the same
    checks = [
        _check("ran", not reasons, "; ".join(sorted(reasons)) or "every fold and target has its scores"),
        _check("packages as pinned", *_packages(provenance["packages"], pins)),
        _check("model loads", *_model(provenance)),
        *_known_answers(provenance["weights"]),
    ]
    if provenance.get("epochs"):
        checks.append(_check("stopped early", *_stopped_early(provenance["epochs"])))
    if "external" in provenance:
        checks.append(_check("every day", *_every_day(provenance["lacking"])))
        checks.append(_check("near the Close", *_near(provenance["external"])))
    scored = scores[scores["role"] == EVALUATION]
    if scored.empty:
        return checks
    finite = np.isfinite(scored["score"])
    # Series by series: a network that collapsed on one of them alone has a spread over all.
    blocks = scored.groupby([*BLOCK_OF_SEED, "series"], dropna=False, observed=True)["score"]
    spread = blocks.max() - blocks.min()
    distinct = blocks.nunique() / blocks.size()
    unsealed = with_outcomes(scored[~scored["fold"].isin(sealed)], outcomes)
    both = unsealed.groupby(BLOCK_OF_SEED, dropna=False)["y"].nunique() == 2
    exempt = (None, "exempt: the score is constant by construction") if provenance.get("constant") else None
    return [
        *checks,
        _check("finite", finite.all(), f"{finite.sum()} of {len(finite)} scores are finite"),
        _check("spread", *(exempt or _smallest(spread, spread > collapse_spread, "of a block", ".4g"))),
        _check("distinct", *(exempt or _smallest(distinct, distinct >= MIN_DISTINCT, "share of the days", ".0%"))),
        _check(
            "AUC computable",
            both.all() if len(both) else None,
            f"{both.sum()} of {len(both)} blocks that are open have both outcomes",
        ),
    ]


def _check(name, ok, detail):
    return {"check": name, "ok": None if ok is None else bool(ok), "detail": detail}


def _smallest(values, ok, what, form):
    """Whether all blocks are `ok`, and the smallest of their values; of several series, with its series and fold."""
    where = dict(zip(values.index.names, values.index[values.argmin()]))
    several = values.index.get_level_values("series").nunique() > 1
    of = f" ({where['series']}, {where['fold']})" if several else ""
    return ok.all(), f"smallest {what}: {values.min():{form}}{of}"


def _packages(packages, pins):
    """The versions that a job found, without their build tags, compared with the pinned ones."""
    versions = {name: version.partition("+")[0] for name, version in packages.items() if name != "python"}
    wrong = [
        f"{name} {version}, pinned {pins[name.lower()]}"
        for name, version in versions.items()
        if version != pins[name.lower()]
    ]
    return not wrong, "; ".join(wrong or [f"{name} {version}" for name, version in versions.items()])


def _model(provenance):
    weights = provenance["weights"]
    if "external" in provenance:
        return None, f"nothing to load: made elsewhere, file sha256 {provenance['external']['sha256']}"
    if "loaded" not in provenance:
        if weights in (MISSING, REFUSED):
            return False, f"its weights are {weights}"
        return None, f"nothing to load: {weights or 'no weights'}"
    if not isinstance(weights, dict):
        return True, f"{provenance['loaded']}; weights: {weights}"
    sums = ", ".join(f"{name} sha256 {file['sha256']}" for name, file in weights["files"].items())
    return True, f"{provenance['loaded']}; revision {weights['revision']}, {sums}"


def _every_day(lacking):
    """Forecasts that were made elsewhere may lack a few days of a block."""
    parts = [f"{fold} lacks the forecasts made on {', '.join(days)}" for fold, days in lacking.items()]
    return None if lacking else True, "; ".join(parts) or "no block that is scored lacks a day"


def _known_answers(weights):
    """Of pre-trained weights, how many published answers they give, and every file that differs from a record of it."""
    if not isinstance(weights, dict):
        return
    # Archives that are older than this check say nothing of it.
    answers = weights.get("known_answers", {"status": NOT_VERIFIED, "differing": []})
    ok = {VERIFIED: True, UNVERIFIED: False}.get(answers["status"])
    detail = answers["status"] if ok is None else f"{answers['passed']} of {answers['cases']}"
    yield _check("known answers", ok, detail)
    if answers["differing"]:
        yield _check("weights as recorded", False, "; ".join(answers["differing"]))


def _near(about):
    """Forecasts in another unit, or of unadjusted prices, lie farther from the Close than a day moves it."""
    if about.get("distance") is None:
        return None, "not forecasts of a price"
    detail = "forecast and Close differ by {distance:.2%} in the median, the Closes of two days by {move:.2%}"
    return about["distance"] <= MOST_DISTANT * about["move"], detail.format(**about)


def _stopped_early(epochs):
    """A training whose best epoch is the last one allowed might have improved further."""
    unfinished = [training for training in epochs if training["selected"] == training["allowed"]]
    names = ", ".join(f"seed {training['seed']} of {training['train_end']}" for training in unfinished)
    detail = f"used the last epoch allowed: {names}" if unfinished else "no training used the last epoch allowed"
    return not unfinished, detail
