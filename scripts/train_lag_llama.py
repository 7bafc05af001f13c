"""Train Lag-Llama, from its published or from random weights, for one train end and seed, and score its origins."""

import logging
import time
from functools import partial

import numpy as np
import pandas as pd

from fd01.data.inputs import percent_series
from fd01.data.origins import TRAIN, splits
from fd01.data.touch import touch_exponent, touch_exponents
from fd01.models.early_stopping import INNER, describe_epochs
from fd01.models.forecasts import PARAMETERS
from fd01.models.lag_llama import distribution, history_length, open_lag_llama, past_values, run_network, time_features
from fd01.models.training import checkpoint_path, train
from fd01.models.weights import require_weights, start_of, unopened
from fd01.scoring.fold_scores import check_history, score_folds
from fd01.scoring.predictions import concat_scores
from fd01.scoring.student_t import scores
from fd01.scoring.training_files import write_training
from fd01.workflow.errors import NotRun
from fd01.workflow.files import sha256
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame
from fd01.workflow.provenance import describe_job, describe_network


def build_loss(network):
    """A torch module whose call `(past, features, y)` gives the mean negative log-likelihood of a batch, in nats.

    `y`, shape (n,), holds the next values; past and features are as for `fd01.models.lag_llama.distribution`.
    """
    import torch

    class Loss(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, past, features, y):
            predictive = distribution(self.network, past, features)
            assert all(parameter.shape == y.shape for parameter in predictive)  # else they would broadcast
            return -torch.distributions.StudentT(*predictive).log_prob(y).mean()

    return Loss()


def tensors(series, features, rows, needed):
    """Past values, time features and next values of `rows`, for `build_loss`; the next day of each row must exist."""
    import torch

    index = rows[:, None] + np.arange(1 - needed, 1)
    y = series[rows + 1].astype(np.float32)
    past = past_values(series, rows, needed)
    return torch.from_numpy(past), torch.from_numpy(features[index]), torch.from_numpy(y)


def fit(network, dataset, origins, split, settings, seed, checkpoint):
    """Train `network` in place.

    Parameters
    ----------
    network : torch.nn.Module
    dataset, origins : DataFrames; the origins of one train end
    split : fd01.data.origins.Split
    settings : dict, the settings of the experiment
    seed : int
    checkpoint : path, as for `fd01.models.training.train`

    Returns
    -------
    curve : list of dict, as `fd01.models.training.train` returns it
    frame : DataFrame
        Predictive distributions of the calibration tail and the evaluation blocks, see `fd01.models.forecasts`.

    Raises
    ------
    NotRun
        If a day to score has too little history, or if the training diverges.
    """
    series, features = percent_series(dataset, settings["input"]), time_features(dataset["Date"])
    needed = history_length(network)
    check_history(split, needed + 1)
    sets = (
        tensors(series, features, rows[split.history[rows].to_numpy() > needed], needed)
        for rows in (split.inner, split.calibration)
    )
    curve = train(
        build_loss(network), *sets, settings | {"dtype": "float32"}, settings["learning_rate"], seed, checkpoint
    )
    rows = np.unique(origins.loc[origins["role"] != TRAIN, "row"])
    parameters, _ = run_network(network.eval(), series, features, rows)
    frame = pd.DataFrame({"row": rows}).join(pd.DataFrame(parameters, columns=PARAMETERS))
    return curve, frame.assign(seed=pd.array([seed] * len(rows), dtype="Int64"))


if __name__ == "__main__":
    configure_logging(snakemake)
    params, settings = snakemake.params, snakemake.params.settings
    train_end, seed = snakemake.wildcards.train_end, int(snakemake.wildcards.seed)
    start = time.perf_counter()
    provenance = {
        "model": "Lag-Llama, all weights trained",
        "weights": unopened(snakemake.input.manifest),
        "fitted_on": INNER,
        "optimistic": False,
        "parameters": None,
        "device": None,
        "dtype": "float32",
        "epochs": [],
        **describe_job(params, "numpy", "torch", "gluonts", "sktime", "safetensors"),
    }
    dataset, origins = (read_frame(path) for path in (snakemake.input.dataset, snakemake.input.origins))
    origins = origins[origins["train_end"] == train_end]
    # The training does not depend on a target. The split of the longest horizon has days that all targets may use.
    (split,) = splits(origins, **max(params.targets, key=lambda target: target["horizon"]))
    curve, weights, frame, reason = pd.DataFrame(columns=["epoch"]), {}, pd.DataFrame(columns=["seed"]), None
    try:
        start_weights, ((_, load_network),) = open_lag_llama(settings, [seed], snakemake.input.manifest)
        trained = start_weights if settings["weights"] == "pretrained" else f"{start_weights}, then trained"
        provenance["weights"] = trained
        require_weights(snakemake.input.manifest)
        import torch

        torch.set_num_threads(snakemake.threads)
        torch.manual_seed(seed)
        network = load_network()
        provenance |= describe_network(network)
        inputs = [sha256(path) for path in (snakemake.input.dataset, snakemake.input.origins)]
        checkpoint = checkpoint_path(snakemake.output.scores, provenance["config_sha256"], start_of(trained), *inputs)
        epochs, frame = fit(network, dataset, origins, split, settings, seed, checkpoint)
        weights = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
        curve = pd.DataFrame(epochs).assign(target="next value", horizon=1, seed=seed)
        provenance["epochs"] = [describe_epochs(curve, train_end, settings["max_epochs"])]
    except NotRun as why:
        logging.info("not run: %s", why)
        reason = str(why)
    scores_of = partial(scores, name=settings["input"], dataset=dataset, labels=params.labels)
    exponent_of = partial(touch_exponent, dataset=dataset, labels=params.labels)
    frames, not_run = score_folds(frame, origins, params.targets, scores_of, exponent_of, reason)
    provenance["touch_exponents"] = touch_exponents(origins, params.targets, dataset, params.labels, settings["input"])
    provenance["seconds"] = time.perf_counter() - start
    frame = concat_scores(list(frames.values()))
    write_training(snakemake.output, frame, provenance, not_run.get(train_end, []), curve, weights)
