"""Describe a run as a Workflow Run RO-Crate: the folder of its results, with a copy of the workflow."""

import shutil
from pathlib import Path

import yaml
from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from fd01.report.licences import licences
from fd01.workflow.files import read_json, sha256, write_json, write_text
from fd01.workflow.logs import configure_logging

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
# What the workflow needs to run again, and the words about it.
WORKFLOW = ["Snakefile", "rules", "scripts", "schemas", "envs", "report", "resources", "notebooks", "profiles", "docs"]
WORKFLOW += ["README.md", "CHANGELOG.md", "LICENSE", "CITATION.cff", "Makefile"]
CONFIGURATION = "workflow/config.yaml"
PRICES = "data/dataset.parquet"
RESULTS = {  # what a reader looks for first, with its name as an output of the workflow
    "report/index.html": "report",
    "summary.json": "summary",
    "verdict.json": "verdict",
    "provenance.json": "provenance",
    "erratum.json": "erratum",
    "reproduction.json": "reproduction of the original study's forecasts",
    "metrics": "metrics",
    "figures": "figures",
    "checks": "health checks",
    "predictions": "predictions",
    "forecasts": "what the models store",
}
FILE_BY_FILE = ("metrics", "figures")
BESIDE = {"data": "prices, days and outcomes", "logs": "logs of the jobs", "benchmarks": "time and memory of the jobs"}
MEDIA = {
    ".html": "text/html",
    ".pdf": "application/pdf",
    ".json": "application/json",
    ".csv": "text/csv",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
}


def copy_workflow(source, target, config):
    """Copy the workflow in the folder `source` to `target`, with the configuration of the run, `config`."""
    shutil.rmtree(target, ignore_errors=True)
    unwanted = shutil.ignore_patterns("__pycache__", ".*")
    for name in WORKFLOW:
        path, to = Path(source) / name, Path(target) / name
        to.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, to, ignore=unwanted)
        else:
            shutil.copyfile(path, to)
    write_text(Path(target) / "config.yaml", yaml.safe_dump(config, sort_keys=False, allow_unicode=True))


def describe_run(folder, citation, dataset):
    """The content of ro-crate-metadata.json for the results in `folder`.

    Parameters
    ----------
    folder : path
        results/{dataset}, with the copy of the workflow in `workflow/`.
    citation : dict
        The content of CITATION.cff.
    dataset : str
        Name of the dataset.

    Returns
    -------
    dict
        JSON-LD. Who ran the study is not in it: nothing in a run says so.
    """
    folder = Path(folder)
    provenance, prices = read_json(folder / "provenance.json"), read_json(folder / "data/dataset.json")
    stated = licences(citation, prices, provenance["config"], provenance["experiments"])
    licence = f"https://spdx.org/licenses/{citation['license']}"
    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms["sha256"] = "http://schema.org/sha256"  # RO-Crate 1.1 does not have it yet

    def add(identifier, kind, **properties):
        return crate.add(ContextEntity(crate, identifier, properties={"@type": kind} | properties))

    def add_file(path, name, **properties):
        path = Path(path)
        about = {"name": name, "contentSize": str((folder / path).stat().st_size), "sha256": sha256(folder / path)}
        about["encodingFormat"] = MEDIA.get(path.suffix, "text/plain")
        return crate.add_file(dest_path=path.as_posix(), properties=about | properties)

    def add_part(path, name):
        if (folder / path).is_file():
            return add_file(path, name)
        listed = path in FILE_BY_FILE
        files = sorted((folder / path).rglob("*")) if listed else []
        parts = [
            add_file(file.relative_to(folder), str(file.relative_to(folder))) for file in files if file.suffix in MEDIA
        ]
        return crate.add_dataset(dest_path=path, properties={"name": name} | ({"hasPart": parts} if parts else {}))

    add(licence, "CreativeWork", name=f"{citation['license']} licence", url=licence)
    authors = [
        add(f"#author-{number}", "Organization", name=author["name"])
        if "name" in author
        else add(f"#author-{number}", "Person", name=f"{author['given-names']} {author['family-names']}")
        for number, author in enumerate(citation["authors"], 1)
    ]
    authors = authors[0] if len(authors) == 1 else authors
    root = crate.root_dataset
    root["conformsTo"] = [
        add(identifier, "CreativeWork", name=name, version=number) for identifier, (name, number) in PROFILES.items()
    ]
    crate.name = f"A run of FD-01 on {prices['title']}"
    crate.description = (
        f"{citation['title']} Results on {prices['title']}, with the workflow that made them. Licences: "
        + "; ".join(f"{line['what']}: {line['licence']}" for line in stated)
    )
    crate.license = {"@id": licence}
    root["author"] = authors
    root["datePublished"] = provenance["collected"]

    workflow = crate.add_workflow(
        dest_path="workflow/Snakefile",
        main=True,
        lang="snakemake",
        lang_version=provenance["installed"].get("snakemake"),
        properties={
            "name": citation["title"],
            "version": citation["version"],
            "license": {"@id": licence},
            "author": authors,
            "encodingFormat": "text/plain",
            "sha256": sha256(folder / "workflow/Snakefile"),
            "conformsTo": {"@id": "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"},
            "identifier": f"git commit {provenance['git_commit'] or 'unknown'}",
            "runtimePlatform": f"Python {provenance['python']}, {provenance['platform']}",
        },
    )
    workflow["hasPart"] = [
        crate.add_dataset(dest_path=f"workflow/{name}", properties={"name": f"{name} of the workflow"})
        if (folder / "workflow" / name).is_dir()
        else add_file(f"workflow/{name}", f"{name} of the workflow")
        for name in WORKFLOW[1:]
    ]
    workflow["softwareRequirements"] = [
        add(
            f"https://pypi.org/project/{name}/{number.partition('+')[0]}/",
            "SoftwareApplication",
            name=name,
            softwareVersion=number,
            url=f"https://pypi.org/project/{name}/",
        )
        for name, number in sorted(used_packages(provenance, prices).items())
    ]

    def parameter(way, name, kind, entity):
        of = crate.add_formal_parameter(name, kind, identifier=f"#{way}-{name.replace(' ', '-')}")
        of["workExample"] = entity
        entity["exampleOfWork"] = of
        workflow.append_to(way, of)
        return entity

    configuration = add_file(CONFIGURATION, "the configuration of the run", description=f"dataset: {dataset}")
    made_of = {key: value for key, value in prices["source"].items() if key != "path"}
    source = prices.get("source_sha256")
    prices_used = add_file(
        PRICES,
        prices["title"],
        description=f"{prices['rows']} days of prices with indicators. Source: {made_of}"
        + (f", a file with the SHA-256 {source}" if source else ""),
        license=next(line["licence"] for line in stated if line["what"].startswith("the prices")),
        temporalCoverage=f"{prices['first_date']}/{prices['last_date']}",
    )
    inputs = [
        parameter("input", name, "File", entity)
        for name, entity in {"configuration": configuration, "prices": prices_used}.items()
    ]
    outputs = [
        parameter("output", name, "File" if (folder / path).is_file() else "Dataset", add_part(path, name))
        for path, name in RESULTS.items()
        if (folder / path).exists()
    ]
    for path, name in BESIDE.items():
        crate.add_dataset(dest_path=path, properties={"name": name})
    action = crate.add_action(
        workflow,
        identifier="#run",
        object=inputs,
        result=outputs,
        properties={
            "name": f"The run on {dataset}",
            "description": f"Snakemake ran the workflow on the dataset {dataset}. Who ran it, and from when on, is "
            "not recorded.",
            "endTime": provenance["collected"],
            "actionStatus": "http://schema.org/CompletedActionStatus",
        },
    )
    root["mentions"] = action
    return crate.metadata.generate()


def used_packages(provenance, prices):
    """Version by name of the packages that made prices, forecasts and scores, as the jobs recorded them."""
    recorded = [prices["packages"], *(entry["packages"] for entry in provenance["experiments"].values())]
    return {name: number for packages in recorded for name, number in packages.items() if name != "python"}


if __name__ == "__main__":
    configure_logging(snakemake)
    source, folder = Path(__file__).parents[1], Path(snakemake.output.metadata).parent
    copy_workflow(source, snakemake.output.workflow, read_json(snakemake.input.provenance)["config"])
    citation = yaml.safe_load((source / "CITATION.cff").read_text(encoding="utf-8"))
    write_json(snakemake.output.metadata, describe_run(folder, citation, snakemake.params.dataset))
