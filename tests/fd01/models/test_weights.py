"""Weights: whole and as configured, or a reason in bounded time; nothing is fetched twice."""

import json
import random
import re
import shutil
import subprocess
import sys
import time
from hashlib import sha256

import pytest
from helpers.hub import CONNECTION_REFUSED, Hub, with_hub

from fd01.models.weights import WeightsMissing, fetch, missing, open_weights
from fd01.workflow.errors import NotRun, UserError
from fd01.workflow.files import write_json

MIB = 2**20  # the client resumes in steps of ten
FILES = {"config.json": b"{}\n", "model.safetensors": random.Random(0).randbytes(32 * MIB)}
WEIGHTS = "model.safetensors"
ABOUT = {
    "repository": "someone/some-model",
    "revision": "0123456789" * 4,
    "license": "Apache-2.0",
    "trained_until": "2023-11",
    "released": "2025-09",
    "files": {name: sha256(content).hexdigest() for name, content in FILES.items()},
}
OK = {
    "model": "some",
    "status": "ok",
    "repository": "someone/some-model",
    "revision": "0123456789" * 4,
    "license": "Apache-2.0",
    "trained_until": "2023-11",
    "released": "2025-09",
    "source": "https://huggingface.co/someone/some-model/tree/" + "0123456789" * 4,
    "files": {name: {"sha256": ABOUT["files"][name], "bytes": len(content)} for name, content in FILES.items()},
}
# The hub client reads its address when it is imported, so every download is a new process.
CLIENT = """
import json, sys
from fd01.models.weights import WeightsMissing, fetch
try:
    print(json.dumps(fetch(sys.argv[1], "some", json.loads(sys.argv[2]))))
except WeightsMissing as reason:
    sys.exit(f"missing: {reason}")
"""


@pytest.fixture
def hub():
    with Hub(ABOUT["repository"], ABOUT["revision"], FILES) as hub:
        yield hub


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "weights" / "some"


def client(hub, folder, **variables):
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, folder, json.dumps(ABOUT)],
        env=with_hub(hub, **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def fetched(hub, folder):
    """The manifest of a fetch that succeeds, and nothing but its files in the folder."""
    out, error = (run := client(hub, folder)).communicate()
    assert run.returncode == 0, error
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
    return json.loads(out)


def refused(hub, folder, **variables):
    """The reason of a fetch that does not succeed, and its seconds; nothing half-done is left in the folder."""
    start = time.monotonic()
    _, error = client(hub, folder, **variables).communicate()
    seconds = time.monotonic() - start
    assert "Traceback" not in error
    assert {path.name for path in folder.iterdir()} <= set(FILES)
    (reason,) = re.findall("^missing: (.*)", error, re.MULTILINE)
    assert error.endswith(f"missing: {reason}\n")  # one line
    return reason, seconds


def test_fetch_gives_the_files_and_their_manifest(hub, folder):
    assert fetched(hub, folder) == OK


def test_second_fetch_touches_no_network(hub, folder):
    fetched(hub, folder)
    hub.requests.clear()
    assert fetched(hub, folder) == OK
    assert not hub.requests


def test_only_a_damaged_file_is_fetched_again(hub, folder):
    folder.mkdir(parents=True)
    (folder / "config.json").write_bytes(FILES["config.json"])
    (folder / WEIGHTS).write_bytes(FILES[WEIGHTS][:-1] + b"x")
    assert fetched(hub, folder) == OK
    assert {path.rpartition("/")[2] for _, path, _ in hub.requests if path in hub.files} == {WEIGHTS}


def test_changed_file_without_a_checksum_is_fetched_again(hub, folder, monkeypatch):
    monkeypatch.setitem(ABOUT, "files", dict.fromkeys(FILES))
    write_json(folder / "manifest.json", fetched(hub, folder))
    (folder / WEIGHTS).write_bytes(b"changed")
    with pytest.raises(UserError, match=r"snakemake weights$"):
        open_weights(folder / "manifest.json")
    hub.requests.clear()
    _, error = (run := client(hub, folder)).communicate()
    assert run.returncode == 0, error
    assert {path.rpartition("/")[2] for _, path, _ in hub.requests if path in hub.files} == {WEIGHTS}
    open_weights(folder / "manifest.json")


def test_cut_connection_is_resumed(hub, folder):
    hub.cut = 25 * MIB
    assert fetched(hub, folder) == OK
    assert [asked for _, _, asked in hub.requests if asked] == [f"bytes={20 * MIB}-"]
    assert hub.sent == len(FILES["config.json"]) + (25 + 12) * MIB


def test_killed_fetch_starts_again_and_leaves_nothing(hub, folder):
    hub.stall = 15 * MIB
    run = client(hub, folder)
    while hub.sent < 15 * MIB:
        assert run.poll() is None
        time.sleep(0.01)
    run.kill()
    run.communicate()
    assert list(folder.rglob("*.incomplete"))
    hub.silent, hub.stall = False, None
    assert fetched(hub, folder) == OK


def test_wrong_bytes_of_the_right_size_are_refused_and_deleted(hub, folder):
    (path,) = (path for path in hub.files if path.endswith(WEIGHTS))
    hub.files[path] = bytes(len(FILES[WEIGHTS]))
    reason, _ = refused(hub, folder)
    found = sha256(hub.files[path]).hexdigest()
    wanted = ABOUT["files"][WEIGHTS]
    assert reason == f"{WEIGHTS} of someone/some-model came with the SHA-256 {found}, not {wanted}"
    assert not (folder / WEIGHTS).exists()


@pytest.mark.parametrize(
    "status, patience, answer",
    [
        (404, 0, "404 Not Found"),
        (401, 0, "401 Unauthorized"),
        (503, 0, "503 Service Unavailable"),
        (403, 1, "403 Forbidden"),  # of the client's own question, which it reports as a file not in the cache
        (403, 2, "403 Forbidden"),  # of the download
    ],
)
def test_reason_is_what_the_hub_answered(hub, folder, status, patience, answer):
    hub.status, hub.patience = status, patience
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("damaged")  # the client would rather keep it than report an error
    reason, seconds = refused(hub, folder)
    assert reason == f"config.json of someone/some-model cannot be fetched: 127.0.0.1 answered {answer}"
    assert seconds < 5


def test_hub_that_is_down_is_named_in_the_reason(hub, folder):
    hub.shutdown()
    hub.server_close()
    reason, seconds = refused(hub, folder)
    assert reason.endswith(f"cannot be fetched: {CONNECTION_REFUSED}")
    assert seconds < 5


def test_hub_without_an_address_is_named_in_the_reason(hub, folder):
    hub.url = "http://hub.invalid"
    reason, _ = refused(hub, folder)
    assert "cannot be fetched: hub.invalid: " in reason


def test_client_that_is_told_to_stay_offline_asks_nobody(hub, folder):
    reason, _ = refused(hub, folder, HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE" in reason
    assert not hub.requests


@pytest.mark.parametrize(
    "variables, said",
    [
        ({"HTTP_PROXY": "socks5://user:geheim@127.0.0.1:1"}, "Using SOCKS proxy"),
        ({"HTTP_PROXY": "http://user:geh#eim@127.0.0.1:1"}, "HTTP_PROXY.* # is written as %23"),
        ({"HTTP_PROXY": "http://user:geh/eim@127.0.0.1:1"}, "HTTP_PROXY.* / as %2F"),
        ({"HTTP_PROXY": "http://user:geheim@127.0.0.1:1"}, "127.0.0.1: .*refused"),
        ({"HTTP_PROXY": "ftp://127.0.0.1:1"}, "an address cannot be read .*HTTP_PROXY"),
        ({"SSL_CERT_FILE": "/nonexistent/ca.pem"}, "No such file or directory .*SSL_CERT_FILE"),
        ({"SSL_CERT_FILE": __file__}, "certificate.*SSL_CERT_FILE"),
        ({"HF_HUB_DOWNLOAD_TIMEOUT": "ten"}, "HF_HUB_DOWNLOAD_TIMEOUT is 'ten', no whole number"),
        ({"HF_HUB_ETAG_TIMEOUT": ""}, "HF_HUB_ETAG_TIMEOUT is ''"),
        ({"HF_HUB_DOWNLOAD_TIMEOUT": "-1"}, "HF_HUB_DOWNLOAD_TIMEOUT is '-1'"),
        ({"HF_TOKEN": "hf_gehéim"}, "a token has a character that cannot be sent .*HF_TOKEN"),
        ({"HF_ENDPOINT": "http://user:geheim@127.0.0.1:port"}, "an address cannot be read .*HF_ENDPOINT"),
        ({"HF_ENDPOINT": "http://hub..example"}, "HF_ENDPOINT"),
        ({"HF_ENDPOINT": "http://user:geheim@127.0.0.1:1", "HF_HUB_OFFLINE": "1"}, r"Cannot reach http://\*\*\*@127"),
        ({"HF_ENDPOINT": ""}, "missing an 'http://'"),
        ({"HF_HOME": "/dev/null"}, "Not a directory.*HF_HOME"),
    ],
)
def test_network_that_is_broken_in_an_unusual_way_is_a_reason_without_secrets(hub, folder, variables, said):
    reason, seconds = refused(hub, folder, **variables)
    assert re.search(said, reason)
    assert not re.search("geh|eim", reason)
    assert seconds < 10


@pytest.mark.parametrize("header", ["Content-Length", "ETag", "X-Repo-Commit", "Location", "X-Linked-Size"])
def test_odd_answer_of_a_hub_is_a_reason(hub, folder, header):
    for value in ("", "none", "-5", "../../x", "http://[::1", "\xe9" * 10):
        hub.odd = {header: value}
        _, error = (run := client(hub, folder)).communicate(timeout=20)
        assert "Traceback" not in error, value
        assert run.returncode == 0 or re.search("^missing: ", error, re.MULTILINE), value
        assert {path.name for path in folder.iterdir()} <= set(FILES)
        shutil.rmtree(folder)


def test_silent_hub_is_given_up_in_seconds(hub, folder):
    hub.silent = True
    reason, seconds = refused(hub, folder)
    assert reason.endswith("cannot be fetched: 127.0.0.1 does not answer")
    assert seconds < 20


def test_hub_that_falls_silent_in_a_download_is_given_up(hub, folder):
    hub.stall = 15 * MIB
    reason, seconds = refused(hub, folder, HF_HUB_DOWNLOAD_TIMEOUT="1")
    assert reason == f"{WEIGHTS} of someone/some-model cannot be fetched: 127.0.0.1 does not answer"
    assert seconds < 20


def test_fault_of_this_machine_is_not_the_hubs(hub, folder):
    folder.mkdir(parents=True)
    (folder / ".cache").write_text("a file where the client wants a folder")
    run = client(hub, folder)
    _, error = run.communicate()
    assert run.returncode == 1
    assert "FileExistsError" in error or "NotADirectoryError" in error
    assert "missing: " not in error


@pytest.fixture
def own(tmp_path):
    """The weights file under another name, and the entry that names it."""
    path = tmp_path / "own.safetensors"
    path.write_bytes(FILES[WEIGHTS])
    return path, ABOUT | {"path": str(path)}


def test_own_copy_is_linked(own, folder):
    path, about = own
    (folder / ".cache").mkdir(parents=True)
    (folder / ".cache" / "of a killed download.incomplete").touch()
    manifest = fetch(folder, "some", about)
    assert manifest == OK | {"source": str(path), "files": {WEIGHTS: OK["files"][WEIGHTS]}}
    assert (folder / WEIGHTS).readlink() == path
    assert [path.name for path in folder.iterdir()] == [WEIGHTS]


def test_own_copy_may_be_named_from_the_working_folder(own, folder, monkeypatch):
    path, about = own
    monkeypatch.chdir(path.parent)
    assert fetch(folder, "some", about | {"path": path.name})["source"] == str(path)
    assert (folder / WEIGHTS).readlink() == path


@pytest.mark.parametrize(
    "before",
    [lambda link: link.write_bytes(b"something else"), lambda link: link.symlink_to("/nowhere")],
    ids=["file", "dead link"],
)
def test_own_copy_takes_the_place_of_another_file(own, folder, before):
    path, about = own
    folder.mkdir(parents=True)
    before(folder / WEIGHTS)
    fetch(folder, "some", about)
    assert (folder / WEIGHTS).readlink() == path


def test_own_copy_may_lie_in_the_folder_already(own, folder):
    path, about = own
    folder.mkdir(parents=True)
    shutil.move(path, folder / WEIGHTS)
    fetch(folder, "some", about | {"path": str(folder / WEIGHTS)})
    assert (folder / WEIGHTS).read_bytes() == FILES[WEIGHTS]


def test_own_copy_with_other_bytes_is_refused(own, folder):
    path, about = own
    path.write_bytes(b"other bytes")
    found, wanted = sha256(b"other bytes").hexdigest(), ABOUT["files"][WEIGHTS]
    with pytest.raises(UserError) as caught:
        fetch(folder, "some", about)
    assert not isinstance(caught.value, WeightsMissing)  # `missing: skip` does not forgive it
    assert str(caught.value).startswith(f"{path} is not {WEIGHTS} of weights/models/some")
    assert found in str(caught.value) and wanted in str(caught.value)
    assert not list(folder.iterdir())


def test_own_copy_that_is_not_there_is_refused(own, folder):
    path, about = own
    path.unlink()
    with pytest.raises(UserError, match=f"^There is no file {path}: .* weights/models/some/path") as caught:
        fetch(folder, "some", about)
    assert not isinstance(caught.value, WeightsMissing)


def test_own_copy_of_nothing_in_particular_is_refused(own, folder):
    _, about = own
    with pytest.raises(UserError, match="weights/models/some/files must have exactly one name"):
        fetch(folder, "some", about | {"files": {"config.json": "0" * 64}})


@pytest.fixture
def manifest(own, folder):
    """Path of the manifest of weights that are at hand."""
    path = folder / "manifest.json"
    write_json(path, fetch(folder, "some", own[1]))
    return path


def test_weights_are_opened_by_their_manifest(manifest):
    not_checked = {"status": "not verified", "passed": 0, "cases": 0, "differing": []}
    assert open_weights(manifest) == json.loads(manifest.read_text()) | {"known_answers": not_checked}


def test_missing_weights_are_not_run_with_their_reason(manifest):
    write_json(manifest, missing("some", ABOUT, "the hub is down"))
    with pytest.raises(NotRun, match=r"^the hub is down$"):
        open_weights(manifest)


@pytest.mark.parametrize(
    "damage",
    [lambda path: path.unlink(), lambda path: path.write_bytes(FILES[WEIGHTS][:-1] + b"x")],
    ids=["gone", "changed"],
)
@pytest.mark.parametrize("which", ["the link", "its target"])
def test_weights_that_are_gone_or_changed_stop_with_the_remedy(manifest, own, damage, which):
    link = manifest.parent / WEIGHTS
    if which == "the link":
        link.unlink()
        shutil.copy(own[0], link)
    damage(link.resolve())
    with pytest.raises(UserError, match=rf"{WEIGHTS} is gone or has changed\. .*: snakemake weights$"):
        open_weights(manifest)
