"""Measure how long Snakemake plans this study, for growing numbers of jobs, against a bare Snakefile of the same size.

See README.md.
"""

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

import yaml
from figures import note
from processes import cost_of

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
    """Cost of a dry run, and the number of jobs that it counts."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules", "--cores", "2", *arguments]
    cost = cost_of(command, cwd, FD01_GPU="0")
    total = [line.split()[1] for line in cost.output.splitlines() if line.startswith("total ")]
    return cost, int(total[0]) if total else 0


def empty(folder):
    (folder / "Snakefile").write_text(EMPTY)
    return plan(cwd=folder)


def study(folder, seeds):
    """The plan of this study in an empty folder, with these seeds of one experiment."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["experiments"][EXPERIMENT]["seeds"] = list(range(seeds))
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return plan("--snakefile", ROOT / "Snakefile", "--directory", folder)


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
    plans = {
        "an empty Snakefile": partial(in_new_folder, empty),
        "the default study, nothing done": partial(in_new_folder, study, len(default)),
        "the default study, as it is here": partial(plan, "--", "all"),
    }
    rounds = [{name: make() for name, make in plans.items()} for _ in range(arguments.repeats)]
    seconds = {name: median(one[name][0].cpu_seconds for one in rounds) for name in plans}
    counts = {name: rounds[0][name][1] for name in plans}
    nothing, whole, _ = plans
    print("| plan | jobs | CPU s | above an empty Snakefile |\n|---|---|---|---|")
    for name in plans:
        print(f"| {name} | {counts[name]} | {seconds[name]:.2f} | {seconds[name] - seconds[nothing]:.2f} |")
    print("\n| jobs | CPU s | peak memory, MB | a bare Snakefile, CPU s | ratio |\n|---|---|---|---|---|")
    for jobs in arguments.jobs:
        cost, counted = in_new_folder(study, len(default) + jobs - counts[whole])
        assert counted == jobs, (counted, jobs)
        of_bare, _ = in_new_folder(bare, jobs)
        ours, usual = cost.cpu_seconds, of_bare.cpu_seconds
        note(f"plan {jobs:,} jobs", ours, limit=usual)
        print(f"| {jobs:,} | {ours:.1f} | {cost.memory:.0f} | {usual:.1f} | {ours / usual:.2f} |", flush=True)


if __name__ == "__main__":
    main()
