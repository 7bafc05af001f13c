"""What the forecasts cost, from benchmark files."""

import pytest

from fd01.report.costs import by_experiment, by_rule, read_costs

PASSES = {"LL-forecast": "pretrained-return-32", "LL-probe": "pretrained-return-32"}
HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
FILES = {  # wall seconds, memory, CPU seconds
    "train_patchtst/PTST/2014-12-31/seed-0.tsv": (10, 500, 8),
    "train_patchtst/PTST/2014-12-31/seed-1.tsv": (12, 600, 9),
    "gather_seeds/PTST.tsv": (1, 200, 1),
    "run_lag_llama/pretrained-return-32.tsv": (40, 900, 30),
    "fit_probe/LL-probe.tsv": (2, 300, 2),
    "score_lag_llama/LL-forecast.tsv": (0.01, "-", "-"),
    "run_baseline/BASE-gone.tsv": (5, 100, 5),  # no experiment of this run any more
    "plot_scores/roc.tsv": (5, 100, 5),
    "evaluate.tsv": (5, 100, 5),
}


@pytest.fixture
def jobs(tmp_path):
    for name, (seconds, memory, cpu) in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + f"{seconds}\t0:00:10\t{memory}\t1\t1\t1\t1\t1\t99\t{cpu}\n")
    return read_costs(tmp_path, ["PTST", "LL-forecast", "LL-probe", "EXT"], PASSES)


def test_jobs_behind_the_forecasts_are_read_and_no_others(jobs):
    assert {(job["rule"], job["of"]) for job in jobs} == {
        *(("train_patchtst", "PTST"), ("gather_seeds", "PTST"), ("fit_probe", "LL-probe")),
        *(("run_lag_llama", "pretrained-return-32"), ("score_lag_llama", "LL-forecast")),
    }
    (short,) = (job for job in jobs if job["rule"] == "score_lag_llama")
    assert short["cpu_seconds"] is None and short["wall_seconds"] == 0.01


def test_rules_have_the_sum_of_seconds_and_the_largest_memory(jobs):
    rows = {row["rule"]: row for row in by_rule(jobs)}
    assert next(iter(rows)) == "run_lag_llama"
    row = rows["train_patchtst"]
    assert (row["jobs"], row["cpu_seconds"], row["wall_seconds"], row["memory_mb"]) == (2, 17, 22, 600)
    assert by_rule([]) == []


def test_shared_pass_is_counted_once_over_its_users(jobs):
    forecasts = {"PTST": 2000, "LL-forecast": 1000, "LL-probe": 500, "EXT": 800, "TFM": 0}
    rows = {row["experiment"]: row for row in by_experiment(jobs, PASSES, forecasts)}
    assert set(rows) == {"PTST", "LL-forecast", "LL-probe", "EXT"}
    assert (rows["LL-forecast"]["cpu_seconds"], rows["LL-probe"]["cpu_seconds"]) == (15, 17)
    assert sum(row["cpu_seconds"] or 0 for row in rows.values()) == sum(job["cpu_seconds"] or 0 for job in jobs)
    assert (rows["PTST"]["per_thousand"], rows["LL-probe"]["per_thousand"]) == (9, 34)
    assert rows["LL-forecast"]["shared_with"] == ["LL-probe"] and rows["LL-probe"]["memory_mb"] == 900
    assert rows["EXT"]["cpu_seconds"] is None


def test_pass_of_one_user_alone_is_all_its_own(jobs):
    rows = by_experiment(jobs, PASSES, {"LL-forecast": 1000, "LL-probe": 0})
    assert [(row["experiment"], row["cpu_seconds"], row["shared_with"]) for row in rows] == [("LL-forecast", 30, [])]
