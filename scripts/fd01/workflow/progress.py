"""What a person sees of a run: a line for each finished job, in place of Snakemake's ten and its lists of inputs."""

import logging
import math
import os
from collections import Counter
from contextlib import suppress
from pathlib import Path
from statistics import mean

from snakemake.logging import DefaultFormatter, get_event, logger
from snakemake_interface_logger_plugins.common import LogEvent

HIDDEN_EVENTS = {
    *(LogEvent.WORKFLOW_STARTED, LogEvent.RESOURCES_INFO, LogEvent.JOB_INFO, LogEvent.GROUP_INFO),
    *(LogEvent.JOB_STARTED, LogEvent.PROGRESS),
}
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

    Jobs whose rules have no output, such as `show` and `all`, are not counted: in place of a line there is their
    message, if they have one, so that what they print comes last.
    """

    def __init__(self, workflow, dataset, show_failed_logs=False):
        super().__init__(show_failed_logs=show_failed_logs)
        self.workflow, self.dataset = workflow, dataset
        self.running, self.seconds, self.left = {}, {}, Counter()  # by id of the job; by rule; by rule
        self.started = self.total = self.done = 0
        self.failed = False

    def filter(self, record):
        """Whether a record is shown; also takes down what it says."""
        event = get_event(record)
        if event == LogEvent.JOB_INFO:
            self.running[record.jobid] = record
        elif event == LogEvent.JOB_FINISHED:
            job = self.running.get(record.job_id)
            return job is not None and bool(job.output or job.rule_msg)
        self.failed |= record.levelno >= logging.ERROR
        words = HIDDEN_WORDS if self.failed else HIDDEN_WORDS + LAST_WORDS
        return event not in HIDDEN_EVENTS and not (event is None and str(record.msg).startswith(words))

    def _expected(self, now):
        """Seconds that the whole run takes, if jobs go on as fast, and as many at a time, as up to `now`."""
        here = [seconds for _, finished in self.seconds.values() for seconds in finished]
        usual = {rule: mean(finished or earlier or here) for rule, (earlier, finished) in self.seconds.items()}
        so_far = [(job.rule_name, now - job.created) for job in self.running.values()]
        work_left = sum(usual[rule] * n for rule, n in self.left.items())
        work_left -= sum(min(seconds, usual[rule]) for rule, seconds in so_far)
        work_done = sum(here) + sum(seconds for _, seconds in so_far)
        elapsed = now - self.started
        return elapsed + work_left * elapsed / work_done

    def format_run_info(self, msg):
        """The line before the first job."""
        prints = {rule.name for rule in self.workflow.rules if not rule.output}
        self.left = Counter({rule: n for rule, n in msg["stats"].items() if rule not in {*prints, "total"}})
        self.total, self.started = self.left.total(), msg["created"]
        self.seconds = {rule: (list(_earlier(rule, self.dataset)), []) for rule in self.left}
        logs = [os.path.relpath(one.baseFilename) for one in logger.handlers if isinstance(one, logging.FileHandler)]
        return f"{self.total} jobs; their inputs, and why they run: {' '.join(logs)}" if self.total else ""

    def format_job_finished(self, msg):
        """The line of a finished job."""
        job, now = self.running.pop(msg["job_id"]), msg["created"]
        if not job.output:
            return job.rule_msg
        seconds = now - job.created
        self.seconds[job.rule_name][1].append(seconds)
        self.left[job.rule_name] -= 1
        self.done += 1
        about = f" of about {_clock(math.ceil(self._expected(now) / 10) * 10)}" if self.done < self.total else ""
        count = f"{self.done:{len(str(self.total))}}/{self.total}"
        return f"[{count}] {_clock(now - self.started)}{about}  {self._name(job)} ({seconds:.0f} s)"

    def _name(self, job):
        """A job by its rule and its wildcards; a number stands behind the name of its wildcard."""
        wildcards = [(name, value) for name, value in job.wildcards.items() if value != self.dataset]
        return " ".join(
            [job.rule_name, *(f"{key} {value}" if _is_number(value) else value for key, value in wildcards)]
        )

    def format_job_error(self, msg):
        """As Snakemake's, without long lists of files."""
        return super().format_job_error(msg | {key: _first(msg[key]) for key in ("input", "output")})


def _earlier(rule, dataset):
    """Seconds of the jobs of a rule in an earlier run, from their benchmark files."""
    folder = Path("results", dataset, "benchmarks")
    for path in [*folder.glob(f"{rule}.tsv"), *folder.glob(f"{rule}/**/*.tsv")]:
        with suppress(IndexError, ValueError):  # the run was killed while it wrote
            yield float(path.read_text().splitlines()[1].split("\t")[0])


def _first(files):
    more = len(files) - FILES_OF_AN_ERROR
    return [*files[:FILES_OF_AN_ERROR], f"and {more} more"] if more > 0 else files


def _clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _is_number(text):
    try:
        return bool(float(text)) or True
    except ValueError:
        return False
