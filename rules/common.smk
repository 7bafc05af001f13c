import functools
import gc
import json
import os
import re
import sys
from copy import deepcopy
from pathlib import Path

import yaml
from snakemake.settings.types import DeploymentMethod

# In: the configuration. Out: what the rules of every stage share; functions of one stage lie in functions/.

IS_MODULE = not workflow.modifier.is_main_snakefile()
if not IS_MODULE:
    gc.set_threshold(100_000)  # hardly any object of a plan is garbage: to look for it often costs a tenth of the time
# `workflow.basedir` is the caller's folder where this is a module.
HERE = Path(workflow.current_basedir).parent.resolve()
sys.path.insert(0, str(HERE / "scripts"))

from fd01.study.config import SCRAMBLED, check_config, gpu_found, is_chosen, runs_on, scrambled
from fd01.study.names import names_of
from fd01.study.shards import whole
from fd01.study.systems import (
    DECILES,
    DISTRIBUTIONS,
    EXTERNAL,
    STATES,
    STUDENT_T,
    SYSTEMS,
    TRAINED,
    cut_off,
    decision_of,
    fits_each,
    input_of,
    needed_weights,
    twins_of,
)
from fd01.workflow.code import code_digest
from fd01.workflow.environment import UNDER_CONDA
from fd01.workflow.errors import UserError
from fd01.workflow.files import content_sha256, contents_sha256
from fd01.workflow.progress import show_progress

config = deepcopy(config)  # what follows adds to it, and a caller may use it twice
# The loader in C, where there is one, is ten times faster; every job on a cluster waits for this.
YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SCHEMA = yaml.load((HERE / "schemas" / "config.schema.yaml").read_text(), YAML_LOADER)
MISSING = [section for section in SCHEMA["required"] if section not in config]

if IS_MODULE and MISSING:
    raise WorkflowError(
        f"The config of the module lacks {', '.join(MISSING)}: it replaces config.yaml, so it needs every "
        "section. Load config.yaml and merge your choices into it: docs/how-to/use-as-a-module.md"
    )

try:
    GPU = int(gpu_found())  # what a job that uses a GPU where there is one asks for
    check_config(config, SCHEMA)
except UserError as error:
    raise WorkflowError(str(error)) from None

# Out of the configuration: what is asked for on the command line is no part of the study and reruns nothing.
ASKED_SERIES = config.pop("series", None)

if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method:
    os.environ[UNDER_CONDA] = "yes"
os.environ["FD01_GPU"] = str(GPU)
if not GPU:
    os.environ |= {"CUDA_VISIBLE_DEVICES": ""}  # what is not asked for is not used


# Jobs on other machines go by what was found here.
envvars:
    "FD01_GPU",


if not IS_MODULE:  # a caller decides what its own run prints
    show_progress(workflow, config["dataset"])

CONFIG_JSON = json.dumps(config, sort_keys=True)  # for provenance.json, as configured


def source(path):
    """A file of this repository as an input; by a relative path, so that a project that is moved reruns nothing.

    `local`: it is no file of a cloud storage.
    """
    return local(os.path.relpath(HERE / path))


PINS = source("envs/requirements.txt")


include: "functions/seal.smk"


config["datasets"] |= scrambled(config["datasets"])
WHOLE = list(config["datasets"])


include: "functions/data.smk"
include: "functions/shards.smk"


SHARDS = shards()
for parts in SHARDS.values():
    config["datasets"] |= parts


def code_of(script):
    """Param of a rule: digest of its script and of the modules that this imports, so that a changed line reruns it."""
    return code_digest(HERE / script)


def content_of(files):
    """Params function: digests of inputs that no rule writes.

    With it another file under the same name runs the job again, whatever its time stamp. Snakemake itself looks at no
    file that is older than the results. `files` is a list of paths, or an input function. (A params function that takes
    the argument `input` would not do: Snakemake does not compare its values with those of the run before.)
    """

    def content(wildcards):
        found = files(wildcards) if callable(files) else files
        found = [path for paths in found.values() for path in paths] if isinstance(found, dict) else found
        found = [found] if isinstance(found, str) else found
        given = [path for path in found if not path.startswith("results/")]
        known = dict(zip(given, contents_sha256(given)))
        return [known.get(path) for path in found]

    return content


def of_dataset(key, default=None):
    """Params function: what the configuration says of a dataset under `key`."""
    return lambda wildcards: config["datasets"][wildcards.dataset].get(key, default)


def decision_on(wildcards):
    """Params function: the section `decision` as it holds for a dataset."""
    return decision_of(config, wildcards.dataset)


def of_experiment(key, default=None):
    """Params function: what the configuration says of an experiment under `key`."""
    return lambda wildcards: config["experiments"][wildcards.experiment].get(key, default)


def one_of(names):
    """A wildcard constraint that matches these names and nothing else."""
    return "|".join(names) or "(?!)"


def experiments_of(*systems):
    """Experiments of these systems."""
    return [name for name, entry in config["experiments"].items() if entry["system"] in systems]


def experiments_storing(*what):
    """Experiments whose systems store one of `what`, in the words of `fd01.study.systems`."""
    return experiments_of(*(name for name, system in SYSTEMS.items() if system.stores in what))


def systems():
    """System by name of experiment."""
    return {name: entry["system"] for name, entry in config["experiments"].items()}


def twins():
    """Twin by name of experiment, for every experiment that has one."""
    return twins_of(config["experiments"])


def published():
    """What the original study published, one dict per experiment with the key `published`."""
    return [entry["published"] for entry in config["experiments"].values() if "published" in entry]


def folds_of(wildcards):
    """Names of the folds of a dataset."""
    return list(config["datasets"][wildcards.dataset]["folds"])


@functools.cache  # rules ask for every job, and nothing is imported within one start
def running(dataset):
    """Experiments that run on a dataset, including those that need a GPU and were imported from another machine."""
    return tuple(
        name
        for name, entry in config["experiments"].items()
        if runs_on(entry, dataset) or (entry["run"] == "gpu" and is_imported(dataset, name))
    )


@functools.cache
def made_here(dataset):
    """Experiments that run on a dataset and were not imported; of imported ones there are scores and nothing else."""
    return tuple(name for name in running(dataset) if not is_imported(dataset, name))


def switched_off(wildcards):
    """Params function: experiments that do not run on a dataset, with the reason."""
    off = f"switched off for {wildcards.dataset} in the configuration"
    no_gpu = "there is no GPU here, and without one it takes hours"
    return {
        name: (
            f"{no_gpu if entry['run'] == 'gpu' else off} (experiments/{name}/run)"
            if is_chosen(name, config.get("only", []))
            else "switched off: not in `only`"
        )
        for name, entry in config["experiments"].items()
        if name not in running(wildcards.dataset)
    }


def predictions_on(dataset):
    """Predictions of every experiment that runs on a dataset."""
    return expand("results/{dataset}/predictions/{experiment}", dataset=dataset, experiment=running(dataset))


def all_predictions(wildcards):
    """Input function: `predictions_on` the dataset of a job."""
    return predictions_on(wildcards.dataset)


def input_series(wildcards):
    """Params function: the input series that an experiment forecasts."""
    return input_of(config["experiments"][wildcards.experiment])


def settings_without(*names):
    """Params function: the settings of an experiment without `names`, which a rule does not use."""

    def settings(wildcards):
        entry = config["experiments"][wildcards.experiment]["settings"]
        return {key: value for key, value in entry.items() if key not in names}

    return settings


wildcard_constraints:
    dataset=one_of(config["datasets"]),
    experiment=one_of(config["experiments"]),
    train_end=r"\d{4}-\d{2}-\d{2}",
    seed=r"\d+",
    lr=r"[\d.e-]+",
