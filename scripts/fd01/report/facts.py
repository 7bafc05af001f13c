"""What the first page of the report follows from: what is asked, and what was measured."""

from dataclasses import dataclass, field

import pandas as pd

from fd01.data.origins import EVALUATION
from fd01.evaluation.alignment import is_accusation
from fd01.evaluation.comparison import NO_VERDICT
from fd01.evaluation.evidence import PRETRAINED as PRETRAINED_LEVELS
from fd01.evaluation.exposure import last_day
from fd01.evaluation.protocol import ORIGINAL_TARGET, ORIGINAL_THRESHOLD
from fd01.report.groups import group_of
from fd01.study.names import display_name, model_of
from fd01.study.systems import SYSTEMS

NOT_RUN = "not run"


@dataclass(frozen=True)
class Study:
    """What is asked, from the configuration.

    Attributes
    ----------
    dataset : str
    experiments, decision, statistics, labels : dict, these sections
    target : dict with `target` and `horizon`, the first of the section `targets`
    titles : dict of dataset to its title
    cut_off : str or None
        The month after which days are clean, from `fd01.study.systems.cut_off`.
    """

    dataset: str
    experiments: dict
    decision: dict
    statistics: dict
    labels: dict
    target: dict
    titles: dict
    cut_off: str | None

    def name(self, experiment):
        """An experiment in words."""
        return display_name(experiment, self.experiments[experiment])

    def label(self, experiment):
        """An experiment in words, as figures have room for: without its own name, but for a model of the question."""
        in_full = self.in_question(experiment) or "name" not in self.experiments[experiment]
        return self.name(experiment) if in_full else self.experiments[experiment]["name"]

    def model(self, experiment):
        """The network of an experiment in words."""
        return model_of(experiment, self.experiments)

    @property
    def reference(self):
        """The network of the reference in words."""
        return self.model(self.decision["reference"])

    def in_question(self, experiment):
        """Whether an experiment has pre-trained weights of a model that the question names, or stands for one."""
        entry = self.experiments[experiment]
        if "stands_for" in entry:
            return self.in_question(entry["stands_for"])
        return SYSTEMS[entry["system"]].in_question and entry["settings"].get("weights") == "pretrained"

    @property
    def models(self):
        """The models of the question in words, those of the primary experiments first."""
        names = [*self.decision["primary"], *self.experiments]
        return list(dict.fromkeys(self.model(name) for name in names if self.in_question(name)))

    @property
    def of_question(self):
        """Whether the dataset is the one of the question."""
        return self.dataset == self.decision["dataset"]

    @property
    def event_of_question(self):
        """Whether the event is the one of the question."""
        return self.target == ORIGINAL_TARGET and self.labels["threshold"] == ORIGINAL_THRESHOLD


@dataclass(frozen=True)
class Results:
    """What was measured: `verdict.json`, `dataset.json`, and tables of `metrics/` by their names, as DataFrames.

    Attributes
    ----------
    outcomes : DataFrame, the table `outcomes.parquet`
    checks : dict of experiment to its health checks
    audit : DataFrame or None, the table of the leakage audit
    outdated : list of str
        Experiments whose predictions changed after the audit.
    """

    verdict: dict
    description: dict
    metrics: pd.DataFrame
    experiments: pd.DataFrame
    comparisons: pd.DataFrame
    power: pd.DataFrame
    labels: pd.DataFrame
    ledger: pd.DataFrame
    alignment: pd.DataFrame
    outcomes: pd.DataFrame
    checks: dict
    audit: pd.DataFrame | None = None
    outdated: list = field(default_factory=list)

    @property
    def pretrained(self):
        """Experiments with a score whose model is pre-trained or made its forecasts elsewhere."""
        scored = self.experiments["status"] != NOT_RUN
        return list(self.experiments.loc[scored & self.experiments["evidence"].isin(PRETRAINED_LEVELS), "experiment"])

    @property
    def judged(self):
        """The comparisons; a pair that cannot be judged has the verdict `NO_VERDICT`, and no interval."""
        rows = self.comparisons.dropna(subset="auc_difference")
        silent = rows["reason"].notna()
        intervals = rows[["adjusted_low", "adjusted_high"]].mask(silent)
        return rows.assign(**intervals, verdict=rows["verdict"].mask(silent, NO_VERDICT))

    def optimistic(self, experiment):
        """Whether the training of an experiment was stopped on an evaluation block."""
        return bool(self.experiments.set_index("experiment")["optimistic"].eq(True).get(experiment, False))

    def group(self, experiment):
        """The group of a scored experiment, one of `fd01.report.groups.GROUPS`."""
        return group_of(self.experiments.set_index("experiment")["evidence"][experiment])

    def has_clean_days(self, cut_off):
        """Whether any evaluation day lies after a month, whether or not its outcome is sealed or known."""
        days = self.outcomes.loc[self.outcomes["role"] == EVALUATION, "origin"]
        return bool((days > last_day(cut_off or "unknown")).any())

    @property
    def off_their_day(self):
        """Experiments with a forecast that is late or knows the future."""
        return set(self.alignment.loc[self.alignment["verdict"].map(is_accusation), "experiment"])
