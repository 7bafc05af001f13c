"""What the scores of an experiment rest on, and whether its weights have proved to be the published ones."""

from fd01.models.known_answers import MISSING, REFUSED, UNVERIFIED, VERIFIED
from fd01.study.systems import BASELINE, SYSTEMS, TRAINED

OF_STATUS = {VERIFIED: "pre-trained, verified by known answers", UNVERIFIED: "pre-trained, unverified"}
NOT_VERIFIED = "pre-trained, not verified"
ELSEWHERE = "made elsewhere"
TWIN = "untrained twin"
HERE = "trained here"
PRETRAINED = {*OF_STATUS.values(), NOT_VERIFIED, ELSEWHERE}
# What a reader must see wherever such an experiment is shown, and what it says of the experiment.
LABELS = {OF_STATUS[UNVERIFIED]: "unverified", NOT_VERIFIED: "not verified", ELSEWHERE: "made elsewhere"}
MEANINGS = {
    "unverified": "the weights load, but do not give every published answer",
    "not verified": "no published answers of the weights were compared",
    "made elsewhere": "the forecasts come from a file; the model did not run here",
}


def evidence(provenance, system):
    """The level of evidence of an experiment, for `experiments.csv`.

    Parameters
    ----------
    provenance : dict, the metadata of its first fold
    system : str, as in `fd01.study.systems`

    Returns
    -------
    str, or None where there were no weights, or no file of forecasts
    """
    weights = provenance["weights"]
    if "external" in provenance:
        return ELSEWHERE if "days" in provenance["external"] else None
    if isinstance(weights, dict):
        # Predictions from archives that are older than the check say nothing of it.
        return OF_STATUS.get(weights.get("known_answers", {}).get("status"), NOT_VERIFIED)
    if weights in (MISSING, REFUSED):
        return None
    if system == BASELINE:
        return BASELINE
    return HERE if SYSTEMS[system].stores == TRAINED else TWIN


def by_label(doubts):
    """Triples of a label, its meaning, and the experiments of `doubts` that have it; labels without any are left out.

    >>> list(by_label({"TFM-01": "unverified"}))
    [('unverified', 'the weights load, but do not give every published answer', ['TFM-01'])]
    """
    for label, meaning in MEANINGS.items():
        if names := [name for name in doubts if doubts[name] == label]:
            yield label, meaning, names


def doubts(experiments):
    """The label, one of `LABELS`, of every experiment that has one; `experiments` is the table `experiments.csv`."""
    labels = experiments.set_index("experiment")["evidence"].map(LABELS).dropna()
    return labels.to_dict()
