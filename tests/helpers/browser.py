"""The report in a real browser: Chromium, driven by Playwright, with axe-core.

`python tests/helpers/browser.py PAGE PICTURE` writes a picture of the first screen of a report.
"""

import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

if __name__ == "__main__":  # run by hand; pytest has these folders on its path
    sys.path[:0] = [str(Path(__file__).resolve().parents[2] / name) for name in ("scripts", "tests")]

import pytest
from playwright.sync_api import sync_playwright

from fd01.report.sections import RESULTS, SECTIONS
from helpers.paths import ROOT

WIDTHS = {390: 844, 768: 1024, 1280: 800}  # of a phone, a tablet and a desk, with their heights; CSS pixels
SCHEMES = ["light", "dark"]
A4 = {"width": 794, "height": 1123}  # at 96 pixels per inch
AXE = ROOT / "tests" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SECOND_LAYER = [f'[id="{section.name}"]' for section in SECTIONS if section.layer == RESULTS]

# A function that runs in the page; it gets the selector of the sections of the second layer.
_MEASURES = """
selector => {
  const below = box => box.top + scrollY;
  const results = document.querySelector(selector);
  const figures = [...document.querySelectorAll("svg, img")].filter(one => one.checkVisibility());
  const text = [...document.querySelectorAll("svg text, svg tspan")]
    .filter(one => one.textContent.trim() && one.checkVisibility() && one.getScreenCTM());
  const size = one => {
    const {a, b, c, d} = one.getScreenCTM();
    return parseFloat(getComputedStyle(one).fontSize) * Math.sqrt(Math.abs(a * d - b * c));
  };
  const named = svg => {
    const labels = (svg.getAttribute("aria-labelledby") ?? "").split(/\\s+/).filter(Boolean);
    const title = svg.querySelector(":scope > title")?.textContent ?? svg.getAttribute("aria-label") ?? "";
    return svg.getAttribute("role") === "img"
      && (labels.length ? labels.every(id => document.getElementById(id)?.textContent.trim()) : title.trim() !== "");
  };
  return {
    height: document.documentElement.scrollHeight,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    first_figure: figures.length ? below(figures[0].getBoundingClientRect()) : null,
    first_page: results ? below(results.getBoundingClientRect()) : null,
    smallest_text: text.length ? Math.min(...text.map(size)) : null,
    texts: text.length,
    figures: figures.length,
    unnamed: figures.filter(one => one.tagName === "svg" && !named(one)).length,
  };
}
"""
_AXE = "rules => axe.run(document, {resultTypes: ['violations'], ...(rules && {runOnly: rules})})"
_UNFOLD = "document.querySelectorAll('details').forEach(one => (one.open = true))"


def lacking():
    """What this machine lacks to test in a browser: a list of words, empty if nothing."""
    found = {"Chromium (Debian's package chromium)": BROWSER, f"axe-core ({AXE.relative_to(ROOT)})": AXE.exists()}
    return [name for name, there in found.items() if not there]


def demand_browser():
    """Skip a test where there is no browser; with `CI=true` let it fail."""
    if missing := lacking():
        end = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        end(f"no {' and no '.join(missing)}: make .venv/.browser installs them where it can")


@contextmanager
def chromium():
    """A browser without a network."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER)
        yield browser
        browser.close()


class Visit:
    """A page that has been opened.

    Attributes
    ----------
    page : playwright Page
    noise : list of str
        Messages of the console that warn, and errors.
    requests : list of str
        The addresses that the page has asked for, itself left out; none is answered.
    """

    def __init__(self, page, path):
        self.page, self.noise, self.requests = page, [], []
        address = Path(path).resolve().as_uri()
        page.on("pageerror", lambda error: self.noise.append(str(error)))
        page.on("console", lambda said: said.type in ("error", "warning") and self.noise.append(said.text))

        def answer(route):
            if route.request.url.partition("#")[0] == address:
                route.continue_()
            else:
                route.abort()

        def note(request):
            if request.url.partition("#")[0] != address and not request.url.startswith("data:"):
                self.requests.append(request.url)

        page.on("request", note)
        page.route("**/*", answer)
        page.goto(address)

    def unfold(self):
        """Open every fold."""
        self.page.evaluate(_UNFOLD)

    def measure(self):
        """Lengths in CSS pixels, and counts.

        Returns
        -------
        dict with `height` of the page; `overflow`, by how much it is wider than the window; `first_figure` and
        `first_page`, where the first figure begins and where the second layer does, None without one; `smallest_text`
        in figures; `texts` and `figures`, how many of them are seen; `unnamed`, figures without a role or a name
        """
        return self.page.evaluate(_MEASURES, ", ".join(SECOND_LAYER))

    def violations(self, rules=None):
        """What axe-core finds by these rules, or by all: dicts with `id`, `impact`, and `nodes`, the HTML of places."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text())
        found = self.page.evaluate(_AXE, rules)["violations"]
        return [
            {"id": one["id"], "impact": one["impact"], "nodes": [node["html"] for node in one["nodes"]]}
            for one in found
        ]


@contextmanager
def visit(browser, path, width=1280, scheme="light", **options):
    """Open a report in a new window of this width and colour scheme."""
    viewport = {"width": width, "height": WIDTHS[width]}
    context = browser.new_context(viewport=viewport, color_scheme=scheme, **options)
    try:
        yield Visit(context.new_page(), path)
    finally:
        context.close()


def take_picture(visit, path, screens=2):
    """Write a picture of the first screens of a page."""
    size = visit.page.viewport_size
    clip = {"x": 0, "y": 0, "width": size["width"], "height": screens * size["height"]}
    visit.page.screenshot(path=path, full_page=True, clip=clip)


if __name__ == "__main__":
    with chromium() as browser, visit(browser, sys.argv[1]) as first:
        take_picture(first, sys.argv[2])
