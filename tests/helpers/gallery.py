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
import pandas as pd
from scipy.stats import norm

from fd01.report.series import read_series
from fd01.scoring.predictions import read_predictions, write_predictions
from fd01.workflow.files import read_json, write_json
from fd01.workflow.parquet import read_frame
from helpers.made_up_data import make_prices
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
STOCKS = ["ACME", "BRK.B", "005930", "Ünïon & Sons"]  # names of series


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


def series_4(folder, checkpoint):
    """Four series, of made-up prices."""
    new_study(folder)
    expect_weights(folder, checkpoint)
    (folder / "data" / "stocks").mkdir()
    for seed, name in enumerate(STOCKS):
        prices = make_prices(1050, seed, "2010-01-04")
        prices.to_parquet(folder / "data" / "stocks" / f"{name}.parquet")
    config = read_config(folder)
    stocks = {"title": "made-up stocks", "source": {"kind": "parquet", "path": "data/stocks"}, "calendar": "none"}
    config["datasets"]["sp500"] |= stocks
    config["targets"] = config["targets"][:1]
    config["experiments"]["PTST-tiny"]["fit"] = "together"
    for name, words in NAMES.items():
        config["experiments"][name]["name"] = words
    config["only"] = [*BASELINES_AND_PATCHTST, "TFM-01", "TFM-01-untrained"]
    config["weights"]["models"]["timesfm"]["path"] = str(checkpoint)
    write_config(folder, config)
    snakemake(folder, "series", "--config", f"series={STOCKS[0]}")


def series_30(folder, checkpoint):
    """Thirty series; the tables over them are made up."""
    with_more_series(folder, 30)


def series_1000(folder, checkpoint):
    """A thousand series; the tables over them are made up."""
    with_more_series(folder, 1000)


def with_more_series(folder, number):
    """Make the report of a study of four series as if it had this `number` of them; a few have no AUC."""
    results, rng = folder / RESULTS, np.random.default_rng(number)
    description = read_json(results / "data" / "dataset.json")
    about = description["series"][0]
    names = [*STOCKS, "Amalgamated Holdings of the North, class A", *(f"S{place:04}" for place in range(5, number))]
    description |= {"series": [about | {"name": name} for name in names], "rows": about["rows"] * number}
    write_json(results / "data" / "dataset.json", description)
    paths = {name: results / "metrics" / f"{name}.csv" for name in ("series", "heterogeneity", "comparisons")}
    few, overall, comparisons = read_series(paths["series"]), *(pd.read_csv(paths[name]) for name in list(paths)[1:])
    if number > 100:  # as many experiments as in a large study
        noise = few[few["experiment"] == "BASE-HAR"]
        few = pd.concat([few, *(noise.assign(experiment=f"BASE-HAR-{more}") for more in range(1, 21))])
    parts, overall = [], overall.set_index(["fold", "experiment"])
    for (fold, experiment), rows in few.groupby(["fold", "experiment"], sort=False):
        table = made_up_series(rows, names[: -1 if fold == "validation" else -3], rng)
        parts.append(table)
        if (fold, experiment) not in overall.index:
            continue
        pooled, series = table["weight"] @ table["difference"], len(table)
        overall.loc[(fold, experiment), ["series", "above"]] = series, (table["difference"] > 0).sum()
        ends = ["pooled", "equal", "equal_low", "equal_high", "random_mean", "random_low", "random_high"]
        ends += ["without_low", "without_high"]
        overall.loc[(fold, experiment), ends] = pooled + 0.03 * np.array(
            [0, 0, -1, 1, 0, -1, 1, -1 / series, 1 / series]
        )
        pair = (comparisons[["fold", "experiment", "against"]] == [fold, experiment, "reference"]).all(axis=1)
        comparisons.loc[pair, ["auc_difference", "low", "high"]] = pooled + 0.03 * np.array([0, -1, 1])
        comparisons.loc[pair, ["n", "n_series"]] = table["n"].sum(), series
    pd.concat(parts).to_csv(paths["series"], index=False)
    overall.reset_index().to_csv(paths["heterogeneity"], index=False)
    comparisons.to_csv(paths["comparisons"], index=False)
    # By its other triggers Snakemake would make these tables itself, as it did not write them.
    run(folder, "--rerun-triggers", "mtime", "--forcerun", "plot_series", "summarise", "render_report")


def made_up_series(rows, names, rng):
    """The rows of `series.csv` of one fold and experiment for series with these names, from those of a few series."""
    n, positives = 125, rng.binomial(125, 0.3, len(names)).clip(2, 123)
    weight = positives * (n - positives) / (positives * (n - positives)).sum()
    other, se = rng.normal(0.6, 0.04, len(names)), 3.5 / np.sqrt(positives * (n - positives))
    difference = rows["difference"].mean() + se * rng.standard_normal(len(names))
    pooled = weight @ difference
    shrunken = {"shrunken": pooled + 0.3 * (difference - pooled), "shrunken_se": 0.5 * se}
    auc = {"auc": other + difference, "other_auc": other, "difference": difference, "se": se, **shrunken}
    without = (pooled - weight * difference) / (1 - weight)
    about = rows[["fold", "experiment", "other"]].iloc[0].to_dict()
    return pd.DataFrame(
        {**about, "series": names, "n": n, "positives": positives, **auc, "weight": weight, "without": without}
    )


# Of each state: what makes it, and the state of which it is a copy; the longest first.
STATES = {
    "offline": (offline, None),
    "series-4": (series_4, None),
    "many": (many, "offline"),
    "walk-forward": (walk_forward, "offline"),
    "with-weights": (with_weights, "offline"),
    "published": (published, "offline"),
    "sealed": (sealed, "offline"),
    "baselines": (baselines, "offline"),
    "failed-check": (failed_check, "with-weights"),
    "long-names": (long_names, "with-weights"),
    "series-30": (series_30, "series-4"),
    "series-1000": (series_1000, "series-4"),
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
