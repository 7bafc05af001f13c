"""What a person sees of a run: a line for each finished job, in place of Snakemake's ten and its lists of inputs."""

import csv
import logging
import math
import os
import re
from contextlib import suppress
from pathlib import Path
from statistics import median

from snakemake.logging import DefaultFormatter, get_event, logger
from snakemake_interface_logger_plugins.common import LogEvent

LONG_JOBS = Path(__file__).resolve().parents[3] / "resources" / "seconds.csv"  # of a default run, by benchmark file
HIDDEN_EVENTS = {
    *(LogEvent.WORKFLOW_STARTED, LogEvent.RESOURCES_INFO, LogEvent.JOB_INFO, LogEvent.GROUP_INFO),
    *(LogEvent.JOB_STARTED, LogEvent.PROGRESS),
}
NUMBER = re.compile(r"[\d.]+(e-?\d+)?")
HIDDEN_WORDS = ("Using shell", "Group jobs: inactive", "Conda environments: ignored", "Select jobs to execute")
LAST_WORDS = ("Complete log(s)", "Elapsed time")  # not below the verdict
FILES_OF_AN_ERROR = 5


def show_progress(workflow, dataset):
    """Let Snakemake print a line for each finished job of the run that `workflow` starts.

    Snakemake's own output stays with `--dry-run`, `--verbose`, `--quiet` or `--logger`, in the processes of jobs, and
    in the log file of the run. A logger plugin would do the same, but has to be installed wherever Snakemake is, and a
    profile that names one stops a Snakemake without it.
    """
    settings = workflow.output_settings
    if not workflow.is_main_process or settings.dryrun or settings.verbose or settings.quiet:
        return
    for handler in logger.handlers:
        if handler.name == "DefaultStreamHandler":
            progress = Progress(workflow, dataset, settings.show_failed_logs)
            handler.addFilter(progress)
            handler.setFormatter(progress)


class Progress(DefaultFormatter):
    """A filter and a formatter of Snakemake's log records.

    Jobs without output, such as `show` and `all`, are not counted: in place of a line there is their message, if they
    have one, so that what they print comes last.
    """

    def __init__(self, workflow, dataset, show_failed_logs=False):
        super().__init__(show_failed_logs=show_failed_logs)
        self.workflow, self.dataset = workflow, dataset
        self.left, self.running, self.seconds = {}, {}, {}  # by id of the job, twice; by rule
        self.started = self.total = 0
        self.failed = False

    def filter(self, record):
        """Whether a record is shown; also takes down what it says."""
        event = get_event(record)
        if event == LogEvent.JOB_INFO:
            self.running[record.jobid] = record
        elif event == LogEvent.JOB_FINISHED:
            job = self.running.get(record.job_id)
            return job is not None and bool(job.output or job.rule_msg)
        elif event == LogEvent.JOB_ERROR:
            self.running.pop(record.jobid, None)
        self.failed |= record.levelno >= logging.ERROR
        words = HIDDEN_WORDS if self.failed else HIDDEN_WORDS + LAST_WORDS
        return event not in HIDDEN_EVENTS and not (event is None and str(record.msg).startswith(words))

    def format_run_info(self, msg):
        """The line before the first job."""
        dag = self.workflow.dag
        jobs = [job for job in dag.needrun_jobs() if job.output]
        with LONG_JOBS.open(encoding="utf-8", newline="") as file:
            default_run = {row["benchmark"]: float(row["seconds"]) for row in csv.DictReader(file)}
        self.left = {dag.jobid(job): (job.rule.name, _earlier(job.benchmark, default_run)) for job in jobs}
        self.total, self.started = len(jobs), msg["created"]
        logs = [os.path.relpath(one.baseFilename) for one in logger.handlers if isinstance(one, logging.FileHandler)]
        return f"{self.total} jobs; their inputs, and why they run: {' '.join(logs)}" if jobs else ""

    def format_job_finished(self, msg):
        """The line of a finished job."""
        job, now = self.running.pop(msg["job_id"]), msg["created"]
        if not job.output:
            return job.rule_msg
        seconds, elapsed = now - job.created, now - self.started
        self.seconds.setdefault(job.rule_name, []).append(seconds)
        del self.left[msg["job_id"]]
        about = f" of about {_clock(math.ceil(self._expected(now) / 10) * 10)}" if self.left else ""
        count = f"{self.total - len(self.left):{len(str(self.total))}}/{self.total}"
        return f"[{count}] {_clock(elapsed)}{about}  {self._name(job)} ({seconds:.0f} s)"

    def _expected(self, now):
        """Seconds that the whole run takes, if as many jobs run at a time as up to `now`.

        A job takes as long as in an earlier run, or as one that is long in a default run does there; any other takes
        the median of its rule so far, or that of the rules: the first jobs to end are the longest ones.
        """
        ended = [seconds for jobs in self.seconds.values() for seconds in jobs]
        of_rule = {rule: median(jobs) for rule, jobs in self.seconds.items()}
        of_rules = median(of_rule.values())
        usual = {jobid: earlier or of_rule.get(rule, of_rules) for jobid, (rule, earlier) in self.left.items()}
        so_far = {jobid: now - job.created for jobid, job in self.running.items() if jobid in usual}
        work_left = sum(usual.values()) - sum(min(seconds, usual[jobid]) for jobid, seconds in so_far.items())
        elapsed, work_done = now - self.started, sum(ended) + sum(so_far.values())
        return elapsed + work_left * elapsed / (work_done or 1)

    def _name(self, job):
        """A job by its rule and its wildcards; a number stands behind the name of its wildcard."""
        words = [job.rule_name]
        for name, value in job.wildcards.items():
            if value != self.dataset:
                value = value.removeprefix(f"{self.dataset}/")
                words += [name, value] if NUMBER.fullmatch(value) else [value]
        return " ".join(words)

    def format_job_error(self, msg):
        """As Snakemake's, without long lists of files."""
        return super().format_job_error(msg | {key: _first(msg[key]) for key in ("input", "output")})


def _earlier(benchmark, default_run):
    """Seconds of a job in an earlier run, from its benchmark file; else those in `default_run`, or None."""
    with suppress(OSError, IndexError, ValueError):  # there is none, or the run was killed while it wrote
        return float(Path(benchmark or "").read_text().splitlines()[1].split("\t")[0])
    return default_run.get(str(benchmark).partition("/benchmarks/")[2])


def _first(files):
    more = len(files) - FILES_OF_AN_ERROR
    return [*files[:FILES_OF_AN_ERROR], f"and {more} more"] if more > 0 else files


def _clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
