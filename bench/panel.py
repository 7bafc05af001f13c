"""Measure a study of 10, 100 and 1,000 series, from simulated prices to the report; see README.md.

    python bench/panel.py                     # at most 40 minutes on two idle cores
    python bench/panel.py --series 10 100     # about 4 minutes

GARCH series with a common factor, 2,500 days each; cheap baselines, one PatchTST for all series, and TimesFM, both with
tiny networks: what is measured is everything around the networks.
"""

import argparse
import os
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import yaml
from default_run import NO_HUB, ROOT, megabytes
from processes import cost_of

TINY_TIMESFM = ROOT / "tests" / "helpers" / "in_every_job"  # in every job, `timesfm` has two layers of 32 dimensions
DATASET, REFERENCE, FORECASTER = "panel", "PTST-pooled", "TFM-01-untrained"
CHEAP = ["prevalence", "last-return", "drawdown-*", "range", "EWMA", "HAR", "logistic-*"]  # baselines
TINY_PATCHTST = {"context": 32, "d_model": 8, "layers": 1, "heads": 2, "d_ff": 16, "batch_size": 1024, "max_epochs": 1}
PRICES = {
    **{"kind": "synthetic", "start": "2009-06-01", "days": 2500, "seed": 0},
    **{"volatility": 0.008, "alpha": 0.06, "beta": 0.92, "correlation": 0.3},
}
TARGETS = {1000: {"seconds": 900, "memory": 6000, "disk": 2000}}  # by number of series; MB
SLOWEST = 12  # rules that are shown


class Run(NamedTuple):
    """`rules` is the table costs.csv of the report, by rule; `disk` is in MB."""

    series: int
    seconds: float
    cpu_seconds: float
    rules: pd.DataFrame
    disk: float


def study(series, series_per_job):
    """The configuration of a study of so many simulated series."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    dataset = {"title": f"{series:,} simulated series", "source": PRICES | {"series": series}, "folds": "until-2018"}
    if series_per_job:
        dataset["series_per_job"] = series_per_job
    experiments = config["experiments"]
    experiments[REFERENCE]["settings"] = experiments[REFERENCE]["settings"] | TINY_PATCHTST
    experiments[REFERENCE]["seeds"], experiments[FORECASTER]["seeds"] = [0], [0, 1]
    config["datasets"][DATASET] = dataset
    config["dataset"] = DATASET
    config["only"] = [*(f"BASE-{name}" for name in CHEAP), REFERENCE, FORECASTER]
    config["decision"]["reference"] = REFERENCE
    config["plan"]["sealed"] = []  # so that every block is analysed
    return config


def run(folder, series, series_per_job):
    """A `Run` in `folder`."""
    folder.mkdir(parents=True)
    config = yaml.safe_dump(study(series, series_per_job), sort_keys=False)
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder]
    cost = cost_of([*command, "--cores", "2"], ROOT, PYTHONPATH=str(TINY_TIMESFM), **NO_HUB)
    results = folder / "results" / DATASET
    rules = pd.read_csv(results / "report" / "costs.csv").set_index("rule")
    return Run(series, cost.seconds, cost.cpu_seconds, rules, megabytes(results))


def added(runs, cpu_seconds):
    """CPU seconds for each series that a run has more than the run before; NaN for the first."""
    return pd.Series(cpu_seconds).diff() / pd.Series([one.series for one in runs]).diff()


def print_runs(runs):
    """A row per run, with the ratio of the CPU seconds of an added series to those in the run before: 1 is linear."""
    steps = added(runs, [one.cpu_seconds for one in runs])
    print("| series | seconds | CPU s | of an added series | ratio to linear | largest job, MB | disk, MB | targets |")
    print("|---|---|---|---|---|---|---|---|")
    for one, step, ratio in zip(runs, steps, steps / steps.shift()):
        largest, target = one.rules["memory_mb"].idxmax(), TARGETS.get(one.series)
        shown = "at most {seconds} s, {memory:,} MB, {disk:,} MB".format(**target) if target else ""
        of_added = ["" if pd.isna(value) else f"{value:.2f}" for value in (step, ratio)]
        memory = f"{one.rules['memory_mb'].max():,.0f} ({largest})"
        numbers = [f"{one.series:,}", f"{one.seconds:.0f}", f"{one.cpu_seconds:.0f}", *of_added, memory]
        print(f"| {' | '.join(numbers)} | {one.disk:,.0f} | {shown} |")


def print_rules(runs):
    """The rules that take most of the largest run: CPU seconds in each, the ratio to linear, memory in the largest."""
    seconds = pd.concat({one.series: one.rules["cpu_seconds"] for one in runs}, axis=1).fillna(0)
    heads = [f"CPU s, {one.series:,}" for one in runs]
    print("\n| rule | " + " | ".join([*heads, "ratio to linear", "memory, MB"]) + " |")
    print("|---" * (len(heads) + 3) + "|")
    for rule, row in seconds.sort_values(runs[-1].series, ascending=False).head(SLOWEST).iterrows():
        steps = added(runs, row.to_list())
        ratio = (steps / steps.shift()).iloc[-1]
        numbers = [f"{value:.1f}" for value in row] + ["" if pd.isna(ratio) else f"{ratio:.2f}"]
        print(f"| {rule} | {' | '.join(numbers)} | {runs[-1].rules.loc[rule, 'memory_mb']:,.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, nargs="+", default=[10, 100, 1000], help="numbers of series")
    parser.add_argument("--series-per-job", type=int, help="as the dataset's key series_per_job")
    parser.add_argument("--folder", type=Path, help="where the runs are kept; without it, they are deleted")
    arguments = parser.parse_args()
    runs = []
    with nullcontext(arguments.folder) if arguments.folder else tempfile.TemporaryDirectory() as name:
        for series in sorted(arguments.series):
            runs.append(run(Path(name).resolve() / str(series), series, arguments.series_per_job))
    print(f"{os.cpu_count()} cores.\n")
    print_runs(runs)
    print_rules(runs)


if __name__ == "__main__":
    main()
