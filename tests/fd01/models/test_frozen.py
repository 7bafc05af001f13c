"""Twins that need the pre-trained weights of their model: run where they are present, else "not run", at no cost."""

import subprocess
import sys
from types import SimpleNamespace

import pandas as pd
import pytest
from helpers.paths import ROOT
from helpers.studies import MODEL

from fd01.models.frozen import open_models, run_frozen
from fd01.models.weights import missing, require_weights
from fd01.workflow.errors import NotRun
from fd01.workflow.files import write_json

REASON = "it is compared with the pre-trained network, whose weights are missing: nobody answers"
UNTRAINED = "none: random"


@pytest.fixture
def manifest(tmp_path):
    """A function that writes a manifest of this status."""

    def write(status):
        content = missing("timesfm", MODEL, "nobody answers") | {"status": status}
        write_json(tmp_path / "manifest.json", content)
        return tmp_path / "manifest.json"

    return write


def run(manifest):
    """Two random networks, whose weights are their seeds."""
    return run_frozen(
        lambda: open_models("untrained", [4, 7], manifest, None, lambda seed: seed, UNTRAINED),
        lambda model: pd.DataFrame({"row": [1, 2], "value": float(model)}),
        lambda model: {"parameters": 1},
        ["row", "seed", "value"],
        threads=1,
        manifest=manifest,
    )


def test_twin_that_needs_missing_weights_is_not_run_and_is_still_a_random_network(manifest):
    frame, about = run(manifest("missing"))
    assert (list(frame.columns), len(frame)) == (["row", "seed", "value"], 0)
    assert about == {"weights": UNTRAINED, "device": None, "not_run": REASON}


@pytest.mark.parametrize("needs_weights", [True, False])
def test_twin_runs_where_the_weights_are_and_where_it_needs_none(manifest, needs_weights):
    frame, about = run(manifest("ok") if needs_weights else [])  # [] is what a rule without a manifest has
    assert frame["seed"].to_list() == [4, 4, 7, 7] and frame["value"].to_list() == [4, 4, 7, 7]
    assert about["weights"] == UNTRAINED and "not_run" not in about


def test_changed_file_of_weights_does_not_concern_a_twin(manifest):
    path = manifest("ok")
    require_weights(path)  # the files are not even there
    with pytest.raises(NotRun, match=f"^{REASON}$"):
        require_weights(manifest("missing"))


@pytest.mark.parametrize("script", ["forecast_timesfm", "encode_timesfm", "run_lag_llama", "train_lag_llama"])
def test_job_that_is_not_run_imports_no_network(script, manifest):
    code = f"""
import sys
import {script}
from fd01.models.frozen import open_models, run_frozen
open_untrained = lambda: open_models("untrained", [0], None, None, print, "none: random")
frame, about = run_frozen(open_untrained, None, None, [], 1, sys.argv[1])
assert about["not_run"]
assert not {{"torch", "timesfm", "gluonts", "sktime"}} & set(sys.modules)
"""
    environment = {"PYTHONPATH": str(ROOT / "scripts"), "PATH": ""}
    subprocess.run([sys.executable, "-c", code, manifest("missing")], env=environment, check=True)


def test_weights_file_of_a_training_that_was_not_run_is_empty_and_readable(tmp_path):
    output = SimpleNamespace(**{name: str(tmp_path / name) for name in ("scores", "curve", "weights")})
    code = f"""
import sys
from types import SimpleNamespace
import pandas as pd
from fd01.scoring.predictions import concat_scores
from fd01.scoring.training_files import write_training
write_training(SimpleNamespace(**{vars(output)!r}), concat_scores([]), {{}}, [], pd.DataFrame(columns=["epoch"]), {{}})
assert "torch" not in sys.modules
"""
    environment = {"PYTHONPATH": str(ROOT / "scripts"), "PATH": ""}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    from safetensors.torch import load_file

    assert load_file(output.weights) == {}
