"""Checks of the configuration before any job starts."""

import datetime
import difflib
import math
import os
import sys
from pathlib import Path

from fd01.study.folds import is_walk_forward, walk_forward_folds
from fd01.study.systems import SYSTEMS, needs_weights
from fd01.workflow.errors import UserError

RUN = "all, none, gpu, or a list of datasets"
SCRAMBLED = "-scrambled"  # ends the name of a dataset that the audit makes of another
DATES = ("train_end", "start", "end")  # keys of a source or a fold
TYPES = {
    "object": "a table",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number, such as 0.01 or 1.0e-4 (YAML reads 1e-4 as text)",
    "boolean": "true or false",
}
RULES = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minItems": "a list of at least {}",
    "maxItems": "a list of at most {}",
    "minProperties": "a table of at least {}",
    "uniqueItems": "a list without repeats",
}


def check_config(config, schema):
    """Validate `config` in place against `schema` and against itself.

    YAML dates become ISO strings, so that a quoted and a bare date mean the same, and experiments are
    sorted, so that the order of a user's file changes nothing. Raises `UserError` with one line that
    names the key, its value, and what is allowed.
    """
    # jsonschema would build 38 grammars for checks of web addresses, 2.5 s before every run, and we have none.
    sys.modules.setdefault("rfc3987_syntax", None)
    from jsonschema import Draft202012Validator, validators

    # JSON takes 1.0 for a whole number; file names and seeds do not.
    strict = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    _normalise(config)
    errors = list(validators.extend(Draft202012Validator, type_checker=strict)(schema).iter_errors(config))
    if errors:
        raise UserError(_one_line(min(errors, key=_precedence)))
    config["experiments"] = _sorted(config["experiments"])
    for check in (_check_names, _check_folds, _check_targets, _check_experiments, _check_decision, _check_plan):
        check(config)
    if config["walk_forward"]:
        for dataset in config["datasets"].values():
            dataset["folds"] |= walk_forward_folds(**dataset["walk_forward"]) if "walk_forward" in dataset else {}


def gpu_found():
    """Whether jobs find an NVIDIA GPU: as the variable FD01_GPU says, or else by a look at this machine."""
    said = os.environ.get("FD01_GPU")
    if said is not None:
        if said not in ("0", "1"):
            raise UserError(f"environment: FD01_GPU is {said!r}; allowed: 1 (jobs find a GPU) or 0 (they do not)")
        return said == "1"
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/dxg").exists()  # the latter under WSL


def runs_on(entry, dataset):
    """Whether the experiment `entry` runs on `dataset`, by its key `run`."""
    if isinstance(entry["run"], list):
        return dataset.removesuffix(SCRAMBLED) in entry["run"]
    return entry["run"] == "all" or (entry["run"] == "gpu" and gpu_found())


def scrambled(datasets):
    """For each of `datasets` the one that the audit compares it with: the same but for prices after one day."""
    return {
        name + SCRAMBLED: dataset
        | {"title": f"{dataset['title']}, scrambled", "source": dataset["source"] | {"kind": "scrambled"}}
        for name, dataset in datasets.items()
    }


def _normalise(node, path=""):
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        where = f"{path}/{key}".lstrip("/")
        if isinstance(value, datetime.date):
            node[key] = value.isoformat()[:10]
        elif isinstance(value, dict | list):
            _normalise(value, where)
        elif isinstance(value, float):
            _require(math.isfinite(value), where, value, "a finite number")


def _sorted(node):
    return {key: _sorted(node[key]) for key in sorted(node)} if isinstance(node, dict) else node


def _precedence(error):
    # Without a `kind`, `system` or `method` every branch of the schema objects: its absence comes first.
    # An unknown key explains a missing one: a misspelling causes both.
    branches = list(error.absolute_schema_path).count("then")
    return (branches, error.validator != "additionalProperties", [str(part) for part in error.absolute_path])


def _one_line(error):
    path = [str(part) for part in error.absolute_path]
    key = "/".join(path)
    if "propertyNames" in error.absolute_schema_path:
        return f"config: {key} has the name {error.instance!r}; allowed: letters and digits, joined by single hyphens"
    match error.validator:
        case "additionalProperties":
            known = sorted(error.schema.get("properties", {}))
            unknown = sorted(str(name) for name in set(error.instance) - set(known))[0]
            return _unknown(f"{key}/{unknown}".lstrip("/"), unknown, known)
        case "required":
            missing = sorted(set(error.validator_value) - set(error.instance))
            extra = [str(name) for name in error.instance if name not in error.schema.get("properties", error.instance)]
            meant = difflib.get_close_matches(missing[0], extra, n=1)
            hint = f"; is {meant[0]!r} meant?" if meant else ""
            return f"config: {key or 'the top level'} lacks the key {missing[0]!r}{hint}"
        case "dependentRequired":
            wanted = {name for key, names in error.validator_value.items() if key in error.instance for name in names}
            return f"config: {key} lacks the key {min(wanted - set(error.instance))!r}"
        case "type" if path[-1] in DATES:
            allowed = "a date as YYYY-MM-DD"
        case "pattern":
            allowed = error.schema["description"]
        case "enum" if path[-1] == "run":
            allowed = RUN
        case "enum":
            allowed = ", ".join(map(str, error.validator_value))
        case "type" if isinstance(error.validator_value, list):
            allowed = error.schema["description"]
        case "type":
            allowed = TYPES[error.validator_value]
        case "not":
            allowed = "nothing: this experiment does not have the key"
        case rule:
            allowed = RULES[rule].format(error.validator_value)
    return f"config: {key} is {error.instance!r}; allowed: {allowed}"


def _unknown(key, name, known):
    hint = difflib.get_close_matches(name, known, n=1)
    return (
        f"config: unknown key {key}"
        + (f"; did you mean {hint[0]!r}?" if hint else "")
        + f" (allowed: {', '.join(known)})"
    )


def _require(condition, key, value, allowed):
    if not condition:
        raise UserError(f"config: {key} is {value!r}; allowed: {allowed}")


def _check_names(config):
    datasets = config["datasets"]
    allowed = ", ".join(datasets)
    chosen = config["dataset"]
    _require(chosen in datasets, "dataset", chosen, allowed)
    if config["walk_forward"] and "walk_forward" not in datasets[chosen]:
        raise UserError(f"config: walk_forward is on, and datasets/{chosen} lacks the key 'walk_forward'")
    if not any(runs_on(entry, chosen) for entry in config["experiments"].values()):
        raise UserError(f"config: no experiment runs on {chosen}; set experiments/.../run of one to all or [{chosen}]")
    for name in datasets:
        _require(not name.endswith(SCRAMBLED), "datasets", name, f"a name that does not end in {SCRAMBLED}")
    for name, entry in config["experiments"].items():
        known = isinstance(entry["run"], str) or set(entry["run"]) <= set(datasets)
        _require(known, f"experiments/{name}/run", entry["run"], f"{RUN}: {allowed}")


def _check_dates(key, table):
    for field in DATES:
        try:
            datetime.date.fromisoformat(table.get(field, "2000-01-01"))
        except ValueError:
            _require(False, f"{key}/{field}", table[field], "a date of the calendar")
    if "start" in table and "end" in table:
        start, end = table["start"], table["end"]
        _require(end >= start, f"{key}/end", end, f"a date from start, {start}, on")


def _check_folds(config):
    for name, dataset in config["datasets"].items():
        source = dataset["source"]
        _check_dates(f"datasets/{name}/source", source)
        if source["kind"] == "synthetic":
            beta, most = source["beta"], f"less than 1 - alpha, {1 - source['alpha']:g}"
            _require(source["alpha"] + beta < 1, f"datasets/{name}/source/beta", beta, most)
        for fold, dates in dataset["folds"].items():
            key = f"datasets/{name}/folds/{fold}"
            _require(
                not is_walk_forward(fold),
                f"datasets/{name}/folds",
                fold,
                "names that do not begin like a walk-forward block",
            )
            _check_dates(key, dates)
            _require(
                dates["start"] > dates["train_end"],
                f"{key}/start",
                dates["start"],
                f"a date after train_end, {dates['train_end']}",
            )
        if "walk_forward" in dataset:
            first, last = dataset["walk_forward"]["first"], dataset["walk_forward"]["last"]
            _require(last >= first, f"datasets/{name}/walk_forward/last", last, f"a year from first, {first}, on")
        if "study_fold" in dataset:
            _require(
                dataset["study_fold"] in dataset["folds"],
                f"datasets/{name}/study_fold",
                dataset["study_fold"],
                ", ".join(dataset["folds"]),
            )


def _check_targets(config):
    horizons = config["labels"]["horizons"]
    for i, target in enumerate(config["targets"]):
        _require(
            target["horizon"] in horizons,
            f"targets/{i}/horizon",
            target["horizon"],
            f"one of labels/horizons, {horizons}",
        )
    _require(
        config["labels"]["scaled"]["window"] < config["origins"]["min_history"],
        "labels/scaled/window",
        config["labels"]["scaled"]["window"],
        f"less than origins/min_history, {config['origins']['min_history']}",
    )


def _check_experiments(config):
    min_history = config["origins"]["min_history"]
    names = config["experiments"]
    for name, entry in names.items():
        if "twin" in entry:
            others = [other for other in names if other != name]
            _require(entry["twin"] in others, f"experiments/{name}/twin", entry["twin"], ", ".join(others))
        key, settings = f"experiments/{name}/settings", entry["settings"]
        for rows in ("window",) if SYSTEMS[entry["system"]].any_context else ("window", "context"):
            _require(
                settings.get(rows, 0) <= min_history,
                f"{key}/{rows}",
                settings.get(rows),
                f"at most origins/min_history, {min_history}",
            )
        if entry["system"] == "patchtst":
            _check_patchtst(config, key, entry)
        if model := needs_weights(entry):
            models = config["weights"]["models"]
            _require(model in models, "weights/models", list(models), f"a table that has {model}")


def _check_patchtst(config, key, entry):
    settings = entry["settings"]
    heads, patch, stride = settings["heads"], settings["patch_length"], settings["stride"]
    _require(stride <= patch, f"{key}/stride", stride, f"at most patch_length, {patch}, so that no day is skipped")
    _require(settings["d_model"] % heads == 0, f"{key}/d_model", settings["d_model"], f"a multiple of heads, {heads}")
    _require(settings["context"] >= patch, f"{key}/context", settings["context"], f"at least patch_length, {patch}")
    if settings["selection"] == "study":
        for name, dataset in config["datasets"].items():
            _require(
                not runs_on(entry, name) or "study_fold" in dataset,
                f"{key}/selection",
                "study",
                f"inner, since the experiment runs on {name} and datasets/{name} has no study_fold",
            )


def _check_decision(config):
    decision = config["decision"]
    references = [name for name, entry in config["experiments"].items() if entry["system"] == "patchtst"]
    _require(decision["reference"] in references, "decision/reference", decision["reference"], ", ".join(references))
    _require(
        decision["unsuitable_below"] <= decision["finetune_from"] <= decision["investigate_above"],
        "decision/finetune_from",
        decision["finetune_from"],
        "unsuitable_below <= finetune_from <= investigate_above",
    )
    _check_block("decision", decision, config["datasets"])
    for name, entry in config["experiments"].items():
        if "published" in entry:
            _check_block(f"experiments/{name}/published", entry["published"], config["datasets"])


def _check_plan(config):
    folds = sorted({fold for dataset in config["datasets"].values() for fold in dataset["folds"]})
    for i, fold in enumerate(config["plan"]["sealed"]):
        _require(fold in folds, f"plan/sealed/{i}", fold, f"a fold of a dataset: {', '.join(folds)}")


def _check_block(key, block, datasets):
    # The dataset may be missing from a small study; then nothing is compared with the block.
    folds = datasets.get(block["dataset"], {"folds": [block["fold"]]})["folds"]
    _require(block["fold"] in folds, f"{key}/fold", block["fold"], f"a fold of {block['dataset']}: {', '.join(folds)}")
