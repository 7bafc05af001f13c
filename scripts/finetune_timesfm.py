"""Fine-tune TimesFM for one train end, learning rate and seed, and score its origins."""

import logging
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from fd01.data.origins import CALIBRATION, EVALUATION, TRAIN, splits
from fd01.data.series import input_series
from fd01.data.targets import target_column
from fd01.models.early_stopping import INNER, epochs
from fd01.models.forecasts import quantile_frame
from fd01.models.heads import scale_features, two_classes
from fd01.models.timesfm import about_model, forecast_rows, inputs_of, load, reload
from fd01.models.timesfm_finetuning import adapt, build_objective, merged, tensors
from fd01.models.training import checkpoint_of, train
from fd01.models.weights import open_weights
from fd01.scoring.deciles import scores
from fd01.scoring.fold_scores import score_folds
from fd01.scoring.predictions import concat_scores, scores_frame
from fd01.scoring.training_files import write_training
from fd01.workflow.environment import versions
from fd01.workflow.errors import NotRun
from fd01.workflow.files import digest, sha256
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame
from fd01.workflow.provenance import git_commit


class Task:
    """The windows of one training and what is to be learned from them."""

    def __init__(self, dataset, split, target, settings, labels):
        self.dataset, self.split, self.settings = dataset, split, settings
        # A window after the ridge regression, and the High, are forecast one day ahead.
        one_day = "covariates" in settings or settings["input"] == "high"
        self.horizon = 1 if one_day else target["horizon"]
        features = scale_features(dataset, settings["input"], settings["context"], target, labels)
        inner = features[split.inner]
        self.features = (features - inner.mean(axis=0)) / inner.std(axis=0)

    def tensors(self, rows, module):
        """`rows` of the training period as `fd01.models.training.train` takes them."""
        inputs, fits = inputs_of(self.dataset, rows, self.settings)
        if self.settings["objective"] == "event":
            y = two_classes(self.split.y(rows))
        else:
            y = input_series(self.dataset, self.settings["input"])[rows[:, None] + np.arange(1, self.horizon + 1)]
            if fits is not None:
                next_fit, location, scale = fits.T[:, :, None]
                y = (y - location) / scale - next_fit
        return tensors(inputs, self.features[rows], y, self.settings["context"], module.p)

    def probabilities(self, network, rows):
        """Probability of the event for `rows`, shape (rows,)."""
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


def fine_tune(task, folder, rate, seed, checkpoint):
    """A trained network, its learning curve, and its model, merged, saved and loaded as published ones are."""
    import torch

    settings = task.settings
    torch.manual_seed(seed)
    model = load(folder)
    adapt(model.model, settings["adapter"], settings["rank"])
    network = build_objective(model.model, settings["objective"], features=task.features.shape[1])
    sets = (task.tensors(rows, model.model) for rows in (task.split.inner, task.split.calibration))
    curve = train(network, *sets, settings, rate, seed, checkpoint)
    network.trained = {name: value for name, value in network.named_parameters() if value.requires_grad}
    model = reload(merged(network.module))
    network.module = model.model
    return network.eval(), curve, model


def event_scores(task, network, origins, target, seed):
    """Probabilities of the calibration tail and the evaluation blocks, as rows of a prediction file."""
    about = dict(target=target, score_kind="probability", is_probability=True, seed=seed)
    return concat_scores(
        [
            scores_frame(origins, rows, role, task.probabilities(network, rows), **about)
            for role, rows in ((CALIBRATION, task.split.calibration), (EVALUATION, task.split.evaluation))
        ]
    )


def quantile_scores(task, model, origins, targets, labels, seed):
    """Scores of every target of the calibration tail and the evaluation blocks, and the targets without any."""
    rows = np.unique(origins.loc[origins["role"] != TRAIN, "row"])
    quantiles = forecast_rows(model, task.dataset, rows, task.horizon, task.settings)
    frame = quantile_frame(rows, quantiles, seed)
    scores_of = partial(scores, name=task.settings["input"], dataset=task.dataset, labels=labels)
    frames, not_run = score_folds(frame, origins, targets, scores_of)
    (train_end,) = frames
    return frames[train_end], not_run.get(train_end, [])


if __name__ == "__main__":
    configure_logging(snakemake)
    params, settings = snakemake.params, snakemake.params.settings
    train_end, seed, rate = snakemake.wildcards.train_end, int(snakemake.wildcards.seed), float(snakemake.wildcards.lr)
    start = time.perf_counter()
    about = {
        "model": f"TimesFM 2.5, fine-tuned ({settings['adapter']})",
        "fitted_on": INNER,
        "optimistic": False,
        "parameters": None,
        "device": None,
        "dtype": settings["dtype"],
        **versions("numpy", "torch", "timesfm", "safetensors"),
        "git_commit": git_commit(),
        "config_sha256": digest(dict(params)),
    }
    dataset, origins = (read_frame(path) for path in (snakemake.input.dataset, snakemake.input.origins))
    origins = origins[origins["train_end"] == train_end]
    # One forecast serves every target, a classifier knows one.
    targets = sorted(params.targets, key=lambda target: -target["horizon"])
    jobs = [targets] if settings["objective"] == "quantiles" else [[target] for target in targets]
    frames, curves, weights, not_run = [], [], {}, []
    try:
        about["weights"] = open_weights(snakemake.input.manifest)
    except NotRun as reason:
        logging.warning("not run: %s", reason)
        about["weights"] = "missing"
        not_run, jobs = [{**target, "reason": str(reason)} for target in targets], []
    inputs = [sha256(path) for path in (snakemake.input.dataset, snakemake.input.origins)]
    for served in jobs:
        import torch

        torch.set_num_threads(snakemake.threads)
        name = target_column(**served[0])
        (split,) = splits(origins, **served[0])
        checkpoint = checkpoint_of(snakemake.output.scores, name, about["config_sha256"], about["weights"], *inputs)
        try:
            task = Task(dataset, split, served[0], settings, params.labels)
            network, curve, model = fine_tune(task, Path(snakemake.input.manifest).parent, rate, seed, checkpoint)
        except NotRun as reason:
            logging.warning("%s: not run: %s", name, reason)
            not_run += [{**target, "reason": str(reason)} for target in served]
            continue
        about |= about_model(model)
        curves.append(pd.DataFrame(curve).assign(**served[0], seed=seed, lr=rate))
        weights |= {f"{name}.{key}": value.detach().cpu() for key, value in network.trained.items()}
        if settings["objective"] == "event":
            frames.append(event_scores(task, network, origins, served[0], seed))
        else:
            frame, not_run = quantile_scores(task, model, origins, served, params.labels, seed)
            frames.append(frame)
    about |= {
        "epochs": [epochs(curve, train_end, settings["max_epochs"]) for curve in curves],
        "seconds": time.perf_counter() - start,
    }
    curve = pd.concat(curves) if curves else pd.DataFrame(columns=["epoch"])
    write_training(snakemake.output, concat_scores(frames), about, not_run, curve, weights)
