"""Runs elsewhere: on a Slurm cluster with profiles/slurm, its jobs without a network, and on a machine without one."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from helpers.cluster import PROGRAMS, Cluster
from helpers.paths import ROOT
from helpers.run_workflow import command, environment, snakemake
from helpers.studies import (
    WITHOUT_WEIGHTS,
    assert_same,
    expect_weights,
    hub_of,
    new_study,
    read_config,
    two_series,
    write_config,
)

from fd01.scoring.predictions import read_experiment
from fd01.workflow.files import read_json

pytestmark = pytest.mark.cluster
PROFILE = ["--workflow-profile", ROOT / "profiles" / "slurm"]
HASTE = ["--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "5"]
# How Slurm names each of the jobs that fail, and how it ends at first.
FAULTS = {
    "over-memory": ("rule_fill", "FAILED"),
    "over-time": ("rule_sleep_wildcards_over-time", "TIMEOUT"),
    "cancelled": ("rule_sleep_wildcards_cancelled", "CANCELLED"),
    "crashed": ("rule_sleep_wildcards_crashed", "NODE_FAIL"),
    "grouped": ("rule_pair_begin_go_on", "NODE_FAIL"),
}
PATIENCE = 400  # seconds


class Run:
    """A Snakemake that has begun in `folder`."""

    def __init__(self, folder, command, variables):
        self.folder, self.output = folder, folder / "snakemake.log"
        with self.output.open("w") as log:
            output = dict(stdout=log, stderr=log)
            self.process = subprocess.Popen(command, cwd=ROOT, env=variables, start_new_session=True, **output)

    def finish(self):
        """Wait until it has succeeded."""
        assert self.process.wait(timeout=PATIENCE) == 0, self.output.read_text()

    def end(self):
        """Kill it and its local jobs; those on the cluster end with the cluster."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def on_cluster(cluster, snakefile, folder, *arguments, hub=None):
    """Start Snakemake with the jobs of `snakefile` on the cluster."""
    start = [sys.executable, "-m", "snakemake", "--snakefile", snakefile, "--directory", folder]
    return Run(folder, [*start, *PROFILE, *HASTE, *arguments], environment(hub, FD01_GPU="1", **cluster.environment))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        pytest.skip(f"Slurm is not installed: there is no {', '.join(missing)}")
    if os.geteuid() != 0:
        pytest.skip("only root can start a Slurm cluster")
    with Cluster(tmp_path_factory.mktemp("slurm")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def faults(cluster, tmp_path_factory):
    """Jobs that fail, begun."""
    run = on_cluster(cluster, ROOT / "tests/studies/faults/Snakefile", tmp_path_factory.mktemp("faults"))
    yield run
    run.end()


@pytest.fixture(scope="module")
def hub(checkpoint):
    """The model hub, with the weights of a tiny network."""
    with hub_of(checkpoint) as hub:
        yield hub


@pytest.fixture(scope="module")
def new_folder(checkpoint, tmp_path_factory):
    """A function that makes a folder with the small study."""

    def new(name):
        folder = new_study(tmp_path_factory.mktemp(name) / "run")
        expect_weights(folder, checkpoint)
        return folder

    return new


@pytest.fixture(scope="module")
def distributed(cluster, hub, new_folder):
    """The small study on the cluster, begun; its weights are there to be fetched."""
    run = on_cluster(cluster, ROOT / "Snakefile", new_folder("distributed"), hub=hub)
    yield run
    run.end()


@pytest.fixture(scope="module")
def offline(hub, new_folder):
    """The small study on this machine, begun; its weights were fetched, and then the network was cut."""
    cut = ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*cut, "true"], capture_output=True).returncode:
        pytest.skip("this machine does not let its users cut their network: `unshare --map-root-user --net` fails")
    folder = new_folder("offline")
    snakemake(folder, "weights", hub=hub)
    run = Run(folder, [*cut, *command(folder)], environment(hub))
    yield run
    run.end()


def attempts(cluster, comment):
    """The jobs with this comment."""
    return [job for job in cluster.jobs() if job["comment"] == comment]


@pytest.mark.usefixtures("distributed", "offline")  # at the same time; the crash is the study's to survive too
def test_failed_jobs_are_sent_again_and_finish(cluster, faults):
    end = time.monotonic() + PATIENCE
    while not all((faults.folder / f"{fault}.txt").exists() for fault in ("cancelled", "crashed", "grouped")):
        assert faults.process.poll() is None and time.monotonic() < end, faults.output.read_text()
        time.sleep(0.2)
    (cancelled,) = attempts(cluster, FAULTS["cancelled"][0])
    cluster.call("scancel", cancelled["jobid"])
    cluster.crash("cpu2")
    faults.finish()
    cluster.boot("cpu2")
    for fault, (comment, state) in FAULTS.items():
        assert [job["state"] for job in attempts(cluster, comment)] == [state, "COMPLETED"], fault
        assert (faults.folder / f"{fault}.txt").read_text() == "2\n"


def test_job_over_memory_is_given_more(cluster, faults):
    faults.finish()
    first, second = attempts(cluster, "rule_fill")
    said = faults.folder / ".snakemake" / "slurm_logs" / "rule_fill" / f"{first['jobid']}.log"
    assert "exceeded memory limit" in said.read_text()
    assert (first["minmemory"], second["minmemory"]) == ("2000M", "4000M")


def test_study_has_all_its_experiments_without_a_network(offline):
    offline.finish()
    metrics = pd.read_csv(offline.folder / "results/sp500/metrics/metrics.csv")
    assert set(WITHOUT_WEIGHTS) <= set(metrics["experiment"])
    assert read_json(offline.folder / "results/sp500/verdict.json")["without_weights"] == []


def test_study_on_the_cluster_has_the_files_of_one_on_this_machine(distributed, offline):
    distributed.finish()
    offline.finish()
    assert_same(distributed.folder, offline.folder)


def test_jobs_that_use_a_gpu_and_no_others_are_where_it_is(cluster, distributed):
    distributed.finish()
    jobs = [job for job in cluster.jobs() if job["state"] == "COMPLETED"]
    models = ("rule_forecast_timesfm", "rule_encode_timesfm", "rule_train_patchtst")
    using = [job for job in jobs if job["comment"].startswith(models)]
    assert len(using) == 9
    assert {(job["nodelist"], job["tres-per-job"]) for job in using} == {("gpu1", "gres:gpu:1")}
    others = {(job["nodelist"], job["tres-per-job"]) for job in jobs if job not in using}
    assert others <= {("cpu1", "N/A"), ("cpu2", "N/A")}


def test_small_jobs_share_a_slurm_job(cluster, distributed):
    distributed.finish()
    comments = [job["comment"] for job in cluster.jobs() if job["state"] == "COMPLETED"]
    for group in ("data", "baselines", "scoring", "analysis"):
        assert sum(comment.startswith(f"rule_{group}_") for comment in comments) == 1, comments


def test_jobs_have_no_network(cluster, hub, tmp_path):
    host, port = hub.server_address
    reach = f"""{sys.executable} -c 'import socket; socket.create_connection(("{host}", {port}), 5)'"""
    assert subprocess.run(reach, shell=True).returncode == 0
    said = tmp_path / "job.log"
    with pytest.raises(subprocess.CalledProcessError):
        cluster.call("sbatch", "--wait", f"--output={said}", f"--wrap=ip route; {reach}")
    assert "ConnectionRefusedError" in said.read_text()
    assert "default" not in said.read_text()


def test_jobs_of_one_series_each_give_the_files_of_one_job_here(cluster, tmp_path):
    folders = {"split": tmp_path / "split", "whole": tmp_path / "whole"}
    forecasts = ["BASE-drawdown-20", "PTST-tiny", "TFM-01-untrained"]
    for name, folder in folders.items():
        new_study(folder)
        per_job = {"series_per_job": 1} if name == "split" else {}
        config = two_series(read_config(folder), reference="PTST-tiny", **per_job)
        write_config(folder, config | {"only": forecasts})
    targets = [f"results/indices/predictions/{name}" for name in forecasts]  # what comes after knows no shards
    run = on_cluster(cluster, ROOT / "Snakefile", folders["split"], "--", *targets)
    snakemake(folders["whole"], "--", *targets)
    run.finish()
    passes = [job for job in cluster.jobs() if job["comment"].startswith("rule_forecast_timesfm_wildcards_indices")]
    assert {(job["state"], job["nodelist"]) for job in passes} == {("COMPLETED", "gpu1")} and len(passes) == 2
    for name in forecasts:
        split, whole = (
            read_experiment(folder / "results/indices/predictions" / name)[0] for folder in folders.values()
        )
        pd.testing.assert_frame_equal(split, whole, check_exact=True)
