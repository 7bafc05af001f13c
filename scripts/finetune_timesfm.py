"""Fine-tune TimesFM, pre-trained or untrained, for one train end, learning rate and seed, and score its origins."""

import logging
import time
from functools import partial

import numpy as np
import pandas as pd

from fd01.data.inputs import input_series
from fd01.data.origins import CALIBRATION, EVALUATION, TRAIN, splits
from fd01.data.targets import target_column
from fd01.data.touch import touch_exponent, touch_exponents
from fd01.models.early_stopping import INNER, describe_epochs
from fd01.models.forecasts import quantile_frame
from fd01.models.heads import require_two_classes, scale_features
from fd01.models.timesfm import describe_model, forecast_rows, inputs_of, open_timesfm, reload
from fd01.models.timesfm_finetuning import adapt, build_objective, merged, tensors
from fd01.models.training import checkpoint_path, train
from fd01.models.weights import require_weights, start_of, unopened
from fd01.scoring.deciles import scores
from fd01.scoring.fold_scores import score_folds
from fd01.scoring.predictions import concat_scores, scores_frame
from fd01.scoring.training_files import write_training
from fd01.workflow.errors import NotRun
from fd01.workflow.files import sha256
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame
from fd01.workflow.provenance import describe_job

ADAPTER_SEED = 10**6  # of the adapters and the head, for the seed 0


class FineTuningTask:
    """What one training learns: windows of the series, and the values or the event that follow them.

    Parameters
    ----------
    dataset : DataFrame of all days
    split : fd01.data.origins.Split
    target : dict with `target` and `horizon`
    settings : dict, the settings of the experiment
    labels : section `labels` of the configuration
    """

    def __init__(self, dataset, split, target, settings, labels):
        self.dataset, self.split, self.settings = dataset, split, settings
        # With covariates, and of the High, there are forecasts of the next day alone.
        one_day = "covariates" in settings or settings["input"] == "high"
        self.horizon = 1 if one_day else target["horizon"]
        features = scale_features(dataset, settings["input"], settings["context"], target, labels)
        inner = features[split.inner]
        self.features = (features - inner.mean(axis=0)) / inner.std(axis=0)

    def tensors(self, rows, module):
        """Tensors of `rows`, which lie in the training period, for `fd01.models.training.train`.

        Raises `NotRun` if the target of the objective `event` has one class only.
        """
        inputs, fits = inputs_of(self.dataset, rows, self.settings)
        if self.settings["objective"] == "event":
            y = require_two_classes(self.split.y(rows))
        else:
            y = input_series(self.dataset, self.settings["input"])[rows[:, None] + np.arange(1, self.horizon + 1)]
            if fits is not None:
                next_fit, location, scale = fits.T[:, :, None]
                y = (y - location) / scale - next_fit
        return tensors(inputs, self.features[rows], y, self.settings["context"], module.p)

    def probabilities(self, network, rows):
        """Probabilities of the event for `rows`, shape (n,), by a network with the objective `event`."""
        import torch

        inputs, _ = inputs_of(self.dataset, rows, self.settings)
        unknown = np.zeros(len(rows))
        parts = tensors(inputs, self.features[rows], unknown, self.settings["context"], network.module.p)[:3]
        with torch.inference_mode():
            logits = [
                network.logits(*(part[batch].to(network.module.device) for part in parts)).cpu()
                for batch in torch.arange(len(rows)).split(self.settings["batch_size"])
            ]
        return torch.sigmoid(torch.cat(logits).double()).numpy()


def fine_tune(task, load_network, rate, seed, checkpoint):
    """Train on a task.

    Parameters
    ----------
    task : FineTuningTask
    load_network : function without arguments
        Returns TimesFM as it is before the training, see `fd01.models.timesfm`.
    rate : float, learning rate
    seed : int
    checkpoint : path, as for `fd01.models.training.train`

    Returns
    -------
    network : torch.nn.Module
        The trained network; its attribute `trained` holds the trained weights by name.
    curve : list of dict, as `fd01.models.training.train` returns it
    model
        The trained TimesFM, with the adapters merged into its weights, saved and loaded as published weights are.
    """
    import torch

    settings = task.settings
    model = load_network()
    # Not `seed`, from which a random network is drawn: adapters and head would repeat its numbers.
    torch.manual_seed(ADAPTER_SEED + seed)
    adapt(model.model, settings["adapter"], settings["rank"])
    network = build_objective(model.model, settings["objective"], features=task.features.shape[1])
    sets = (task.tensors(rows, model.model) for rows in (task.split.inner, task.split.calibration))
    curve = train(network, *sets, settings, rate, seed, checkpoint)
    # Collected here: below, the adapters disappear into the weights.
    network.trained = {name: value for name, value in network.named_parameters() if value.requires_grad}
    model = reload(merged(network.module))
    network.module = model.model
    return network.eval(), curve, model


def event_scores(task, network, origins, target, seed):
    """Scores by a network with the objective `event`: calibration tail and evaluation blocks, for its target.

    Returns the rows of a prediction file.
    """
    columns = dict(target=target, score_kind="probability", is_probability=True, seed=seed)
    return concat_scores(
        [
            scores_frame(origins, rows, role, task.probabilities(network, rows), **columns)
            for role, rows in ((CALIBRATION, task.split.calibration), (EVALUATION, task.split.evaluation))
        ]
    )


def quantile_scores(task, model, origins, targets, labels, seed):
    """Scores from the deciles of `model`: calibration tail and evaluation blocks, for every target.

    Returns the rows of a prediction file, and a list of {target, horizon, reason} of the targets without a score.
    """
    rows = np.unique(origins.loc[origins["role"] != TRAIN, "row"])
    quantiles = forecast_rows(model, task.dataset, rows, task.horizon, task.settings)
    frame = quantile_frame(rows, quantiles, seed)
    scores_of = partial(scores, name=task.settings["input"], dataset=task.dataset, labels=labels)
    exponent_of = partial(touch_exponent, dataset=task.dataset, labels=labels)
    frames, not_run = score_folds(frame, origins, targets, scores_of, exponent_of)
    (train_end,) = frames
    return frames[train_end], not_run.get(train_end, [])


if __name__ == "__main__":
    configure_logging(snakemake)
    params, settings = snakemake.params, snakemake.params.settings
    train_end, seed, rate = snakemake.wildcards.train_end, int(snakemake.wildcards.seed), float(snakemake.wildcards.lr)
    start = time.perf_counter()
    provenance = {
        "model": f"TimesFM 2.5, fine-tuned ({settings['adapter']})",
        "weights": unopened(snakemake.input.manifest),
        "fitted_on": INNER,
        "optimistic": False,
        "parameters": None,
        "device": None,
        "dtype": settings["dtype"],
        **describe_job(params, "numpy", "torch", "timesfm", "safetensors"),
    }
    dataset, origins = (read_frame(path) for path in (snakemake.input.dataset, snakemake.input.origins))
    origins = origins[origins["train_end"] == train_end]
    # A forecast of deciles gives scores for every target, a classifier only for the target that it learns.
    targets = sorted(params.targets, key=lambda target: -target["horizon"])
    trainings = [targets] if settings["objective"] == "quantiles" else [[target] for target in targets]
    frames, curves, weights, not_run = [], [], {}, []
    try:
        base, ((_, load_network),) = open_timesfm(settings, [seed], snakemake.input.manifest)
        provenance["weights"] = base if settings["weights"] == "pretrained" else f"{base}, then fine-tuned"
        require_weights(snakemake.input.manifest)
    except NotRun as reason:
        logging.info("not run: %s", reason)
        not_run, trainings = [{**target, "reason": str(reason)} for target in targets], []
    else:
        import torch

        torch.set_num_threads(snakemake.threads)
    inputs = [sha256(path) for path in (snakemake.input.dataset, snakemake.input.origins)]
    for scored in trainings:
        learned = scored[0]  # with deciles, the target of the longest horizon
        name = target_column(**learned)
        (split,) = splits(origins, **learned)
        checkpoint = checkpoint_path(
            snakemake.output.scores, name, provenance["config_sha256"], start_of(provenance["weights"]), *inputs
        )
        try:
            task = FineTuningTask(dataset, split, learned, settings, params.labels)
            network, curve, model = fine_tune(task, load_network, rate, seed, checkpoint)
        except NotRun as reason:
            logging.info("%s: not run: %s", name, reason)
            not_run += [{**target, "reason": str(reason)} for target in scored]
            continue
        provenance |= describe_model(model)
        curves.append(pd.DataFrame(curve).assign(**learned, seed=seed, lr=rate))
        weights |= {f"{name}.{key}": value.detach().cpu() for key, value in network.trained.items()}
        if settings["objective"] == "event":
            frames.append(event_scores(task, network, origins, learned, seed))
        else:
            frame, not_run = quantile_scores(task, model, origins, scored, params.labels, seed)
            frames.append(frame)
    provenance |= {
        "epochs": [describe_epochs(curve, train_end, settings["max_epochs"]) for curve in curves],
        "seconds": time.perf_counter() - start,
    }
    if settings["objective"] == "quantiles":
        provenance["touch_exponents"] = touch_exponents(
            origins, params.targets, dataset, params.labels, settings["input"]
        )
    curve = pd.concat(curves) if curves else pd.DataFrame(columns=["epoch"])
    write_training(snakemake.output, concat_scores(frames), provenance, not_run, curve, weights)
