"""What a run cost, from benchmark files and logs."""

import pytest

from fd01.report.costs import by_experiment, by_rule, in_all, read_costs

PASSES = {"LL-forecast": "pretrained-return-32", "LL-probe": "pretrained-return-32"}
HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
FILES = {  # wall seconds, memory, CPU seconds
    "train_patchtst/PTST/2014-12-31/seed-0.tsv": (10, 500, 8),
    "train_patchtst/PTST/2014-12-31/seed-1.tsv": (12, 600, 9),
    "train_patchtst/PTST/2014-12-31/seed-2.tsv": (900, 9000, 900),  # no seed of this run any more
    "train_patchtst/PTST/2002-12-31/seed-0.tsv": (900, 9000, 900),  # nor is this the end of a training
    "gather_seeds/PTST.tsv": (1, 200, 1),
    "gather_predictions/FRC.tsv": (1, 200, 1),
    "forecast_fracast/FRC.tsv": (900, 9000, 900),  # before the dataset had shards
    "run_lag_llama/pretrained-return-32.tsv": (40, 900, 30),
    "fit_probe/LL-probe.tsv": (2, 300, 2),
    "score_lag_llama/LL-forecast.tsv": (0.01, "-", 0.5),
    "run_baseline/BASE-half.tsv": (3, 100, 3),
    "fit_probe/BASE-half.tsv": (4, 100, 4),
    "run_baseline/BASE-gone.tsv": (900, 9000, 900),  # no experiment of this run any more
    "run_lag_llama/pretrained-high-32.tsv": (900, 9000, 900),  # no pass of it
    "plot_scores/roc.tsv": (5, 100, 5),
    "evaluate.tsv": (6, 1000, 6),
    "plot_walk_forward.tsv": (900, 9000, 900),  # the report has no such figure any more
    "measure_truth.tsv": (7, 100, 7),
    "audit_predictions.tsv": (900, 9000, 900),  # a run of its own
    "render_report.tsv": (900, 9000, 900),  # of the report before
}
KILLED = "fit_probe/BASE-half.tsv"  # before its log said what it had used
WITHOUT_MEMORY = "score_lag_llama/LL-forecast.tsv", "evaluate.tsv"  # in the log, as on a Mac
TRAININGS = ["PTST/2014-12-31/seed-0", "PTST/2014-12-31/seed-1"]
JOBS = {
    "gather_predictions/FRC",
    "BASE-half",
    "PTST",
    "LL-forecast",
    "LL-probe",
    "pretrained-return-32",
    "roc",
    *TRAININGS,
}
RULES = {"evaluate", "measure_truth"}


@pytest.fixture
def jobs(tmp_path):
    for name, (seconds, memory, cpu) in FILES.items():
        path = tmp_path / "benchmarks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        seen = memory if name in WITHOUT_MEMORY else 1
        path.write_text(HEAD + f"{seconds}\t0:00:10\t{seen}\t1\t1\t1\t1\t1\t99\t{cpu / 2}\n")
        log = tmp_path / "logs" / f"{name.removesuffix('.tsv')}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        at_most = "" if name in WITHOUT_MEMORY else f", at most {memory} MB of memory"
        log.write_text("INFO begun\n" + (f"INFO used {cpu:.2f} CPU seconds{at_most}\n" if name != KILLED else ""))
    return read_costs(tmp_path / "benchmarks", JOBS, RULES)


def test_jobs_of_the_present_configuration_are_read_and_no_others(jobs):
    assert sorted((job["rule"], job["job"], job["of"]) for job in jobs) == [
        ("evaluate", "", ""),
        ("fit_probe", "BASE-half", "BASE-half"),
        ("fit_probe", "LL-probe", "LL-probe"),
        ("gather_predictions", "FRC", "FRC"),
        ("gather_seeds", "PTST", "PTST"),
        ("measure_truth", "", ""),
        ("plot_scores", "roc", "roc"),
        ("run_baseline", "BASE-half", "BASE-half"),
        ("run_lag_llama", "pretrained-return-32", "pretrained-return-32"),
        ("score_lag_llama", "LL-forecast", "LL-forecast"),
        *(("train_patchtst", training, "PTST") for training in TRAININGS),
    ]
    (short,) = (job for job in jobs if job["rule"] == "score_lag_llama")
    assert (short["cpu_seconds"], short["wall_seconds"], short["memory_mb"]) == (0.5, 0.01, None)
    (killed,) = (job for job in jobs if (job["rule"], job["job"]) == ("fit_probe", "BASE-half"))
    assert (killed["cpu_seconds"], killed["wall_seconds"], killed["memory_mb"]) == (None, 4, 1)


def test_rules_have_the_sum_of_seconds_and_the_largest_memory(jobs):
    table = by_rule(jobs).set_index("rule")
    assert table.index[0] == "run_lag_llama"
    assert table.loc["train_patchtst"].to_list() == [2, 17, 22, 600]
    assert table.loc["score_lag_llama"].isna().to_list() == [False, False, False, True]
    assert table.loc["fit_probe"].isna().to_list() == [False, True, False, False]  # one of two was not measured
    assert by_rule([]).empty


def test_sum_longest_and_largest_job_of_all(jobs):
    cost = in_all(jobs)
    assert (cost["jobs"], cost["cpu_seconds"]) == (12, 8 + 9 + 1 + 1 + 30 + 2 + 0.5 + 3 + 5 + 6 + 7)
    assert cost["unmeasured"] == 1
    assert (cost["longest"]["rule"], cost["largest"]["rule"]) == ("run_lag_llama", "evaluate")
    assert in_all([]) is None


def test_shared_pass_is_counted_once_over_its_users(jobs):
    forecasts = {"PTST": 2000, "FRC": 100, "LL-forecast": 1000, "LL-probe": 500, "EXT": 800, "BASE-half": 9, "TFM": 0}
    rows = {row["experiment"]: row for row in by_experiment(jobs, PASSES, forecasts)}
    assert set(rows) == {"PTST", "FRC", "LL-forecast", "LL-probe", "EXT", "BASE-half"}
    assert (rows["LL-forecast"]["cpu_seconds"], rows["LL-probe"]["cpu_seconds"]) == (15.5, 17)
    others = ("", "roc", "BASE-half")
    behind = [job for job in jobs if job["job"] not in others]
    assert sum(row["cpu_seconds"] or 0 for row in rows.values()) == sum(job["cpu_seconds"] or 0 for job in behind)
    assert (rows["PTST"]["per_thousand"], rows["LL-probe"]["per_thousand"]) == (9, 34)
    assert rows["LL-forecast"]["shared_with"] == ["LL-probe"] and rows["LL-probe"]["memory_mb"] == 900
    assert rows["EXT"]["cpu_seconds"] is None
    assert (rows["BASE-half"]["cpu_seconds"], rows["BASE-half"]["per_thousand"]) == (None, None)


def test_pass_of_one_user_alone_is_all_its_own(jobs):
    rows = by_experiment(jobs, PASSES, {"LL-forecast": 1000, "LL-probe": 0})
    assert [(row["experiment"], row["cpu_seconds"], row["shared_with"]) for row in rows] == [("LL-forecast", 30.5, [])]
