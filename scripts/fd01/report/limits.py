"""What limits the answer, and what to do next."""

from fd01.evaluation.blocks import AFTER_CUTOFF
from fd01.report.not_run import WEIGHTS
from fd01.report.words import by_model, counted, listed
from fd01.study.folds import is_walk_forward
from fd01.study.systems import EXTERNAL


def limitations(study, results, shown):
    """What limits the answer, in sentences that follow from the run."""
    found, sealed = [], results.verdict["sealed"]
    if sealed["folds"] or sealed["left_out"]:
        found.append(f"Not looked at: {listed(list(dict.fromkeys([*sealed['folds'], *sealed['left_out']])))}.")
    if shown and not results.has_clean_days(study.cut_off):
        end = f" (the models of the question: {study.cut_off})" if study.cut_off else ""
        found.append(
            f"No day lies after the end of what pre-trained models were trained on{end}: they may have seen the days "
            "that they are judged on."
        )
    elsewhere = [name for name in results.pretrained if study.experiments[name]["system"] == EXTERNAL]
    if elsewhere:
        found.append(f"Made elsewhere: {by_model(study, elsewhere)}; how, only their makers know.")
    points = [name for name in elsewhere if "point" in study.experiments[name]["settings"]]
    if points and study.target["target"] != "direction":
        found.append(
            "A forecast of one number ranks days by the return that it expects, not by how wide the day may be."
        )
    blocks = [period for period in shown if period["fold"] != AFTER_CUTOFF]
    events = sum(period["positives"] for period in blocks)
    ahead, spans = counted(study.target["horizon"], "day"), counted(len(blocks), "period")
    series = max((period["series"] for period in blocks), default=1)
    prices = "One series of prices" if series == 1 else f"{series:,} series of prices that may move together"
    found.append(f"{prices}, {ahead} ahead, {counted(events, 'day')} with the event in {spans}.")
    return found


def next_command(study, results, absent):
    """The next command to type, and what it does; `absent` as `causes` returns it."""
    verdict, config = results.verdict, f"--config dataset={study.dataset}"
    if verdict["without_weights"]:
        waiting = [group for group in absent if group["cause"] == WEIGHTS]
        count = counted(sum(len(group["experiments"]) for group in waiting), "experiment")
        text = f"tries to fetch the weights; the next run then adds {count}, untrained twins included"
        return {"command": "snakemake weights", "text": text}
    if verdict["refused_weights"]:
        text = "says which published answers the refused weights do not give, and what to do"
        return {"command": "snakemake weights", "text": text}
    if verdict["sealed"]["folds"]:
        text = "prints the digest of your analysis plan; once it is fixed in the configuration, the sealed days open"
        return {"command": f"snakemake digests {config}", "text": text}
    if results.audit is None or results.outdated:
        text = "changes the prices after one day and checks that no earlier number moves; it takes as long as the run"
        return {"command": f"snakemake audit {config}", "text": text}
    if not study.of_question:
        text = "asks the same of the prices of the question, if you have their file"
        return {"command": f"snakemake --config dataset={study.decision['dataset']}", "text": text}
    if not results.outcomes["fold"].map(is_walk_forward).any():
        text = "asks the same on block after block through history; it takes hours"
        return {"command": f"snakemake {config} walk_forward=True", "text": text}
    return {"command": f"snakemake explore {config}", "text": "makes a notebook with a closer look at these results"}
