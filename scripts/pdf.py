"""Print the first page of the report, all that stands before the results in detail, as a PDF on A4."""

import logging
import re
from pathlib import Path
from xml.etree import ElementTree

import tinyhtml5

from fd01.report.sections import ANSWER, SECTIONS
from fd01.workflow.errors import UserError
from fd01.workflow.files import replacing
from fd01.workflow.logs import configure_logging

FIRST = {section.name for section in SECTIONS if section.layer == ANSWER}
LATER = {section.name for section in SECTIONS} - FIRST
SVG = "{http://www.w3.org/2000/svg}"
PAPER = """
@page { size: A4; margin: 15mm 15mm 17mm }
@page { @bottom-right { content: counter(page) " / " counter(pages); font-size: 8pt } }
html { font-size: 9.5pt; }
nav, button, dialog { display: none; }
body { display: block; margin: 0; padding: 0; }
"""


def first_page(page):
    """The first page alone, as HTML.

    Parameters
    ----------
    page : str
        The report: its later sections have their names as ids, and all that follows the first of them goes.

    Returns
    -------
    str

    Notes
    -----
    The page keeps its own style. What WeasyPrint lacks is taken out before: in figures, variables of CSS become their
    values for a light screen, the first that the style gives. Links to other files and to later sections lead nowhere
    from a PDF that is sent on, so their words alone stay.
    """
    variables = {}
    for name, value in re.findall(r"(--[\w-]+):\s*([^;{}]+)", page):
        variables.setdefault(name, value.strip())
    root = tinyhtml5.parse(page, namespace_html_elements=False)
    _cut(root)
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue  # a comment
        if element.tag.startswith(SVG):
            element.tag = element.tag.removeprefix(SVG)
            for name, value in element.attrib.items():
                element.set(name, re.sub(r"var\((--[\w-]+)\)", lambda found: variables[found[1]], value))
        elif element.tag == "a" and not element.get("href", "").startswith("http"):
            element.attrib.pop("href", None)
    return ElementTree.tostring(root, encoding="unicode", method="html")


def _cut(element):
    """Drop from an element the first part that holds later sections alone, and all that follows it."""
    for child in list(element):
        ids = {part.get("id") for part in child.iter()}
        if ids & LATER:
            if ids & FIRST:
                _cut(child)
            del element[list(element).index(child) + bool(ids & FIRST) :]
            return


def weasyprint():
    """The module WeasyPrint; UserError if it does not find Pango, a library of the system."""
    try:
        import weasyprint as module
    except OSError as error:
        raise UserError(
            f"WeasyPrint needs Pango, a library of the system: {error.args[0].splitlines()[0]}. Install it: "
            "apt install libpango-1.0-0 libpangoft2-1.0-0 (Debian and Ubuntu) or brew install pango (macOS)"
        ) from None
    return module


if __name__ == "__main__":
    configure_logging(snakemake)
    printer = weasyprint()
    logging.getLogger("weasyprint").setLevel(logging.ERROR)  # it warns of every property of SVG and of screens
    document = printer.HTML(string=first_page(Path(snakemake.input.report).read_text(encoding="utf-8")))
    with replacing(snakemake.output[0]) as temporary:
        document.write_pdf(temporary, stylesheets=[printer.CSS(string=PAPER)], pdf_variant="pdf/ua-1")
