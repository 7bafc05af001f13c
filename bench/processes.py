"""What a process costs from its start to its end, its children included."""

import os
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple


class Cost(NamedTuple):
    """`output` is what the process printed; `memory` the largest resident set of one process, in MB."""

    output: str
    seconds: float
    cpu_seconds: float
    memory: float


def cost_of(command, cwd, **variables):
    """Run `command` in `cwd` with more environment variables; exit with its output if it fails."""
    with tempfile.TemporaryFile("w+") as printed:
        start = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)), cwd=cwd, env=os.environ | variables, stdout=printed, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        printed.seek(0)
        output = printed.read()
    if status:
        sys.exit(output)
    unit = 1e6 if sys.platform == "darwin" else 1e3  # macOS counts bytes, Linux kB
    return Cost(output, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / unit)
