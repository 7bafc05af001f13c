"""The files of a run, for links in the report, and tables inside the report itself."""

from pathlib import Path
from urllib.parse import quote


def embedded(path):
    """A CSV file as a `data:` URI, for a link that saves it from the page."""
    return "data:text/csv;charset=utf-8," + quote(Path(path).read_text(encoding="utf-8"), safe=",;:/()+=")


def files_of_run(paths, root):
    """Tables, figures and records among `paths`: lists of paths below `root`, by the folder that they lie in.

    Parameters
    ----------
    paths : iterable of path
        A folder stands for the figures and tables in it, a figure also for its table, which lies beside it.
    root : path
        The folder of the dataset; files that lie outside are left out. Its own name in what is returned is "".
    """
    root, found = Path(root), set()
    for path in map(Path, paths):
        if root not in path.parents:
            continue
        if path.is_dir():
            found.update(file for file in path.iterdir() if file.suffix in (".csv", ".svg"))
        elif path.suffix in (".csv", ".json", ".svg"):
            found.update([path, path.with_suffix(".csv")] if path.suffix == ".svg" else [path])
    folders = {}
    for file in sorted(file.relative_to(root) for file in found):
        folders.setdefault(file.parts[0] if len(file.parts) > 1 else "", []).append(file.as_posix())
    return folders
