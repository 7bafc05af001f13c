"""Train Lag-Llama, from its published or from random weights, for one train end and seed, and score its origins."""

import logging
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from fd01.errors import NotRun
from fd01.files import digest, replacing, sha256
from fd01.lag_llama import (
    UNTRAINED,
    about_network,
    distribution,
    history,
    load,
    load_untrained,
    pasts,
    run,
    time_features,
)
from fd01.logs import configure_logging
from fd01.optimisation import train
from fd01.origins import TRAIN, splits
from fd01.predictions import concat_scores, write_predictions
from fd01.provenance import git_commit, packages
from fd01.scoring import check_history, score_folds
from fd01.studentt import PARAMETERS, percent_series, scores
from fd01.training import INNER, epochs
from fd01.weights import open_weights


def build_loss(network):
    """A module whose call `(past, features, y)` gives the mean negative log-likelihood of a batch, nats.

    y has shape (n,), as has every parameter of the distribution: one distribution for each target.
    """
    import torch

    class Loss(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, past, features, y):
            predictive = distribution(self.network, past, features)
            assert all(parameter.shape == y.shape for parameter in predictive)
            return -torch.distributions.StudentT(*predictive).log_prob(y).mean()

    return Loss()


def tensors(series, features, rows, needed):
    """Past values, time features and next values of `rows` of the training period."""
    import torch

    index = rows[:, None] + np.arange(1 - needed, 1)
    y = series[rows + 1].astype(np.float32)
    return torch.from_numpy(pasts(series, rows, needed)), torch.from_numpy(features[index]), torch.from_numpy(y)


def fit(network, dataset, origins, split, settings, seed, checkpoint):
    """Train `network` in place; its learning curve, and the predictive distributions of its origins."""
    series, features = percent_series(dataset, settings["input"]), time_features(dataset["Date"])
    needed = history(network)
    check_history(split, needed + 1)
    sets = (tensors(series, features, rows[rows >= needed], needed) for rows in (split.inner, split.calibration))
    curve = train(
        build_loss(network), *sets, settings | {"dtype": "float32"}, settings["learning_rate"], seed, checkpoint
    )
    rows = np.unique(origins.loc[origins["role"] != TRAIN, "row"])
    parameters, _ = run(network.eval(), series, features, rows)
    frame = pd.DataFrame({"row": rows}).join(pd.DataFrame(parameters, columns=PARAMETERS))
    return curve, frame.assign(seed=pd.array([seed] * len(rows), dtype="Int64"))


if __name__ == "__main__":
    configure_logging(snakemake)
    params, settings = snakemake.params, snakemake.params.settings
    train_end, seed = snakemake.wildcards.train_end, int(snakemake.wildcards.seed)
    scores_path = Path(snakemake.output.scores)
    start = time.perf_counter()
    about = {
        "model": "Lag-Llama, all weights trained",
        "weights": f"{UNTRAINED}, then trained",
        "fitted_on": INNER,
        "optimistic": False,
        "parameters": None,
        "device": None,
        "dtype": "float32",
        "epochs": [],
        "packages": packages("numpy", "torch", "gluonts", "sktime", "safetensors"),
        "git_commit": git_commit(),
        "config_sha256": digest(dict(params)),
    }
    dataset, origins = (pd.read_parquet(path) for path in (snakemake.input.dataset, snakemake.input.origins))
    origins = origins[origins["train_end"] == train_end]
    # The training never looks at a target; of the longest horizon the fewest days are known.
    (split,) = splits(origins, **max(params.targets, key=lambda target: target["horizon"]))
    curve, weights, frame, reason = pd.DataFrame(columns=["epoch"]), {}, pd.DataFrame(columns=["seed"]), None
    try:
        if settings["weights"] == "pretrained":
            about["weights"] = "missing"
            about["weights"] = open_weights(snakemake.input.manifest)
        # A training goes on from its checkpoint only if it would begin with the same.
        inputs = digest([about["config_sha256"], about["weights"], *map(sha256, snakemake.input[:2])])
        checkpoint = scores_path.with_suffix(f".{inputs[:12]}.checkpoint")
        import torch

        torch.set_num_threads(snakemake.threads)
        torch.manual_seed(seed)
        pretrained = settings["weights"] == "pretrained"
        folder = pretrained and Path(snakemake.input.manifest).parent
        network = load(folder, settings["context"]) if pretrained else load_untrained(seed, settings["context"])
        about |= about_network(network)
        rows, frame = fit(network, dataset, origins, split, settings, seed, checkpoint)
        weights = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
        curve = pd.DataFrame(rows).assign(target="next value", horizon=1, seed=seed)
        about["epochs"] = [epochs(curve, train_end, settings["max_epochs"])]
    except NotRun as why:
        logging.warning("not run: %s", why)
        reason = str(why)
    scores_of = partial(scores, name=settings["input"], dataset=dataset, labels=params.labels)
    frames, not_run = score_folds(frame, origins, params.targets, scores_of, reason)
    from safetensors.torch import save_file

    with replacing(snakemake.output.weights) as path:
        save_file(weights, path)
    with replacing(snakemake.output.curve) as path:
        curve.to_csv(path, index=False)
    about["seconds"] = time.perf_counter() - start
    write_predictions(scores_path, concat_scores(list(frames.values())), about, not_run.get(train_end, []))
    for checkpoint in scores_path.parent.glob(f"{scores_path.stem}.*.checkpoint*"):
        checkpoint.unlink()
