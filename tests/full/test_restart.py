"""Runs that are killed again and again end with the files of one that was left alone."""

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from end_orphans import running_jobs, running_snakemakes
from helpers.copies import copy_repository
from helpers.paths import SMALL_STUDY
from helpers.run_workflow import QUIET, environment, snakemake
from helpers.studies import assert_same, change, read_config, write_config

from fd01.scoring.predictions import read_experiment

KILLS = 10
# Experiments that a network makes in batches, and what the docs allow their scores to move by.
MOVED = {"TFM-01-untrained": 1e-4, "TFM-probe-untrained": 1e-3}


def make(folder, *arguments):
    """Start `make` in a copy of the repository, with the Python of the tests in the place of its .venv."""
    tools = Path(sys.executable).parent
    command = ["make", "--old-file=.venv/.run", f"BIN={tools}", "ARGS=", *arguments]  # `make test` may have had some
    return subprocess.Popen(command, cwd=folder, env=environment(), start_new_session=True, **QUIET)


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A function that copies this repository, with the small study as its configuration."""

    def copy(name):
        folder = copy_repository(tmp_path_factory.mktemp(name) / "fd01")
        shutil.copy2(SMALL_STUDY / "config.yaml", folder / "config.yaml")
        change(folder, "experiments", "TFM-probe-untrained", "needs_weights", value=False)
        return folder

    return copy


@pytest.fixture(scope="module")
def undisturbed(copied):
    folder = copied("undisturbed")
    assert make(folder, "run").wait() == 0
    return folder


def kill_at_random(folder, run, longest):
    """SIGKILL the Snakemake of `run` within `longest` seconds of its first job; False if it had ended."""
    start = psutil.Process(run.pid).create_time()
    while run.poll() is None and not any(job.create_time() > start for job in running_jobs(folder)):
        time.sleep(0.02)  # a job of the killed run may still be there
    time.sleep(random.uniform(0, longest))
    killed = list(running_snakemakes(folder))
    for process in killed:
        process.kill()
    run.wait()
    return bool(killed)


def test_run_killed_ten_times_ends_with_the_files_of_an_undisturbed_one(undisturbed, copied):
    folder = copied("killed")
    kills = 0
    while kills < KILLS:
        run = make(folder, "resume")
        if kill_at_random(folder, run, longest=6):
            kills += 1
        else:  # done before all kills: the rest hit another run
            assert run.returncode == 0
            shutil.rmtree(folder / "results")
    assert make(folder, "resume").wait() == 0
    assert not any(running_jobs(folder))
    assert_same(folder, undisturbed)


def test_threads_and_batches_move_scores_by_less_than_the_stated_tolerance(undisturbed, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(undisturbed, folder)
    config = read_config(folder)
    for name in MOVED:
        for each in (name, name.removesuffix("-untrained")):  # a twin has the settings of its original
            config["experiments"][each]["settings"]["batch_size"] = 7
    write_config(folder, config)
    targets = [f"results/sp500/predictions/{name}" for name in MOVED]
    snakemake(folder, "--set-threads", "forecast_timesfm=2", "encode_timesfm=2", "--", *targets)
    for name, tolerance in MOVED.items():
        path = f"results/sp500/predictions/{name}"
        (frame, about), (expected, before) = (read_experiment(root / path) for root in (folder, undisturbed))
        assert about["validation"]["seconds"] != before["validation"]["seconds"]  # made again
        pd.testing.assert_frame_equal(frame, expected, rtol=0, atol=tolerance)
