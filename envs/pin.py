"""Write the environments of `--sdm conda`, one yaml file each, at the versions of the single environment.

The comment behind a requirement in requirements.in names the environments that it belongs to, requirements.txt has the
versions. What a package needs in turn is read from the packages that are installed for this Python: `make lock` calls
this file where all are.
"""

import re
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ENVS = Path(__file__).resolve().parent
ENVIRONMENTS = {
    "analysis": "Data, baselines, evaluation, figures and report.",
    "exports": "The first page of the report as PDF, and the RO-Crate.",
    "fracast": "Fracast-0, weights included.",
    "lag-llama": "Lag-Llama, in sktime's copy.",
    "notebook": "The notebook for looking further.",
    "patchtst": "PatchTST.",
    "timesfm": "TimesFM 2.5: weights, forecasts, hidden states, fine-tuning.",
    "weights": "The check of the pre-trained weights: TimesFM 2.5 and Lag-Llama.",
}
# The environments are the same whichever Python and machine this file runs on.
PYTHON = "3.11"
MARKERS = {
    "python_version": PYTHON,
    "python_full_version": f"{PYTHON}.0",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "os_name": "posix",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
}
# Torch brings them by itself, where there is CUDA.
CUDA = re.compile(r"nvidia-|cuda-|triton$")


def belonging(lines):
    """Direct requirements by environment, from the lines of requirements.in."""
    requirements = {environment: [] for environment in ENVIRONMENTS}
    for line in lines:
        requirement, _, comment = line.partition("#")
        if not requirement.strip():
            continue
        named = list(ENVIRONMENTS) if comment.split() == ["all"] else comment.split()
        if unknown := set(named) - set(ENVIRONMENTS):
            known = ", ".join(ENVIRONMENTS)
            raise SystemExit(f"requirements.in: {line}: no environment {', '.join(unknown)}, only {known}")
        for environment in named:
            requirements[environment].append(Requirement(requirement))
    return requirements


def closure(requirements):
    """Names of the packages that are required, and of all that they need under `MARKERS`."""
    seen, pending = set(), list(requirements)
    while pending:
        requirement = pending.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if (name, extra) in seen or CUDA.match(name):
                continue
            seen.add((name, extra))
            needed = map(Requirement, requires(name) or [])
            pending += [r for r in needed if r.marker is None or r.marker.evaluate(MARKERS | {"extra": extra})]
    return {name for name, _ in seen}


def read_versions(lines):
    """The lines `name==version` by the standard form of their names."""
    pinned = (line.strip() for line in lines if "==" in line)
    return {canonicalize_name(line.partition("==")[0]): line for line in pinned}


def render(environment, requirements, pinned):
    """Text of the file of an environment."""
    names = closure(requirements)
    if missing := sorted(names - set(pinned)):
        raise SystemExit(
            f"{environment}.yaml needs {', '.join(missing)}, which requirements.txt does not pin: make lock"
        )
    pins = "".join(f"      - {pinned[name]}\n" for name in sorted(names))
    return (
        f"# {ENVIRONMENTS[environment]} Made by make lock from requirements.in.\n"
        "channels:\n  - conda-forge\n  - nodefaults\n"
        f"dependencies:\n  - python={PYTHON}.*\n  - pip\n  - pip:\n{pins}"
    )


def environments():
    """Text of the file of every environment."""
    asked = belonging((ENVS / "requirements.in").read_text().splitlines())
    pinned = read_versions((ENVS / "requirements.txt").read_text().splitlines())
    return {environment: render(environment, requirements, pinned) for environment, requirements in asked.items()}


if __name__ == "__main__":
    for name, text in environments().items():
        (ENVS / f"{name}.yaml").write_text(text)
