"""What a person sees of a run: Snakemake's log records, and three jobs of a real run."""

import csv
import logging
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from helpers.paths import ROOT
from snakemake_interface_logger_plugins.common import LogEvent

from fd01.workflow.progress import LONG_JOBS, Progress, _clock

SNAKEFILE = f"""
import sys
sys.path.insert(0, "{ROOT}/scripts")
from fd01.workflow.progress import show_progress
show_progress(workflow, "prices")

rule all:
    input: "end.txt"
    message: "Report: {{input}}"
rule show:
    input: "end.txt"
    shell: "echo The verdict."
rule train:
    output: "train/{{dataset}}/{{name}}/{{end}}/{{seed}}.txt"
    log: "logs/{{dataset}}/{{name}}/{{end}}/{{seed}}.log"
    shell: "touch {{output}}"
rule end:
    input: expand("train/prices/PTST/2014-12-31/{{seed}}.txt", seed=range(6))
    output: "end.txt"
    log: "logs/end.log"
    shell: "test ! -e broken && touch {{output}}"
"""


def record(event, created, **fields):
    content = {"msg": None, "levelno": logging.INFO, "event": event, "created": created}
    return logging.makeLogRecord(content | fields)


def start(jobid, rule, created, output=True, **wildcards):
    fields = {"jobid": jobid, "rule_name": rule, "wildcards": wildcards, "rule_msg": None}
    return record(LogEvent.JOB_INFO, created, **fields, output=[f"{jobid}.txt"] if output else [])


def end(jobid, created):
    return record(LogEvent.JOB_FINISHED, created, job_id=jobid)


def shown(jobs, *records):
    """The lines that records give, as a handler asks for them; `jobs`: benchmark file by id and rule."""
    planned = [
        SimpleNamespace(id=jobid, rule=SimpleNamespace(name=rule), output=rule != "show", benchmark=path)
        for (jobid, rule), path in jobs.items()
    ]
    dag = SimpleNamespace(needrun_jobs=lambda: planned, jobid=lambda job: job.id)
    progress = Progress(SimpleNamespace(dag=dag), "prices")
    records = [record(LogEvent.RUN_INFO, 100), *records]
    return [progress.format(one) for one in records if progress.filter(one)]


def times(lines):
    """The expected times in lines of jobs, None where a line has none."""
    found = [re.search(r" of about ([\d:]+)", line) for line in lines]
    return [one and one[1] for one in found]


def test_first_run_expects_other_jobs_to_take_as_long_as_those_that_have_ended():
    jobs = dict.fromkeys([*((n, "fast") for n in range(1, 5)), (5, "slow"), (6, "show")])
    lines = shown(
        *(jobs, start(1, "fast", 100, dataset="prices", n="1"), end(1, 120)),
        *(start(2, "fast", 120, dataset="other", name="A", lr="1e-4"), end(2, 140)),
        *(start(5, "slow", 140), end(5, 240), start(3, "fast", 240), end(3, 260)),
    )
    assert lines[0].startswith("5 jobs; ")
    assert lines[1:3] == [
        "[1/5] 0:20 of about 1:40  fast n 1 (20 s)",
        "[2/5] 0:40 of about 1:40  fast other A lr 1e-4 (20 s)",
    ]
    assert times(lines[3:]) == ["3:00", "3:00"]  # the others are as fast as those of their rule


def test_many_long_jobs_of_one_rule_say_nothing_of_other_rules():
    jobs = dict.fromkeys([(1, "fast"), (2, "short"), *((n, "slow") for n in range(3, 7)), (7, "later"), (8, "later")])
    first = (start(1, "fast", 100), end(1, 101), start(2, "short", 101), end(2, 103))
    slow = [one for n in range(4) for one in (start(3 + n, "slow", 103 + 60 * n), end(3 + n, 163 + 60 * n))]
    assert times(shown(jobs, *first, *slow))[-1] == _clock(3 + 4 * 60 + 2 * 2 + 3)  # later: as the rule in the middle


def test_job_that_failed_no_longer_counts_as_running():
    jobs = dict.fromkeys([(n, "fast") for n in range(1, 5)])
    fields = {"conda_env": None, "shellcmd": None, "aux": {}, "input": [], "output": [], "log": []}
    failed = record(LogEvent.JOB_ERROR, 101, jobid=1, rule_name="fast", **fields)
    started = [start(n, "fast", 100) for n in (1, 2)]
    lines = shown(jobs, *started, failed, end(2, 120), start(3, "fast", 120), end(3, 140))
    without = shown(jobs, started[1], end(2, 120), start(3, "fast", 120), end(3, 140))
    assert times(lines[-2:]) == times(without[-2:]) == ["1:20", "1:20"]


def test_later_run_expects_what_each_job_took_in_an_earlier_one(tmp_path):
    for name, text in {"a": "200\t", "b": "10\t", "c": "30\t", "killed": ""}.items():
        (tmp_path / name).write_text("s\th:m:s\n" + text)
    jobs = {(1, "slow"): "a", (2, "fast"): "b", (3, "fast"): "c", (4, "fast"): "killed", (5, "fast"): "none"}
    lines = shown(
        {job: tmp_path / name for job, name in jobs.items()},
        *(start(1, "slow", 100), start(2, "fast", 100), end(2, 110)),  # two at a time
        *(start(3, "fast", 110), end(3, 150), start(4, "fast", 150), end(1, 300), end(4, 310), start(5, "fast", 310)),
    )
    # 10 + (200 - 10 + 30 + 2 x 10) / 2, 50 + (200 - 50 + 2 x 25) / 2, 200 + 25 / 2, 210 + 40 / 2; rounded up.
    assert times(lines[1:]) == ["2:10", "2:30", "3:40", "4:00"]


def test_long_jobs_of_a_default_run_are_known_before_they_ran():
    with LONG_JOBS.open(newline="") as file:
        known = {row["benchmark"]: float(row["seconds"]) for row in csv.DictReader(file)}
    name, seconds = max(known.items(), key=lambda row: row[1])
    jobs = {(1, "fast"): None, (2, "slow"): f"results/prices/benchmarks/{name}"}
    assert times(shown(jobs, start(1, "fast", 100), end(1, 110))[1:]) == [_clock(10 + seconds + -seconds % 10)]


def test_what_prints_has_no_line_and_errors_keep_theirs():
    words = record(None, 100, msg="Complete log(s): a")
    failed = {
        "rule_name": "fast",
        "rule_msg": "gone",
        "jobid": 1,
        "log": ["a.log"],
        "conda_env": None,
        "shellcmd": None,
    }
    files = {"input": [f"{n}.txt" for n in range(9)], "output": ["o.txt"], "aux": {}, "msg": "it failed"}
    error = record(LogEvent.JOB_ERROR, 100, **failed | files, levelno=logging.ERROR)
    assert shown({(1, "show"): None}, start(1, "show", 100, output=False), end(1, 101), words) == [""]
    _, found, last = shown({}, error, words)
    assert last == "Complete log(s): a"
    for part in (
        "Error in rule fast:",
        "message: gone",
        "input: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt, and 4 more",
        "a.log",
    ):
        assert part in found


def test_end_of_a_job_that_nobody_saw_start_is_no_error():
    assert shown({}, end(1, 100)) == [""]


@pytest.fixture
def snakemake(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)

    def run(*arguments):
        command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
        done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout

    return run


def test_real_run_has_a_line_for_each_job_and_the_verdict_last(snakemake, tmp_path):
    status, text = snakemake("show")
    lines = text.splitlines()
    first = next(line for line in lines if line.startswith("7 jobs; "))
    assert status == 0 and lines[-1] == "The verdict." and "Complete log" not in text and "input:" not in text
    jobs = lines[lines.index(first) + 1 : -1]
    assert len(jobs) == 7 and re.fullmatch(r"\[7/7\] \d+:\d\d  end \(\d+ s\)", jobs[-1])
    seen = {match[1] for job in jobs if (match := re.search(r"\] \d+:\d\d of about \d+:\d\d  (.*) \(\d+ s\)$", job))}
    assert seen == {f"train PTST 2014-12-31 seed {n}" for n in range(6)}
    log = (tmp_path / first.split()[-1]).read_text()
    assert "input: train/prices/PTST/2014-12-31/0.txt, " in log and "reason: Missing output files" in log

    assert snakemake("show")[1].splitlines()[-1] == "The verdict."
    assert "Nothing to be done" in snakemake()[1]
    (tmp_path / "end.txt").unlink()
    assert snakemake()[1].splitlines()[-1] == "Report: end.txt"
    assert "localrule end:" in snakemake("--forcerun", "end", "--verbose")[1]


def test_real_error_names_rule_log_and_command(snakemake, tmp_path):
    (tmp_path / "broken").touch()
    status, text = snakemake("show")
    assert status == 1 and "The verdict" not in text
    for part in (
        "Error in rule end:",
        "log: logs/end.log (check",
        "test ! -e broken",
        "and 1 more",
        "Complete log(s): ",
    ):
        assert part in text
