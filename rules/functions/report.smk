# For the rules in report.smk: the parts of the report, and the jobs whose cost it shows.

from types import SimpleNamespace

from fd01.report.sections import ONE_SERIES, SECTIONS
from fd01.study.folds import is_walk_forward
from fd01.workflow.record import rests_on, say_older, take_back

# The tables and figures that sections use or name, by these names.
REPORT_TABLES = [
    *("power", "protocol-errors", "comparisons", "intervals", "margins", "walk-forward", "losses"),
    *("heterogeneity", "detectable-by-number"),
    *("labels", "calibration", "explanation", "terciles", "contamination", "ledger", "alignment"),
]
REPORT_FIGURES = ["direction", "auc", "labels", "reliability", "explanation"]


# What the page is made with.
REPORT_SOURCES = {
    "glossary": source("docs/reference/glossary.md"),
    "template": source("report/index.html.j2"),
    "macros": source("report/macros.html.j2"),
    "style": source("report/style.css"),
    "script": source("report/script.js"),
}
SECTION_SOURCES = [source(f"report/sections/{section.name}.html.j2") for section in SECTIONS]
ONE_SERIES_SOURCES = [source(f"report/sections/{section.name}.html.j2") for section in ONE_SERIES]
CITATION = yaml.safe_load((HERE / "CITATION.cff").read_text())


def report_tables(wildcards):
    """Input function: the tables for the sections of the report on a dataset."""
    truth = ["truth"] if wildcards.dataset in datasets_from("synthetic") else []
    return expand("results/{dataset}/metrics/{table}.csv", dataset=wildcards.dataset, table=REPORT_TABLES + truth)


def reproduction_of(wildcards):
    """Input function: the original study's forecasts made again, if their file is named and TimesFM's weights are used."""
    models = {needed_weights(config["experiments"][name]) for name in running(wildcards.dataset)}
    wanted = "study_predictions" in config["datasets"][wildcards.dataset] and "timesfm" in models
    return f"results/{wildcards.dataset}/reproduction.json" if wanted else []


def known_answers_of(wildcards):
    """Input function: what the known answers say of the weights that experiments of a dataset need."""
    models = {needed_weights(config["experiments"][name]) for name in made_here(wildcards.dataset)} - {None}
    return [answers_path(model) for model in sorted(models)]


def report_figures(wildcards):
    """Input function: the figures for the sections of the report on a dataset."""
    walk_forward = ["walk-forward"] if any(map(is_walk_forward, folds_of(wildcards))) else []
    return expand(
        "results/{dataset}/figures/{figure}.svg", dataset=wildcards.dataset, figure=REPORT_FIGURES + walk_forward
    )


def jobs_of(wildcards, names):
    """The experiments `names` and their trainings and passes on a dataset, as benchmark files name them."""
    trained = [SimpleNamespace(dataset=wildcards.dataset, experiment=name) for name in experiments_storing(TRAINED)]
    trainings = [path for one in trained if one.experiment in names for path in all_trainings("")(one)]
    folder = f"results/{wildcards.dataset}/forecasts/"
    passes = {run for name, run in shared_passes(wildcards).items() if name in names}
    return sorted({*names, *passes, *(path.removeprefix(folder) for path in trainings)})


def costly_jobs(wildcards):
    """Params function: the jobs for a dataset and for its shards, by folder of benchmark files."""
    dataset, names = wildcards.dataset, made_here(wildcards.dataset)
    folder = f"results/{dataset}/benchmarks"
    if dataset not in SHARDS:
        return {folder: jobs_of(wildcards, names)}
    whole = [name for name in names if name not in made_in_shards()]
    probes = [name for name in whole if name in experiments_storing(STATES)]
    fitted = [f"fit_probe/{name}" for name in probes] + jobs_of(
        wildcards, [name for name in whole if name not in probes]
    )
    of_shard = jobs_of(wildcards, names)
    gathered = [f"gather_predictions/{name}" for name in names]
    gathered += [f"gather_forecasts/{name}/{what}" for name in names for what in ("quantiles", "states")]
    gathered += [f"gather_forecasts/lag-llama/{run}" for run in set(shared_passes(wildcards).values())]
    return {folder: fitted + gathered} | {f"results/{shard}/benchmarks": of_shard for shard in SHARDS[dataset]}


def costly_rules(wildcards, input):
    """Params function: of the rules with one job for a dataset, those that the report rests on, by their benchmark files.

    These are the rules that make what the report reads, and what these rules read by a name that is always the same.
    The audit is a run of its own, and so are the prices that an input function finds: they may be older than this run.
    """

    def paths(patterns):
        return {re.sub(r"{dataset[^}]*}", wildcards.dataset, str(path)) for path in patterns if not callable(path)}

    makes, reads, folder = {}, {}, Path("results", wildcards.dataset, "benchmarks")
    for one in workflow.rules:
        for path in paths([one.benchmark] if one.benchmark else []):
            if Path(path).parent == folder:  # so that a name is that of one rule
                makes[Path(path).stem], reads[Path(path).stem] = paths(one.output), paths(one.input)
    audit = [input.audit] if isinstance(input.audit, str) else input.audit  # one file is no list
    found, wanted = set(), {*map(str, input)} - {*map(str, audit)}
    while new := {name for name in makes if makes[name] & wanted} - found:
        found |= new
        wanted |= set().union(*(reads[name] for name in new))
    return sorted({*found, "split_dataset", "split_origins"} if wildcards.dataset in SHARDS else found)


def last_one_comes_back(path):
    """An output whose version before comes back if its job fails.

    Not in a cloud storage: `update` copies a file that is not on the machine of the job.
    """
    return path if workflow.storage_settings.default_storage_provider else update(path)


def say_which_are_older():
    """Put a note into the reports of which this run makes something again, and take it out of the others."""
    made = [str(path) for job in workflow.dag.needrun_jobs() for path in job.output]
    for name in config["datasets"] if workflow.is_main_process else []:
        (say_older if rests_on(f"results/{name}", made) else take_back)(f"results/{name}")
