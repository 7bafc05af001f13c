"""The second figure of the first page: how well days are ranked by the event, and by the direction of the price."""

import numpy as np
import pandas as pd
from scipy.special import ndtri

from fd01.evaluation.evidence import doubts


def direction(study, results, shown):
    """The best AUC on the event and on true direction in each period, and what guessing gives the best of k scores.

    The band of guessing holds whatever the scores have in common. Its lower end is that of one score, which the best of
    k equal scores has. Its upper end is the 97.5 % quantile of the best of k independent scores, with the k-th root of
    the probability (Sidak 1967): scores that resemble each other stay below it more often.
    """
    if study.target["target"] == "direction":
        return []
    scored, found, doubted = results.labels.dropna(subset="auc"), [], doubts(results.experiments)
    scored = scored[scored["horizon"] == study.target["horizon"]]
    sized = np.isclose(scored["threshold"], study.labels["threshold"]) | scored["threshold"].isna()

    def named(experiment):
        return ", ".join(filter(None, [study.label(experiment), doubted.get(experiment)]))

    for period in shown:
        here = scored[sized & (scored["fold"] == period["fold"])]
        blind, event = (here[here["target"] == name] for name in ("direction", study.target["target"]))
        if blind.empty:
            continue
        tried, chance = len(blind), blind["chance"].iloc[0]
        factor = ndtri(0.975 ** (1 / tried)) / ndtri(0.975)
        best, of_event = (rows.loc[rows["auc"].idxmax()] if len(rows) else None for rows in (blind, event))
        found.append(
            {
                "fold": period["fold"],
                "title": period["title"],
                "event_auc": None if of_event is None else float(of_event["auc"]),
                "event_experiment": None if of_event is None else of_event["experiment"],
                "event_name": None if of_event is None else named(of_event["experiment"]),
                "direction_auc": float(best["auc"]),
                "direction_experiment": best["experiment"],
                "direction_name": named(best["experiment"]),
                "tried": tried,
                "chance_low": None if pd.isna(chance) else float(0.5 - chance),
                "chance_high": None if pd.isna(chance) else float(0.5 + chance * factor),
            }
        )
    return found
