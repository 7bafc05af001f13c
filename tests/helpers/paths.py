"""Where things lie in the repository."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SMALL_STUDY = ROOT / "tests" / "studies" / "small"
IN_EVERY_JOB = ROOT / "tests" / "helpers" / "in_every_job"
