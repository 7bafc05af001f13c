"""The first page of the report on paper."""

import builtins

import pytest
from pdf import first_page, weasyprint

from fd01.report.sections import SECTIONS
from fd01.workflow.errors import UserError

FIRST, LATER = SECTIONS[0].name, SECTIONS[1].name
PAGE = f"""<!doctype html><html><head><style>
:root {{ --figure-blue: #0173b2; }} @media screen {{ :root {{ --figure-blue: #4fa3e0; }} }}</style></head>
<body><!-- a comment --><header><h1>Title</h1></header><main>
<div><section id="{FIRST}"><p>The answer, with <a href="../metrics/metrics.csv">a table</a>, <a href="#{LATER}">more</a>
and <a href="https://example.org">a page</a>.</p>
<svg viewBox="0 0 1 1"><path style="fill: var(--figure-blue)" stroke="var(--figure-blue)"/></svg></section></div>
<div><p>Layer of results</p><section id="{LATER}">later</section></div><div>the end</div></main>
<footer>foot</footer></body></html>"""


def test_first_page_ends_before_the_layer_of_results():
    page = first_page(PAGE)
    assert "<h1>Title</h1>" in page and "The answer" in page
    assert not any(text in page for text in ("Layer of results", "later", "the end", "foot"))


def test_first_page_ends_within_a_part_that_also_holds_the_answer():
    page = first_page(
        f'<main><section id="{FIRST}">answer</section><p>beside</p><section id="{LATER}">later</section></main>'
    )
    assert "answer" in page and "beside" in page and "later" not in page


def test_figures_have_the_colours_of_the_light_scheme():
    page = first_page(PAGE)
    assert '<path style="fill: #0173b2" stroke="#0173b2">' in page


def test_links_that_a_sent_file_cannot_follow_are_words():
    page = first_page(PAGE)
    assert "<a>a table</a>" in page and "<a>more</a>" in page and '<a href="https://example.org">' in page


def test_missing_pango_is_said_in_one_line(monkeypatch):
    imported = builtins.__import__

    def without_pango(name, *more):
        if name == "weasyprint":
            raise OSError("cannot load library 'libpango-1.0-0': no such file\nmore lines")
        return imported(name, *more)

    monkeypatch.setattr(builtins, "__import__", without_pango)
    with pytest.raises(UserError, match=r"apt install libpango-1\.0-0 libpangoft2-1\.0-0") as caught:
        weasyprint()
    assert "\n" not in str(caught.value)
