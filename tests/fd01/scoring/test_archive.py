"""Predictions from another machine count only where they would have come out the same."""

import copy
import hashlib
import json
import warnings
import zipfile

import numpy as np
import pandas as pd
import pytest
import yaml
from export_predictions import folders_with_scores
from helpers.made_up_data import FOLDS, UP, block, dataset_and_origins, make_two_series, score_rows
from helpers.paths import ROOT
from import_predictions import check_archive, read_archive, store
from snakemake.common.configfile import load_configfile

from fd01.scoring.archive import difference, imported_folder, settings_of
from fd01.scoring.predictions import (
    SCHEMA_TEXT,
    concat_scores,
    read_experiment,
    scores_frame,
    write_folds,
    write_predictions,
)
from fd01.study.config import check_config
from fd01.workflow.errors import UserError
from fd01.workflow.files import sha256
from fd01.workflow.parquet import write_table

TFM = ["TFM-01", "TFM-01-untrained", "TFM-03"]
ABOUT = {"model": "TimesFM 2.5"}
CONFIG = load_configfile(ROOT / "config.yaml")
check_config(CONFIG, yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text()))


def settings(config=CONFIG, dataset="spy"):
    return {name: settings_of(config, dataset, name) for name in TFM}


@pytest.fixture
def tables(tmp_path):
    """Two files in the place of the tables that a model is given."""
    paths = {name: tmp_path / f"{name}.parquet" for name in ("dataset", "origins")}
    for name, path in paths.items():
        path.write_text(name)
    return paths


@pytest.fixture
def manifest(tables):
    """That of an archive which everything here agrees with."""
    return {
        "schema": SCHEMA_TEXT,
        "dataset": "spy",
        **{f"{name}_sha256": sha256(path) for name, path in tables.items()},
        "experiments": {
            name: {"settings": entry, "files": {f"{fold}.parquet": "" for fold in entry["folds"]}}
            for name, entry in json.loads(json.dumps(settings())).items()
        },
    }


def refusal(manifest, tables):
    with pytest.raises(UserError) as caught:
        check_archive("a.zip", manifest, "spy", settings(), tables)
    return str(caught.value)


def test_archive_from_before_the_touch_correction_is_refused(manifest, tables):
    del manifest["experiments"]["TFM-01"]["settings"]["touch correction"]
    assert "touch correction is None there and '1 - (1 - p)^k' here" in refusal(manifest, tables)


def test_archive_that_agrees_in_everything_is_accepted(manifest, tables):
    check_archive("a.zip", manifest, "spy", settings(), tables)


@pytest.mark.parametrize(
    "path, value, reason",
    [
        (["schema"], ["origin: string"], "its prediction files have the columns ['origin: string'], not ["),
        (
            ["dataset"],
            "sp500",
            "has predictions on the dataset sp500, and this run is on spy. To import them: --config dataset=sp500",
        ),
        (["dataset_sha256"], "0", "was made on other prices: dataset.parquet has the SHA-256 0 there and "),
        (["origins_sha256"], "0", "was made on other origins: origins.parquet has the SHA-256 0 there and "),
        (["experiments", "TFM-9"], {}, "has predictions of TFM-9, which is no TimesFM experiment"),
        (
            ["experiments", "TFM-01", "settings", "settings", "context"],
            512,
            "has predictions of TFM-01 with other settings: settings/context is 512 there and 80 here",
        ),
        (["experiments", "TFM-03", "settings", "seeds"], [0], "seeds is [0] there and [0, 1, 2] here"),
        (["experiments", "TFM-01", "settings", "weights", "revision"], "f", "weights/revision is 'f' there and '1d95"),
        (["experiments", "TFM-01", "settings", "labels", "threshold"], 0.02, "labels/threshold is 0.02 there and 0.01"),
        (
            ["experiments", "TFM-01", "settings", "folds", "test", "end"],
            "2025-06-30",
            "folds/test/end is '2025-06-30' there and None here",
        ),
        (["experiments", "TFM-03", "files"], {"../x": ""}, "does not have one file per fold of TFM-03: ../x"),
    ],
)
def test_whatever_differs_is_named(manifest, tables, path, value, reason):
    *parents, key = path
    node = manifest
    for parent in parents:
        node = node[parent]
    node[key] = value
    assert reason in refusal(manifest, tables)


def test_other_prices_are_refused(manifest, tables):
    tables["dataset"].write_text("others")
    assert "delete results/spy/imported" in refusal(manifest, tables)


@pytest.mark.parametrize(
    "keys, value, moved",
    [
        (["labels", "threshold"], 0.02, TFM),
        (["targets"], [{"target": "up", "horizon": 5}], TFM),
        (["origins", "min_history"], 100, TFM),
        (["datasets", "spy", "folds", "test", "start"], "2025-02-01", TFM),
        (["weights", "models", "timesfm", "revision"], "f" * 40, ["TFM-01", "TFM-03"]),
        (["experiments", "TFM-03", "settings", "rank"], 4, ["TFM-03"]),
        (["experiments", "TFM-01-untrained", "seeds"], [0], ["TFM-01-untrained"]),
        (["experiments", "TFM-01", "about"], "in other words", []),
        (["experiments", "TFM-03", "run"], "all", []),
        (["weights", "models", "timesfm", "path"], "a/copy.safetensors", []),
        (["datasets", "sp500", "folds", "test", "start"], "2017-02-01", []),
        (["decision", "finetune_from"], 0.66, []),
    ],
)
def test_an_import_counts_under_its_own_settings_alone(keys, value, moved):
    config = copy.deepcopy(CONFIG)
    node = config
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = value
    folders = {name: (imported_folder(CONFIG, "spy", name), imported_folder(config, "spy", name)) for name in TFM}
    assert [name for name, (before, after) in folders.items() if before != after] == moved
    before, after = settings(), settings(config)
    assert [name for name in TFM if difference(before[name], after[name])] == moved


def test_difference_names_a_missing_key_and_another_kind_of_value():
    assert difference({"a": {"b": 1}}, {"a": {}}) == "a/b is 1 there and None here"
    assert difference({"a": None}, {"a": {"b": 1}}) == "a is None there and {'b': 1} here"
    assert difference({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}) is None


@pytest.mark.parametrize("content", [b"", b"not a zip", {"other.txt": "1"}, {"manifest.json": "{"}])
def test_what_is_no_archive_is_refused(tmp_path, content):
    path = tmp_path / "x.zip"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in content.items():
                archive.writestr(name, text)
    with pytest.raises(UserError, match="is not an archive of"):
        read_archive(path)


def test_a_new_import_takes_the_place_of_the_one_before(tmp_path):
    old, new = tmp_path / "TFM-01" / "old", tmp_path / "TFM-01" / "new"
    store(old, {"test.parquet": b"1"}, {})
    store(new, {"test.parquet": b"2"}, {"a": 1})
    assert sorted(path.name for path in (tmp_path / "TFM-01").rglob("*")) == ["manifest.json", "new", "test.parquet"]


@pytest.fixture
def two_series(tmp_path):
    """The tables of two series, and an archive of predictions on them, as export_predictions packs it."""
    dataset, origins = dataset_and_origins(make_two_series(shorter=10))
    paths = {name: tmp_path / f"{name}.parquet" for name in ("dataset", "origins")}
    for name, table in (("dataset", dataset), ("origins", origins)):
        write_table(paths[name], table, {})
    (end,) = origins["train_end"].unique()
    scored = origins[origins["role"] != "train"].drop_duplicates("row")
    kind = dict(target=UP, score_kind="signal", is_probability=False)
    frames = [
        scores_frame(origins, rows["row"], role, np.arange(len(rows)) / 1e3, **kind)
        for role, rows in scored.groupby("role")
    ]
    write_folds(tmp_path / "made" / "TFM-01", {end: concat_scores(frames)}, origins, ABOUT)
    files = {path.name: path.read_bytes() for path in (tmp_path / "made" / "TFM-01").iterdir()}
    here = {"TFM-01": settings()["TFM-01"] | {"folds": FOLDS}}
    manifest = {
        "schema": SCHEMA_TEXT,
        "dataset": "spy",
        **{f"{name}_sha256": sha256(path) for name, path in paths.items()},
        **dict.fromkeys(("exported", "platform", "git_commit"), "x"),
        "experiments": {
            "TFM-01": {
                "settings": here["TFM-01"],
                "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
            }
        },
    }
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        for name, content in files.items():
            archive.writestr(f"predictions/TFM-01/{name}", content)
    return tmp_path / "a.zip", paths, here


def test_predictions_of_several_series_come_back_as_they_were_made(two_series, tmp_path):
    path, tables, here = two_series
    manifest, contents = read_archive(path)
    check_archive(path, manifest, "spy", here, tables)
    folder = tmp_path / "imported" / "TFM-01" / "x"
    store(folder, contents["TFM-01"], manifest)
    made, imported = (read_experiment(path)[0] for path in (tmp_path / "made" / "TFM-01", folder))
    assert set(made["series"]) == {"A", "B"}
    pd.testing.assert_frame_equal(imported, made)


@pytest.mark.parametrize("change", ["fewer", "renamed"])
def test_predictions_of_another_set_of_series_are_refused(two_series, change):
    path, tables, here = two_series
    raw = make_two_series(shorter=10)
    others = {"fewer": raw[raw["series"] == "A"], "renamed": raw.replace({"series": {"B": "C"}})}[change]
    write_table(tables["dataset"], dataset_and_origins(others)[0], {})
    with pytest.raises(UserError, match=r"a\.zip was made on other prices: dataset\.parquet has the SHA-256"):
        check_archive(path, read_archive(path)[0], "spy", here, tables)


def test_experiments_that_did_not_run_are_not_exported(tmp_path):
    rows = score_rows(block("test", "evaluation", [0, 1]), [0.1, 0.2]).drop(columns="fold")
    reason = [{**UP, "reason": "no weights"}]
    for name, frame, not_run in (("ran", rows, []), ("did-not", rows.iloc[:0], reason)):
        (tmp_path / name).mkdir()
        write_predictions(tmp_path / name / "test.parquet", frame, ABOUT | {"folds": ["test"]}, not_run)
    assert folders_with_scores([tmp_path / "did-not", tmp_path / "ran"]) == [tmp_path / "ran"]
    with pytest.raises(UserError, match=r"There is nothing to export\. did-not: no weights"):
        folders_with_scores([tmp_path / "did-not"])


def archive_of(path, entries):
    """An archive of these (name, content), in this order."""
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of names that stand there twice
        for name, content in entries:
            archive.writestr(name, content)
    return path


@pytest.fixture
def whole(tmp_path):
    """The entries of an archive that is as it should be: its manifest, a dict, and one prediction file, bytes."""
    rows = score_rows(block("test", "evaluation", [0, 1]), [0.1, 0.2]).drop(columns="fold")
    write_predictions(tmp_path / "test.parquet", rows, ABOUT | {"folds": ["test"]})
    files = {"test.parquet": sha256(tmp_path / "test.parquet")}
    manifest = dict.fromkeys(("dataset", "dataset_sha256", "origins_sha256", "exported", "platform", "git_commit"), "x")
    manifest |= {"schema": SCHEMA_TEXT, "experiments": {"TFM-01": {"settings": {}, "files": files}}}
    return manifest, (tmp_path / "test.parquet").read_bytes()


FILE = "predictions/TFM-01/test.parquet"


def test_whole_archive_is_read(whole, tmp_path):
    manifest, content = whole
    path = archive_of(tmp_path / "a.zip", [("manifest.json", json.dumps(manifest)), (FILE, content)])
    assert read_archive(path) == (manifest, {"TFM-01": {"test.parquet": content}})


def link(name):
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, 0o120777 << 16
    return entry


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda manifest, content: [(FILE, content[:-1] + b"x")], "another SHA-256"),
        (lambda manifest, content: [(link(FILE), "/etc/passwd")], "another SHA-256"),
        (lambda manifest, content: [(FILE, content), (FILE, content)], "twice"),
        (lambda manifest, content: [(FILE, content), ("zeros", bytes(2_000_000))], "more than 1 MB"),
        (lambda manifest, content: [], "no item named"),
        (lambda manifest, content: [(FILE, content)] + (manifest.update(experiments=[1]) or []), "values"),
        (lambda manifest, content: [(FILE, content)] + (manifest.update(dataset={}) or []), "another type"),
        (lambda manifest, content: [(FILE, content)] + (manifest.pop("schema") and []), "schema"),
        (lambda manifest, content: junk(manifest), "[Pp]arquet"),
    ],
)
def test_damaged_or_hostile_archive_is_refused_in_one_line(whole, tmp_path, monkeypatch, change, said):
    monkeypatch.setattr("import_predictions.LARGEST", 10**6)
    manifest, content = whole
    entries = change(manifest, content)
    path = archive_of(tmp_path / "a.zip", [("manifest.json", json.dumps(manifest)), *entries])
    with pytest.raises(UserError, match=rf"^.*a\.zip is not an archive of .*{said}.*$"):
        read_archive(path)


def junk(manifest):
    """Bytes that are no parquet file, with the right SHA-256."""
    manifest["experiments"]["TFM-01"]["files"]["test.parquet"] = hashlib.sha256(b"junk").hexdigest()
    return [(FILE, b"junk")]


def test_folder_in_the_place_of_an_archive_is_refused(tmp_path):
    with pytest.raises(UserError, match="is a folder: name the archive itself"):
        read_archive(tmp_path)
