"""The code of a job: its script, and the modules of this package that the script imports, directly or not."""

import hashlib
import re
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2]


def modules_of(script):
    """Names of the modules that a script or a notebook imports, anywhere in it or in one of these modules; sorted."""
    found, pending = set(), [Path(script)]
    while pending:
        new = _imported_by(pending.pop()) - found
        found |= new
        pending += map(_path_of, new)
    return sorted(found)


def code_digest(script):
    """SHA-256 of the text of a script or a notebook and of its `modules_of`, as a hexadecimal string."""
    files = [Path(script), *map(_path_of, modules_of(script))]
    return hashlib.sha256("".join(map(_digest_of, files)).encode()).hexdigest()


def _path_of(module):
    return SCRIPTS / f"{module.replace('.', '/')}.py"


@cache
def _read(path):
    return path.read_text(encoding="utf-8")


@cache
def _imported_by(path):
    # Quotes stand before the lines of a notebook.
    return set(re.findall(r'^[\s"]*from (fd01\.\w+\.\w+) import', _read(path), re.MULTILINE))


@cache
def _digest_of(path):
    return hashlib.sha256(_read(path).encode()).hexdigest()
