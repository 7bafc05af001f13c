"""End the orphans in a folder: jobs that still run there after their Snakemake was killed. `make resume` calls this.

An orphan would go on writing the files that the resumed run makes again.
"""

import argparse
import contextlib
from pathlib import Path

import psutil


def running_jobs(folder):
    """Yield the processes, of psutil, that run a script for a Snakemake in `folder`."""
    scripts = str(Path(folder).resolve() / ".snakemake" / "scripts")
    for process in psutil.process_iter(["cmdline"]):
        if any(part.startswith(scripts) for part in process.info["cmdline"] or ()):
            yield process


def running_snakemakes(folder):
    """Yield the processes, of psutil, in which Snakemake itself runs in `folder`."""
    for process in psutil.process_iter(["cmdline", "cwd"]):
        program = (process.info["cmdline"] or ())[:3]  # snakemake, python snakemake, or python -m snakemake
        if process.info["cwd"] == str(Path(folder).resolve()) and "snakemake" in (Path(part).name for part in program):
            yield process


def end_orphans(folder, patience=10):
    """End the orphans in `folder`, by force after `patience` seconds, and return the ids of their processes.

    Raises `SystemExit` when Snakemake still runs there, since its jobs are not orphans.
    """
    alive = [process.pid for process in running_snakemakes(folder)]
    if alive:
        raise SystemExit(f"Snakemake still runs in {folder} (process {alive[0]}): wait for it, or stop it with Ctrl-C")
    jobs = list(running_jobs(folder))
    for job in jobs:
        with contextlib.suppress(psutil.NoSuchProcess):
            job.terminate()
    for job in psutil.wait_procs(jobs, timeout=patience)[1]:
        job.kill()
    return [job.pid for job in jobs]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("-d", "--directory", type=Path, default=Path.cwd())  # as for Snakemake
    ended = end_orphans(parser.parse_known_args()[0].directory)
    print(f"Ended {len(ended)} jobs of an earlier run: {ended}" if ended else "No job of an earlier run is left")
