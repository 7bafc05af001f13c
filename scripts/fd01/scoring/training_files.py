"""The files that one training writes: its scores, its learning curve, its weights."""

from pathlib import Path

from fd01.scoring.predictions import write_predictions
from fd01.workflow.files import replacing


def write_training(output, frame, provenance, not_run, curve, weights):
    """Write the three output files of a training, then remove its checkpoints.

    Parameters
    ----------
    output : the `output` of the job: paths `scores`, `curve` and `weights`
    frame, provenance, not_run : as for `fd01.scoring.predictions.write_predictions`
    curve : DataFrame, one row per epoch
    weights : dict of tensors
    """
    if weights:
        from safetensors.torch import save_file
    else:  # torch takes two seconds to import, and nothing was trained
        from safetensors.numpy import save_file

    with replacing(output.weights) as path:
        save_file(weights, path)
    with replacing(output.curve) as path:
        curve.to_csv(path, index=False)
    write_predictions(output.scores, frame, provenance, not_run)
    scores_path = Path(output.scores)
    for checkpoint in scores_path.parent.glob(f"{scores_path.stem}.*.checkpoint*"):
        checkpoint.unlink()
