"""Write the stacks of `--sdm conda`, one yaml file each, at the versions of the single environment.

The comment behind a requirement in requirements.in names the stacks that it belongs to, requirements.txt has the
versions. What a package needs in turn is read from those that are installed beside this Python: call it by `make lock`.
"""

import re
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ENVS = Path(__file__).resolve().parent
STACKS = {
    "analysis": "Data, baselines, evaluation, figures and report.",
    "fracast": "Fracast-0, weights included.",
    "lag-llama": "Lag-Llama, in sktime's copy.",
    "notebook": "The notebook for looking further.",
    "patchtst": "PatchTST.",
    "timesfm": "TimesFM 2.5: weights, forecasts, hidden states, fine-tuning.",
}
# Torch brings them by itself, where there is CUDA.
CUDA = re.compile(r"nvidia-|cuda-|triton$")


def belonging(lines):
    """Direct requirements by stack, from the lines of requirements.in."""
    found = {stack: [] for stack in STACKS}
    for line in lines:
        requirement, _, comment = line.partition("#")
        if not requirement.strip():
            continue
        named = list(STACKS) if comment.split() == ["all"] else comment.split()
        if unknown := set(named) - set(STACKS):
            raise SystemExit(f"requirements.in: {line}: no stack {', '.join(unknown)}, only {', '.join(STACKS)}")
        for stack in named:
            found[stack].append(Requirement(requirement))
    return found


def closure(requirements):
    """Names of the packages that are required, and of all that they need on this machine."""
    seen, pending = set(), list(requirements)
    while pending:
        requirement = pending.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if (name, extra) in seen or CUDA.match(name):
                continue
            seen.add((name, extra))
            needed = map(Requirement, requires(name) or [])
            pending += [r for r in needed if r.marker is None or r.marker.evaluate({"extra": extra})]
    return {name for name, _ in seen}


def read_versions(lines):
    """The lines `name==version` by the standard form of their names."""
    pinned = (line.strip() for line in lines if "==" in line)
    return {canonicalize_name(line.partition("==")[0]): line for line in pinned}


def render(stack, requirements, pinned):
    """Text of a stack's file."""
    names = closure(requirements)
    if missing := sorted(names - set(pinned)):
        raise SystemExit(f"{stack}.yaml needs {', '.join(missing)}, which requirements.txt does not pin: make lock")
    pins = "".join(f"      - {pinned[name]}\n" for name in sorted(names))
    return (
        f"# {STACKS[stack]} Made by make lock from requirements.in.\n"
        "channels:\n  - conda-forge\n  - nodefaults\n"
        f"dependencies:\n  - python=3.11.*\n  - pip\n  - pip:\n{pins}"
    )


def stacks():
    """Text of every stack's file."""
    asked = belonging((ENVS / "requirements.in").read_text().splitlines())
    pinned = read_versions((ENVS / "requirements.txt").read_text().splitlines())
    return {stack: render(stack, requirements, pinned) for stack, requirements in asked.items()}


if __name__ == "__main__":
    for name, text in stacks().items():
        (ENVS / f"{name}.yaml").write_text(text)
