"""Measure the default run, from packaged prices to the report, without pre-trained weights; see README.md."""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pandas as pd
from processes import cost_of

ROOT = Path(__file__).resolve().parents[1]
NO_HUB = {"HF_ENDPOINT": "http://127.0.0.1:9", "FD01_GPU": "0"}  # the weights are not to be fetched


def default_run(folder, root=ROOT):
    """Cost of one call of the default run of the project at `root`, in `folder`, jobs included."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", root / "Snakefile", "--directory", folder]
    return cost_of(command, root, **NO_HUB)


def run_of_commit(commit):
    """Cost of the default run of a commit of this repository, in the environment of this process."""
    with tempfile.TemporaryDirectory() as name:
        root, folder = Path(name) / "code", Path(name) / "run"
        cost_of(["git", "worktree", "add", "--detach", root, commit], ROOT)
        try:
            folder.mkdir()
            shutil.copy(root / "config.yaml", folder)
            return default_run(folder, root)
        finally:
            cost_of(["git", "worktree", "remove", "--force", root], ROOT)


def megabytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", metavar="COMMIT", help="measure the default run of this commit first")
    commit = parser.parse_args().before
    before = run_of_commit(commit) if commit else None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(ROOT / "config.yaml", folder)
        first, again = default_run(folder), default_run(folder)
        (costs,) = folder.glob("results/*/report/costs.csv")
        table, size = pd.read_csv(costs), megabytes(folder / "results")
    print("| what | measured | target |\n|---|---|---|")
    print(f"| cores | {os.cpu_count()} | |")
    if before:
        print(f"| the run of commit {commit} | {before.seconds:.0f} s, {before.cpu_seconds:.0f} CPU s | |")
        shares = first.seconds / before.seconds, first.cpu_seconds / before.cpu_seconds
        print(f"| the run now, as a share of it | {shares[0]:.2f} of the time, {shares[1]:.2f} of the CPU s | |")
    print(f"| the run | {first.seconds:.0f} s | at most 210 s on two idle cores |")
    print(f"| CPU seconds of all processes | {first.cpu_seconds:.0f} | |")
    busy = first.cpu_seconds / first.seconds / os.cpu_count()
    print(f"| CPU seconds / (seconds x cores): at 100 % no core waits for a job | {busy:.0%} | |")
    print(f"| CPU seconds of its {table['jobs'].sum()} jobs | {table['cpu_seconds'].sum():.0f} | at most 390 |")
    print(f"| results | {size:.0f} MB | at most 60 MB |")
    print(f"| peak memory of a job | {table['memory_mb'].max():,.0f} MB | |")
    print(f"| a second run, with nothing to do | {again.seconds:.1f} s, {again.cpu_seconds:.1f} CPU s | |\n")
    print("| rule | jobs | seconds | CPU s | peak memory, MB |\n|---|---|---|---|---|")
    for row in table.itertuples():
        measured = f"{row.wall_seconds:.1f} | {row.cpu_seconds:.1f} | {row.memory_mb:,.0f}"
        print(f"| {row.rule} | {row.jobs} | {measured} |")


if __name__ == "__main__":
    main()
