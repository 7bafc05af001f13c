"""Stop unless every experiment is scored on the same days; write its health checks."""

import logging
from pathlib import Path

import numpy as np

from fd01.data.origins import EVALUATION
from fd01.evaluation.outcomes import with_outcomes
from fd01.scoring.predictions import check_same_origins, read_experiment
from fd01.workflow.files import write_json
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_table

BLOCK = ["fold", "target", "horizon", "seed", "score_kind"]
MIN_DISTINCT = 0.1  # share of the days of a block whose scores must differ


def read_pins(path):
    """Version by package, names in lower case, from the lines `name==version` of a requirements file."""
    lines = (line.split("==") for line in Path(path).read_text().splitlines() if "==" in line)
    return {name.partition("[")[0].lower(): version for name, version in lines}


def health_checks(frame, metadata, origins, collapse_spread, pins, sealed=()):
    """The checks of one experiment: list of dict with `check`, `ok` (None: does not apply) and `detail`.

    Of the folds `sealed` some outcomes are unknown on purpose, so they have no say in whether AUC can be computed.
    """
    reasons = {entry["reason"] for about in metadata.values() for entry in about["not_run"]}
    about = next(iter(metadata.values()))
    checks = [
        _check("ran", not reasons, "; ".join(sorted(reasons)) or "every fold and target has its scores"),
        _check("stack as pinned", *_stack(about["packages"], pins)),
        _check("model loads", *_model(about)),
    ]
    if about.get("epochs"):
        checks.append(_check("stopped early", *_stopped_early(about["epochs"])))
    scored = frame[frame["role"] == EVALUATION]
    if scored.empty:
        return checks
    blocks = scored.groupby(BLOCK, dropna=False)["score"]
    spread = blocks.agg(np.ptp).min()
    distinct = blocks.agg(lambda scores: scores.nunique() / len(scores)).min()
    known = with_outcomes(scored[~scored["fold"].isin(sealed)], origins)
    both = known.groupby(BLOCK, dropna=False)["y"].nunique() == 2
    finite = np.isfinite(scored["score"])
    exempt = (None, "exempt: the score is constant by construction") if about.get("constant") else None
    return [
        *checks,
        _check("finite", finite.all(), f"{finite.sum()} of {len(finite)} scores are finite"),
        _check("spread", *(exempt or (spread > collapse_spread, f"smallest of a block: {spread:.4g}"))),
        _check("distinct", *(exempt or (distinct >= MIN_DISTINCT, f"smallest share of the days: {distinct:.0%}"))),
        _check(
            "AUC computable",
            both.all() if len(both) else None,
            f"{both.sum()} of {len(both)} blocks that are open have both outcomes",
        ),
    ]


def _stopped_early(epochs):
    """A training whose best epoch is the last one allowed might have gone on improving."""
    cut = [training for training in epochs if training["selected"] == training["allowed"]]
    names = ", ".join(f"seed {training['seed']} of {training['train_end']}" for training in cut)
    return not cut, f"used the last epoch allowed: {names}" if cut else "every training stopped by itself"


def _stack(packages, pins):
    """Versions that a job found, without their build tags, against those of the requirements."""
    found = {name: version.partition("+")[0] for name, version in packages.items() if name != "python"}
    other = [
        f"{name} {version}, pinned {pins[name.lower()]}"
        for name, version in found.items()
        if version != pins[name.lower()]
    ]
    return not other, "; ".join(other or [f"{name} {version}" for name, version in found.items()])


def _model(about):
    weights = about["weights"]
    if "loaded" not in about:
        missing = weights == "missing"
        return (False, "its weights are missing") if missing else (None, f"nothing to load: {weights or 'no weights'}")
    if not isinstance(weights, dict):
        return True, f"{about['loaded']}; weights: {weights}"
    sums = ", ".join(f"{name} sha256 {file['sha256']}" for name, file in weights["files"].items())
    return True, f"{about['loaded']}; revision {weights['revision']}, {sums}"


def _check(name, ok, detail):
    return {"check": name, "ok": None if ok is None else bool(ok), "detail": detail}


if __name__ == "__main__":
    configure_logging(snakemake)
    origins, sealed = read_table(snakemake.input.outcomes)
    directory, params = Path(snakemake.output[0]), snakemake.params
    directory.mkdir()
    pins = read_pins(snakemake.input.pins)
    for path in snakemake.input.predictions:
        experiment = Path(path).name
        frame, metadata = read_experiment(path)
        check_same_origins(experiment, frame, metadata, origins, params.targets, params.seeds[experiment])
        checks = health_checks(frame, metadata, origins, params.collapse_spread, pins, sealed["sealed"])
        write_json(directory / f"{experiment}.json", checks)
        failed = [check["check"] for check in checks if check["ok"] is False]
        logging.info("%s: %s", experiment, f"failed: {', '.join(failed)}" if failed else "healthy")
