"""Weights through the workflow: skipped where they cannot be had, tried again on demand, or a stop."""

import json
from hashlib import sha256

import pytest
from helpers.hub import Hub
from helpers.run_workflow import snakemake
from helpers.studies import CONFIG, MODEL, new_study, write_config

from fd01.models.weights import missing, open_weights

FILES = {"config.json": b"{}\n", "model.safetensors": b"weights"}
SOME = MODEL | {
    "repository": "someone/some-model",
    "files": {name: sha256(content).hexdigest() for name, content in FILES.items()},
}
MANIFEST = "weights/some/manifest.json"


@pytest.fixture
def hub():
    with Hub(SOME["repository"], SOME["revision"], FILES) as hub:
        yield hub


@pytest.fixture
def study(tmp_path):
    """The small study with one other model, which no experiment uses."""
    folder = new_study(tmp_path / "run")
    without = {name: entry for name, entry in CONFIG["experiments"].items() if "timesfm" not in entry["system"]}
    weights = {"folder": "weights", "missing": "skip", "models": {"some": SOME}}
    decision = CONFIG["decision"] | {"primary": []}
    write_config(folder, CONFIG | {"weights": weights, "experiments": without, "decision": decision})
    return folder


def test_missing_weights_are_skipped_and_tried_again(hub, study):
    manifest = study / MANIFEST
    reason = "config.json of someone/some-model cannot be fetched: 127.0.0.1 answered 503 Service Unavailable"
    hub.status = 503

    run = snakemake(study, MANIFEST, hub=hub)
    assert f"WARNING {reason}. Experiments with these weights will be shown as not run." in run.stdout
    assert "HTTP Request" not in run.stdout
    text = manifest.read_text()
    assert json.loads(text) == missing("some", SOME, reason)
    date = manifest.stat().st_mtime_ns

    run = snakemake(study, "weights", hub=hub, check=False)
    assert run.returncode == 1
    assert f"ERROR weights: some: {reason}\n" in run.stdout
    assert (manifest.read_text(), manifest.stat().st_mtime_ns) == (text, date)

    hub.status = None
    run = snakemake(study, "weights", hub=hub)
    assert "some: not checked: there are no known answers of this model\n" in run.stdout
    found = open_weights(manifest)
    assert (found["status"], found["repository"], set(found["files"])) == ("ok", "someone/some-model", set(FILES))
    date = manifest.stat().st_mtime_ns

    snakemake(study, "weights", hub=hub)
    assert manifest.stat().st_mtime_ns == date
    assert "Nothing to be done" in snakemake(study, MANIFEST, hub=hub).stdout


def test_missing_weights_stop_the_run_where_they_must_not_be_missing(hub, study):
    path = study / "config.yaml"
    path.write_text(path.read_text().replace("missing: skip", "missing: fail"))
    hub.status = 404
    run = snakemake(study, MANIFEST, hub=hub, check=False)
    assert run.returncode == 1
    assert "ERROR fetch_weights: config.json of someone/some-model cannot be fetched: 127.0.0.1 answered" in run.stdout
    assert "Traceback" not in run.stdout
    assert not (study / MANIFEST).exists()


def test_no_file_of_a_run_has_a_password_or_a_token(study):
    secrets = {"HTTP_PROXY": "http://user:geheim@127.0.0.1:1", "HF_TOKEN": "hf_vertraulich"}
    run = snakemake(study, MANIFEST, **secrets)
    texts = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
    assert json.loads(texts[study / MANIFEST])["status"] == "missing"
    assert not [path for path, text in texts.items() if b"geheim" in text or b"vertraulich" in text]
    assert "geheim" not in run.stdout and "vertraulich" not in run.stdout
