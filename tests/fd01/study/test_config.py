"""The shipped configuration is accepted; every wrong one is refused with one line."""

import copy
import datetime
import itertools
import re

import pytest
import yaml
from helpers.paths import ROOT
from snakemake.common.configfile import load_configfile
from snakemake.utils import update_config

from fd01.study.config import LIMITS, TYPES, check_config, gpu_found, is_chosen, runs_on, scrambled
from fd01.study.systems import decision_of, twins_of
from fd01.workflow.errors import UserError

ABSENT = object()
SETTINGS = "experiments/PTST-2M/settings"
TIMESFM = "experiments/TFM-01/settings"
ELSEWHERE = "experiments/TFM-01-published/settings"
TWIN = "experiments/TFM-01-untrained"
FINETUNED = "experiments/TFM-03/settings"
COVARIATES = "experiments/TFM-02/settings/covariates"
WEIGHTS = "weights/models/timesfm"
FOLD = "datasets/sp500/folds/validation"
RUN = "all, none, gpu, or a list of datasets"
KNOWN_ANSWERS = (
    "on (the weights must give the published answers in `resources/known-answers`; this is the default), off (for "
    "weights of your own), or the path of a `.json` file with other answers"
)


@pytest.fixture(scope="module")
def shipped():
    config = {}  # Snakemake copies what it loads, so that aliases become tables of their own
    update_config(config, load_configfile(ROOT / "config.yaml"))
    return config


@pytest.fixture
def config(shipped):
    return copy.deepcopy(shipped)


@pytest.fixture(scope="module")
def schema():
    return yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text())


def edit(config, edits):
    """Set, or remove where the value is ABSENT, the key at each path such as `origins/min_history`."""
    for path, value in edits.items():
        *parents, key = (int(part) if part.isdigit() else part for part in path.split("/"))
        node = config
        for parent in parents:
            node = node[parent]
        if value is ABSENT:
            del node[key]
        else:
            node[key] = value


def message(config, schema, edits):
    edit(config, edits)
    with pytest.raises(UserError) as caught:
        check_config(config, schema)
    return str(caught.value)


def test_shipped_config_is_accepted(config, schema):
    check_config(config, schema)


def test_dates_become_iso_strings_quoted_or_not(config, schema):
    edit(config, {f"{FOLD}/start": datetime.date(2015, 1, 1), f"{FOLD}/end": "2016-12-31"})
    check_config(config, schema)
    fold = config["datasets"]["sp500"]["folds"]["validation"]
    assert fold == {"train_end": "2014-12-31", "start": "2015-01-01", "end": "2016-12-31"}


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("walk_forward", "true", True),
        ("walk_forward", "False", False),
        ("walk_forward", "yes", True),
        ("labels/threshold", "0.02", 0.02),
        ("labels/threshold", "2e-2", 0.02),
        ("labels/threshold", " .02 ", 0.02),
        ("labels/scaled/window", "30", 30),
        (f"{SETTINGS}/learning_rate", "1e-4", 1e-4),
        (f"{SETTINGS}/layers", "2", 2),
    ],
)
def test_text_of_the_command_line_is_read_as_what_is_wanted(config, schema, path, text, value):
    edit(config, {path: text})
    check_config(config, schema)
    found = config
    for key in path.split("/"):
        found = found[key]
    assert (found, type(found)) == (value, type(value))


def test_text_of_a_number_beyond_all_is_refused(config, schema):
    said = message(config, schema, {"labels/threshold": "1e999"})
    assert said == "config: labels/threshold is inf; allowed: a finite number"


@pytest.mark.parametrize(
    ("text", "value"),
    [("off", False), ("'off'", False), ("on", True), ("'on'", True), ("my.json", "my.json"), (None, True)],
)
def test_known_answers_are_on_or_off_quoted_or_not(config, schema, text, value):
    edit(config, {f"{WEIGHTS}/known_answers": yaml.safe_load(text)} if text else {})
    check_config(config, schema)
    assert config["weights"]["models"]["timesfm"]["known_answers"] == value


@pytest.mark.parametrize(
    "edits",
    [
        {"experiments/BASE-range/run": ["spy", "sp500"]},
        {"targets/0/target": "scaled", "targets/0/horizon": 5},
        {f"{FOLD}/end": ABSENT},
        {f"{FOLD}/start": "2016-12-31"},
        {f"{SETTINGS}/context": 16, f"{SETTINGS}/patch_length": 16},
        {"datasets/sp500/source": {"kind": "yahoo", "ticker": "SPY", "end": "2020-02-29"}},
        {"datasets/sp500/source": {"kind": "parquet", "path": "my.parquet", "start": "2000-01-01"}},
        {"decision/unsuitable_below": 0.65, "decision/finetune_from": 0.65, "decision/investigate_above": 0.65},
        {f"{TIMESFM}/context": 1024, f"{TWIN}/settings/context": 1024},  # TimesFM masks what a window lacks
        {
            f"{of}/settings/{key}": value
            for of in ("experiments/TFM-03", "experiments/TFM-03-untrained")
            for key, value in {"context": 512, "lr_sweep": [0.001]}.items()
        },
        {"experiments/TFM-01/run": "gpu"},
        {f"{TWIN}/seeds": [7, 8]},
        {f"{of}/settings/covariates": {"indicators": ["rsi_daily"], "ridge": 1} for of in ("experiments/TFM-01", TWIN)},
        {f"{TWIN}/settings/origins": "all", "experiments/TFM-probe-untrained/needs_weights": False},
        {"weights/missing": "fail", f"{WEIGHTS}/path": "my.safetensors"},
    ],
)
def test_other_choices_are_accepted(config, schema, edits):
    edit(config, edits)
    check_config(config, schema)


UNKNOWN_KEYS = {
    "at the top level": (
        {"extra": 1},
        "config: unknown key extra "
        "(allowed: archive, dataset, datasets, decision, experiments, fold_templates, label_family, labels, ",
    ),
    "that is a number": ({"origins": {7: 1}}, "config: unknown key origins/7 (allowed: calibration_fraction, "),
    "in a system's settings": (
        {f"{SETTINGS}/drop_out": 0.5},
        f"config: unknown key {SETTINGS}/drop_out; did you mean 'dropout'? (allowed: batch_size, context, d_ff,",
    ),
    "of another method": (
        {"experiments/BASE-range/settings/window": 20},
        "config: unknown key experiments/BASE-range/settings/window (allowed: method)",
    ),
    "of another source": (
        {"datasets/sp500/source/path": "prices.parquet"},
        "config: unknown key datasets/sp500/source/path (allowed: end, kind, name, start)",
    ),
    "misspelt and required": (
        {"origins/min_histroy": 80, "origins/min_history": ABSENT},
        "config: unknown key origins/min_histroy; did you mean 'min_history'? "
        "(allowed: calibration_fraction, min_history)",
    ),
    "in the weights": (
        {"weights/mising": "skip"},
        "config: unknown key weights/mising; did you mean 'missing'? (allowed: folder, missing, models)",
    ),
    "in the weights of a model": (
        {f"{WEIGHTS}/pth": "my.safetensors"},
        f"config: unknown key {WEIGHTS}/pth; did you mean 'path'? (allowed: files, known_answers, license, path, ",
    ),
    "of another kind of TimesFM": (
        {f"{FINETUNED}/origins": "all"},
        f"config: unknown key {FINETUNED}/origins (allowed: adapter, batch_size, context, covariates,",
    ),
    "in the covariates": (
        {f"{COVARIATES}/lag": 1},
        f"config: unknown key {COVARIATES}/lag (allowed: indicators, ridge)",
    ),
}
MISSING_KEYS = {
    "at the top level": ({"decision": ABSENT}, "config: the top level lacks the key 'decision'"),
    "setting": ({f"{SETTINGS}/patience": ABSENT}, f"config: {SETTINGS} lacks the key 'patience'"),
    "seeds": ({"experiments/PTST-2M/seeds": ABSENT}, "config: experiments/PTST-2M lacks the key 'seeds'"),
    "system": ({"experiments/PTST-2M/system": ABSENT}, "config: experiments/PTST-2M lacks the key 'system'"),
    "kind": ({"datasets/spy/source/kind": ABSENT}, "config: datasets/spy/source lacks the key 'kind'"),
    "path": ({"datasets/spy/source/path": ABSENT}, "config: datasets/spy/source lacks the key 'path'"),
    "method": (
        {"experiments/BASE-EWMA/settings/method": ABSENT, "experiments/BASE-EWMA/settings/metod": "ewma"},
        "config: experiments/BASE-EWMA/settings lacks the key 'method'; is 'metod' a misspelling of it?",
    ),
    "weights": ({"weights": ABSENT}, "config: the top level lacks the key 'weights'"),
    "files of weights": ({f"{WEIGHTS}/files": ABSENT}, f"config: {WEIGHTS} lacks the key 'files'"),
    "weights of an experiment": ({f"{TIMESFM}/weights": ABSENT}, f"config: {TIMESFM} lacks the key 'weights'"),
    "seeds of a twin": (
        {"experiments/TFM-01-untrained/seeds": ABSENT},
        "config: experiments/TFM-01-untrained lacks the key 'seeds'",
    ),
    "seeds of a twin of the probe": (
        {"experiments/TFM-probe/settings/weights": "untrained"},
        "config: experiments/TFM-probe lacks the key 'seeds'",
    ),
    "weights of Fracast": (
        {"experiments/FRC-01/settings/weights": ABSENT},
        "config: experiments/FRC-01/settings lacks the key 'weights'",
    ),
    "seeds of a twin of Fracast": (
        {"experiments/FRC-01-untrained/seeds": ABSENT},
        "config: experiments/FRC-01-untrained lacks the key 'seeds'",
    ),
    "seeds of a fine-tuning": (
        {"experiments/TFM-03/seeds": ABSENT},
        "config: experiments/TFM-03 lacks the key 'seeds'",
    ),
}
VALUES = {  # path, value, what the message says is allowed
    "file of another kind": (f"{ELSEWHERE}/file", "data/forecasts.xlsx", "a csv, parquet or npz file"),
    "returns as probability": (f"{ELSEWHERE}/values", "percent", "price, simple-return, log-return, high, probability"),
    "stands for itself": ("experiments/TFM-01-published/stands_for", "TFM-01-published", "another experiment: "),
    "stands for, but runs": (
        "experiments/TFM-01/stands_for",
        "TFM-02",
        "no such key here, as the system is not external",
    ),
    "wrong type": (f"{SETTINGS}/layers", "four", "a whole number"),
    "fraction for a count": (f"{SETTINGS}/layers", 2.5, "a whole number"),
    "truth for a number": ("labels/threshold", True, "a number, such as 0.01"),
    "number with a comma": (f"{SETTINGS}/learning_rate", "0,01", "a number, such as 0.01"),
    "text for a truth": ("walk_forward", "maybe", "true or false"),
    "number for a truth": ("walk_forward", 1, "true or false"),
    "fraction as text for a count": (f"{SETTINGS}/layers", "2.5", "a whole number"),
    "text for a table": ("labels/scaled", "validation", "a table"),
    "list for folds": (
        "datasets/sp500/folds",
        ["validation"],
        "a table of evaluation blocks by name, or the name of an entry of `fold_templates`",
    ),
    "wildcard in a path": ("datasets/spy/source/path", "data/{x}.parquet", "a path without { and }"),
    "wildcard in another path": ("weights/folder", "w/{x}", "a path without { and }"),
    "no path": ("datasets/spy/source/path", 3, "a path without { and }, or a list of such paths"),
    "no tickers": ("datasets/spy-yahoo/source/ticker", [], "a list with 1 or more entries"),
    "correlation of one series": (
        "datasets/synthetic/source/correlation",
        0.3,
        "no such key here, as there is one series: delete it, or set series",
    ),
    "empty name of a series": ("datasets/spy/series", "", "text with 1 or more characters"),
    "unknown template": (
        "datasets/sp500/folds",
        "until-2008",
        "a table of folds, or a template of fold_templates: until-2018, since-1993",
    ),
    "date of a template": (
        "fold_templates/since-1993/folds/test/start",
        "2022-12-31",
        "a date after train_end, 2022-12-31",
    ),
    "date of a template, not in the calendar": (
        "fold_templates/since-1993/folds/test/start",
        "2023-02-29",
        "a day that exists in the calendar",
    ),
    "walk-forward of a template": (
        "fold_templates/until-2018/walk_forward/last",
        2004,
        "at least first, 2005",
    ),
    "list for a series": ("series", ["A", "B"], "The name of a series"),
    "text for a list of patterns": ("only", "BASE-*", "a list, such as [a, b]"),
    "null for a list": ("targets", None, "a list, such as [a, b]"),
    "below the minimum": ("origins/min_history", 21, "at least 22"),
    "above the maximum": ("origins/calibration_fraction", 0.6, "at most 0.5"),
    "on the lower limit": ("labels/threshold", 0, "more than 0"),
    "on the upper limit": (f"{SETTINGS}/dropout", 1, "less than 1"),
    "empty list": ("experiments/PTST-2M/seeds", [], "a list with 1 or more entries"),
    "empty table": ("datasets/sp500/folds", {}, "a table with 1 or more entries"),
    "repeats": ("experiments/PTST-2M/seeds", [1, 1], "a list without repeats"),
    "seeds of a baseline": (
        "experiments/BASE-range/seeds",
        [0],
        "no such key here, since nothing is random in this experiment: delete it",
    ),
    "target": ("targets/0/target", "sideways", "up, down, direction, scaled"),
    "seeds of a pre-trained model": (
        "experiments/TFM-01/seeds",
        [0],
        "no such key here, since nothing is random in this experiment: delete it",
    ),
    "seeds of Fracast": (
        "experiments/FRC-01/seeds",
        [0],
        "no such key here, since nothing is random in this experiment: delete it",
    ),
    "system": (
        "experiments/PTST-2M/system",
        "patchTST",
        "baseline, patchtst, timesfm, timesfm-probe, timesfm-finetuned",
    ),
    "source": ("datasets/sp500/source/kind", "csv", "packaged, parquet, yahoo"),
    "run, a word": ("experiments/PTST-2M/run", "al", RUN),
    "run, a dataset as a word": ("experiments/PTST-2M/run", "spy", RUN),
    "run, an unknown dataset": (
        "experiments/PTST-2M/run",
        ["spy", "spx"],
        f"{RUN}: sp500, indices, spy, spy-yahoo, synthetic",
    ),
    "run, a word in a list": (
        "experiments/PTST-2M/run",
        ["all"],
        f"{RUN}: sp500, indices, spy, spy-yahoo, synthetic",
    ),
    "date, order of parts": (f"{FOLD}/start", "01/02/2015", "a date as YYYY-MM-DD"),
    "date, a year": (f"{FOLD}/train_end", 2014, "a date as YYYY-MM-DD"),
    "date, not in the calendar": (f"{FOLD}/train_end", "2014-02-30", "a day that exists in the calendar"),
    "date of a source": ("datasets/spy/source/start", "2014-02-30", "a day that exists in the calendar"),
    "unknown dataset": ("dataset", "spx", "sp500, indices, spy, spy-yahoo, synthetic"),
    "start on train_end": (f"{FOLD}/start", "2014-12-31", "a date after train_end, 2014-12-31"),
    "end before start": (f"{FOLD}/end", "2014-12-31", "a date not before start, 2015-01-01"),
    "walk-forward, last before first": ("datasets/spy/walk_forward/last", 2001, "at least first, 2003"),
    "walk-forward, not a year": ("datasets/spy/walk_forward/first", 3, "at least 1900"),
    "volatility without a mean": ("datasets/synthetic/source/beta", 0.88, "less than 1 - alpha, 0.88"),
    "unknown study_fold": ("datasets/sp500/study_fold", "study-422", "validation, test"),
    "threshold of the family": ("label_family/thresholds/0", 0, "more than 0"),
    "horizon that is not computed": ("targets/0/horizon", 4, "one of labels/horizons, [1, 2, 3, 5]"),
    "window of the scale": ("labels/scaled/window", 80, "less than origins/min_history, 80"),
    "window of a baseline": (
        "experiments/BASE-drawdown-20/settings/window",
        81,
        "at most origins/min_history, 80",
    ),
    "context": (f"{SETTINGS}/context", 81, "at most origins/min_history, 80"),
    "context below a patch": (f"{SETTINGS}/context", 15, "at least patch_length, 16"),
    "d_model": (f"{SETTINGS}/d_model", 66, "a multiple of heads, 4"),
    "selection": (
        f"{SETTINGS}/selection",
        "study",
        "inner, since the experiment runs on sp500 and datasets/sp500 has ",
    ),
    "reference of a dataset": ("datasets/spy/reference", "TFM-01", "PTST-200M, PTST-200M-study, PTST-2M, "),
    "reference": ("decision/reference", "BASE-HAR", "PTST-200M, PTST-200M-study, PTST-2M, PTST-2M-study"),
    "twin": ("experiments/LL-finetuned/twin", "LL-scrtach", "BASE-EWMA, BASE-GJR-GARCH-t, "),
    "twin of itself": ("experiments/LL-finetuned/twin", "LL-finetuned", "BASE-EWMA, BASE-GJR-GARCH-t, "),
    "twin with another setting": (f"{TWIN}/settings/context", 96, "80, as in TFM-01, whose twin it is"),
    "twin with a shorter training": (
        "experiments/LL-scratch/settings/max_epochs",
        3,
        "10, as in LL-finetuned, whose twin it is",
    ),
    "twin with a setting too many": (
        f"{TWIN}/settings/covariates",
        {"indicators": ["rsi_daily"], "ridge": 1},
        "'absent', as in TFM-01, whose twin it is",
    ),
    "twin of a training with fewer seeds": (
        "experiments/LL-scratch/seeds",
        [0, 1],
        "as many seeds as in LL-finetuned, whose twin it is: 3",
    ),
    "twin of one network": (f"{TWIN}/seeds", [0], "two or more seeds, since it is the twin of TFM-01"),
    "weights that a pre-trained experiment always needs": (
        "experiments/TFM-01/needs_weights",
        True,
        "no such key here, as settings/weights is not untrained: delete it",
    ),
    "weights that are never fetched": (
        "experiments/FRC-01-untrained/needs_weights",
        False,
        "no such key here, as no weights are fetched for the system fracast: delete it",
    ),
    "true AUC": ("statistics/protocol_true_auc", 68, "at most 0.99"),
    "thresholds": ("decision/finetune_from", 0.72, "unsuitable_below <= finetune_from <= investigate_above"),
    "sealed fold": ("plan/sealed/0", "tset", "a fold of a dataset: study-422, test, validation"),
    "digest of the plan": ("plan/sha256/0", "12ab", "a digest of 64 hexadecimal digits"),
    "one digest without a list": ("plan/sha256", "0" * 64, "a list, such as [a, b]"),
    "stored forecasts of another dataset": (
        "datasets/sp500/study_predictions",
        "a.npz",
        "no such key here, since the original study's figures belong to spy: delete it",
    ),
    "block of the decision": ("decision/fold", "valid", "a fold of spy: validation, test, study-422"),
    "published block": (
        "experiments/PTST-2M/published/fold",
        "study",
        "a fold of spy: validation, test, study-422",
    ),
    "stride": (f"{SETTINGS}/stride", 17, "at most patch_length, 16"),
    "not finite": ("labels/threshold", float("inf"), "a finite number"),
    "whole number with a point": (f"{SETTINGS}/patience", 10.0, "a whole number"),
    "fraction": ("decision/investigate_above", 71.8, "at most 1"),
    "revision, a branch": (f"{WEIGHTS}/revision", "main", "a commit of 40 hexadecimal digits"),
    "revision, shortened": (f"{WEIGHTS}/revision", "1d95242", "a commit of 40 hexadecimal digits"),
    "sha256, shortened": (f"{WEIGHTS}/files/config.json", "cd3315b7", "a sha256 of 64 hexadecimal digits"),
    "sha256, a number to YAML": (f"{WEIGHTS}/files/config.json", 0, "a sha256 of 64 hexadecimal digits"),
    "cut-off, a year": (f"{WEIGHTS}/trained_until", "2023", "a month as YYYY-MM, or unknown"),
    "release, no month": (f"{WEIGHTS}/released", "2025-13", "a month as YYYY-MM, or unknown"),
    "no files": (f"{WEIGHTS}/files", {}, "a table with 1 or more entries"),
    "missing weights": ("weights/missing", "ignore", "skip, fail"),
    "path of weights": (f"{WEIGHTS}/path", ["my.safetensors"], "text"),
    "known answers, misspelt": (f"{WEIGHTS}/known_answers", "of", KNOWN_ANSWERS),
    "known answers, a number": (f"{WEIGHTS}/known_answers", 0, KNOWN_ANSWERS),
    "weights of an experiment": (f"{TIMESFM}/weights", "random", "pretrained, untrained"),
    "context below a patch of TimesFM": (f"{TIMESFM}/context", 31, "at least 32"),
    "context beyond TimesFM": (f"{TIMESFM}/context", 16257, "at most 16256"),
    "input": (f"{TIMESFM}/input", "open", "simple-return, close, return, high"),
    "flip": (f"{TIMESFM}/flip", "no flip", "true or false"),
    "origins": (f"{TIMESFM}/origins", "test", "all, evaluation"),
    "dtype": (f"{TIMESFM}/dtype", "float16", "float32, bfloat16"),
    "batch of none": (f"{TIMESFM}/batch_size", 0, "at least 1"),
    "covariate that does not exist": (f"{COVARIATES}/indicators/0", "rsi", "dema_9, dema_10, sma_12,"),
    "covariate that is late": (f"{COVARIATES}/indicators/0", "obv", "dema_9, dema_10, sma_12,"),
    "too many covariates": (
        f"{COVARIATES}/indicators",
        ["rsi_daily", "rsi_weekly", "macd_line", "atr_14", "adx_14", "vwap_20"],
        "a list with at most 5 entries",
    ),
    "no covariates": (f"{COVARIATES}/indicators", [], "a list with 1 or more entries"),
    "ridge": (f"{COVARIATES}/ridge", 0.5, "at least 1"),
    "penalty of the probe": ("experiments/TFM-probe/settings/head/C", 0, "more than 0"),
    "no rate": (f"{FINETUNED}/lr_sweep", [], "a list with 1 or more entries"),
    "one rate without a list": (f"{FINETUNED}/lr_sweep", 0.001, "a list, such as [a, b]"),
    "rate of nothing": (f"{FINETUNED}/lr_sweep/0", 0, "more than 0"),
    "rate as a word": (f"{FINETUNED}/lr_sweep/1", "small", "a number, such as 0.01"),
    "objective": (f"{FINETUNED}/objective", "auc", "quantiles, event"),
    "adapter": (f"{FINETUNED}/adapter", "none", "lora, full"),
}


SEVERAL_EDITS = {
    "forecasts from elsewhere in no form": (
        {f"{ELSEWHERE}/point": ABSENT},
        f"config: {ELSEWHERE} has none of point, quantiles, samples, probability; allowed: one of them",
    ),
    "forecasts from elsewhere in two forms": (
        {f"{ELSEWHERE}/samples": "s"},
        f"config: {ELSEWHERE} has point and samples of point, quantiles, samples, probability; allowed: one of them",
    ),
    "probability without its event": (
        {f"{ELSEWHERE}/point": ABSENT, f"{ELSEWHERE}/probability": "p", f"{ELSEWHERE}/values": "probability"},
        f"config: {ELSEWHERE} lacks the key 'event'",
    ),
    "event without a threshold": (
        {f"{ELSEWHERE}/point": ABSENT, f"{ELSEWHERE}/probability": "p", f"{ELSEWHERE}/values": "probability"}
        | {f"{ELSEWHERE}/event": {"target": "up"}},
        f"config: {ELSEWHERE}/event is {{'target': 'up'}}; allowed: with the key threshold, as the target is up",
    ),
    "levels outside 0 and 1": (
        {f"{ELSEWHERE}/point": ABSENT, f"{ELSEWHERE}/quantiles": {"q10": 10, "q90": 90}},
        f"config: {ELSEWHERE}/quantiles is {{'q10': 10, 'q90': 90}}; allowed: two or more different levels",
    ),
    "levels that do not ascend": (
        {f"{ELSEWHERE}/point": ABSENT, f"{ELSEWHERE}/quantiles": [0.9, 0.1]},
        f"config: {ELSEWHERE}/quantiles is [0.9, 0.1]; allowed: two or more different levels between 0 and 1",
    ),
    "quantiles that are none": (
        {f"{ELSEWHERE}/point": ABSENT, f"{ELSEWHERE}/quantiles": "q10"},
        f"config: {ELSEWHERE}/quantiles is 'q10'; allowed: true (the names of columns are levels",
    ),
    "seeds of forecasts from elsewhere": (
        {"experiments/TFM-01-published/seeds": [0]},
        "config: experiments/TFM-01-published/seeds is [0]; allowed: no such key here",
    ),
    "twin of another system": (
        {"experiments/LL-finetuned/twin": "LL-forecast-untrained"},
        "config: experiments/LL-forecast-untrained/system is 'lag-llama'; "
        "allowed: lag-llama-trained, as in LL-finetuned, whose twin it is",
    ),
    "twin that is pre-trained": (
        {"experiments/LL-forecast/twin": "LL-forecast-high"},
        "config: experiments/LL-forecast-high/settings/weights is 'pretrained'; "
        "allowed: untrained, since it is the twin of LL-forecast",
    ),
    "twin without a setting": (
        {"experiments/TFM-02-untrained/settings/covariates": ABSENT},
        "config: experiments/TFM-02-untrained/settings/covariates is 'absent'; allowed: {'indicators': ['rsi_daily', ",
    ),
    "end of a source before its start": (
        {"datasets/spy/source/start": "2020-01-01", "datasets/spy/source/end": "2019-12-31"},
        "config: datasets/spy/source/end is '2019-12-31'; allowed: a date not before start, 2020-01-01",
    ),
    "name of an experiment": (
        {"experiments/my_model": {"system": "baseline", "run": "all", "settings": {"method": "range"}}},
        "config: experiments has an entry named 'my_model'; allowed: letters and digits, joined by single hyphens",
    ),
    "name that YAML reads as a number": (
        {"datasets/sp500/folds": {2015: {"train_end": "2014-12-31", "start": "2015-01-01"}}},
        "config: datasets/sp500/folds has an entry named 2015; allowed: letters and digits, joined by single hyphens",
    ),
}


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(*case, id=name)
        for cases in (UNKNOWN_KEYS, MISSING_KEYS, SEVERAL_EDITS)
        for name, case in cases.items()
    ],
)
def test_wrong_keys_are_named(config, schema, edits, expected):
    line = message(config, schema, edits)
    assert line.startswith(expected)
    assert "\n" not in line


@pytest.mark.parametrize(("path", "value", "allowed"), VALUES.values(), ids=VALUES)
def test_wrong_values_are_named(config, schema, path, value, allowed):
    line = message(config, schema, {path: value})
    shown = "empty" if value is None else repr(value)
    assert line.startswith(f"config: {path} is {shown}; allowed: {allowed}")
    assert "\n" not in line


def test_order_of_a_users_file_changes_nothing(config, schema):
    other = copy.deepcopy(config)
    other["experiments"] = dict(reversed(other["experiments"].items()))
    for each in (config, other):
        check_config(each, schema)
    assert list(other["experiments"]) == list(config["experiments"])


def test_some_experiment_must_run(config, schema):
    edits = {f"experiments/{name}/run": ["spy"] for name in config["experiments"]}
    assert message(config, schema, edits).startswith("config: no experiment runs on sp500; set experiments/")


def test_key_that_has_moved_is_named_with_its_new_place(config, schema):
    line = message(config, schema, {"study_predictions": "data/forecasts.npz"})
    assert line == "config: study_predictions belongs to a dataset now: write it as datasets/spy/study_predictions"
    del config["study_predictions"]
    edit(config, {"datasets/spy/study_predictions": "data/forecasts.npz"})
    check_config(config, schema)


def test_published_precision_comes_with_its_recall(config, schema):
    line = message(config, schema, {"experiments/PTST-200M/published/recall": ABSENT})
    assert line == "config: experiments/PTST-200M/published lacks the key 'recall'"


@pytest.mark.parametrize("selection", ["inner", "study"])
def test_study_selection_needs_a_study_fold_only_where_it_runs(config, schema, selection):
    edit(config, {f"{SETTINGS}/selection": selection, "experiments/PTST-2M/run": ["spy"]})
    check_config(config, schema)


def test_model_needs_an_entry_of_its_weights_unless_it_is_untrained(config, schema):
    line = message(copy.deepcopy(config), schema, {"weights/models": {}})
    assert line == "config: weights/models is []; allowed: a table with the key lag-llama"
    for entry in config["experiments"].values():
        entry.pop("needs_weights", None)
    config["experiments"] = {
        name: entry
        for name, entry in config["experiments"].items()
        if not entry["system"].startswith(("timesfm", "lag-llama")) or entry["settings"].get("weights") == "untrained"
    }
    edit(config, {"weights/models": {}, "decision/primary": ["LL-scratch"]})
    assert {"TFM-01-untrained", "LL-forecast-untrained", "LL-scratch", "FRC-01"} <= set(config["experiments"])
    check_config(copy.deepcopy(config), schema)
    config["experiments"]["TFM-01-untrained"]["needs_weights"] = True
    line = message(config, schema, {})
    assert line == "config: weights/models is []; allowed: a table with the key timesfm"


def test_every_pretrained_experiment_of_the_shipped_config_has_a_twin(shipped):
    experiments = shipped["experiments"]
    pretrained = {name for name, entry in experiments.items() if entry["settings"].get("weights") == "pretrained"}
    others = ("baseline", "patchtst", "external")
    networks = {name for name, entry in experiments.items() if entry["system"] not in others}
    untrained = {name for name in networks if experiments[name]["settings"]["weights"] == "untrained"}
    twins = twins_of(experiments)
    assert pretrained == networks - untrained == set(twins)
    assert untrained - set(twins.values()) == {"LL-scratch-short"}
    for name, twin in twins.items():
        # Where the original runs, its twin runs; Fracast's is left to the user, as it takes three times as long.
        assert name == "FRC-01" or experiments[twin]["run"] == experiments[name]["run"]


def test_shipped_twins_without_weights_are_those_that_the_default_run_always_had(shipped):
    always = {
        name
        for name, entry in shipped["experiments"].items()
        if entry["settings"].get("weights") == "untrained" and not entry.get("needs_weights") and entry["run"] == "all"
    }
    probes = {f"LL-{states}-untrained" for states in ("encoder-mean", "encoder-last", "all-hidden")}
    assert always == probes | {"TFM-01-untrained", "LL-forecast-untrained", "LL-scratch-short"}


def test_every_limit_of_the_schema_has_words(schema):
    def typed(node):
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from typed(child)
        if isinstance(node, dict) and isinstance(node.get("type"), str):
            yield node

    nodes = list(typed(schema))
    assert {node["type"] for node in nodes} == set(TYPES)
    assert {key for node in nodes for key in node if re.match("min|max|exclusive|unique|multiple", key)} == set(LIMITS)


@pytest.mark.parametrize(
    ("run", "expected"),
    [("all", True), ("none", False), (["spy"], True), (["spy-yahoo", "sp500"], False), (["sp500", "spy"], True)],
)
def test_experiment_runs_on_the_datasets_that_it_names(run, expected):
    assert runs_on({"run": run}, "spy") is expected


@pytest.mark.parametrize("found", [True, False])
def test_variable_says_whether_there_is_a_gpu(monkeypatch, found):
    monkeypatch.setenv("FD01_GPU", str(int(found)))
    assert gpu_found() is found


def test_variable_that_says_neither_is_refused(monkeypatch):
    monkeypatch.setenv("FD01_GPU", "yes")
    with pytest.raises(UserError, match=r"FD01_GPU is 'yes'; allowed: 1 .* or 0"):
        gpu_found()


@pytest.mark.parametrize("found", [True, False])
def test_run_gpu_follows_the_machine(monkeypatch, found):
    monkeypatch.setattr("fd01.study.config.gpu_found", lambda: found)
    assert runs_on({"run": "gpu"}, "spy") is found
    assert runs_on({"run": "all"}, "spy") and not runs_on({"run": "none"}, "spy")


def test_name_that_the_audit_would_take_is_refused(config, schema):
    found = message(config, schema, {"datasets/sp500-scrambled": copy.deepcopy(config["datasets"]["sp500"])})
    assert found == "config: datasets is 'sp500-scrambled'; allowed: a name that does not end in -scrambled"


def test_scrambled_dataset_has_the_folds_and_experiments_of_its_dataset(config, schema):
    check_config(config, schema)
    twins = scrambled(config["datasets"])
    assert [name.removesuffix("-scrambled") for name in twins] == list(config["datasets"])
    for name, entry in config["datasets"].items():
        twin = twins[f"{name}-scrambled"]
        assert twin["source"] == entry["source"] | {"kind": "scrambled"}
        assert (twin["folds"], twin.get("study_fold")) == (entry["folds"], entry.get("study_fold"))
    for entry in config["experiments"].values():
        assert all(runs_on(entry, name) == runs_on(entry, f"{name}-scrambled") for name in config["datasets"])


def test_walk_forward_blocks_are_folds_of_their_own(config, schema):
    named = set(config["datasets"]["sp500"]["folds"])
    edit(config, {"walk_forward": True})
    check_config(config, schema)
    folds = config["datasets"]["sp500"]["folds"]
    assert set(folds) - named == {f"wf-{year}" for year in range(2005, 2018, 2)}
    assert folds["wf-2017"] == {"train_end": "2016-12-24", "start": "2017-01-01", "end": "2018-12-31"}
    blocks = [folds[f"wf-{year}"] for year in range(2005, 2018, 2)]
    assert all(block["end"][:4] < after["start"][:4] for block, after in itertools.pairwise(blocks))


def test_walk_forward_needs_blocks(config, schema):
    line = message(config, schema, {"walk_forward": True, "datasets/sp500/walk_forward": ABSENT})
    assert line == "config: walk_forward is true, but datasets/sp500 lacks the key 'walk_forward'"


def test_names_of_walk_forward_blocks_are_taken(config, schema):
    fold = {"train_end": "2014-12-31", "start": "2015-01-01"}
    assert "a name that does not begin with wf-" in message(config, schema, {"datasets/sp500/folds/wf-2015": fold})


SHORT = """
dataset: qqq
datasets:
  qqq: {path: data/QQQ.parquet, folds: since-1993}
only: [BASE-*, PTST-2M]
"""


@pytest.fixture
def short(config):
    """The shipped configuration with a user's short file merged into it, as Snakemake does it."""
    update_config(config, yaml.safe_load(SHORT))
    return config


def test_baselines_and_patchtst_on_a_new_ticker_take_five_lines(short, schema):
    page = (ROOT / "docs/how-to/use-your-own-prices.md").read_text()
    assert f"```yaml{SHORT}```" in page and len(SHORT.strip().splitlines()) <= 5
    check_config(short, schema)
    running = [name for name, entry in short["experiments"].items() if runs_on(entry, "qqq")]
    assert running == sorted([name for name in short["experiments"] if name.startswith("BASE-")] + ["PTST-2M"])
    yahoo = short["datasets"]["spy-yahoo"]
    assert short["datasets"]["qqq"] == {
        "title": "qqq, daily, from QQQ.parquet",
        "source": {"kind": "parquet", "path": "data/QQQ.parquet"},
        "folds": yahoo["folds"],
        "walk_forward": yahoo["walk_forward"],
        "calendar": "XNYS",
        "largest_move": 0.25,
        "adjust": False,
        "reference": "PTST-2M",
    }
    assert "fold_templates" not in short


def test_short_form_becomes_the_full_form_before_anything_else_sees_it(config, short, schema):
    full = copy.deepcopy(config)
    template = full["fold_templates"]["since-1993"]
    full["datasets"]["qqq"] = {
        "title": "qqq, daily, from QQQ.parquet",
        "source": {"kind": "parquet", "path": "data/QQQ.parquet"},
    } | copy.deepcopy(template)
    for each in (short, full):
        each["walk_forward"] = True
        check_config(each, schema)
    assert short == full
    assert "wf-2003" in short["datasets"]["qqq"]["folds"]


def test_template_in_the_place_of_shipped_folds(config, schema):
    update_config(config, {"datasets": {"spy-yahoo": {"folds": "since-1993"}}})
    check_config(config, schema)
    assert config["datasets"]["spy-yahoo"]["folds"]["test"] == {"train_end": "2022-12-31", "start": "2025-01-01"}


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (
            {"datasets": {"spy-yahoo": {"folds": "until-2018"}}},
            "datasets/spy-yahoo/walk_forward differs from fold_templates/until-2018/walk_forward; give the dataset ",
        ),
        (
            {"datasets": {"spy": {"folds": "since-1993"}}},
            "datasets/spy/study_fold is 'study-422'; allowed: validation, test",
        ),
        (
            {"datasets": {"spy": {"path": "data/my.parquet"}}},
            "datasets/spy has both source and path; set datasets/spy/source/path, or use another name",
        ),
        ({"datasets": {"qqq": {"folds": "since-1993"}}}, "datasets/qqq lacks the key 'source', or 'path' in its place"),
        ({"datasets": {"qqq": {"path": "q.parquet"}}}, "datasets/qqq lacks the key 'folds'"),
    ],
)
def test_short_form_that_does_not_fit_is_named(config, schema, user, expected):
    update_config(config, user)
    assert message(config, schema, {}).startswith(f"config: {expected}")


def test_single_date_of_shipped_folds_can_be_changed(config, schema):
    update_config(config, {"datasets": {"sp500": {"folds": {"test": {"end": "2018-06-30"}}}}})
    check_config(config, schema)
    assert config["datasets"]["sp500"]["folds"]["test"]["end"] == "2018-06-30"
    assert config["datasets"]["synthetic"]["folds"]["test"]["end"] == "2018-12-31"


def test_only_switches_others_off_and_names_in_full_on(config, schema, monkeypatch):
    monkeypatch.setenv("FD01_GPU", "0")
    before = {name: runs_on(entry, "sp500") for name, entry in config["experiments"].items()}
    edit(config, {"only": ["BASE-*", "TFM-0?", "TFM-01-512", "PTST-200M", "TFM-03"]})
    check_config(config, schema)
    after = {name: runs_on(entry, "sp500") for name, entry in config["experiments"].items()}
    named = {"TFM-01-512", "PTST-200M"}  # which run nowhere by their own key; TFM-03 needs a GPU all the same
    chosen = {name for name in before if name.startswith("BASE-") or name in ("TFM-01", "TFM-02")}
    assert not any(before[name] for name in named) and all(before[name] for name in chosen)
    assert {name for name, runs in after.items() if runs} == named | chosen
    assert not after["TFM-04"] and not runs_on(config["experiments"]["TFM-01-512"], "spy")


def test_name_in_full_adds_the_dataset_to_the_list_of_an_experiment(config, schema):
    edit(config, {"experiments/BASE-range/run": ["spy"], "only": ["BASE-range"]})
    check_config(config, schema)
    assert config["experiments"]["BASE-range"]["run"] == ["spy", "sp500"]


def test_empty_list_chooses_nothing(config, schema):
    other = copy.deepcopy(config)
    edit(other, {"only": []})
    for each in (config, other):
        check_config(each, schema)
    assert other["experiments"] == config["experiments"]
    assert is_chosen("TFM-01", []) and not is_chosen("tfm-01", ["TFM-*"])


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [("PTST-20M", "; did you mean 'PTST-200M'?"), ("BSAE-*", "; did you mean 'BASE-*'?"), ("???", "")],
)
def test_pattern_that_fits_no_experiment_is_named(config, schema, pattern, hint):
    line = message(config, schema, {"only": ["BASE-*", pattern]})
    assert line == f"config: only/1 is {pattern!r}; allowed: a name of an experiment, or a pattern that one fits{hint}"


def test_some_experiment_of_only_must_run(config, schema):
    line = message(config, schema, {"experiments/BASE-range/run": "none", "only": ["BASE-rang?"]})
    assert line.startswith("config: no experiment of `only` runs on sp500; set experiments/")


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("data/QQQ.parquet", "QQQ.parquet"),
        (["data/QQQ.parquet"], "QQQ.parquet"),
        (["a.parquet", "b.parquet"], "2 files"),
    ],
)
def test_path_may_be_a_list(short, schema, path, title):
    short["datasets"]["qqq"]["path"] = path
    check_config(short, schema)
    assert short["datasets"]["qqq"]["source"]["path"] == path
    assert short["datasets"]["qqq"]["title"] == f"qqq, daily, from {title}"


def test_home_is_put_into_every_path(config, schema, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    spy, timesfm = config["datasets"]["spy"], config["weights"]["models"]["timesfm"]
    spy["source"]["path"] = ["~/a.parquet", "b~.parquet"]
    spy["study_predictions"] = timesfm["path"] = config["weights"]["folder"] = "~/x"
    config["experiments"]["TFM-01-published"]["settings"]["file"] = "~/f.npz"
    check_config(config, schema)
    assert spy["source"]["path"] == ["/home/me/a.parquet", "b~.parquet"]
    assert [spy["study_predictions"], timesfm["path"], config["weights"]["folder"]] == ["/home/me/x"] * 3
    assert config["experiments"]["TFM-01-published"]["settings"]["file"] == "/home/me/f.npz"


def test_calendar_is_none_for_simulated_prices_alone(config, schema):
    check_config(config, schema)
    calendars = {name: dataset["calendar"] for name, dataset in config["datasets"].items()}
    assert calendars == dict.fromkeys(calendars, "XNYS") | {"synthetic": "none"}


def test_dataset_may_have_a_reference_of_its_own(config, schema):
    edit(config, {"datasets/indices/reference": "PTST-pooled", "decision/reference": "PTST-200M"})
    check_config(config, schema)
    datasets = scrambled(config["datasets"]) | config["datasets"]
    pooled = {name for name, entry in datasets.items() if entry["reference"] == "PTST-pooled"}
    assert pooled == {"indices", "indices-scrambled"}
    assert decision_of(config, "indices") == config["decision"] | {"reference": "PTST-pooled"}
    assert decision_of(config, "sp500") == config["decision"]


def test_reference_of_the_dataset_must_run_on_it_unless_it_is_left_out(config, schema):
    edits = {"dataset": "sp500", "datasets/sp500/reference": "PTST-pooled"}
    edit(config, edits)
    expected = "config: datasets/sp500/reference is 'PTST-pooled'; allowed: an experiment that runs on sp500: PTST-2M"
    assert message(copy.deepcopy(config), schema, {}) == expected
    check_config(copy.deepcopy(config) | {"only": ["BASE-*"]}, schema)
    check_config(config | {"only": ["BASE-*", "PTST-pooled"]}, schema)


def test_scrambled_prices_are_not_adjusted_again(config, schema):
    config["datasets"]["spy"] |= {"adjust": True, "layout": "table", "largest_move": 0.4}
    check_config(config, schema)
    other = scrambled(config["datasets"])["spy-scrambled"]
    assert (other["adjust"], other["largest_move"], other["calendar"]) == (False, 0.8, "XNYS")
    assert "layout" not in other
