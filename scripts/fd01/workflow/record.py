"""The record of a report: digests of the files that it rests on, so that a change of one of them is noticed.

A run that makes some of these files again puts a note into the report that is still there; the new report has none.
"""

import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from fd01.workflow.files import read_json, replacing, sha256

RECORD, PAGE = "report/files.json", "report/index.html"  # in the folder of a dataset
_NOTE = re.compile(r'<p id="outdated".*?</p>', re.DOTALL)


def digests(paths, root):
    """SHA-256 of files by their path below the folder `root`; a folder stands for the files in it, hidden ones apart.

    Files outside `root`, and the record itself, are left out.
    """
    root, found = Path(root), {}
    for path in map(Path, paths):
        files = path.rglob("*") if path.is_dir() else [path]
        found |= {file: None for file in files if root in file.parents and not file.name.startswith(".")}
    found.pop(root / RECORD, None)
    return {file.relative_to(root).as_posix(): sha256(file) for file in sorted(found) if file.is_file()}


def changes(root):
    """What has become of the files of the record in the folder `root`: list of str, such as `file is gone`."""
    root, found = Path(root), []
    for name, before in read_json(root / RECORD).items():
        path = root / name
        if not path.is_file():
            found.append(f"{path} is gone")
        elif sha256(path) != before:
            found.append(f"{path} has changed")
    return found


def rests_on(root, outputs):
    """Whether one of `outputs`, paths of files and folders, is the report in the folder `root` or in its record."""
    root = Path(root)
    with suppress(OSError, ValueError, TypeError):
        recorded = {root / name for name in [PAGE, *read_json(root / RECORD)]}
        recorded |= {folder for path in recorded for folder in path.parents if root in folder.parents}
        return not recorded.isdisjoint(map(Path, outputs))
    return False


def say_older(root):
    """Put the note into the report in the folder `root`: files that it rests on are being made again."""
    began = datetime.now(UTC).isoformat(" ", "minutes").removesuffix("+00:00")
    note = (
        '<p id="outdated" role="alert" style="margin:0;padding:.5em 1em;background:#8a1c1c;color:#fff">This report is '
        f"older than the files beside it: a run that began on {began} UTC makes some of them again, and the report "
        "comes last. If no run is going on, that run has not finished: start it again, or ask `snakemake show`.</p>"
    )
    _rewrite(Path(root, PAGE), lambda text: re.sub("<body[^>]*>", lambda body: body[0] + note, text, count=1))


def take_back(root):
    """Take the note out of the report in the folder `root`, if it has one."""
    _rewrite(Path(root, PAGE), lambda text: text)


def _rewrite(page, change):
    with suppress(OSError, ValueError):  # there is no report, it is damaged, or it cannot be written
        before, about = page.read_text(encoding="utf-8"), page.stat()
        text = change(_NOTE.sub("", before))
        if text != before:
            with replacing(page) as temporary:
                temporary.write_text(text, encoding="utf-8")
                # With a new time stamp the report would count as newer than what it rests on.
                os.utime(temporary, ns=(about.st_atime_ns, about.st_mtime_ns))
