"""The notebooks: Colab's from the GPU check to a run that takes over its archive, and the one for looking further."""

import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from helpers.loaded_modules import assert_tracked
from helpers.made_up_data import UP, make_prices, make_two_series
from helpers.paths import ROOT, SMALL_STUDY
from helpers.run_workflow import command, environment, planned, snakemake
from helpers.studies import CONFIG, change, expect_weights, hub_of
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from fd01.scoring.predictions import read_experiment
from fd01.study.config import gpu_found
from fd01.workflow.files import read_json, sha256

NOTEBOOKS = ROOT / "notebooks"
COLAB = NOTEBOOKS / "timesfm_colab.ipynb"
EXPLORE = NOTEBOOKS / "explore.py.ipynb"
KEPT = ["TFM-01", "TFM-03", "TFM-probe"]
IGNORED = shutil.ignore_patterns(".*", "__pycache__", "results", "ledger", "tests", "*.parquet")


def small_config(folder, checkpoint):
    """The small study on `spy`, with few experiments."""
    shutil.copy(SMALL_STUDY / "config.yaml", folder)
    change(folder, "dataset", value="spy")
    change(folder, "targets", value=[UP])
    expect_weights(folder, checkpoint)
    run = dict.fromkeys(["BASE-prevalence", "BASE-HAR", *KEPT], "all") | {"TFM-03": "gpu"}
    for name in CONFIG["experiments"]:
        change(folder, "experiments", name, "run", value=run.get(name, "none"))
    change(folder, "experiments", "TFM-03", "settings", "lr_sweep", value=[0.001])


def execute(folder, parameters, hub=None, cells=None):
    """Run the Colab notebook, or its first `cells`, in `folder` with other values in its first cell; what it prints."""
    notebook = nbformat.read(COLAB, as_version=4)
    (first,) = (i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", []))
    values = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    notebook.cells.insert(first + 1, nbformat.v4.new_code_cell(values))
    notebook.cells = notebook.cells[:cells]
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": folder}}).execute(env=environment(hub))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(output.get("text") or output["data"].get("text/markdown", "") for output in outputs)


@pytest.fixture(scope="module")
def prices(tmp_path_factory):
    """A parquet of made-up prices."""
    path = tmp_path_factory.mktemp("prices") / "mine.parquet"
    make_prices(days=560).to_parquet(path)
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory, checkpoint):
    """A git repository of this working tree, with a small configuration."""
    folder = tmp_path_factory.mktemp("repository") / "project"
    shutil.copytree(ROOT, folder, ignore=IGNORED)
    small_config(folder, checkpoint)
    identity = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    for arguments in (["init", "--quiet"], ["add", "--all"], [*identity, "commit", "--quiet", "--message", "all"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def colab(tmp_path_factory, project, checkpoint, prices):
    """The folder into which the Colab notebook has cloned the project and run it, and what it printed."""
    folder = tmp_path_factory.mktemp("colab")
    choices = folder / "choices.yaml"
    choices.write_text("experiments: {TFM-03: {run: all}}")  # as if there were a GPU
    parameters = {"REPOSITORY": str(project), "PRICES": str(prices), "CONFIG": str(choices)}
    with hub_of(checkpoint) as hub:
        printed = execute(folder, parameters, hub)
    return folder / "fd01", printed


@pytest.fixture(scope="module")
def archive(colab):
    return colab[0] / "results/spy/export/timesfm-spy.zip"


@pytest.fixture(scope="module")
def home(tmp_path_factory, checkpoint, prices, archive):
    """A study on the same prices, without weights, that has imported the archive and been run; and what was planned."""
    folder = tmp_path_factory.mktemp("home") / "run"
    (folder / "data").mkdir(parents=True)
    shutil.copy(prices, folder / "data" / "prices.parquet")
    small_config(folder, checkpoint)
    snakemake(folder, "import_predictions", "--config", f"archive={archive}")
    jobs = planned(folder)
    snakemake(folder)
    return folder, jobs


@pytest.fixture
def copy(home, tmp_path):
    """A copy of that study that a test may change."""
    return shutil.copytree(home[0], tmp_path / "copy")


def test_colab_notebook_is_what_its_source_says():
    spec = importlib.util.spec_from_file_location("make_notebook", NOTEBOOKS / "make_notebook.py")
    make_notebook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_notebook)
    wanted = make_notebook.notebook(make_notebook.SOURCE.read_text())
    assert COLAB.read_text() == wanted, "timesfm_colab.py has changed: make notebook"


@pytest.mark.parametrize("path", [COLAB, EXPLORE], ids=lambda path: path.name)
def test_notebooks_are_kept_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None
        assert "snakemake-job-properties" not in cell.metadata.get("tags", [])


def test_colab_notebook_runs_the_timesfm_experiments_alone(colab):
    folder, printed = colab
    assert gpu_found() or "There is no GPU" in printed
    assert re.search(r"torch 2\.\S+ - finds a GPU: (True|False)", printed)
    assert sorted(path.name for path in (folder / "results/spy/predictions").iterdir()) == KEPT
    assert not (folder / "results/spy/metrics").exists()


def test_colab_notebook_stops_where_the_weights_cannot_be_had(tmp_path, project, prices):
    with pytest.raises(CellExecutionError, match=r"model\.safetensors of google/\S+ cannot be fetched"):
        execute(tmp_path, {"REPOSITORY": str(project), "PRICES": str(prices)})
    assert not (tmp_path / "fd01/results/weights/timesfm/manifest.json").exists()  # so another try fetches them


def test_colab_notebook_forecasts_every_series_of_a_file(tmp_path, project, checkpoint):
    prices = make_two_series(560, shorter=30)
    prices.to_parquet(tmp_path / "mine.parquet")
    with hub_of(checkpoint) as hub:
        execute(tmp_path, {"REPOSITORY": str(project), "PRICES": str(tmp_path / "mine.parquet")}, hub)
    results = tmp_path / "fd01/results/spy"
    with zipfile.ZipFile(results / "export/timesfm-spy.zip") as file:
        packed = {Path(name).parts[1] for name in file.namelist() if name.startswith("predictions/")}
    assert packed == {"TFM-01", "TFM-probe"}  # without a GPU there is no fine-tuning
    for name in packed:
        scores, _ = read_experiment(results / "predictions" / name)
        assert set(scores["series"]) == {"A", "B"}


def test_colab_notebook_shows_the_checklist_with_its_evidence(colab, checkpoint):
    printed = colab[1]
    for check, evidence in {
        "packages as pinned": "numpy 2",
        "model loads": f"Model loaded successfully: .* model.safetensors sha256 {sha256(checkpoint)}",
        "known answers": "2 of 2",
        "finite": r"(\d+) of \1 scores are finite",
        "spread": r"smallest of a block: 0\.\d+",
        "AUC computable": "1 of 1 blocks that are open have both outcomes",
    }.items():
        assert re.search(rf"^\| TFM-probe \| {check} \| ✓ \| {evidence}", printed, re.MULTILINE), check


def test_archive_says_what_its_predictions_rest_on(colab, archive):
    folder = colab[0]
    with zipfile.ZipFile(archive) as file:
        manifest = json.loads(file.read("manifest.json"))
        names = set(file.namelist())
        assert json.loads(file.read("weights/manifest.json"))["status"] == "ok"
        assert json.loads(file.read("weights/known-answers.json"))["status"] == "verified"
    of_weights = {"weights/manifest.json", "weights/known-answers.json"}
    assert names == {"manifest.json"} | of_weights | {f"predictions/{n}/validation.parquet" for n in KEPT}
    assert manifest["dataset_sha256"] == read_json(folder / "results/spy/data/dataset.json")["sha256"]
    assert re.fullmatch("[0-9a-f]{40}", manifest["git_commit"])


def test_zip_of_the_repository_is_unpacked(tmp_path, prices):
    (tmp_path / "zipped").mkdir()
    shutil.copytree(ROOT, tmp_path / "zipped/fd01-main", ignore=IGNORED)
    path = shutil.make_archive(tmp_path / "repository", "zip", tmp_path / "zipped")
    (tmp_path / "run").mkdir()
    parameters = {"REPOSITORY": path, "PRICES": str(prices)}
    cells = [cell.source.startswith("configs") for cell in nbformat.read(COLAB, as_version=4).cells].index(True) + 2
    execute(tmp_path / "run", parameters, cells=cells)
    assert (tmp_path / "run/fd01/Snakefile").is_file()
    assert sha256(tmp_path / "run/fd01/data/SPY_dataset_a20.parquet") == sha256(prices)
    with pytest.raises(CellExecutionError, match="fill in the path of the price file"):
        (tmp_path / "run/fd01/data/SPY_dataset_a20.parquet").unlink()
        execute(tmp_path / "run", {"REPOSITORY": path}, cells=cells)


def test_imported_predictions_take_the_place_of_the_model(home, colab):
    folder, jobs = home
    assert jobs["unpack_predictions"] == len(KEPT)
    models = {
        "fetch_weights",
        "verify_weights",
        "forecast_timesfm",
        "encode_timesfm",
        "finetune_timesfm",
        "fit_probe",
        "gather_seeds",
    }
    assert not models & set(jobs)
    assert "Nothing to be done" in snakemake(folder).stdout
    for name in KEPT:
        ours, theirs = (read_experiment(place / "results/spy/predictions" / name) for place in (folder, colab[0]))
        pd.testing.assert_frame_equal(ours[0], theirs[0])
        imported = ours[1]["validation"].pop("imported")
        assert ours[1] == theirs[1]
        assert imported["archive"] == "timesfm-spy.zip"


def test_report_says_that_predictions_were_imported(home, archive):
    page = (home[0] / "results/spy/report/index.html").read_text()
    (note,) = re.findall(r'<p class="note">Imported predictions were made on another machine.*?</p>', page, re.DOTALL)
    assert "; ".join(KEPT) + ' by <span class="hash">timesfm-spy.zip</span>' in note
    assert sha256(archive) in note
    assert page.count(", imported</td>") == len(KEPT)
    verdict = read_json(home[0] / "results/spy/verdict.json")
    assert verdict["pretrained"] == ["TFM-01", "TFM-03", "TFM-probe"]
    assert verdict["doubts"] == {}


def test_other_settings_end_an_import_with_a_word(copy):
    for name in ("TFM-01", "TFM-01-untrained"):
        change(copy, "experiments", name, "settings", "context", value=64)
    change(copy, "experiments", "TFM-03", "settings", "rank", value=4)
    jobs = planned(copy)
    assert (jobs["forecast_timesfm"], jobs["score_forecasts"]) == (1, 1)
    assert jobs.get("finetune_timesfm", 0) == int(gpu_found())
    run = snakemake(copy, "--dry-run").stdout
    where = "The imported predictions of {} are not used, because its settings differ: settings/"
    assert where.format("TFM-01") + "context is 80 there and 64 here." in run
    assert where.format("TFM-03") + "rank is 2 there and 4 here." in run
    assert "TFM-probe are not used" not in run


def test_other_prices_stop_a_run_that_rests_on_an_import(copy):
    make_prices(days=560, seed=1).to_parquet(copy / "data" / "prices.parquet")
    predictions = "results/spy/predictions/TFM-01"
    run = snakemake(copy, predictions, check=False)
    assert run.returncode == 1
    assert "ERROR unpack_predictions: the imported TFM-01" in run.stdout and "was made on other prices" in run.stdout
    assert "delete results/spy/imported to run its experiments here" in run.stdout
    assert "Traceback" not in run.stdout
    shutil.rmtree(copy / "results/spy/imported")
    assert planned(copy, "--", predictions)["forecast_timesfm"] == 1


def test_archive_made_on_other_prices_is_refused(home, archive, tmp_path):
    (tmp_path / "data").mkdir()
    shutil.copy(home[0] / "config.yaml", tmp_path)
    make_prices(days=560, seed=1).to_parquet(tmp_path / "data" / "prices.parquet")
    run = snakemake(tmp_path, "import_predictions", "--config", f"archive={archive}", check=False)
    assert run.returncode == 1
    assert f"ERROR import_predictions: {archive} was made on other prices" in run.stdout
    assert not (tmp_path / "results/spy/imported").exists()
    asked = snakemake(tmp_path, "import_predictions", check=False)
    assert asked.returncode == 1 and "Call: snakemake import_predictions --config dataset=spy archive=" in asked.stdout


@pytest.fixture(scope="module")
def jupyter_on_path(tmp_path_factory):
    """As in an activated environment; a server of root's, too, with a known token."""
    settings = {"ServerApp": {"allow_root": True}, "IdentityProvider": {"token": "t"}}
    folder = tmp_path_factory.mktemp("jupyter")
    (folder / "jupyter_server_config.json").write_text(json.dumps(settings))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
        patch.setenv("JUPYTER_CONFIG_DIR", str(folder))
        yield


@pytest.fixture(scope="module")
def explored(home, jupyter_on_path, tmp_path_factory):
    """That study after the notebook for looking further has run."""
    folder = shutil.copytree(home[0], tmp_path_factory.mktemp("explored") / "copy")
    snakemake(folder, "explore")
    return folder


def test_exploration_runs_on_the_results(explored):
    table = pd.read_csv(explored / "results/spy/explore/agreement.csv", index_col="experiment")
    assert set(table) == {*KEPT, "BASE-HAR"}  # BASE-prevalence ranks nothing
    assert (table.to_numpy().diagonal() == 1).all()
    executed = nbformat.read(explored / "results/spy/logs/explore.ipynb", as_version=4)
    text = json.dumps([cell.get("outputs") for cell in executed.cells])
    assert read_json(explored / "results/spy/verdict.json")["sentence"] in text and "image/svg+xml" in text
    assert "Nothing to be done" in snakemake(explored, "explore").stdout


def ask(url, method="GET", content=None):
    """The JSON that the Jupyter server answers."""
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(url, body, {"Authorization": "token t"}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or "null")


def test_exploration_can_be_edited(copy, project, jupyter_on_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    # A copy of the repository, whose notebook may change; that it lies elsewhere reruns nothing.
    options = ["--notebook-listen", address, "--rerun-triggers", "mtime"]
    edit = command(copy, "--edit-notebook", "results/spy/explore/agreement.svg", *options)
    edit[edit.index(ROOT / "Snakefile")] = project / "Snakefile"
    log, deadline = copy / "server.log", time.monotonic() + 120
    with log.open("w") as output:
        server = subprocess.Popen(edit, cwd=project, env=environment(), stdout=output, stderr=subprocess.STDOUT)
    try:
        while True:
            assert time.monotonic() < deadline and server.poll() is None, log.read_text()
            try:
                listed = ask(f"http://{address}/api/contents/")["content"]
                break
            except urllib.error.URLError:
                time.sleep(0.2)
        (name,) = (file["path"] for file in listed if file["path"].endswith(".ipynb"))
        opened = nbformat.from_dict(ask(f"http://{address}/api/contents/{name}")["content"])
        opened.cells.append(nbformat.v4.new_code_cell("matrix.y.mean()"))
        NotebookClient(opened).execute(env=environment())
        assert opened.cells[-1].outputs
        ask(f"http://{address}/api/contents/{name}", "PUT", {"type": "notebook", "content": opened})
        ask(f"http://{address}/api/shutdown", "POST", {})
        assert server.wait(60) == 0, log.read_text()
    finally:
        server.kill()
        server.wait()
    before, after = (nbformat.read(folder / "notebooks" / EXPLORE.name, as_version=4) for folder in (ROOT, project))
    assert [cell.source for cell in after.cells] == [*(cell.source for cell in before.cells), "matrix.y.mean()"]
    assert not after.cells[-1].outputs and after.cells[-1].execution_count is None
    assert (copy / "results/spy/explore/agreement.csv").exists()


def test_snakemake_tracks_every_module_that_a_script_loads(loaded_modules, home, explored):
    assert_tracked(loaded_modules, __file__)
