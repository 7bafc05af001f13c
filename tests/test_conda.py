"""The default job in conda environments that Snakemake builds from envs/*.yaml, by a conda of the tests' own."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import conda_stand_in
import pandas as pd
import pin
import pytest
import yaml
from conftest import ROOT
from hub import Hub
from lightning_checkpoint import save_lightning
from pandas.testing import assert_frame_equal
from test_workflow import WEIGHTS, change, command, environment, save_tiny, snakemake

from fd01.files import read_json, sha256
from fd01.predictions import read_experiment

pytestmark = [
    pytest.mark.conda,
    pytest.mark.skipif(sys.platform != "linux", reason="the channel of the tests is made for Linux"),
]
TOLERANCE = 1e-6
ADDED = ROOT / "tests" / "lag_llama.yaml"
STACKS = sorted(path.stem for path in (ROOT / "envs").glob("*.yaml"))
STACK_OF = {
    "BASE-prevalence": "analysis",
    "BASE-HAR": "analysis",
    "PTST-tiny": "patchtst",
    "TFM-01": "timesfm",
    "TFM-probe": "timesfm",
    "LL-forecast": "lag-llama",
    "LL-encoder-last": "lag-llama",
    "LL-scratch": "lag-llama",
    "FRC-01": "fracast",
}
MODELS = {"timesfm": {"timesfm"}, "lag-llama": {"gluonts", "sktime"}, "fracast": {"fracast"}, "patchtst": {"torch"}}
BROKEN = "echo 'conda: cannot be activated' >&2\nfalse\n"
# PYTHONPATH, which Snakemake drops under conda otherwise, makes TimesFM tiny.
WITH_CONDA = ["--sdm", "conda", "--conda-not-block-search-path-envvars"]


def with_conda(conda, **variables):
    """Environment variables under which `conda` is that of the tests."""
    path = os.pathsep.join([str(conda / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    # Byte code that nobody may need costs half of the installation.
    return environment(PATH=path, PIP_NO_COMPILE="1", **variables)


def run(folder, conda, *arguments):
    """Run Snakemake under conda in `folder`; its exit status and all that it printed."""
    output = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return subprocess.run(
        command(folder, *WITH_CONDA, *arguments), cwd=ROOT, env=with_conda(conda), **output, check=False
    )


@pytest.fixture(scope="module")
def conda(tmp_path_factory):
    """Where the tests' conda is installed."""
    prefix = tmp_path_factory.mktemp("conda") / "conda"
    conda_stand_in.set_up(prefix)
    conda_stand_in.make_channel(prefix / "channel", tmp_path_factory.mktemp("scratch"))
    return prefix


@pytest.fixture(scope="module")
def folders(tmp_path_factory, conda):
    """The small study with every model and its weights, run in the single environment and in those of conda."""
    folder = tmp_path_factory.mktemp("study")
    single, stacks = folder / "single", folder / "stacks"
    shutil.copytree(ROOT / "tests" / "workflow", single)
    tiny, lightning = save_tiny(single), single / "own.ckpt"
    save_lightning(lightning)
    config, added = (yaml.safe_load(path.read_text()) for path in (single / "config.yaml", ADDED))
    config["datasets"]["sp500"]["source"]["start"] = "2006-10-01"  # the history that Lag-Llama wants
    config["experiments"] |= added["experiments"]
    for name in set(config["experiments"]) - set(STACK_OF):
        config["experiments"][name]["run"] = "none"
    config["weights"]["models"] |= added["weights"]["models"]
    config["weights"]["models"]["lag-llama"]["path"] = str(lightning)
    (single / "config.yaml").write_text(yaml.safe_dump(config))
    change(single, *WEIGHTS, "files", value={"model.safetensors": sha256(tiny)})
    shutil.copytree(single, stacks)
    about = config["weights"]["models"]["timesfm"]
    targets = ["all", "explore"]
    building = subprocess.Popen(
        command(stacks, *WITH_CONDA, "--conda-create-envs-only", *targets),
        **dict(cwd=ROOT, env=with_conda(conda), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True),
    )
    with Hub(about["repository"], about["revision"], {"model.safetensors": tiny.read_bytes()}) as hub:
        snakemake(single, hub=hub)
        printed, _ = building.communicate()
        assert building.returncode == 0, printed
        done = subprocess.run(
            command(stacks, *WITH_CONDA, *targets),
            **dict(cwd=ROOT, env=with_conda(conda, HF_ENDPOINT=hub.url), check=False),
            **dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True),
        )
    assert done.returncode == 0, done.stdout
    return single, stacks


@pytest.fixture(scope="module")
def prefixes(folders):
    """Where Snakemake has built the environment of each stack."""
    built = folders[1] / ".snakemake" / "conda"
    texts = {path.read_text(): path.with_suffix("") for path in built.glob("*.yaml")}
    assert len(texts) == len(STACKS)
    return {stack: texts[(ROOT / "envs" / f"{stack}.yaml").read_text()] for stack in STACKS}


@pytest.mark.parametrize("stack", STACKS)
def test_environment_holds_its_pins_and_nothing_else(prefixes, stack):
    (site,) = prefixes[stack].glob("lib/python3.*/site-packages")
    found = {pin.canonicalize_name(package.name): package.version for package in distributions(path=[str(site)])}
    found = {name: version.partition("+")[0] for name, version in found.items() if not pin.CUDA.match(name)}
    (listed,) = (
        entry["pip"]
        for entry in yaml.safe_load((ROOT / "envs" / f"{stack}.yaml").read_text())["dependencies"]
        if isinstance(entry, dict)
    )
    pinned = {name: line.partition("==")[2] for name, line in pin.read_versions(listed).items()}
    assert found.pop("pip") and found == pinned


def test_every_model_ran_in_the_environment_of_its_stack(folders, prefixes):
    experiments = read_json(folders[1] / "results/sp500/provenance.json")["experiments"]
    for name, stack in STACK_OF.items():
        assert experiments[name]["prefix"] == str(prefixes[stack]), name
        assert MODELS.get(stack, set()) <= set(experiments[name]["packages"]), name
    assert {about["prefix"] for about in experiments.values()} <= {str(prefix) for prefix in prefixes.values()}
    single = read_json(folders[0] / "results/sp500/provenance.json")["experiments"]
    assert {about["prefix"] for about in single.values()} == {sys.prefix}


def test_predictions_and_metrics_are_those_of_the_single_environment(folders):
    single, stacks = (folder / "results/sp500" for folder in folders)
    names = sorted(path.name for path in (single / "predictions").iterdir())
    assert names == sorted(path.name for path in (stacks / "predictions").iterdir()) == sorted(STACK_OF)
    for name in names:
        frames, metadata = zip(*(read_experiment(results / "predictions" / name) for results in (single, stacks)))
        assert_frame_equal(*frames, rtol=0, atol=TOLERANCE, obj=name)
        assert len(frames[0])
        reasons = [{fold: about["not_run"] for fold, about in folds.items()} for folds in metadata]
        assert reasons[0] == reasons[1]
    tables = [pd.read_csv(results / "metrics/metrics.csv") for results in (single, stacks)]
    assert_frame_equal(*tables, rtol=0, atol=TOLERANCE)


def test_notebook_ran_in_its_environment(folders, prefixes):
    executed = (folders[1] / "results/sp500/logs/explore.ipynb").read_text()
    assert "keep_to_environment()" in executed
    assert (folders[1] / "results/sp500/explore/agreement.csv").exists()
    assert (prefixes["notebook"] / "bin" / "jupyter-nbconvert").exists()


def test_second_run_has_nothing_to_do(folders, conda):
    assert "Nothing to be done" in run(folders[1], conda).stdout


def test_job_whose_environment_cannot_be_activated_fails(folders, prefixes, tmp_path):
    conda_stand_in.set_up(tmp_path / "conda", activate=BROKEN)
    shutil.copy(folders[1] / "config.yaml", tmp_path)
    shared = ["--conda-prefix", prefixes["analysis"].parent]
    done = run(tmp_path, tmp_path / "conda", *shared, "results/sp500/data/dataset.parquet")
    assert done.returncode == 1
    assert f"build_dataset: this job runs on the Python in {sys.prefix}, not in a conda environment" in done.stdout
    assert not (tmp_path / "results/sp500/data/dataset.parquet").exists()


@pytest.mark.parametrize(
    ("package", "target", "message"),
    [
        ("arch", "results/sp500/predictions/BASE-HAR", "run_baseline: the environment {prefix} lacks arch"),
        ("statsmodels", "results/sp500/metrics/comparisons.csv", "ModuleNotFoundError: No module named 'statsmodels'"),
        ("numpy", "results/sp500/predictions/BASE-HAR", "run_baseline: the environment {prefix} lacks numpy"),
    ],
)
def test_package_is_not_taken_from_the_single_environment(folders, prefixes, conda, tmp_path, package, target, message):
    prefix = prefixes["analysis"]
    (site,) = prefix.glob("lib/python3.*/site-packages")
    copy = shutil.copytree(folders[1], tmp_path / "copy", ignore=shutil.ignore_patterns(".snakemake"))
    hidden = [path for path in site.glob(f"{package}*") if path.name == package or path.suffix == ".dist-info"]
    assert len(hidden) == 2
    for path in hidden:
        path.rename(tmp_path / path.name)
    try:
        done = run(
            copy,
            conda,
            "--conda-prefix",
            prefix.parent,
            "--allowed-rules",
            "run_baseline",
            "compare_experiments",
            "--force",
            target,
        )
    finally:
        for path in hidden:
            (tmp_path / path.name).rename(path)
    assert done.returncode == 1
    assert message.format(prefix=prefix) in done.stdout
