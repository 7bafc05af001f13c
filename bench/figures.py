"""What the benchmarks measured, in one file that `bench/run_all.py` draws: ours, the usual way, and the limit."""

import json
import os
from pathlib import Path

FILE = "FD01_BENCH_FIGURES"  # the variable that names the file


def note(what, ours, usual=None, limit=None):
    """Add CPU seconds to the file, if one is named: of ours, of the usual way, and of the least that it could cost."""
    if FILE in os.environ:
        with Path(os.environ[FILE]).open("a", encoding="utf-8") as file:
            print(json.dumps({"what": what, "ours": ours, "usual": usual, "limit": limit}), file=file)
