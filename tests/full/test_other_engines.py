"""The commands of the page on Kubernetes and AWS Batch are planned by their plugins; storage is empty, on loopback."""

import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from helpers.paths import ROOT

PAGE = (ROOT / "docs" / "how-to" / "run-on-kubernetes-or-aws-batch.md").read_text()
COMMANDS = {re.search(r"--executor (\S+)", text)[1]: text for text in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)}


class EmptyStorage(BaseHTTPRequestHandler):
    """Has every bucket, and nothing in it."""

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.send_response(200 if self.path.count("/") == 1 else 404)
        self.end_headers()

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<ListBucketResult/>")


@pytest.fixture(scope="module")
def storage():
    with ThreadingHTTPServer(("127.0.0.1", 0), EmptyStorage) as server:
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def plan(command, storage):
    """Exit status and output of a dry run of `command`."""
    tools = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    keys = {"SNAKEMAKE_STORAGE_S3_ACCESS_KEY": "key", "SNAKEMAKE_STORAGE_S3_SECRET_KEY": "secret"}
    command = f"{command.strip()} --dry-run --storage-s3-endpoint-url {storage}"
    env = os.environ | tools | keys
    return subprocess.run(command, shell=True, cwd=ROOT, env=env, text=True, stdout=-1, stderr=subprocess.STDOUT)


def test_there_is_a_command_for_each_engine():
    assert COMMANDS.keys() == {"kubernetes", "aws-batch"}


@pytest.mark.parametrize("engine", COMMANDS)
def test_command_plans_the_whole_study(storage, engine):
    done = plan(COMMANDS[engine], storage)
    assert done.returncode == 0, done.stdout
    assert "s3://my-bucket/fd01/results/sp500/report/index.html (send to storage)" in done.stdout
    assert "output: /weights/timesfm/manifest.json\n" in done.stdout  # and not in the storage
    assert "mem_mb=8000" in done.stdout and "gpu=1" not in done.stdout
    jobs = int(re.search(r"^total +(\d+)$", done.stdout, re.MULTILINE)[1])
    assert jobs > 50


def test_jobs_on_kubernetes_ask_for_a_gpu_where_there_is_one(storage):
    done = plan(COMMANDS["kubernetes"].replace("FD01_GPU=0", "FD01_GPU=1"), storage)
    assert done.returncode == 0, done.stdout
    assert re.search(r"rule finetune_timesfm:\n(?: .*\n)* .*gpu_manufacturer=nvidia, gpu=1", done.stdout)


@pytest.mark.parametrize(
    ("engine", "wrong", "message"),
    [
        ("kubernetes", ("--kubernetes-namespace", "--kubernetes-name-space"), "--kubernetes-name-space"),
        ("kubernetes", ("weights:/weights", "/weights"), "Invalid persistent volume spec (/weights)"),
        ("aws-batch", ("--aws-batch-region eu-central-1", ""), "--aws-batch-region"),
        ("aws-batch", ("--aws-batch-task-timeout", "--aws-batch-limit"), "--aws-batch-limit"),
    ],
)
def test_plugin_refuses_other_options(storage, engine, wrong, message):
    assert wrong[0] in COMMANDS[engine]
    done = plan(COMMANDS[engine].replace(*wrong), storage)
    assert done.returncode != 0 and message in done.stdout


def test_page_names_the_versions_that_were_tested():
    pinned = (ROOT / "envs" / "requirements-test.txt").read_text().splitlines()
    named = set(re.findall(r"snakemake-\S+==[\d.]+", PAGE))
    assert len(named) == 3 and named <= set(pinned)
