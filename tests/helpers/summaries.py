"""A made-up summary.json with what the figures of the answer need."""

from fd01.report.groups import GROUPS

VERDICTS = ["better", "inconclusive", "equivalent", "worse"]


def long_name(i, length=60):
    """A name of `length` characters."""
    return f"model {i} zero-shot on the log returns of daily highs and closes, all of them".ljust(length, "x")[:length]


def summary(count=10, not_run=4, name=long_name, folds=("test", "validation")):
    """`count` rows in every fold, of which the first `not_run` did not run."""
    rows = []
    for fold in folds:
        for i in range(count):
            absent = i < not_run
            middle = round(0.12 - 0.035 * i, 3)
            rows.append(
                {
                    "fold": fold,
                    "experiment": f"E-{i}",
                    "name": name(i),
                    "group": GROUPS[min(3, i * 4 // count)],
                    "status": "not run" if absent else "ok",
                    "difference": None if absent else middle,
                    "low": None if absent else middle - 0.06,
                    "high": None if absent else middle + 0.06,
                    "verdict": None if absent else VERDICTS[i % 4],
                    "exposure": None if absent else ("clean", "exposed")[i % 2],
                    "doubt": "unverified" if i == 5 else None,
                }
            )
    periods = [
        {
            "fold": fold,
            "title": f"{fold}, 2017 to 2018",
            "n": 1501,
            "series": 1,
            "dates": 1501,
            "positives": 163,
            "clean": True,
        }
        for fold in folds
    ]
    direction = [
        {
            "fold": fold,
            "title": f"{fold}, 2017 to 2018",
            "event_auc": 0.848,
            "event_experiment": "E-0",
            "event_name": name(0),
            "direction_auc": 0.561,
            "direction_experiment": "E-1",
            "direction_name": name(1),
            "tried": 16,
            "chance_low": 0.52,
            "chance_high": 0.58,
        }
        for fold in folds
    ]
    return {
        "reference": {"experiment": "PTST-2M", "name": "PatchTST, trained for the task (PTST-2M)"},
        "margin": 0.02,
        "event": {"text": "the next day's High reaches today's Close plus 1 %"},
        "periods": periods,
        "rows": rows,
        "not_shown": 2,
        "direction": direction,
    }
