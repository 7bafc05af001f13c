"""The default job in conda environments that Snakemake builds from envs/*.yaml, by a conda of the tests' own."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pandas as pd
import pin
import pytest
from helpers import conda_stand_in
from helpers.environment_files import conda_packages
from helpers.lightning_checkpoint import save_lightning
from helpers.paths import ROOT
from helpers.run_workflow import command, environment, snakemake
from helpers.studies import LAG_LLAMA, expect_weights, hub_of, new_study, read_config, write_config
from pandas.testing import assert_frame_equal

from fd01.scoring.predictions import read_experiment
from fd01.workflow.files import read_json

pytestmark = [
    pytest.mark.conda,
    pytest.mark.skipif(sys.platform != "linux", reason="the channel of the tests is made for Linux"),
]
TOLERANCE = 1e-6
ENVIRONMENTS = sorted(path.stem for path in (ROOT / "envs").glob("*.yaml"))
ENVIRONMENT_OF = {
    "BASE-prevalence": "analysis",
    "BASE-HAR": "analysis",
    "PTST-tiny": "patchtst",
    "TFM-01": "timesfm",
    "TFM-probe": "timesfm",
    "LL-forecast": "lag-llama",
    "LL-encoder-last": "lag-llama",
    "LL-scratch-short": "lag-llama",
    "FRC-01": "fracast",
}
MODELS = {"timesfm": {"timesfm"}, "lag-llama": {"gluonts", "sktime"}, "fracast": {"fracast"}, "patchtst": {"torch"}}
BROKEN = "echo 'conda: cannot be activated' >&2\nfalse\n"
BASELINE = ("run_baseline", "results/sp500/predictions/BASE-HAR")
METRICS = ("evaluate", "results/sp500/metrics/metrics.csv")
COMPARISONS = ("compare_experiments", "results/sp500/metrics/comparisons.csv")
TARGETS = ["all", "explore", "crate"]
# PYTHONPATH, which Snakemake drops under conda otherwise, makes TimesFM tiny.
WITH_CONDA = ["--sdm", "conda", "--conda-not-block-search-path-envvars"]


def start(folder, conda, *arguments, hub=None):
    """Start Snakemake under the tests' conda in `folder`."""
    path = os.pathsep.join([str(conda / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    # Byte code is then compiled for what is imported, not for everything.
    variables = environment(hub, PATH=path, PIP_NO_COMPILE="1")
    output = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return subprocess.Popen(command(folder, *WITH_CONDA, *arguments), cwd=ROOT, env=variables, **output)


def run(folder, conda, *arguments, hub=None):
    """Run Snakemake under the tests' conda in `folder`; its exit status and all that it printed."""
    with start(folder, conda, *arguments, hub=hub) as running:
        printed, _ = running.communicate()
    return running.returncode, printed


def run_again(folder, conda, prefixes, rule, target):
    """Force one job of a finished study, copied to `folder`, in the environments that there are."""
    options = ["--conda-prefix", prefixes["analysis"].parent, "--allowed-rules", rule, "--force"]
    return run(folder, conda, *options, target)


def write_study(folder, checkpoint):
    """Put the small study into `folder`, with one experiment or more of every environment, and a file for Lag-Llama."""
    new_study(folder)
    expect_weights(folder, checkpoint)
    lightning = folder / "own.ckpt"
    save_lightning(lightning)
    config = read_config(folder)
    config["datasets"]["sp500"]["source"]["start"] = "2006-10-01"  # the history that Lag-Llama wants
    config["experiments"] |= LAG_LLAMA["experiments"]
    for name in set(config["experiments"]) - set(ENVIRONMENT_OF):
        config["experiments"][name]["run"] = "none"
    config["weights"]["models"]["lag-llama"] = LAG_LLAMA["weights"]["models"]["lag-llama"] | {"path": str(lightning)}
    write_config(folder, config)


@pytest.fixture(scope="module")
def conda(tmp_path_factory):
    """Where the tests' conda is installed."""
    prefix = tmp_path_factory.mktemp("conda") / "conda"
    conda_stand_in.set_up(prefix)
    conda_stand_in.make_channel(prefix / "channel")
    return prefix


@pytest.fixture(scope="module")
def folders(tmp_path_factory, conda, checkpoint):
    """The study after a run in the single environment, and after one in the environments of conda."""
    folder = tmp_path_factory.mktemp("study")
    single, separate = folder / "single", folder / "separate"
    write_study(single, checkpoint)
    with hub_of(checkpoint) as hub:
        shutil.copytree(single, separate)
        with start(separate, conda, "--conda-create-envs-only", *TARGETS) as building:
            snakemake(single, hub=hub)
            printed, _ = building.communicate()
        assert building.returncode == 0, printed
        status, printed = run(separate, conda, *TARGETS, hub=hub)
    assert status == 0, printed
    return single, separate


@pytest.fixture
def copy(folders, tmp_path):
    """A copy of the study that ran under conda."""
    return shutil.copytree(folders[1], tmp_path / "copy", ignore=shutil.ignore_patterns(".snakemake"))


@pytest.fixture(scope="module")
def prefixes(folders):
    """Where Snakemake has built each environment."""
    built = folders[1] / ".snakemake" / "conda"
    texts = {path.read_text(): path.with_suffix("") for path in built.glob("*.yaml")}
    assert len(texts) == len(ENVIRONMENTS)
    return {env: texts[(ROOT / "envs" / f"{env}.yaml").read_text()] for env in ENVIRONMENTS}


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_environment_holds_its_pins_and_nothing_else(prefixes, env):
    (site,) = prefixes[env].glob("lib/python3.*/site-packages")
    found = {pin.canonicalize_name(package.name): package.version for package in distributions(path=[str(site)])}
    found = {name: version.partition("+")[0] for name, version in found.items() if not pin.CUDA.match(name)}
    listed = pin.read_versions(conda_packages(ROOT / "envs" / f"{env}.yaml"))
    pinned = {name: line.partition("==")[2] for name, line in listed.items()}
    assert found.pop("pip") and found == pinned


def test_every_model_ran_in_the_environment_made_for_it(folders, prefixes):
    experiments = read_json(folders[1] / "results/sp500/provenance.json")["experiments"]
    for name, env in ENVIRONMENT_OF.items():
        assert experiments[name]["prefix"] == str(prefixes[env]), name
        assert MODELS.get(env, set()) <= set(experiments[name]["packages"]), name
    assert {about["prefix"] for about in experiments.values()} <= {str(prefix) for prefix in prefixes.values()}
    single = read_json(folders[0] / "results/sp500/provenance.json")["experiments"]
    assert {about["prefix"] for about in single.values()} == {sys.prefix}


def test_predictions_and_metrics_equal_a_run_in_the_single_environment(folders):
    single, separate = (folder / "results/sp500" for folder in folders)
    names = sorted(path.name for path in (single / "predictions").iterdir())
    assert names == sorted(path.name for path in (separate / "predictions").iterdir()) == sorted(ENVIRONMENT_OF)
    for name in names:
        frames, metadata = zip(*(read_experiment(results / "predictions" / name) for results in (single, separate)))
        assert_frame_equal(*frames, rtol=0, atol=TOLERANCE, obj=name)
        assert len(frames[0])
        reasons = [{fold: about["not_run"] for fold, about in folds.items()} for folds in metadata]
        assert reasons[0] == reasons[1]
    tables = [pd.read_csv(results / "metrics/metrics.csv") for results in (single, separate)]
    assert_frame_equal(*tables, rtol=0, atol=TOLERANCE)


def test_notebook_ran_to_its_end(folders):
    executed = (folders[1] / "results/sp500/logs/explore.ipynb").read_text()
    assert "enforce_environment()" in executed and "image/svg+xml" in executed


def test_second_run_has_nothing_to_do(folders, conda):
    status, printed = run(folders[1], conda, *TARGETS)
    assert status == 0 and "Nothing to be done" in printed


@pytest.mark.parametrize(
    ("rule", "target"),
    [("build_dataset", "results/sp500/data/dataset.parquet"), ("explore", "results/sp500/explore/agreement.csv")],
)
def test_job_whose_environment_cannot_be_activated_fails(copy, prefixes, tmp_path, rule, target):
    conda_stand_in.set_up(tmp_path / "conda", activate=BROKEN)
    status, printed = run_again(copy, tmp_path / "conda", prefixes, rule, target)
    assert status == 1
    assert f"this job runs on the Python in {sys.prefix}, which is not a conda environment" in printed
    assert not (copy / target).exists()


@pytest.mark.parametrize(
    ("package", "rule", "target", "message"),
    [
        ("arch", *BASELINE, "run_baseline: the environment {prefix} lacks the package arch"),
        ("pandas", *METRICS, "evaluate: pandas was imported from {single}/"),
        ("statsmodels", *COMPARISONS, "ModuleNotFoundError: No module named 'statsmodels'"),
    ],
)
def test_package_is_not_taken_from_the_single_environment(
    copy, prefixes, conda, tmp_path, package, rule, target, message
):
    prefix = prefixes["analysis"]
    (site,) = prefix.glob("lib/python3.*/site-packages")
    hidden = [site / package, *site.glob(f"{package}-*.dist-info")]
    for path in hidden:
        path.rename(tmp_path / path.name)
    try:
        status, printed = run_again(copy, conda, prefixes, rule, target)
    finally:
        for path in hidden:
            (tmp_path / path.name).rename(path)
    assert status == 1
    assert message.format(prefix=prefix, single=sys.prefix) in printed
