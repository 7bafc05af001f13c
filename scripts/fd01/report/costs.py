"""What a run cost, from the benchmark files that Snakemake writes for every job, and from the logs of the jobs."""

from pathlib import Path

import pandas as pd

from fd01.workflow.logs import usage


def read_costs(folder, jobs, rules):
    """The cost of every job of the present configuration, those that earlier ones have left here not counted.

    Parameters
    ----------
    folder : path of the benchmark files: `{rule}.tsv` of a job for the whole dataset, or `{rule}/{job}.tsv`
        The folder `logs` beside it has a log for each.
    jobs : collection of str
        What the present configuration runs: an experiment, its trainings `{experiment}/{train_end}/.../seed-{seed}`, a
        shared pass of a network, a figure; `{rule}/{job}` where other rules have jobs of the same name that do not run.
    rules : collection of str
        Of the rules with one job for the whole dataset, those that the report rests on.

    Returns
    -------
    list of dict
        `rule`; `job`, empty for the whole dataset; `of`, the first part of `job`; `wall_seconds`; `cpu_seconds` and
        `memory_mb`, as `fd01.workflow.logs.usage` gives them: where the log does not tell the memory, what Snakemake
        has seen. Jobs without a benchmark file, such as those of imported predictions, are left out.
    """
    found = []
    logs = Path(folder).with_name("logs")
    for path in sorted(Path(folder).rglob("*.tsv")):
        name = path.relative_to(folder)
        rule, *parts = name.with_suffix("").parts
        job = "/".join(parts)
        counts = not jobs.isdisjoint([job, f"{rule}/{job}"]) if job else rule in rules
        if counts:
            row = pd.read_csv(path, sep="\t", na_values="-").iloc[-1]
            used = usage(logs / name.with_suffix(".log"))
            if used["memory_mb"] is None and pd.notna(row["max_rss"]):
                used["memory_mb"] = float(row["max_rss"])
            named = {"rule": rule, "job": job, "of": job.partition("/")[0]}
            found.append(named | {"wall_seconds": float(row["s"])} | used)
    return found


def by_rule(jobs):
    """The jobs of `read_costs` by rule, most expensive first.

    Returns
    -------
    DataFrame
        `rule`; `jobs`, how many; `cpu_seconds` and `wall_seconds`, their sums, NaN if a job was not measured;
        `memory_mb`, the largest.
    """
    groups = pd.DataFrame(jobs, columns=["rule", "job", "cpu_seconds", "wall_seconds", "memory_mb"]).groupby("rule")
    table = groups.agg(
        jobs=("job", "size"),
        cpu_seconds=("cpu_seconds", lambda values: values.astype(float).sum(skipna=False)),
        wall_seconds=("wall_seconds", "sum"),
        memory_mb=("memory_mb", "max"),
    )
    return table.sort_values("cpu_seconds", ascending=False).reset_index()


def in_all(jobs):
    """What the jobs of `read_costs` cost together; None without a job.

    Returns
    -------
    dict
        `jobs`, how many; `cpu_seconds`, their sum; `unmeasured`, how many are not in that sum; `longest` and `largest`,
        the jobs that took the most seconds on the clock and the most memory.
    """
    if not jobs:
        return None
    return {
        "jobs": len(jobs),
        "cpu_seconds": sum(job["cpu_seconds"] or 0 for job in jobs),
        "unmeasured": sum(job["cpu_seconds"] is None for job in jobs),
        "longest": max(jobs, key=lambda job: job["wall_seconds"]),
        "largest": max(jobs, key=lambda job: job["memory_mb"] or 0),
    }


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
        `shared_with`, the other users of its pass. `cpu_seconds` is None if a job of the experiment was not measured,
        or if it has none here.
    """
    parts = {}
    for job in jobs:
        parts.setdefault(job["of"], []).append(job)
    rows = []
    for name, count in forecasts.items():
        if not count:
            continue
        run = passes.get(name)
        users = [other for other in passes if run and passes[other] == run and forecasts.get(other)]
        own, shared = parts.get(name, []), parts.get(run, [])
        shares = [(job["cpu_seconds"], 1) for job in own] + [(job["cpu_seconds"], len(users)) for job in shared]
        measured = bool(shares) and all(seconds is not None for seconds, _ in shares)
        total = sum(seconds / among for seconds, among in shares) if measured else None
        memory = [job["memory_mb"] for job in own + shared if job["memory_mb"] is not None]
        rows.append(
            {
                "experiment": name,
                "forecasts": count,
                "cpu_seconds": total,
                "per_thousand": 1000 * total / count if measured else None,
                "memory_mb": max(memory, default=None),
                "shared_with": [other for other in users if other != name],
            }
        )
    return sorted(rows, key=lambda row: -(row["per_thousand"] or 0))
