"""Runs in hard places: folders that others own, users without a name, other locales, a full disk, Ctrl-C."""

import os
import shutil
import signal
import subprocess
import time

import pytest
from helpers.paths import ROOT
from helpers.run_workflow import command, environment, snakemake
from helpers.studies import change, expect_weights, hub_of, new_study, read_config, run_on_spy, write_config

from fd01.workflow.files import sha256

METRICS = "results/spy/metrics/metrics.csv"
CAPABILITIES = "dac_override", "dac_read_search"
# For root alone: what a user who is not root may not do; and a user id that has no name.
AS_OWNER = [f"--{what}=" + ",".join(f"-{name}" for name in CAPABILITIES) for what in ("bounding-set", "inh-caps")]
WITHOUT_NAME = ["--reuid=54321", "--clear-groups"]
WITHOUT_NAME += [f"--{what}=" + ",".join(f"+{name}" for name in CAPABILITIES) for what in ("inh-caps", "ambient-caps")]


def run(folder, *arguments, setpriv=(), before="true", **variables):
    """Run Snakemake in `folder` after the shell command `before`, by way of `setpriv` where the user is root."""
    prefix = ["setpriv", *setpriv] if setpriv and os.geteuid() == 0 else []
    shell = ["bash", "-c", f'{before}; exec "$@"', "bash"]
    variables = environment(**variables)
    output = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return subprocess.run([*shell, *prefix, *command(folder, *arguments)], cwd=ROOT, env=variables, **output)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A small study that has run on made-up prices; copies without its results are run again."""
    folder = new_study(tmp_path_factory.mktemp("study") / "run")
    run_on_spy(folder, "BASE-prevalence")
    snakemake(folder, METRICS)
    return folder


@pytest.fixture
def fresh(study, tmp_path):
    return shutil.copytree(study, tmp_path / "run", ignore=shutil.ignore_patterns("results", ".snakemake"))


@pytest.mark.parametrize(
    "place",
    [
        {"before": "umask 077", "TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONUTF8": "0"},
        {"TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8", "setpriv": AS_OWNER, "HOME": "/nonexistent"},
        {
            "setpriv": WITHOUT_NAME,
            "before": "export HOME=$(mktemp -d); chmod 777 $HOME",
            "USER": "someone",
        },
    ],
    ids=["umask, time zone, plain locale", "no home", "user without a name"],
)
def test_place_changes_no_number(study, fresh, place, tmp_path):
    if place.get("HOME"):  # as the docs say
        place = place | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    os.chmod(fresh, 0o777)
    done = run(fresh, METRICS, **place)
    assert done.returncode == 0, done.stdout
    assert (fresh / METRICS).read_bytes() == (study / METRICS).read_bytes()


def half_written(folder):
    return [path for path in folder.rglob("*") if path.suffix[1:].isdecimal() and path.name.startswith(".")]


def test_full_disk_is_one_message_and_leaves_nothing_half_written(fresh):
    done = run(fresh, METRICS, before="ulimit -f 20; trap '' XFSZ")
    assert done.returncode == 1
    assert "ERROR build_dataset: " in done.stdout and "File too large" in done.stdout
    assert "Traceback" not in done.stdout
    assert not list(fresh.rglob("results/**/*.parquet")) and not half_written(fresh / "results")


def test_results_that_cannot_be_written_are_one_message(fresh):
    (fresh / "results").mkdir()
    os.chmod(fresh / "results", 0o555)
    done = run(fresh, METRICS, setpriv=AS_OWNER)
    assert done.returncode == 1
    assert "Permission denied: 'results/" in done.stdout and "Traceback" not in done.stdout


def test_second_run_in_the_same_folder_is_refused_and_the_first_goes_on(study, fresh):
    first = subprocess.Popen(command(fresh, METRICS), cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=-3)
    while not any((fresh / ".snakemake").glob("locks/*")):
        assert first.poll() is None
        time.sleep(0.05)
    second = run(fresh, METRICS)
    assert second.returncode == 1 and "Directory cannot be locked" in second.stdout
    assert first.wait() == 0
    assert (fresh / METRICS).read_bytes() == (study / METRICS).read_bytes()


@pytest.mark.parametrize("rule", ["build_dataset", "build_origins", "run_baseline", "check_predictions", "evaluate"])
def test_ctrl_c_in_a_job_leaves_nothing_half_written_and_the_same_command_goes_on(study, fresh, rule):
    one = subprocess.Popen(
        command(fresh, METRICS), cwd=ROOT, env=environment(), start_new_session=True, stdout=-1, stderr=-2, text=True
    )
    while not list((fresh / "results").rglob(f"logs/{rule}*")):  # Snakemake makes the folder of the log of a job first
        assert one.poll() is None
        time.sleep(0.02)
    time.sleep(0.3)
    os.killpg(one.pid, signal.SIGINT)
    one.communicate(timeout=60)
    assert not half_written(fresh / "results")
    done = run(fresh, METRICS)
    assert done.returncode == 0, done.stdout
    assert (fresh / METRICS).read_bytes() == (study / METRICS).read_bytes()


@pytest.fixture(scope="module")
def shared(tmp_path_factory, checkpoint):
    """A folder of weights that one person has filled and that cannot be written."""
    folder = new_study(tmp_path_factory.mktemp("lab") / "first")
    expect_weights(folder, checkpoint)
    lab = folder.parent / "weights"
    change(folder, "weights", "folder", value=str(lab))
    with hub_of(checkpoint) as hub:
        snakemake(folder, "weights", hub=hub)
    for path in [*lab.rglob("*"), lab]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield lab
    for path in [lab, *lab.rglob("*")]:
        path.chmod(0o755)


def state(folder):
    return {path: (path.stat().st_mtime_ns, sha256(path)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def sharing(shared, tmp_path, checkpoint):
    """A study with its weights in the shared folder."""
    folder = new_study(tmp_path / "run")
    expect_weights(folder, checkpoint)
    config = read_config(folder)
    config["weights"]["folder"] = str(shared)
    write_config(folder, config)
    return folder


def test_shared_weights_that_cannot_be_written_are_used_as_they_are(shared, sharing):
    before = state(shared)
    done = run(sharing, "results/sp500/predictions/TFM-01", setpriv=AS_OWNER)
    assert done.returncode == 0, done.stdout
    assert "fetch_weights" not in done.stdout and "verify_weights" not in done.stdout
    done = run(sharing, "weights", setpriv=AS_OWNER)
    assert done.returncode == 0 and "agrees" in done.stdout, done.stdout
    assert state(shared) == before


def test_shared_weights_of_another_revision_are_refused_in_one_line(shared, sharing):
    change(sharing, "weights", "models", "timesfm", "revision", value="f" * 40)
    done = run(sharing, "--dry-run", setpriv=AS_OWNER)
    assert done.returncode == 1 and f"{shared}/timesfm/manifest.json is of other weights: revision is" in done.stdout


def test_empty_shared_folder_that_cannot_be_written_is_refused_in_one_line(sharing, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    empty.chmod(0o555)
    change(sharing, "weights", "folder", value=str(empty))
    done = run(sharing, "results/sp500/predictions/TFM-01", setpriv=AS_OWNER)
    assert done.returncode == 1 and f"{empty} cannot be written, and " in done.stdout
    assert "let somebody who may write there call snakemake weights" in done.stdout
