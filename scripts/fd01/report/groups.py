"""The groups of experiments that readers see, in words."""

from fd01.evaluation.evidence import HERE, TWIN
from fd01.study.systems import BASELINE

PRETRAINED, UNTRAINED, TRAINED, BASELINES = GROUPS = (
    "Pre-trained models",
    "The same networks without pre-training",
    "Networks trained on these prices",
    "Simple baselines",
)
_OF_LEVEL = {TWIN: UNTRAINED, HERE: TRAINED, BASELINE: BASELINES}


def group_of(evidence):
    """One of `GROUPS`, from the `evidence` of a scored experiment in `experiments.csv`."""
    return _OF_LEVEL.get(evidence, PRETRAINED)
