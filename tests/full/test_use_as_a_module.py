"""The workflow as a Snakemake module of another one: docs/how-to/use-as-a-module.md, and the small study."""

import re
import subprocess
import sys

import pytest
import yaml
from helpers.paths import ROOT, SMALL_STUDY

from fd01.scoring.predictions import read_predictions
from fd01.workflow.parquet import read_frame

PAGE = (ROOT / "docs" / "how-to" / "use-as-a-module.md").read_text()
SMALL = yaml.safe_load((SMALL_STUDY / "config.yaml").read_text())
CALLER = """
configfile: "config.yaml"


module fd01:
    snakefile:
        "fd-01/Snakefile"
    config:
        config["fd01"]


use rule * from fd01 as fd01_*
"""


def block(language):
    """The code block of the page in this language."""
    (code,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return code


def caller(folder, snakefile, config):
    """A workflow in `folder` that has this repository in its folder fd-01."""
    (folder / "fd-01").symlink_to(ROOT)
    (folder / "Snakefile").write_text(snakefile)
    (folder / "config.yaml").write_text(config if isinstance(config, str) else yaml.safe_dump(config))
    return folder


def snakemake(folder, *arguments):
    """Snakemake in the folder of the caller; returns its exit status and what it said."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    run = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return run.returncode, run.stdout


def planned(folder, *arguments):
    """Text of a dry run, which must end well."""
    status, text = snakemake(folder, "--dry-run", *arguments)
    assert status == 0, text
    return text


def inputs(text, rule):
    """The line `input:` of a rule in the text of a dry run."""
    return re.search(rf"^(?:local)?rule {rule}:\n    input: (.*)$", text, re.MULTILINE)[1].split(", ")


@pytest.fixture
def small(tmp_path):
    """A workflow whose module has a whole configuration: the small study."""
    return caller(tmp_path, CALLER, {"fd01": SMALL})


def test_code_of_the_page_makes_what_it_says(tmp_path):
    folder = caller(tmp_path, block("python"), block("yaml"))
    status, text = snakemake(folder)
    assert status == 0, text
    scores, _ = read_predictions(folder / "results/sp500/predictions/BASE-drawdown-60")
    outcomes = read_frame(folder / "results/sp500/data/outcomes.parquet")
    assert len(scores) and set(scores["origin"]) <= set(outcomes["origin"])
    assert (folder / "predictions.txt").read_text()
    assert {path.name for path in folder.iterdir()} == {
        *("fd-01", "Snakefile", "config.yaml", ".snakemake", "results", "predictions.txt")
    }


def test_default_target_is_the_report(small):
    text = planned(small)
    assert re.search(r"^rule fd01_render_report:$", text, re.MULTILINE)
    wanted = r"Report: results/sp500/report/index\.html\. To see the verdict here: snakemake fd01_show$"
    assert re.search(wanted, text, re.MULTILINE)
    assert not any("audit.csv" in name for name in inputs(text, "fd01_render_report"))


def test_audit_becomes_part_of_the_report_under_any_name(small):
    (small / "Snakefile").write_text(CALLER.replace("fd01_*", "study_*"))
    text = planned(small, "study_audit")
    assert "results/sp500/metrics/audit.csv" in inputs(text, "study_render_report")


def test_configuration_of_the_caller_stays_and_can_be_used_twice(small):
    again = """
before = str(config)


use rule run_baseline from fd01 as fd01_run_baseline with:
    threads: 2


assert str(config) == before, config
"""
    (small / "Snakefile").write_text(CALLER.replace("\n\nmodule", "\nbefore = str(config)\n\n\nmodule") + again)
    assert "    threads: 2\n" in planned(small, "results/sp500/predictions/BASE-HAR")


def test_choice_on_the_command_line_reaches_the_module(small):
    assert "results/synthetic/report/index.html" in planned(small, "--config", "fd01={dataset: synthetic}")


def test_partial_configuration_is_refused_in_one_line(small):
    (small / "config.yaml").write_text(yaml.safe_dump({"fd01": {"dataset": "sp500", "experiments": {}, "plan": {}}}))
    status, text = snakemake(small, "--dry-run")
    assert status == 1
    assert (
        "\nThe config of the module lacks walk_forward, datasets, labels, label_family, targets, origins, weights, "
        "statistics, decision: it replaces config.yaml, so it needs every section. Load config.yaml and merge your "
        "choices into it: docs/how-to/use-as-a-module.md\n"
    ) in text


def test_text_of_the_caller_opens_its_record(small):
    (small / "mine.rst").write_text("A text of the caller.\n")
    configfile = 'configfile: "config.yaml"\n'
    rule = """

rule mine:
    default_target: True
    output:
        touch("mine.txt"),
"""
    (small / "Snakefile").write_text(CALLER.replace(configfile, f'{configfile}\n\nreport: "mine.rst"\n') + rule)
    for arguments in [(), ("--report", "record.html")]:
        status, text = snakemake(small, *arguments)
        assert status == 0, text
    record = (small / "record.html").read_text()
    assert "A text of the caller." in record and "FD-01 asks" not in record
