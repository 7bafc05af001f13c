"""Checks of the configuration before any job starts, and the questions that the rules ask it."""

import datetime
import difflib
import math
import os
import re
import sys
from copy import deepcopy
from fnmatch import fnmatchcase
from functools import reduce
from itertools import pairwise
from operator import getitem
from pathlib import Path

from fd01.study.folds import WALK_FORWARD, is_walk_forward, walk_forward_folds
from fd01.study.shards import whole
from fd01.study.systems import EXTERNAL, FORMS, SYSTEMS, needed_weights, twins_of
from fd01.workflow.errors import UserError

RUN = "all, none, gpu, or a list of datasets"
SCRAMBLED = "-scrambled"  # end of the name of a dataset that the audit makes from another one
MOVED = {"study_predictions": "datasets/spy/study_predictions"}  # where old keys of the top level stand now
TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
DATES = ("train_end", "start", "end")  # keys of a source or a fold
# Words for the types and the limits of the JSON schema.
TYPES = {
    "object": "a table",
    "array": "a list, such as [a, b]",
    "string": "text",
    "integer": "a whole number",
    "number": "a number, such as 0.01",
    "boolean": "true or false",
}
LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minItems": "a list with {} or more entries",
    "maxItems": "a list with at most {} entries",
    "minLength": "text with {} or more characters",
    "minProperties": "a table with {} or more entries",
    "uniqueItems": "a list without repeats",
}


def check_config(config, schema):
    """Check `config` against `schema` and against itself, and bring it into one form, in place.

    Text becomes a number, true or false where the schema wants one: what follows `--config` arrives as text, and YAML
    reads 1e-4 as text.
    Dates become ISO strings, so that a quoted and a bare date mean the same. Experiments are sorted, so that the order
    of a user's file changes nothing. Datasets in short form get their full form, and `~` in a path becomes a folder.
    `only` sets the key `run` of the experiments. `known_answers` of weights becomes true, false or a path. With
    `walk_forward: true` each dataset gets its walk-forward blocks as folds.

    Parameters
    ----------
    config : dict, as read from YAML
    schema : dict, a JSON schema

    Raises
    ------
    UserError
        With one line that names the key, its value, and what is allowed.
    """
    # jsonschema would load parsers of addresses and durations, 2.5 s at every start, and our schema has none of them.
    for parser in ("rfc3987_syntax", "rfc3986_validator", "isoduration"):
        sys.modules.setdefault(parser, None)
    from jsonschema import Draft202012Validator, validators

    # JSON accepts 1.0 as a whole number; file names and seeds cannot.
    strict = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    _normalise(config)
    validator = validators.extend(Draft202012Validator, type_checker=strict)(schema)
    errors = list(validator.iter_errors(config))
    if _read_text(config, errors):
        _normalise(config)
        errors = list(validator.iter_errors(config))
    if errors:
        raise UserError(_message(min(errors, key=_precedence)))
    for entry in config["weights"]["models"].values():
        wanted = entry.get("known_answers", True)
        entry["known_answers"] = {"on": True, "off": False}.get(wanted, wanted)  # YAML reads them as text if quoted
    config["experiments"] = _sorted_keys(config["experiments"])
    _expand_datasets(config)
    _expand_homes(config)
    _apply_only(config)
    _check_names(config)
    _check_datasets(config)
    _check_targets(config)
    _check_experiments(config)
    _check_decision(config)
    _check_plan(config)
    if config["walk_forward"]:
        for dataset in config["datasets"].values():
            if "walk_forward" in dataset:
                dataset["folds"] = dataset["folds"] | walk_forward_folds(**dataset["walk_forward"])


def gpu_found():
    """Whether jobs have an NVIDIA GPU: what the variable FD01_GPU says, or else whether this machine has one.

    Raises `UserError` when FD01_GPU is neither 0 nor 1.
    """
    setting = os.environ.get("FD01_GPU")
    if setting is None:
        return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/dxg").exists()  # the latter under WSL
    if setting not in ("0", "1"):
        raise UserError(f"environment: FD01_GPU is {setting!r}; allowed: 1 (jobs have a GPU) or 0 (they have none)")
    return setting == "1"


def runs_on(entry, dataset):
    """Whether the experiment `entry` runs on `dataset`, by its key `run`."""
    if isinstance(entry["run"], list):
        return whole(dataset).removesuffix(SCRAMBLED) in entry["run"]
    return entry["run"] == "all" or (entry["run"] == "gpu" and gpu_found())


def is_chosen(name, patterns):
    """Whether the experiment `name` fits one of the `patterns` of `only`; without patterns, every one does.

    >>> is_chosen("BASE-HAR", ["BASE-*", "PTST-2M"]), is_chosen("TFM-01", ["BASE-*", "PTST-2M"])
    (True, False)
    """
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def scrambled(datasets):
    """For each of `datasets`, the one that the audit compares it with: after one day its prices are replaced."""
    return {
        name + SCRAMBLED: {key: value for key, value in dataset.items() if key not in ("layout", "series", "pauses")}
        | {
            "title": f"{dataset['title']}, scrambled",
            "source": dataset["source"] | {"kind": "scrambled"},
            "adjust": False,  # the prices that are replaced were adjusted before
            "largest_move": 2 * dataset["largest_move"],  # the mean is taken off the moves of the days that are drawn
        }
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


def _read_text(config, errors):
    """Replace text where the schema wants a number or a truth, by the `errors` of the schema; whether there was any."""
    found = False
    for error in errors:
        if error.validator == "type" and isinstance(error.instance, str) and error.absolute_path:
            value = as_type(error.instance.strip(), error.validator_value)
            *parents, key = error.absolute_path
            if value is not None:
                reduce(getitem, parents, config)[key] = value
                found = True
    return found


def as_type(text, wanted):
    """What `text` says in the type `wanted` of a JSON schema; None if it says nothing of that type.

    >>> as_type("true", "boolean"), as_type("2e-2", "number"), as_type("20", "integer"), as_type("2.5", "integer")
    (True, 0.02, 20, None)
    """
    if wanted == "boolean":
        return TRUTHS.get(text.lower())
    if wanted == "integer":
        return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text) else None
    return float(text) if wanted == "number" and re.fullmatch(NUMBER, text) else None


def _sorted_keys(node):
    return {key: _sorted_keys(node[key]) for key in sorted(node)} if isinstance(node, dict) else node


def _precedence(error):
    """Sort key of the errors of one configuration: the smallest explains the others and is the one to show."""
    # Where `kind`, `system` or `method` is missing, every branch of the schema reports its own errors.
    branches = list(error.absolute_schema_path).count("then")
    # An unknown key may be a misspelling, and then it also explains a missing key.
    return (branches, error.validator != "additionalProperties", [str(part) for part in error.absolute_path])


def _message(error):
    """The line for an error of the schema."""
    path = [str(part) for part in error.absolute_path]
    key = "/".join(path)
    if "propertyNames" in error.absolute_schema_path:
        allowed = "letters and digits, joined by single hyphens"
        return f"config: {key} has an entry named {error.instance!r}; allowed: {allowed}"
    match error.validator:
        case "additionalProperties":
            return _unknown_key(key, error)
        case "required":
            return _missing_key(key, error)
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
            allowed = "no such key here, since nothing is random in this experiment: delete it"
        case limit:
            allowed = LIMITS[limit].format(error.validator_value)
    value = "empty" if error.instance is None else repr(error.instance)
    return f"config: {key} is {value}; allowed: {allowed}"


def _unknown_key(key, error):
    allowed = sorted(error.schema.get("properties", {}))
    unknown = min(str(name) for name in set(error.instance) - set(allowed))
    if not key and unknown in MOVED:
        return f"config: {unknown} belongs to a dataset now: write it as {MOVED[unknown]}"
    similar = difflib.get_close_matches(unknown, allowed, n=1)
    hint = f"; did you mean {similar[0]!r}?" if similar else ""
    return f"config: unknown key {f'{key}/{unknown}'.lstrip('/')}{hint} (allowed: {', '.join(allowed)})"


def _missing_key(key, error):
    missing = min(set(error.validator_value) - set(error.instance))
    unknown = [str(name) for name in error.instance if name not in error.schema.get("properties", error.instance)]
    similar = difflib.get_close_matches(missing, unknown, n=1)
    hint = f"; is {similar[0]!r} a misspelling of it?" if similar else ""
    if not key and not similar:
        hint = ". It must be whole: start from config.yaml of FD-01, or pass your keys alone with --configfile"
    return f"config: {key or 'the top level'} lacks the key {missing!r}{hint}"


def _require(condition, key, value, allowed):
    if not condition:
        raise UserError(f"config: {key} is {value!r}; allowed: {allowed}")


def _expand_datasets(config):
    """Bring the datasets into their full form: a title, a table `source`, and folds in the place of a template."""
    templates = config.pop("fold_templates", {})
    for name, template in templates.items():
        _check_folds(f"fold_templates/{name}", template)
    for name, dataset in config["datasets"].items():
        key = f"datasets/{name}"
        if "path" in dataset:
            if "source" in dataset:
                raise UserError(f"config: {key} has both source and path; set {key}/source/path, or use another name")
            dataset["source"] = {"kind": "parquet", "path": dataset.pop("path")}
        if "source" not in dataset:
            raise UserError(f"config: {key} lacks the key 'source', or 'path' in its place")
        dataset.setdefault("title", f"{name}, daily{_of_files(dataset['source'].get('path'))}")
        made_up = dataset["source"]["kind"] == "synthetic"  # on business days, holidays included
        defaults = {"calendar": "none" if made_up else "XNYS", "largest_move": 0.25, "adjust": False}
        defaults["reference"] = config["decision"]["reference"]
        dataset.update(defaults | dataset)
        if isinstance(dataset["folds"], str):
            _use_template(key, dataset, templates)


def _of_files(path):
    match path:
        case None:
            return ""
        case [_, _, *_]:
            return f", from {len(path)} files"
        case [path] | path:
            return f", from {Path(path).name}"


def _expand_homes(config):
    """Put the user's home in the place of `~` at the beginning of every path."""
    datasets, experiments, weights = config["datasets"].values(), config["experiments"].values(), config["weights"]
    places = [(dataset, "study_predictions") for dataset in datasets]
    places += [(dataset["source"], "path") for dataset in datasets]
    places += [(entry["settings"], "file") for entry in experiments]
    places += [(model, key) for model in weights["models"].values() for key in ("path", "known_answers")]
    for table, key in [*places, (weights, "folder"), (config["plan"], "file")]:
        match table.get(key):
            case str(path):
                table[key] = os.path.expanduser(path)
            case [*paths]:
                table[key] = list(map(os.path.expanduser, paths))


def _use_template(key, dataset, templates):
    name = dataset["folds"]
    allowed = f"a table of folds, or a template of fold_templates: {', '.join(templates)}"
    _require(name in templates, f"{key}/folds", name, allowed)
    template = deepcopy(templates[name])
    # Tables are merged key by key, so that the blocks of config.yaml may stand beside a user's template.
    own = dataset.get("walk_forward")
    if own is not None and own != template.get("walk_forward", own):
        raise UserError(
            f"config: {key}/walk_forward differs from fold_templates/{name}/walk_forward; "
            "give the dataset another name, or write its folds as a table"
        )
    dataset |= template


def _apply_only(config):
    """Switch off the experiments that `only` leaves out, and switch on those that it names in full."""
    patterns, experiments, dataset = config.get("only", []), config["experiments"], config["dataset"]
    for i, pattern in enumerate(patterns):
        similar = difflib.get_close_matches(
            pattern, {*experiments, *(f"{name.split('-')[0]}-*" for name in experiments)}
        )
        hint = f"; did you mean {similar[0]!r}?" if similar else ""
        fits = any(fnmatchcase(name, pattern) for name in experiments)
        _require(fits, f"only/{i}", pattern, f"a name of an experiment, or a pattern that one fits{hint}")
    for name, entry in experiments.items():
        if not is_chosen(name, patterns):
            entry["run"] = "none"
        elif name in patterns and entry["run"] != "gpu" and not runs_on(entry, dataset):
            entry["run"] = [dataset] if entry["run"] == "none" else [*entry["run"], dataset]


def _check_names(config):
    """The names of datasets, wherever they stand."""
    datasets, chosen = config["datasets"], config["dataset"]
    allowed = ", ".join(datasets)
    _require(chosen in datasets, "dataset", chosen, allowed)
    if config["walk_forward"] and "walk_forward" not in datasets[chosen]:
        raise UserError(f"config: walk_forward is true, but datasets/{chosen} lacks the key 'walk_forward'")
    if not any(runs_on(entry, chosen) for entry in config["experiments"].values()):
        of_only = " of `only`" if config.get("only") else ""
        hint = f"set experiments/.../run of one to all or [{chosen}]"
        raise UserError(f"config: no experiment{of_only} runs on {chosen}; {hint}")
    for name in datasets:
        _require(not name.endswith(SCRAMBLED), "datasets", name, f"a name that does not end in {SCRAMBLED}")
    for name, entry in config["experiments"].items():
        known = isinstance(entry["run"], str) or set(entry["run"]) <= set(datasets)
        _require(known, f"experiments/{name}/run", entry["run"], f"{RUN}: {allowed}")


def _check_datasets(config):
    for name, dataset in config["datasets"].items():
        key, folds = f"datasets/{name}", dataset["folds"]
        _check_source(f"{key}/source", dataset["source"])
        _check_folds(key, dataset)
        if "study_fold" in dataset:
            _require(dataset["study_fold"] in folds, f"{key}/study_fold", dataset["study_fold"], ", ".join(folds))
        if "study_predictions" in dataset:
            original = config["decision"]["dataset"]
            allowed = f"no such key here, since the original study's figures belong to {original}: delete it"
            _require(name == original, f"{key}/study_predictions", dataset["study_predictions"], allowed)


def _check_source(key, source):
    _check_dates(key, source)
    if source["kind"] == "synthetic":
        alpha, beta = source["alpha"], source["beta"]
        _require(alpha + beta < 1, f"{key}/beta", beta, f"less than 1 - alpha, {1 - alpha:g}")
        if "correlation" in source:
            allowed = "no such key here, as there is one series: delete it, or set series"
            _require(source.get("series", 1) > 1, f"{key}/correlation", source["correlation"], allowed)


def _check_folds(key, dataset):
    """The folds and the walk-forward blocks of a dataset, or of a template."""
    for fold, dates in dataset["folds"].items():
        _check_fold(f"{key}/folds", fold, dates)
    if "walk_forward" in dataset:
        first, last = dataset["walk_forward"]["first"], dataset["walk_forward"]["last"]
        _require(last >= first, f"{key}/walk_forward/last", last, f"at least first, {first}")


def _check_fold(key, fold, dates):
    _require(not is_walk_forward(fold), key, fold, f"a name that does not begin with {WALK_FORWARD}")
    key, start, train_end = f"{key}/{fold}", dates["start"], dates["train_end"]
    _check_dates(key, dates)
    _require(start > train_end, f"{key}/start", start, f"a date after train_end, {train_end}")


def _check_dates(key, dates):
    for field in DATES:
        if field in dates:
            _require(_is_date(dates[field]), f"{key}/{field}", dates[field], "a day that exists in the calendar")
    if "start" in dates and "end" in dates:
        start, end = dates["start"], dates["end"]
        _require(end >= start, f"{key}/end", end, f"a date not before start, {start}")


def _is_date(text):
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _check_targets(config):
    labels, min_history = config["labels"], config["origins"]["min_history"]
    for i, target in enumerate(config["targets"]):
        horizon, allowed = target["horizon"], f"one of labels/horizons, {labels['horizons']}"
        _require(horizon in labels["horizons"], f"targets/{i}/horizon", horizon, allowed)
    window = labels["scaled"]["window"]
    _require(window < min_history, "labels/scaled/window", window, f"less than origins/min_history, {min_history}")


def _check_experiments(config):
    min_history, experiments = config["origins"]["min_history"], config["experiments"]
    names = [entry["name"] for entry in experiments.values() if "name" in entry]
    for name, entry in experiments.items():
        if "name" in entry:
            _require(names.count(entry["name"]) == 1, f"experiments/{name}/name", entry["name"], "a name of its own")
        if "twin" in entry:
            others = [other for other in experiments if other != name]
            _require(entry["twin"] in others, f"experiments/{name}/twin", entry["twin"], ", ".join(others))
        key, settings = f"experiments/{name}/settings", entry["settings"]
        limited = ["window"] if SYSTEMS[entry["system"]].long_context else ["window", "context"]
        for setting in limited:
            if setting in settings:
                days, allowed = settings[setting], f"at most origins/min_history, {min_history}"
                _require(days <= min_history, f"{key}/{setting}", days, allowed)
        if entry["system"] == "patchtst":
            _check_patchtst(config, key, entry)
        if entry["system"] == EXTERNAL:
            _check_external(key, settings)
        if "stands_for" in entry:
            _check_stands_for(name, entry, config)
        if "needs_weights" in entry:
            _check_needs_weights(f"experiments/{name}/needs_weights", entry)
        if model := needed_weights(entry):
            models = config["weights"]["models"]
            _require(model in models, "weights/models", list(models), f"a table with the key {model}")
    for name, twin in twins_of(experiments).items():
        _check_twin(name, twin, experiments)


def _check_needs_weights(key, entry):
    system, value = entry["system"], entry["needs_weights"]
    allowed = "no such key here, as settings/weights is not untrained: delete it"
    _require(entry["settings"].get("weights") == "untrained", key, value, allowed)
    allowed = f"no such key here, as no weights are fetched for the system {system}: delete it"
    _require(SYSTEMS[system].weights, key, value, allowed)


def _check_external(key, settings):
    """The settings of forecasts that were made elsewhere; what their file must hold is checked when it is read."""
    suffix = Path(settings["file"]).suffix
    _require(suffix in (".csv", ".parquet", ".npz"), f"{key}/file", settings["file"], "a csv, parquet or npz file")
    forms = [form for form in FORMS if form in settings]
    if len(forms) != 1:
        raise UserError(
            f"config: {key} has {' and '.join(forms) or 'none'} of {', '.join(FORMS)}; allowed: one of them"
        )
    (form,) = forms
    of_event = settings["values"] == "probability"
    allowed = "one that fits values: `probability` if and only if the values are probabilities"
    _require((form == "probability") == of_event, f"{key}/{form}", settings[form], allowed)
    if form == "quantiles":
        _check_levels(f"{key}/quantiles", settings["quantiles"])
    if form == "samples" and isinstance(settings["samples"], list):
        fewest = f"ten or more columns, not {len(settings['samples'])}"
        _require(len(set(settings["samples"])) >= 10, f"{key}/samples", settings["samples"], fewest)
    if of_event and "event" not in settings:
        raise UserError(f"config: {key} lacks the key 'event': what are the probabilities about?")
    if "event" in settings:
        event = settings["event"]
        allowed = "no such key here, as the values are not probabilities: delete it"
        _require(of_event, f"{key}/event", event, allowed)
        takes_threshold = event["target"] != "direction"
        allowed = f"{'with' if takes_threshold else 'without'} the key threshold, as the target is {event['target']}"
        _require(("threshold" in event) == takes_threshold, f"{key}/event", event, allowed)


def _check_levels(key, quantiles):
    _require(quantiles is not False, key, quantiles, "true, a list of levels, or a table of columns with levels")
    if quantiles is True:
        return
    levels = quantiles if isinstance(quantiles, list) else sorted(quantiles.values())
    inside = len(levels) > 1 and all(0 < level < 1 for level in levels)
    ascending = all(low < high for low, high in pairwise(levels))
    _require(inside and ascending, key, quantiles, "two or more different levels between 0 and 1, in ascending order")


def _check_stands_for(name, entry, config):
    key, value = f"experiments/{name}/stands_for", entry["stands_for"]
    _require(entry["system"] == EXTERNAL, key, value, "no such key here, as the system is not external: delete it")
    # A small study may lack the experiment that the protocol judges.
    others = sorted({*config["experiments"], config["decision"]["experiment"]} - {name})
    _require(value in others, key, value, f"another experiment: {', '.join(others)}")


def _check_twin(name, twin, experiments):
    """A twin differs from its experiment in nothing but the weights, so that the comparison shows what they add."""
    entry, of_twin = experiments[name], experiments[twin]
    key, settings, whose = f"experiments/{twin}", of_twin["settings"], f"in {name}, whose twin it is"
    value, allowed = of_twin["system"], entry["system"]
    _require(value == allowed, f"{key}/system", value, f"{allowed}, as {whose}")
    weights = settings.get("weights")
    _require(weights == "untrained", f"{key}/settings/weights", weights, f"untrained, since it is the twin of {name}")
    # Which days a frozen network forecasts changes none of its forecasts.
    for setting in sorted((entry["settings"].keys() | settings.keys()) - {"weights", "origins"}):
        value, allowed = (each.get(setting, "absent") for each in (settings, entry["settings"]))
        _require(value == allowed, f"{key}/settings/{setting}", value, f"{allowed!r}, as {whose}")
    seeds, wanted = of_twin["seeds"], entry.get("seeds")
    if wanted:
        _require(len(seeds) == len(wanted), f"{key}/seeds", seeds, f"as many seeds as {whose}: {len(wanted)}")
    else:
        _require(len(seeds) > 1, f"{key}/seeds", seeds, f"two or more seeds, since it is the twin of {name}")


def _check_patchtst(config, key, entry):
    settings = entry["settings"]
    heads, patch, stride = settings["heads"], settings["patch_length"], settings["stride"]
    _require(stride <= patch, f"{key}/stride", stride, f"at most patch_length, {patch}, so that no day is skipped")
    _require(settings["d_model"] % heads == 0, f"{key}/d_model", settings["d_model"], f"a multiple of heads, {heads}")
    _require(settings["context"] >= patch, f"{key}/context", settings["context"], f"at least patch_length, {patch}")
    if settings["selection"] == "study":
        for name, dataset in config["datasets"].items():
            allowed = f"inner, since the experiment runs on {name} and datasets/{name} has no study_fold"
            possible = "study_fold" in dataset or not runs_on(entry, name)
            _require(possible, f"{key}/selection", "study", allowed)


def _check_decision(config):
    decision, datasets = config["decision"], config["datasets"]
    references = [name for name, entry in config["experiments"].items() if entry["system"] == "patchtst"]
    chosen = config["dataset"]
    named = {"decision": decision} | {f"datasets/{name}": dataset for name, dataset in datasets.items()}
    for key, section in named.items():
        value, allowed = section["reference"], ", ".join(references)
        _require(value in references, f"{key}/reference", value, allowed)
    own = datasets[chosen]["reference"]
    if own != decision["reference"] and is_chosen(own, config.get("only")):
        possible = [name for name in references if runs_on(config["experiments"][name], chosen)]
        allowed = f"an experiment that runs on {chosen}: {', '.join(possible)}"
        _require(own in possible, f"datasets/{chosen}/reference", own, allowed)
    for key in ("primary", "known_before_plan"):
        for i, name in enumerate(decision[key]):
            allowed = f"an experiment: {', '.join(config['experiments'])}"
            _require(name in config["experiments"], f"decision/{key}/{i}", name, allowed)
    for i, name in enumerate(decision["known_before_plan"]):
        allowed = "an experiment that decision/primary does not list"
        _require(name not in decision["primary"], f"decision/known_before_plan/{i}", name, allowed)
    _require(
        decision["unsuitable_below"] <= decision["finetune_from"] <= decision["investigate_above"],
        "decision/finetune_from",
        decision["finetune_from"],
        "unsuitable_below <= finetune_from <= investigate_above",
    )
    _check_block("decision", decision, datasets)
    for name, entry in config["experiments"].items():
        if "published" in entry:
            _check_block(f"experiments/{name}/published", entry["published"], datasets)


def _check_block(key, block, datasets):
    # A small study may lack the dataset; then nothing is compared with the block.
    if block["dataset"] in datasets:
        folds = datasets[block["dataset"]]["folds"]
        allowed = f"a fold of {block['dataset']}: {', '.join(folds)}"
        _require(block["fold"] in folds, f"{key}/fold", block["fold"], allowed)


def _check_plan(config):
    folds = sorted({fold for dataset in config["datasets"].values() for fold in dataset["folds"]})
    for i, fold in enumerate(config["plan"]["sealed"]):
        _require(fold in folds, f"plan/sealed/{i}", fold, f"a fold of a dataset: {', '.join(folds)}")
