"""The systems: one table with everything that the rest of the project must know of each.

A system is a kind of model; an experiment is a system with settings. docs/how-to/add-a-model.md tells how to add one.
"""

from dataclasses import dataclass

# What the rule of a system stores. Other rules make the scores from it.
DECILES, STUDENT_T = "deciles", "Student-t parameters"  # two forms of a predictive distribution
STATES = "hidden states"  # on which a probe is fitted
TRAINED = "the scores of each training"  # one job per train end and seed; a rule gathers them
SCORES = "scores"  # the finished predictions
DISTRIBUTIONS = (DECILES, STUDENT_T)


@dataclass(frozen=True)
class System:
    """A kind of model.

    Attributes
    ----------
    rule : str
        The rule that runs or fits the model.
    environment : str
        The conda environment of that rule, `envs/{environment}.yaml`.
    stores : str
        What that rule stores, one of the names above.
    weights : str or None
        The entry of `weights/models` that its pre-trained experiments need; None if they need none.
    in_question : bool
        Whether the question of FD-01 names this model.
    gpu : bool
        Whether the model runs on a GPU where there is one.
    long_context : bool
        Whether the context may be longer than `origins/min_history`. On the first days TimesFM then gets a shorter
        window, and Lag-Llama leaves the day out.
    input : str or None
        The input series that it forecasts (`fd01.data.inputs`), for a system whose settings do not name one.
    model : str or None
        The network in words, which several systems may share; None where the name of the system says it.
    """

    rule: str
    environment: str
    stores: str
    weights: str | None = None
    in_question: bool = False
    gpu: bool = False
    long_context: bool = False
    input: str | None = None
    model: str | None = None


BASELINE = "baseline"
EXTERNAL = "external"  # forecasts that were made elsewhere: no model runs
EACH = "each"  # one fit per series, not one for all
ALWAYS_EACH = ("prevalence", "gjr-garch-t")  # baselines of which no other fit is possible
FORMS = ("point", "quantiles", "samples", "probability")  # of these forecasts; the settings name one
_IN_QUESTION = {"in_question": True, "gpu": True, "long_context": True}
_TIMESFM = _IN_QUESTION | {"environment": "timesfm", "weights": "timesfm", "model": "TimesFM 2.5"}
_LAG_LLAMA = _IN_QUESTION | {"environment": "lag-llama", "weights": "lag-llama", "model": "Lag-Llama"}

SYSTEMS = {
    BASELINE: System("run_baseline", "analysis", SCORES),
    "patchtst": System("train_patchtst", "patchtst", TRAINED, gpu=True, model="PatchTST"),
    "timesfm": System("forecast_timesfm", stores=DECILES, **_TIMESFM),
    "timesfm-probe": System("encode_timesfm", stores=STATES, **_TIMESFM),
    "timesfm-finetuned": System("finetune_timesfm", stores=TRAINED, **_TIMESFM),
    "lag-llama": System("run_lag_llama", stores=STUDENT_T, **_LAG_LLAMA),
    "lag-llama-probe": System("run_lag_llama", stores=STATES, **_LAG_LLAMA),
    "lag-llama-trained": System("train_lag_llama", stores=TRAINED, **_LAG_LLAMA),
    "fracast": System("forecast_fracast", "fracast", DECILES, input="high-price", model="Fracast-0"),
    EXTERNAL: System("score_external", "analysis", SCORES),
}


def input_of(entry):
    """The input series that an experiment forecasts, or None; `entry` is its entry in the configuration."""
    return entry["settings"].get("input", SYSTEMS[entry["system"]].input)


def fits_each(entry):
    """Whether what an experiment fits is fitted to each series alone; `entry` as in `input_of`."""
    return entry.get("fit") == EACH or entry["settings"].get("method") in ALWAYS_EACH


def needed_weights(entry):
    """The entry of `weights/models` without which an experiment does not run, or None; `entry` as in `input_of`."""
    pretrained = entry["settings"].get("weights", "pretrained") == "pretrained"
    return SYSTEMS[entry["system"]].weights if pretrained or entry.get("needs_weights") else None


def twins_of(experiments):
    """Twin by name of experiment, for every one of `experiments`, that section of the configuration, that has one."""
    named = {name: entry.get("twin", f"{name}-untrained") for name, entry in experiments.items()}
    return {name: twin for name, twin in named.items() if twin in experiments}


def decision_of(config, dataset):
    """The section `decision` of a checked configuration, with the reference of a dataset."""
    return config["decision"] | {"reference": config["datasets"][dataset]["reference"]}


def cut_off(config):
    """The last month of the training data of all primary experiments, such as "2023-11".

    It is the latest month that `weights/models` gives for one of their models; None if no month is known.
    """
    models = {needed_weights(config["experiments"][name]) for name in config["decision"]["primary"]} - {None}
    ends = {config["weights"]["models"][model]["trained_until"] for model in models}
    return max(ends - {"unknown"}, default=None)
