"""The report in every state that a reader may meet, from small studies: `python tests/helpers/gallery.py FOLDER`.

One study is run; most other states are copies of it in which something is changed, so that few jobs are left to do.
"""

import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

if __name__ == "__main__":  # run by hand; pytest has these folders on its path
    sys.path[:0] = [str(Path(__file__).resolve().parents[2] / name) for name in ("scripts", "tests")]

import numpy as np
from scipy.stats import norm

from fd01.scoring.predictions import read_predictions, write_predictions
from fd01.workflow.files import read_json, write_json
from fd01.workflow.parquet import read_frame
from helpers.run_workflow import snakemake
from helpers.studies import WEIGHTS, change, expect_weights, new_study, read_config, save_tiny, write_config

RESULTS = Path("results/sp500")
PAGE = RESULTS / "report" / "index.html"
BASELINES_AND_PATCHTST = ["BASE-*", "PTST-tiny"]
NAMES = {  # in words, as config.yaml has them
    "BASE-prevalence": "Share of training days with the event",
    "BASE-drawdown-20": "Below the 20-day high",
    "BASE-HAR": "HAR volatility",
    "PTST-tiny": "PatchTST, tiny",
    "TFM-01": "TimesFM 2.5, zero-shot on the Close",
    "TFM-01-untrained": "TimesFM 2.5, untrained, on the Close",
    "TFM-probe": "TimesFM 2.5, probe",
    "TFM-probe-untrained": "TimesFM 2.5, untrained, probe",
}
ELSEWHERE = {
    "name": "Quantiles of a colleague",
    "about": "quantiles of a colleague",
    "system": "external",
    "run": "all",
    "stands_for": "TFM-01",
    "settings": {"file": "data/elsewhere.csv", "date": "day", "date_is": "origin", "values": "simple-return"}
    | {"quantiles": True, "source": "a colleague", "license": "MIT", "trained_until": "2012-12", "released": "unknown"},
}
MANY = 80  # experiments
LONG = 60  # characters of a name


def run(folder, *arguments):
    """Make the report of the study in `folder`, on one core."""
    snakemake(folder, *arguments, "--cores", "1", "--", PAGE)


def offline(folder, checkpoint):
    """Write and run the study of which the other states are copies: as the default run without a network."""
    new_study(folder)
    expect_weights(folder, checkpoint)
    config = read_config(folder)
    # One fit serves both blocks, as in the default run; and no second target.
    config["datasets"]["sp500"]["folds"]["test"]["train_end"] = "2012-12-31"
    config["targets"] = config["targets"][:1]
    del config["experiments"]["TFM-02"]  # it would show nothing that others do not
    config["decision"]["primary"].remove("TFM-02")
    for name, words in NAMES.items():
        config["experiments"][name]["name"] = words
    write_config(folder, config)
    snakemake(folder, PAGE)


def with_weights(folder, checkpoint):
    """All pre-trained weights are there."""
    change(folder, *WEIGHTS, "path", value=str(checkpoint))
    run(folder)


def published(folder, checkpoint):
    """Of the pre-trained experiments there are only forecasts that were made elsewhere."""
    prices = read_frame(folder / RESULTS / "data" / "dataset.parquet")
    returns = prices.set_index(prices.columns[prices.columns.str.lower() == "date"][0])["Close"].pct_change()
    width = returns.rolling(20).std()
    table = {f"q{level}": 0.1 * returns + norm.ppf(level / 100) * width for level in (5, 25, 50, 75, 95)}
    table = width.to_frame("width").assign(**table).drop(columns="width").dropna()
    table.rename_axis("day").to_csv(folder / "data" / "elsewhere.csv")
    change(folder, "only", value=[*BASELINES_AND_PATCHTST, "EXT"])
    change(folder, "experiments", "EXT", value=ELSEWHERE)
    run(folder)


def walk_forward(folder, checkpoint):
    """Blocks of days through history."""
    change(folder, "walk_forward", value=True)
    change(folder, "experiments", "PTST-tiny", "seeds", value=[0])
    change(folder, "only", value=BASELINES_AND_PATCHTST)
    run(folder)


def sealed(folder, checkpoint):
    """A block may not be looked at."""
    change(folder, "plan", "sealed", value=["test"])
    change(folder, "only", value=BASELINES_AND_PATCHTST)
    run(folder)


def baselines(folder, checkpoint):
    """No network has run, not even the reference."""
    change(folder, "only", value=["BASE-*"])
    run(folder)


def failed_check(folder, checkpoint):
    """A health check of a baseline has failed."""
    path = folder / RESULTS / "checks" / "BASE-HAR.json"
    checks = read_json(path)
    (spread,) = (check for check in checks if check["check"] == "spread")
    spread |= {"ok": False, "detail": "smallest of a block: 0.0000"}
    write_json(path, checks)
    # Snakemake looks at the age of the folder alone.
    run(folder, "--rerun-triggers", "mtime", "--forcerun", "summarise", "render_report")


def long_names(folder, checkpoint):
    """The names of all experiments, in words, are long."""
    config = read_config(folder)
    for name, entry in config["experiments"].items():
        entry["name"] = f"{name}, a name that takes a lot of room in tables and figures".ljust(LONG, ".")[:LONG]
    write_config(folder, config)
    run(folder)


def many(folder, checkpoint):
    """A lot of experiments; most have the scores of one baseline with some noise."""
    config, rng = read_config(folder), np.random.default_rng(0)
    config["labels"]["horizons"] = [1]  # others would show nothing new
    missing = MANY - sum("sp500" in entry["run"] or entry["run"] == "all" for entry in config["experiments"].values())
    for number in range(1, missing + 1):
        name = f"BASE-HAR-{number}"
        config["experiments"][name] = config["experiments"]["BASE-HAR"] | {"name": f"HAR volatility, noise {number}"}
        for path in (folder / RESULTS / "predictions" / "BASE-HAR").glob("*.parquet"):
            frame, metadata = read_predictions(path)
            noise = rng.normal(scale=0.02 * number, size=len(frame))
            not_run = metadata.pop("not_run")
            copy = folder / RESULTS / "predictions" / name / path.name
            copy.parent.mkdir(exist_ok=True)
            write_predictions(copy, frame.assign(score=norm.cdf(norm.ppf(frame["score"]) + noise)), metadata, not_run)
    write_config(folder, config)
    # By its other triggers Snakemake would make these scores itself, as it did not write them.
    run(folder, "--rerun-triggers", "mtime")


# Of each state: what makes it, and the state of which it is a copy; the longest first.
STATES = {
    "offline": (offline, None),
    "many": (many, "offline"),
    "walk-forward": (walk_forward, "offline"),
    "with-weights": (with_weights, "offline"),
    "published": (published, "offline"),
    "sealed": (sealed, "offline"),
    "baselines": (baselines, "offline"),
    "failed-check": (failed_check, "with-weights"),
    "long-names": (long_names, "with-weights"),
}


def render_gallery(folder, checkpoint):
    """Render all states into a new folder, two at a time.

    Parameters
    ----------
    folder : path
        Each state becomes the working directory `folder/{state}` of a study.
    checkpoint : path
        Weights of the tiny TimesFM, see `helpers.studies.save_tiny`.

    Returns
    -------
    dict of state to the path of its report
    """
    made = {}

    def make(state):
        function, origin = STATES[state]
        if origin is not None:
            made[origin].result()
            shutil.copytree(folder / origin, folder / state)
        function(folder / state, checkpoint)
        return folder / state / PAGE

    with ThreadPoolExecutor(2) as pool:
        for state in STATES:  # a state comes after its origin, so no thread waits for one that has not begun
            made[state] = pool.submit(make, state)
    return {state: future.result() for state, future in made.items()}


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        checkpoint = save_tiny(Path(scratch))
        for state, page in render_gallery(Path(scratch), checkpoint).items():
            shutil.copytree(page.parents[1], target / state, ignore=shutil.ignore_patterns("logs", "forecasts"))
            print(f"{state}: {target / state / 'report' / 'index.html'}")
