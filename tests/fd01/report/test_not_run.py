"""What did not run, by its cause."""

import numpy as np
import pandas as pd

from fd01.report.not_run import causes
from fd01.report.tables import messages

NO_NETWORK = "config.json of google/timesfm cannot be fetched: huggingface.co: [Errno -2] Name or service not known"
GONE = "config.json of google/timesfm cannot be fetched: huggingface.co answered 404 Not Found"
BESIDE = "it is compared with the pre-trained network, "
REFUSED = "these weights do not give the published answers (1 of 2 agree)"


def experiments(*rows):
    """The rows of experiments.csv of these experiments: model, weights, status, reason."""
    named = [(f"E{number}", *row) for number, row in enumerate(rows)]
    return pd.DataFrame(named, columns=["experiment", "model", "weights", "status", "reason"])


def grouped(*rows):
    table = experiments(*rows)
    run = {name: {"run": "all"} for name in table["experiment"]} | {"E0": {"run": "gpu"}}
    return [(group["text"], group["experiments"]) for group in causes(table, run)]


def test_network_error_is_no_network_and_twins_belong_to_the_same_cause():
    missing = ("TimesFM 2.5", "missing", "not run", NO_NETWORK)
    twin = ("TimesFM 2.5, hidden states", "none: random", "not run", f"{BESIDE}whose weights are missing: {NO_NETWORK}")
    ran = ("PatchTST", "trained from scratch", "ok", np.nan)
    text = "The weights of TimesFM 2.5 could not be downloaded: no network"
    assert grouped(ran, missing, twin) == [(text, ["E1", "E2"])]
    assert messages(experiments(ran, missing, twin)) == [NO_NETWORK]


def test_other_causes_have_their_own_words():
    rows = [
        (np.nan, np.nan, "not run", "there is no GPU here, and without one it takes hours (experiments/E0/run)"),
        (np.nan, np.nan, "not run", "switched off for spy in the configuration (experiments/E1/run)"),
        ("TimesFM 2.5", "missing", "not run", GONE),
        ("Lag-Llama", "refused", "not run", REFUSED),
        ("Lag-Llama", "none: random", "not run", f"{BESIDE}which is not run: {REFUSED}"),
        ("PatchTST", "trained from scratch", "partly", "nothing to tell apart"),
    ]
    assert grouped(*rows) == [
        ("The weights of TimesFM 2.5 could not be downloaded: huggingface.co answered 404 Not Found", ["E2"]),
        ("The weights of Lag-Llama do not load, or do not give the published answers", ["E3", "E4"]),
        ("Ran in part: nothing to tell apart", ["E5"]),
        ("There is no graphics card (GPU) here, and without one these take hours", ["E0"]),
        ("Switched off in the configuration", ["E1"]),
    ]
    assert messages(experiments(*rows)) == [GONE, REFUSED, "nothing to tell apart"]
