"""Conversion of the published Lightning checkpoint of Lag-Llama to safetensors and JSON.

The checkpoint is a pickle, which can run code when it is read. It is read here and nowhere else, without running any.
"""

from pathlib import Path

from fd01.workflow.errors import UserError
from fd01.workflow.files import replacing, write_json

WEIGHTS, ARCHITECTURE = "model.safetensors", "architecture.json"
# The two classes that the published file names.
STUBS = ("gluonts.torch.distributions.studentT.StudentTOutput", "gluonts.torch.modules.loss.NegativeLogLikelihood")


def convert(checkpoint, folder):
    """Write the weights of a published checkpoint into `folder`, and its architecture as JSON.

    Only tensors and plain values are read. Empty classes stand in for the two that the published file names.

    Parameters
    ----------
    checkpoint, folder : paths

    Returns
    -------
    list of the two file names

    Raises
    ------
    UserError
        If the file names any other class or function, or lacks the parts of a Lag-Llama checkpoint.
    """
    import torch
    from safetensors.torch import save_file

    try:
        others = set(torch.serialization.get_unsafe_globals_in_checkpoint(checkpoint)) - set(STUBS)
    except Exception as error:  # torch raises many types, depending on the damage
        raise UserError(f"{checkpoint} is not a Lag-Llama checkpoint: {error}") from None
    if others:
        raise UserError(f"{checkpoint} is refused: a Lag-Llama checkpoint does not name {', '.join(sorted(others))}")
    stubs = [(type(name.rpartition(".")[2], (), {}), name) for name in STUBS]
    try:
        with torch.serialization.safe_globals(stubs):
            content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types, depending on the damage
        said = str(error).partition("\n")[0]
        raise UserError(f"{checkpoint} is not a Lag-Llama checkpoint: {said}") from None
    try:
        state, architecture = content["state_dict"], dict(content["hyper_parameters"]["model_kwargs"])
        weights = {name.removeprefix("model."): value.contiguous() for name, value in state.items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UserError(f"{checkpoint} has no state_dict and hyper_parameters/model_kwargs of Lag-Llama") from None
    if type(architecture.pop("distr_output", None)).__name__ != "StudentTOutput":
        raise UserError(f"{checkpoint} does not forecast a Student-t distribution")
    architecture.pop("num_parallel_samples", None)
    with replacing(Path(folder, WEIGHTS)) as path:
        save_file(weights, path)
    write_json(Path(folder, ARCHITECTURE), architecture)
    return [WEIGHTS, ARCHITECTURE]
