"""Run the benchmarks of the workflow and of its models, and write their page; see README.md."""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

from figures import FILE
from planning import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

from fd01.workflow.provenance import git_commit

PAGE = ROOT / "docs" / "reference" / "benchmarks.md"
PICTURE = ROOT / "docs" / "pictures" / "benchmarks.png"
SCRIPTS = {
    "The default run": "default_run.py",
    "Planning": "planning.py",
    "PatchTST": "patchtst.py",
    "TimesFM 2.5": "timesfm.py --quick",
    "Lag-Llama": "lag_llama.py",
    "Comparisons": "comparisons.py",
}
PACKAGES = ("snakemake", "torch", "timesfm", "gluonts", "sktime", "scikit-learn", "numpy")
MARKS = {"usual": ("s", "the usual way"), "ours": ("o", "this project"), "limit": ("|", "the limit")}
HEAD = """# Benchmarks

Made by `make bench`. All figures belong to one machine. Each comparison was measured in one run,
in CPU seconds, with random weights in the place of the published ones, which cost the same.
[bench/](../../bench/README.md) says what each script measures. `make bench-panel` measures studies of
10, 100 and 1,000 series.

| | |
|---|---|
| date | {date} |
| commit | {commit} |
| machine | {machine} |
| packages | {packages} |

![CPU seconds of this project, of the usual way, and of the limit](../pictures/benchmarks.png)

*Below each name: CPU seconds of this project. The usual way of PatchTST is torch's own encoder
layer, of TimesFM the package's own forecast, of Lag-Llama 100 samples per window. The bootstrap is
compared with scikit-learn in a loop, DeLong's test with one call per pair. The limit: the matrix
products alone, or a bare Snakefile with as many jobs.*
"""


def run_scripts(figures):
    """A section of the page for each script; their numbers go to the file `figures`."""
    for title, script in SCRIPTS.items():
        start = time.perf_counter()
        name, *options = script.split()
        command = [sys.executable, ROOT / "bench" / name, *options]
        environment = os.environ | {FILE: str(figures)}
        output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment).stdout
        section = f"## {title}\n\n`python bench/{script}`, {time.perf_counter() - start:.0f} s.\n\n{output}"
        print(section, flush=True)
        yield section


def draw(rows, path):
    """A line for each comparison: how many times ours takes the usual way and the limit take."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 0.6 * len(rows) + 1.2), layout="constrained")
    axes = figure.subplots()
    for number, (key, (marker, name)) in enumerate(MARKS.items()):
        shown = [(row[key] / row["ours"], height) for height, row in enumerate(rows) if row[key]]
        axes.plot(*zip(*shown), marker, ms=10, mew=2, color=f"C{number}", label=name)
    axes.set(xscale="log", xlabel="CPU seconds, as a multiple of this project's")
    axes.set_yticks(range(len(rows)), [f"{row['what']}\n{row['ours']:.2g} s" for row in rows])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.margins(y=0.1)
    axes.invert_yaxis()
    axes.axvline(1, color="0.8", zorder=0)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    figure.savefig(path, dpi=130)


def main():
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as figures:
        sections = list(run_scripts(Path(figures.name)))
        rows = [json.loads(line) for line in Path(figures.name).read_text(encoding="utf-8").splitlines()]
    draw(rows, PICTURE)
    head = HEAD.format(
        date=date.today(),
        commit=(git_commit() or "unknown")[:12],
        machine=f"{os.cpu_count()} cores, {platform.machine()}; Python {platform.python_version()}",
        packages=", ".join(f"{name} {version(name)}" for name in PACKAGES),
    )
    PAGE.write_text("\n".join([head, *sections]), encoding="utf-8")


if __name__ == "__main__":
    main()
