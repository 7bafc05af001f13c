"""Reading and writing files, so that a file is either complete or absent, and checksums."""

import hashlib
import json
import os
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

KNOWN_CONTENT = Path(".snakemake", "content.json")  # in the working directory: what `content_sha256` has computed


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
    path = Path(path)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return digest({file.relative_to(path).as_posix(): content_sha256(file) for file in files})
    if not path.is_file():
        return None
    about = path.stat()
    return _content_sha256(os.path.abspath(path), about.st_size, about.st_mtime_ns, about.st_ctime_ns)


@cache
def _content_sha256(path, *state):
    known = {}
    with suppress(OSError, ValueError):
        known = read_json(KNOWN_CONTENT)
    if known.get(path, [])[:-1] != list(state):
        known[path] = [*state, sha256(path)]
        with suppress(OSError):  # the folder cannot be written, or is not there yet
            write_json(KNOWN_CONTENT, known)
    return known[path][-1]


def digest(value):
    """SHA-256 of `value` as JSON with sorted keys: equal settings give equal digests."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
