"""Checks of the configuration before any job starts."""

import datetime
import difflib

from fd01.errors import UserError


def check_config(config, schema):
    """Validate `config` in place against `schema` and against itself.

    YAML dates become ISO strings, so that a quoted and a bare date mean the same. Raises `UserError`
    with one line that names the key, its value, and what is allowed.
    """
    from jsonschema import Draft202012Validator

    _dates_to_strings(config)
    errors = list(Draft202012Validator(schema).iter_errors(config))
    if errors:
        raise UserError(_one_line(min(errors, key=_precedence)))
    for check in (_check_names, _check_folds, _check_targets, _check_experiments, _check_decision):
        check(config)


def runs_on(entry, dataset):
    """Whether the experiment `entry` runs on `dataset`, by its key `run`."""
    return entry["run"] == "all" or (entry["run"] != "none" and dataset in entry["run"])


def _dates_to_strings(node):
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        if isinstance(value, datetime.date):
            node[key] = value.isoformat()[:10]
        elif isinstance(value, dict | list):
            _dates_to_strings(value)


def _precedence(error):
    # An unknown key explains a missing one: a misspelling causes both.
    return (error.validator != "additionalProperties", [str(part) for part in error.absolute_path])


def _one_line(error):
    key = "/".join(str(part) for part in error.absolute_path)
    match error.validator:
        case "additionalProperties":
            known = sorted(error.schema.get("properties", {}))
            unknown = sorted(set(error.instance) - set(known))[0]
            return _unknown(f"{key}/{unknown}".lstrip("/"), unknown, known)
        case "required":
            missing = sorted(set(error.validator_value) - set(error.instance))
            return f"config: {key or 'the top level'} lacks the key {missing[0]!r}"
        case "enum":
            allowed = ", ".join(map(str, error.validator_value))
        case "type":
            allowed = f"a value of type {error.validator_value}"
        case "pattern" if key.endswith(("start", "end")):
            allowed = "a date as YYYY-MM-DD"
        case "pattern":
            allowed = "letters and digits, joined by single hyphens"
        case None:  # a schema that is `false`
            allowed = "nothing: this system does not have the key"
        case rule:
            words = {
                "minimum": "at least",
                "maximum": "at most",
                "exclusiveMinimum": "more than",
                "exclusiveMaximum": "less than",
                "minItems": "a list with at least this many items:",
                "minProperties": "a table with at least this many keys:",
                "uniqueItems": "a list without repeats:",
            }
            allowed = f"{words.get(rule, rule)} {error.validator_value}"
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
    _require(config["dataset"] in datasets, "dataset", config["dataset"], allowed)
    for name, entry in config["experiments"].items():
        if isinstance(entry["run"], list):
            for dataset in entry["run"]:
                _require(dataset in datasets, f"experiments/{name}/run", dataset, f"all, none, or {allowed}")


def _check_folds(config):
    for name, dataset in config["datasets"].items():
        for fold, dates in dataset["folds"].items():
            key = f"datasets/{name}/folds/{fold}"
            for field, date in dates.items():
                try:
                    datetime.date.fromisoformat(date)
                except ValueError:
                    _require(False, f"{key}/{field}", date, "a date of the calendar")
            _require(
                dates["start"] > dates["train_end"],
                f"{key}/start",
                dates["start"],
                f"a date after train_end, {dates['train_end']}",
            )
            if "end" in dates:
                _require(
                    dates["end"] >= dates["start"],
                    f"{key}/end",
                    dates["end"],
                    f"a date from start, {dates['start']}, on",
                )
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
    for name, entry in config["experiments"].items():
        key, settings = f"experiments/{name}/settings", entry["settings"]
        for rows in ("window", "context"):
            _require(
                settings.get(rows, 0) <= min_history,
                f"{key}/{rows}",
                settings.get(rows),
                f"at most origins/min_history, {min_history}",
            )
        if entry["system"] == "patchtst":
            _check_patchtst(config, key, entry)


def _check_patchtst(config, key, entry):
    settings = entry["settings"]
    heads, patch = settings["heads"], settings["patch_length"]
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
    reference = decision["reference"]
    _require(reference in config["experiments"], "decision/reference", reference, ", ".join(config["experiments"]))
    allowed = "unsuitable_below <= finetune_from <= investigate_above"
    _require(
        decision["unsuitable_below"] <= decision["finetune_from"] <= decision["investigate_above"],
        "decision/finetune_from",
        decision["finetune_from"],
        allowed,
    )
