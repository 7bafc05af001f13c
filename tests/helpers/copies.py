"""Copies of this repository."""

import shutil
import subprocess

from helpers.paths import ROOT


def copy_repository(folder):
    """Copy what git tracks, and new files that it does not ignore, to `folder`, with their time stamps."""
    listing = ["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(listing, capture_output=True, check=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder
