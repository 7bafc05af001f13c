"""Measure the default run, from packaged prices to the report, without pre-trained weights; see README.md."""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
NO_HUB = {"HF_ENDPOINT": "http://127.0.0.1:9", "FD01_GPU": "0"}  # the weights are not to be fetched


def snakemake(folder):
    """Seconds of one call of the default run in `folder`, by the clock and of the CPU, jobs included."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    run = subprocess.run(command, cwd=ROOT, env=os.environ | NO_HUB, capture_output=True, text=True)
    if run.returncode:
        sys.exit(run.stdout + run.stderr)
    after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - start
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def jobs(folder):
    """One row for each benchmark file: rule, seconds, CPU seconds and peak memory in MB."""
    rows = []
    for path in sorted(folder.glob("results/*/benchmarks/**/*.tsv")):
        row = pd.read_csv(path, sep="\t", na_values="NA").iloc[0]
        rule = path.relative_to(folder).parts[3].removesuffix(".tsv")
        rows.append({"rule": rule, "seconds": row["s"], "cpu": row["cpu_time"], "memory": row["max_rss"]})
    return pd.DataFrame(rows)


def megabytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(ROOT / "config.yaml", folder)
        seconds, cpu = snakemake(folder)
        again, again_cpu = snakemake(folder)
        table, size = jobs(folder), megabytes(folder / "results")
    print("| what | measured | target |\n|---|---|---|")
    print(f"| cores | {os.cpu_count()} | |")
    print(f"| the run | {seconds:.0f} s | at most 210 s on two idle cores |")
    print(f"| CPU seconds of all processes | {cpu:.0f} | |")
    print(f"| CPU seconds of the {len(table)} jobs with a benchmark file | {table['cpu'].sum():.0f} | at most 390 |")
    print(f"| longest job | {table['seconds'].max():.0f} s | |")
    print(f"| results | {size:.0f} MB | at most 60 MB |")
    print(f"| peak memory of a job | {table['memory'].max():,.0f} MB | |")
    print(f"| a second run, with nothing to do | {again:.1f} s, {again_cpu:.1f} CPU s | |\n")
    print("| rule | jobs | seconds | CPU s | peak memory, MB |\n|---|---|---|---|---|")
    of_rule = table.groupby("rule").agg(
        jobs=("cpu", "size"), seconds=("seconds", "sum"), cpu=("cpu", "sum"), memory=("memory", "max")
    )
    for rule, row in of_rule.sort_values("cpu", ascending=False).iterrows():
        print(f"| {rule} | {row['jobs']:.0f} | {row['seconds']:.1f} | {row['cpu']:.1f} | {row['memory']:,.0f} |")


if __name__ == "__main__":
    main()
