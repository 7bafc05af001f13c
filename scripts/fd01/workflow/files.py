"""Reading and writing files, so that a file is either complete or absent, and checksums."""

import hashlib
import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path

KNOWN_CONTENT = Path(".snakemake", "content.json")  # in the working directory: what `content_sha256` has computed
_COMPUTED = {}  # the same, of this process


@contextmanager
def replacing(path):
    """Yield a temporary path in the folder of `path`; move the file to `path` if the block succeeds, else delete it."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path, text):
    """Write `text` to `path`; a job that is killed leaves no half-written file."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path, value):
    """Write `value` to `path` as indented JSON; NaN is refused (ValueError)."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path):
    """Read the JSON file `path`."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def sha256(path):
    """SHA-256 of the bytes of the file `path`, as a hexadecimal string."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_sha256(path):
    """SHA-256 of the file `path`, or, of a folder, the `digest` of its files by name; None if there is neither.

    It is computed once for each state of a file (its size and its times), and kept in `KNOWN_CONTENT`.
    """
    return contents_sha256([path])[0]


def contents_sha256(paths):
    """`content_sha256` of each of `paths`; `KNOWN_CONTENT` is written once for all of them."""
    inside = {path: sorted(file for file in Path(path).rglob("*") if file.is_file()) for path in paths}
    sums = _sums({Path(path) for path in paths if Path(path).is_file()}.union(*inside.values()))
    return [
        digest({file.relative_to(path).as_posix(): sums[file] for file in inside[path]})
        if Path(path).is_dir()
        else sums.get(Path(path))
        for path in paths
    ]


def _sums(files):
    """SHA-256 of each of `files`, a dict; what this process has computed is kept even where no file can be written."""
    states = {}
    for file in files:
        about = file.stat()
        states[file] = os.path.abspath(file), about.st_size, about.st_mtime_ns, about.st_ctime_ns
    if missing := [file for file, state in states.items() if state not in _COMPUTED]:
        known = {}
        with suppress(OSError, ValueError):
            known = read_json(KNOWN_CONTENT)
        before = known.copy()
        for file in missing:
            path, *state = states[file]
            if known.get(path, [])[:-1] != state:
                known[path] = [*state, sha256(file)]
            _COMPUTED[states[file]] = known[path][-1]
        if known != before:
            with suppress(OSError):  # the folder cannot be written, or is not there yet
                write_json(KNOWN_CONTENT, known)
    return {file: _COMPUTED[state] for file, state in states.items()}


def digest(value):
    """SHA-256 of `value` as JSON with sorted keys: equal settings give equal digests."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
