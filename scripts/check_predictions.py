"""Stop unless every experiment is scored on the same days; write its health checks."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from fd01.files import write_json
from fd01.logs import configure_logging
from fd01.origins import EVALUATION
from fd01.outcomes import with_outcomes
from fd01.predictions import check_same_origins, read_experiment

MIN_DISTINCT = 0.1  # share of the days of a block


def health_checks(frame, metadata, origins, collapse_spread):
    """The checks of one experiment: list of dict with `check`, `ok` (None: does not apply) and `detail`."""
    reasons = {entry["reason"] for about in metadata.values() for entry in about["not_run"]}
    about = next(iter(metadata.values()))
    weights = about["weights"]
    checks = [
        _check("ran", not reasons, "; ".join(sorted(reasons)) or "every fold and target has its scores"),
        _check("weights loaded", *_weights(weights)),
    ]
    scored = with_outcomes(frame[frame["role"] == EVALUATION], origins)
    if scored.empty:
        return checks
    blocks = scored.groupby(["fold", "target", "horizon", "seed", "score_kind"], dropna=False)
    spread = blocks["score"].agg(np.ptp)
    distinct = blocks["score"].agg(lambda scores: scores.nunique() / len(scores))
    classes = blocks["y"].nunique()
    finite = np.isfinite(scored["score"])
    checks.append(_check("finite", finite.all(), f"{(~finite).sum()} of {len(finite)} scores are not finite"))
    if about.get("constant"):
        checks += [
            _check(name, None, "exempt: the score is constant by construction") for name in ("spread", "distinct")
        ]
    else:
        checks += [
            _check(
                "spread", spread.min() > collapse_spread, f"smallest {spread.min():.4g}, more than {collapse_spread}"
            ),
            _check(
                "distinct",
                distinct.min() >= MIN_DISTINCT,
                f"at least {distinct.min():.0%} of the days of a block differ",
            ),
        ]
    checks.append(_check("AUC computable", (classes == 2).all(), "both outcomes occur in every block"))
    return checks


def _weights(weights):
    if isinstance(weights, dict):
        return True, f"revision {weights['revision']}, sha256 {weights['sha256']}"
    return None, f"nothing to load: {weights or 'no weights'}"


def _check(name, ok, detail):
    return {"check": name, "ok": None if ok is None else bool(ok), "detail": detail}


if __name__ == "__main__":
    configure_logging(snakemake)
    origins = pd.read_parquet(snakemake.input.origins)
    directory = Path(snakemake.output[0])
    directory.mkdir()
    for path in snakemake.input.predictions:
        experiment = Path(path).name
        frame, metadata = read_experiment(path)
        check_same_origins(experiment, frame, metadata, origins, snakemake.params.targets)
        checks = health_checks(frame, metadata, origins, snakemake.params.collapse_spread)
        write_json(directory / f"{experiment}.json", checks)
        failed = [check["check"] for check in checks if check["ok"] is False]
        logging.info("%s: %s", experiment, f"failed: {', '.join(failed)}" if failed else "healthy")
