"""Benchmarks that no other run would notice when they no longer fit the code."""

import subprocess
import sys

from helpers.paths import ROOT


def test_whole_files_of_every_kind_are_read_and_damaged_ones_read_or_refused():
    command = [sys.executable, ROOT / "bench" / "fuzz.py", "--scale", "0.02", "--seconds", "60"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if line[:1] == "|"]
    rows = [row for row in rows if row[1].isdigit()]
    assert len(rows) == 11 and all(int(read) and int(refused) for _, _, read, refused, *_ in rows)
