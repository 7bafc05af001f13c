"""Words for several experiments, models or verdicts at once."""

from fd01.evaluation.comparison import NO_VERDICT, VERDICTS
from fd01.study.systems import EXTERNAL


def listed(parts, last="and"):
    """Parts in a row, such as "a, b and c"."""
    *before, end = parts
    return f"{', '.join(before)} {last} {end}" if before else end


def counted(number_of, what):
    """A number of things, such as "1 day" and "1,200 days"."""
    return f"{number_of:,} {what}{'' if number_of == 1 else 's'}"


def by_model(study, experiments):
    """Experiments in few words: by its name if a model has one of them, else the model and their number."""
    names = {}
    for experiment in experiments:
        names.setdefault(study.model(experiment), []).append(experiment)
    return listed(
        [study.name(own[0]) if len(own) == 1 else f"{model} ({len(own)} ways)" for model, own in names.items()]
    )


def who_made(study, experiments):
    """`by_model`; of models whose forecasts were all made elsewhere, it says so."""
    here = [name for name in experiments if study.experiments[name]["system"] != EXTERNAL]
    models = {study.model(name) for name in experiments} - {study.model(name) for name in here}
    parts = [by_model(study, here)] if here else []
    return listed([*parts, *(f"forecasts of {model} that were made elsewhere" for model in sorted(models))])


def counted_verdicts(rows):
    """Verdicts in words, such as "1 worse, 2 inconclusive"."""
    verdicts = list(rows["verdict"])
    return ", ".join(f"{verdicts.count(one)} {one}" for one in [*VERDICTS, NO_VERDICT] if one in verdicts)


def per_period(rows, shown):
    """Verdicts in words, with the periods in which they were found."""
    titles = {}
    for period in shown:
        for verdict in rows.loc[rows["fold"] == period["fold"], "verdict"]:
            titles.setdefault(verdict, []).append(period["title"])
    return ", ".join(f"{verdict} in {listed(list(dict.fromkeys(where)))}" for verdict, where in titles.items())
