"""Measure how a report reads: its size, where its first figure is, overflow, small text, axe-core; see README.md."""

import argparse
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:1] = [str(ROOT / "scripts"), str(ROOT / "tests")]

from helpers.browser import SCHEMES, WIDTHS, chromium, lacking, visit  # noqa: E402


def measured(browser, path):
    """Pairs of what is measured and its value, as text."""
    yield "size, MB", f"{path.stat().st_size / 1e6:.2f}"
    overflow, violations, noise, requests = {}, Counter(), 0, 0
    for width in WIDTHS:
        for scheme in SCHEMES:
            with visit(browser, path, width, scheme) as opened:
                folded = opened.measure()
                opened.unfold()
                unfolded = opened.measure()
                for one in opened.violations():
                    key = f"{one['id']} ({one['impact']})"
                    violations[key] = max(violations[key], len(one["nodes"]))
                noise, requests = max(noise, len(opened.noise)), max(requests, len(opened.requests))
        overflow[width] = max(folded["overflow"], unfolded["overflow"])
        if width == min(WIDTHS):
            yield f"smallest text in figures at {width} px, px", f"{unfolded['smallest_text'] or float('nan'):.1f}"
    for what in ("height", "first_page", "first_figure"):  # of the last width
        found = folded[what]
        words = what.replace("_", " ") + (" begins at" if what == "first_figure" else "")
        yield f"{words}, screens of {width} x {WIDTHS[width]}", "–" if found is None else f"{found / WIDTHS[width]:.1f}"
    yield "wider than the window by, px", ", ".join(f"{value} at {width}" for width, value in overflow.items())
    yield "figures; without a role or a name", f"{unfolded['figures']}; {unfolded['unnamed']}"
    yield "console messages, requests", f"{noise}, {requests}"
    # The most places of one width and scheme.
    yield "axe: rules, places", ", ".join(f"{key} {count}" for key, count in sorted(violations.items())) or "none"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="+", type=Path, help="reports, a column each")
    pages = parser.parse_args().pages
    if missing := lacking():
        sys.exit(f"no {' and no '.join(missing)}: make .venv/.browser installs them where it can")
    with chromium() as browser:
        columns = [dict(measured(browser, page)) for page in pages]
    print("| what |" + "".join(f" {page} |" for page in pages))
    print("|---|" + "---|" * len(pages))
    for what in columns[0]:
        print(f"| {what} |" + "".join(f" {column[what]} |" for column in columns))
