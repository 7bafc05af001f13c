"""The files that one training writes: its scores, its learning curve, its weights."""

from pathlib import Path

from fd01.scoring.predictions import write_predictions
from fd01.workflow.files import replacing


def write_training(output, frame, provenance, not_run, curve, weights):
    """Write the three outputs of a training, `scores`, `curve` and `weights`, and remove its checkpoints.

    `weights` is a dict of tensors, `curve` a DataFrame; the rest as in
    `fd01.scoring.predictions.write_predictions`.
    """
    from safetensors.torch import save_file

    with replacing(output.weights) as path:
        save_file(weights, path)
    with replacing(output.curve) as path:
        curve.to_csv(path, index=False)
    write_predictions(output.scores, frame, provenance, not_run)
    scores_path = Path(output.scores)
    for checkpoint in scores_path.parent.glob(f"{scores_path.stem}.*.checkpoint*"):
        checkpoint.unlink()
