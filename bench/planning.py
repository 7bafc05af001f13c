"""Measure how long Snakemake plans this study, for growing numbers of jobs, against a bare Snakefile of the same size.

See README.md.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import yaml
from figures import note

ROOT = Path(__file__).resolve().parents[1]
EXPERIMENT = "PTST-2M"  # gets as many seeds as the study needs for a number of jobs
EMPTY = 'rule all:\n    output:\n        "done"\n    shell:\n        "touch {output}"\n'
# The trainings alone: the same inputs, outputs, log and benchmark file for each, and one job that gathers them.
BARE = """
FILES = "results/forecasts/seed-{{seed}}"


rule gather:
    input:
        expand(FILES + ".parquet", seed=range({jobs} - 1)),
        expand(FILES + "-curve.csv", seed=range({jobs} - 1)),
        "origins",
    output:
        directory("results/predictions"),
    script:
        "script.py"


rule train:
    input:
        dataset="dataset",
        origins="origins",
    output:
        scores=FILES + ".parquet",
        curve=FILES + "-curve.csv",
    log:
        "results/logs/seed-{{seed}}.log",
    benchmark:
        "results/benchmarks/seed-{{seed}}.tsv"
    script:
        "script.py"
"""


def plan(*arguments, cwd=ROOT):
    """CPU seconds and peak memory (MB) of a dry run, and the number of jobs that it counts."""
    # A process of its own, as the peak is the largest of all children so far.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules", "--cores", "2", *map(str, arguments)]
    run = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=os.environ | {"FD01_GPU": "0"})
    if run.returncode:
        sys.exit(run.stdout + run.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    total = [line.split()[1] for line in run.stdout.splitlines() if line.startswith("total ")]
    return seconds, after.ru_maxrss / 1024, int(total[0]) if total else 0


def empty(folder):
    (folder / "Snakefile").write_text(EMPTY)
    return plan(cwd=folder)


def study(folder, seeds):
    """The plan of this study in an empty folder, with these seeds of one experiment."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["experiments"][EXPERIMENT]["seeds"] = list(range(seeds))
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return plan("--snakefile", ROOT / "Snakefile", "--directory", folder, "--configfile", folder / "config.yaml")


def bare(folder, jobs):
    (folder / "Snakefile").write_text(BARE.format(jobs=jobs))
    for name in ("dataset", "origins", "script.py"):
        (folder / name).touch()
    return plan(cwd=folder)


def in_new_folder(function, *arguments):
    with tempfile.TemporaryDirectory() as folder:
        return function(Path(folder), *arguments)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, nargs="*", default=[1002, 5002], help="sizes of the plan")
    parser.add_argument("--repeats", type=int, default=3, help="of the plans of the default study and of an empty one")
    arguments = parser.parse_args()
    default = yaml.safe_load((ROOT / "config.yaml").read_text())["experiments"][EXPERIMENT]["seeds"]
    rows = [
        (in_new_folder(empty), in_new_folder(study, len(default)), plan("--", "all")) for _ in range(arguments.repeats)
    ]
    nothing, whole, here = ([median(run[i] for run in runs) for i in range(3)] for runs in zip(*rows, strict=True))
    print("| plan | jobs | CPU s | above an empty Snakefile |\n|---|---|---|---|")
    print(f"| an empty Snakefile | {nothing[2]:.0f} | {nothing[0]:.2f} | |")
    print(f"| the default study, nothing done | {whole[2]:.0f} | {whole[0]:.2f} | {whole[0] - nothing[0]:.2f} |")
    print(f"| the default study, as it is here | {here[2]:.0f} | {here[0]:.2f} | {here[0] - nothing[0]:.2f} |\n")
    print("| jobs | CPU s | peak memory, MB | a bare Snakefile, CPU s | ratio |\n|---|---|---|---|---|")
    for jobs in arguments.jobs:
        seconds, peak, counted = in_new_folder(study, len(default) + jobs - round(whole[2]))
        assert counted == jobs, (counted, jobs)
        of_bare, _, _ = in_new_folder(bare, jobs)
        note(f"plan {jobs:,} jobs", seconds, limit=of_bare)
        print(f"| {jobs:,} | {seconds:.1f} | {peak:.0f} | {of_bare:.1f} | {seconds / of_bare:.2f} |", flush=True)


if __name__ == "__main__":
    main()
