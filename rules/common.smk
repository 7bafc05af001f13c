import json
import os
import re
import sys
from pathlib import Path

import yaml
from snakemake.settings.types import DeploymentMethod

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))

from fd01.config import SCRAMBLED, check_config, gpu_found, runs_on, scrambled
from fd01.environment import UNDER_CONDA
from fd01.errors import UserError
from fd01.folds import is_walk_forward
from fd01.plan import plan_digest, seal

try:
    GPU = int(gpu_found())  # what a job that uses a GPU where there is one asks for
    check_config(config, yaml.safe_load(Path(workflow.source_path("../schemas/config.schema.yaml")).read_text()))
except UserError as error:
    raise WorkflowError(str(error)) from None

if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method:
    os.environ[UNDER_CONDA] = "yes"
os.environ["FD01_GPU"] = str(GPU)
if not GPU:
    os.environ |= {"CUDA_VISIBLE_DEVICES": ""}  # what is not asked for is not used


# Jobs on other machines go by what was found here.
envvars:
    "FD01_GPU",


STUDY = json.dumps(config, sort_keys=True)  # without the datasets that follow
config["datasets"] |= scrambled(config["datasets"])

SCORE_FIGURES = ["roc", "precision-recall", "score-distributions", "threshold-sweep"]
# What the sections of the report are made of, in their order; tables and figures are known to them by these names.
REPORT_OPENING = ["power"]  # above the results
REPORT_SECTIONS = [
    *("comparisons", "walk-forward", "truth", "labels", "explanation", "calibration", "losses", "contamination"),
    *("audit", "ledger"),
]
REPORT_TABLES = [
    *("power", "protocol-errors", "comparisons", "walk-forward", "losses"),
    *("labels", "calibration", "explanation", "terciles", "contamination", "ledger"),
]
REPORT_FIGURES = ["labels", "reliability", "explanation"]


def shared(script, source="../scripts/{}.py"):
    """Modules of the shared package that a script imports, as input: Snakemake does not see them otherwise."""
    found, pending = {}, [source.format(script)]
    while pending:
        text = Path(workflow.source_path(pending.pop())).read_text()
        for module in set(re.findall(r'^[\s"]*from fd01\.(\w+) import', text, re.MULTILINE)) - set(found):
            pending.append(f"../scripts/fd01/{module}.py")
            found[module] = workflow.source_path(pending[-1])
    return [found[module] for module in sorted(found)]


def plan_file():
    """The analysis plan: a file of the working directory, or else of this repository."""
    name = config["plan"]["file"]
    if not any(Path(folder, name).exists() for folder in (".", workflow.basedir)):
        raise WorkflowError(f"There is no file {name}: write the analysis plan there, or name another in plan/file.")
    return name if Path(name).exists() else workflow.source_path(f"../{name}")


def one_of(names):
    """A wildcard constraint that matches these names and nothing else."""
    return "|".join(names) or "(?!)"


def experiments_with(system):
    """Experiments of one system."""
    return [name for name, entry in config["experiments"].items() if entry["system"] == system]


def systems():
    """System of every experiment."""
    return {name: entry["system"] for name, entry in config["experiments"].items()}


def twins():
    """Twin of every experiment that has one."""
    experiments = config["experiments"]
    named = {name: entry.get("twin", f"{name}-untrained") for name, entry in experiments.items()}
    return {name: twin for name, twin in named.items() if twin in experiments}


def published():
    """What the study published, one entry per experiment that has one."""
    return [entry["published"] for entry in config["experiments"].values() if "published" in entry]


def datasets_from(kind):
    """Datasets with one kind of source."""
    return [name for name, entry in config["datasets"].items() if entry["source"]["kind"] == kind]


def prices_of(dataset):
    """The file that a dataset is built from; none for a packaged one."""
    source = config["datasets"][dataset]["source"]
    if source["kind"] == "yahoo":
        return {"prices": f"results/{dataset}/data/yahoo.parquet"}
    if source["kind"] == "synthetic":
        return {"prices": f"results/{dataset}/data/simulated.parquet"}
    if source["kind"] == "packaged":
        return {}
    if source["kind"] == "scrambled":
        return {"prices": f"results/{dataset}/data/prices.parquet"}
    if not Path(source["path"]).exists():
        raise WorkflowError(
            f"There is no file {source['path']}: put the prices there, "
            f"or name another file in datasets/{dataset}/source/path of the configuration."
        )
    return {"prices": source["path"]}


def report_tables(wildcards):
    """Tables behind the sections of the report on a dataset."""
    truth = ["truth"] if wildcards.dataset in datasets_from("synthetic") else []
    return expand("results/{dataset}/metrics/{table}.csv", dataset=wildcards.dataset, table=REPORT_TABLES + truth)


def report_figures(wildcards):
    """Figures of the sections of the report on a dataset."""
    walk_forward = ["walk-forward"] if any(map(is_walk_forward, folds_of(wildcards))) else []
    return expand(
        "results/{dataset}/figures/{figure}.svg", dataset=wildcards.dataset, figure=REPORT_FIGURES + walk_forward
    )


def folds_of(wildcards):
    """Names of the folds of a dataset."""
    return list(config["datasets"][wildcards.dataset]["folds"])


def prices(wildcards):
    """`prices_of` the dataset of a job."""
    return prices_of(wildcards.dataset)


def running(dataset):
    """Experiments that run on a dataset; one that needs a GPU may have run elsewhere."""
    return [
        name
        for name, entry in config["experiments"].items()
        if runs_on(entry, dataset) or (entry["run"] == "gpu" and is_imported(dataset, name))
    ]


def made_here(dataset):
    """Experiments that run on a dataset, but those that were imported: of these there are scores and nothing else."""
    return [name for name in running(dataset) if not is_imported(dataset, name)]


def switched_off(wildcards):
    """Experiments that do not run on a dataset, with the reason."""
    off = f"switched off for {wildcards.dataset} in the configuration"
    no_gpu = "there is no GPU here, and without one it takes hours"
    return {
        name: f"{no_gpu if entry['run'] == 'gpu' else off} (experiments/{name}/run)"
        for name, entry in config["experiments"].items()
        if name not in running(wildcards.dataset)
    }


def predictions_on(dataset):
    """Predictions of every experiment that runs on a dataset."""
    return expand("results/{dataset}/predictions/{experiment}", dataset=dataset, experiment=running(dataset))


def all_predictions(wildcards):
    """`predictions_on` the dataset of a job."""
    return predictions_on(wildcards.dataset)


def audited_predictions(suffix=""):
    """Input function: predictions that were made here, on a dataset or on the one named with `suffix`."""

    def files(wildcards):
        return expand(
            "results/{dataset}/predictions/{experiment}",
            dataset=wildcards.dataset + suffix,
            experiment=made_here(wildcards.dataset),
        )

    return files


def audit_table(wildcards):
    """The audit's table, where an audit is asked for or was made; none otherwise, as it takes as long as the run."""
    table = f"results/{wildcards.dataset}/metrics/audit.csv"
    if "audit" in workflow.dag_settings.targets:
        return table
    # By its absolute name Snakemake knows of no job that makes it: an old table is shown, and not made anew.
    return str(Path(table).resolve()) if Path(table).exists() else []


def manifest(model):
    """The manifest of the pre-trained weights of a model.

    The weights lie beside it and are not declared, so it does not go through the storage of a cloud without them.
    """
    return local(f"{config['weights']['folder']}/{model}/manifest.json")


def manifest_of(model):
    """Input function: the manifest of the pre-trained weights of an experiment; none for an untrained one."""
    return branch(
        lookup(dpath="experiments/{experiment}/settings/weights", within=config, default="pretrained"),
        cases={"pretrained": manifest(model), "untrained": []},
    )


def lag_llama_manifest(wildcards):
    """The manifest of the weights of a pass of Lag-Llama; none for an untrained one."""
    return [] if wildcards.weights == "untrained" else manifest("lag-llama")


def lag_llama_pass(dataset, experiment):
    """The pass of Lag-Llama that an experiment rests on; forecast and probes share it."""
    settings = config["experiments"][experiment]["settings"]
    return "results/{dataset}/forecasts/lag-llama/{weights}-{input}-{context}.parquet".format(
        dataset=dataset, **settings
    )


def lag_llama_run(wildcards):
    """`lag_llama_pass` of a job."""
    return lag_llama_pass(wildcards.dataset, wildcards.experiment)


def running_baselines(wildcards):
    """Settings of the baselines that run on a dataset."""
    names = set(experiments_with("baseline")) & set(running(wildcards.dataset))
    return {name: config["experiments"][name]["settings"] for name in sorted(names)}


def forecasters(wildcards):
    """System, settings and seeds of the experiments on a dataset that store their predictive distributions."""
    names = experiments_with("timesfm") + experiments_with("lag-llama") + experiments_with("fracast")
    entries = {name: config["experiments"][name] for name in sorted(set(names) & set(made_here(wildcards.dataset)))}
    return {
        name: {"system": entry["system"], "settings": entry["settings"], "seeds": entry.get("seeds", [])}
        for name, entry in entries.items()
    }


def distributions(wildcards):
    """The file of each of the `forecasters`."""
    quantiles = f"results/{wildcards.dataset}/forecasts/{{}}/quantiles.parquet"
    return [
        lag_llama_pass(wildcards.dataset, name) if entry["system"] == "lag-llama" else quantiles.format(name)
        for name, entry in forecasters(wildcards).items()
    ]


def lag_llama_seeds(wildcards):
    """Seeds of all experiments that rest on one pass of Lag-Llama."""
    names = experiments_with("lag-llama") + experiments_with("lag-llama-probe")
    entries = [config["experiments"][name] for name in names if name in running(wildcards.dataset)]
    wanted = {"weights": wildcards.weights, "input": wildcards.input, "context": int(wildcards.context)}
    resting = [entry for entry in entries if wanted.items() <= entry["settings"].items()]
    return sorted({seed for entry in resting for seed in entry.get("seeds", [])})


def states_of(wildcards):
    """The hidden states that a probe rests on."""
    if wildcards.experiment in experiments_with("lag-llama-probe"):
        return lag_llama_run(wildcards)
    return f"results/{wildcards.dataset}/forecasts/{wildcards.experiment}/states.parquet"


def settings_without(*names):
    """Params function: the settings of an experiment less those that a rule does not look at."""

    def settings(wildcards):
        entry = config["experiments"][wildcards.experiment]["settings"]
        return {key: value for key, value in entry.items() if key not in names}

    return settings


def all_trainings(suffix):
    """Input function: the files `{train_end}/.../seed-{seed}{suffix}` of every training of an experiment."""

    def files(wildcards):
        entry = config["experiments"][wildcards.experiment]
        folds = config["datasets"][wildcards.dataset]["folds"].values()
        rates = entry["settings"].get("lr_sweep")
        return expand(
            "results/{dataset}/forecasts/{experiment}/{train_end}/"
            + ("lr-{lr:g}/" if rates else "")
            + "seed-{seed}{suffix}",
            dataset=wildcards.dataset,
            experiment=wildcards.experiment,
            train_end=dict.fromkeys(fold["train_end"] for fold in folds),
            lr=rates or [],
            seed=entry["seeds"],
            suffix=suffix,
        )

    return files


PLAN_DIGEST = plan_digest(plan_file(), config)


wildcard_constraints:
    dataset=one_of(config["datasets"]),
    experiment=one_of(config["experiments"]),
    train_end=r"\d{4}-\d{2}-\d{2}",
    seed=r"\d+",
    lr=r"[\d.e-]+",


# Snakemake forgives a missing file whose products exist, and would go on with the old ones.
prices_of(config["dataset"])
