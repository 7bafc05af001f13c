"""What the forecasts cost, from the benchmark files that Snakemake writes for every job."""

from pathlib import Path

import pandas as pd


def read_costs(folder, experiments, passes):
    """The cost of every job behind the forecasts of `experiments`.

    Parameters
    ----------
    folder : path of the benchmark files, `{rule}/{experiment}.tsv` or `{rule}/{experiment}/.../{job}.tsv`
    experiments : list of str
    passes : dict of experiment to str
        The name that stands in place of the experiment where several use one pass of a network.

    Returns
    -------
    list of dict
        `rule`; `of`, an experiment or the name of a shared pass; `cpu_seconds`, `wall_seconds`, and `memory_mb`, the
        largest resident memory. Jobs without a benchmark file, such as those of imported predictions, are left out.
    """
    wanted, jobs = {*experiments, *passes.values()}, []
    for path in sorted(Path(folder).glob("*/**/*.tsv")):
        rule, *rest = path.relative_to(folder).with_suffix("").parts
        if rest[0] in wanted:
            row = pd.read_csv(path, sep="\t", na_values="-").iloc[-1]
            measured = {"cpu_seconds": row["cpu_time"], "wall_seconds": row["s"], "memory_mb": row["max_rss"]}
            jobs.append({"rule": rule, "of": rest[0]} | {key: _or_none(value) for key, value in measured.items()})
    return jobs


def _or_none(value):
    """A job that ended before Snakemake looked has no figure."""
    return None if pd.isna(value) else float(value)


def by_rule(jobs):
    """The jobs of `read_costs` by rule: how many, the sums of seconds, and the largest memory; list of dict."""
    if not jobs:
        return []
    groups = pd.DataFrame(jobs).groupby("rule")
    table = groups.agg(
        jobs=("of", "size"),
        cpu_seconds=("cpu_seconds", lambda values: values.sum(min_count=1)),
        wall_seconds=("wall_seconds", lambda values: values.sum(min_count=1)),
        memory_mb=("memory_mb", "max"),
    )
    return table.sort_values("cpu_seconds", ascending=False).reset_index().to_dict("records")


def by_experiment(jobs, passes, forecasts):
    """The cost of each experiment that has forecasts, most expensive first.

    A pass that several experiments share is divided evenly among them, so that the sum over experiments counts it once.

    Parameters
    ----------
    jobs : list of dict, from `read_costs`
    passes : dict of experiment to the name of the pass that it uses
    forecasts : dict of experiment to how many forecasts it has

    Returns
    -------
    list of dict
        `experiment`, `forecasts`, `cpu_seconds`, `per_thousand`: CPU seconds for 1,000 forecasts, `memory_mb`, and
        `shared_with`, the other users of its pass. `cpu_seconds` is None for an experiment without a benchmark file.
    """
    seconds, memory = {}, {}
    for job in jobs:
        seconds[job["of"]] = seconds.get(job["of"], 0) + (job["cpu_seconds"] or 0)
        memory[job["of"]] = max(memory.get(job["of"], 0), job["memory_mb"] or 0)
    rows = []
    for name, count in forecasts.items():
        if not count:
            continue
        run = passes.get(name)
        users = [other for other in passes if run and passes[other] == run and forecasts.get(other)]
        measured = name in seconds or run in seconds
        total = seconds.get(name, 0) + (seconds.get(run, 0) / len(users) if users else 0) if measured else None
        rows.append(
            {
                "experiment": name,
                "forecasts": count,
                "cpu_seconds": total,
                "per_thousand": 1000 * total / count if measured else None,
                "memory_mb": max(memory.get(name, 0), memory.get(run, 0)) if measured else None,
                "shared_with": [other for other in users if other != name],
            }
        )
    return sorted(rows, key=lambda row: -(row["per_thousand"] or 0))
