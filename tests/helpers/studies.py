"""The small study of tests/studies/small in a folder of a test: made, changed, and compared after a run."""

import os
import re
import shutil
import subprocess
import sys

import pandas as pd
import yaml

from fd01.scoring.predictions import read_predictions
from fd01.workflow.files import sha256
from helpers.hub import Hub
from helpers.made_up_data import make_prices
from helpers.paths import IN_EVERY_JOB, ROOT, SMALL_STUDY
from helpers.run_workflow import environment

CONFIG = yaml.safe_load((SMALL_STUDY / "config.yaml").read_text())
LAG_LLAMA = yaml.safe_load((SMALL_STUDY.with_name("lag-llama.yaml")).read_text())
MODEL = CONFIG["weights"]["models"]["timesfm"]
WEIGHTS = ("weights", "models", "timesfm")  # their keys in the configuration
WITHOUT_WEIGHTS = ["TFM-01", "TFM-02", "TFM-probe"]  # the experiments that cannot run


def new_study(folder):
    """Put the small study, not yet run, and made-up prices for its dataset `spy` into a new folder."""
    (folder / "data").mkdir(parents=True)
    shutil.copy(SMALL_STUDY / "config.yaml", folder)
    make_prices(days=560).to_parquet(folder / "data" / "prices.parquet")
    return folder


def read_config(folder):
    """The configuration in `folder`."""
    return yaml.safe_load((folder / "config.yaml").read_text())


def write_config(folder, config):
    """Write the configuration in `folder`, in the order that it has."""
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def change(folder, *keys, value):
    """Set one key of the configuration in `folder`."""
    config = node = read_config(folder)
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = value
    write_config(folder, config)


def two_series(config, **dataset):
    """`config`, changed: the dataset `indices`, two series of a few years, and a PatchTST for each and one for both."""
    config["dataset"] = "indices"
    source = {"kind": "packaged", "name": "indices", "start": "2010-01-01", "end": "2014-01-31"}
    config["datasets"]["indices"] = config["datasets"]["sp500"] | {"title": "two indices", "source": source} | dataset
    experiments = config["experiments"]
    experiments["PTST-tiny"]["fit"] = "each"
    experiments["PTST-pooled"] = experiments["PTST-tiny"] | {"name": "PatchTST for all series", "fit": "together"}
    return config


def run_on_spy(folder, *experiments):
    """Choose the dataset `spy` in the configuration in `folder`, and these experiments alone."""
    change(folder, "dataset", value="spy")
    for name in read_config(folder)["experiments"]:
        change(folder, "experiments", name, "run", value=["spy"] if name in experiments else "none")


def save_tiny(folder):
    """Write weights of the tiny TimesFM in the published format to `folder`; path of the file.

    Beside them lie the known answers of these weights, which the published ones cannot be.
    """
    path = folder / "tiny.safetensors"
    code = """
import json, sys
from fd01.models.timesfm import load_untrained
from helpers.answers import answers_of_timesfm
from safetensors.torch import save_file
model = load_untrained(7)
save_file(model.model.state_dict(), sys.argv[1])
with open(sys.argv[2], "w") as file:
    json.dump(answers_of_timesfm(model), file)
"""
    search = os.pathsep.join([str(IN_EVERY_JOB), str(ROOT / "scripts"), str(ROOT / "tests")])
    command = [sys.executable, "-c", code, path, path.with_suffix(".json")]
    subprocess.run(command, env=environment(PYTHONPATH=search), check=True)
    return path


def hub_of(checkpoint):
    """A model hub that has this file as the weights of the small study."""
    return Hub(MODEL["repository"], MODEL["revision"], {"model.safetensors": checkpoint.read_bytes()})


def expect_weights(folder, checkpoint):
    """Enter this file in the configuration in `folder` as the published weights, with the answers beside it."""
    change(folder, *WEIGHTS, "files", value={"model.safetensors": sha256(checkpoint)})
    change(folder, *WEIGHTS, "known_answers", value=str(checkpoint.with_suffix(".json")))


def outcome(folder):
    """What a run on the dataset `sp500` has computed: the rows of all predictions, the bytes of the other results."""
    results = folder / "results/sp500"
    rows = {path: read_predictions(path)[0] for path in sorted(results.glob("predictions/*/*.parquet"))}
    other = [*results.glob("metrics/*.csv"), *results.glob("checks/*.json"), results / "verdict.json"]
    found = {path: path.read_bytes() for path in other}
    return [{path.relative_to(results): value for path, value in part.items()} for part in (rows, found)]


def assert_same(folder, other):
    """Two runs on the dataset `sp500` have computed the same, to the bit."""
    (rows, files), (expected_rows, expected_files) = outcome(folder), outcome(other)
    assert len(rows) > 10 and rows.keys() == expected_rows.keys()
    for path, frame in rows.items():
        pd.testing.assert_frame_equal(frame, expected_rows[path], check_exact=True, obj=str(path))
    assert files == expected_files


def without_times(page):
    """The sections of a report but those that tell how long the jobs took and when they ran; list of str."""
    sections = re.split('<section |<details class="section">', page)
    return [section for section in sections if not re.search('id="(cost|environment)"', section)]
