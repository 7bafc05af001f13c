"""The code of a job: its script, and the modules of this package that the script imports, directly or not."""

import re
from functools import cache
from pathlib import Path

from fd01.workflow.files import digest, sha256

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
    """`fd01.workflow.files.digest` of the content of a script or a notebook and of its `modules_of`."""
    return digest([_sha256(path) for path in (Path(script), *map(_path_of, modules_of(script)))])


def _path_of(module):
    return SCRIPTS / f"{module.replace('.', '/')}.py"


_sha256 = cache(sha256)  # most scripts share most modules


@cache
def _imported_by(path):
    # Quotes stand before the lines of a notebook.
    pattern = r'^[\s"]*from (fd01\.\w+\.\w+) import'
    return set(re.findall(pattern, path.read_text(encoding="utf-8"), re.MULTILINE))
